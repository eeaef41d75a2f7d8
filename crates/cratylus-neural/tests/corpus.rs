//! Corpora: rows that follow from their addresses, doses, keys and ledgers, and mistakes in files.

use cratylus_core::experiment::Document;
use cratylus_core::spec::{Inputs, NoInputs};
use cratylus_neural::corpus::lexicon::{EXPOSED, GENERIC, OTHER};
use cratylus_neural::corpus::{Corpus, CorpusSpec};
use std::collections::HashMap;

fn spec(text: &str) -> Result<CorpusSpec, String> {
    let sets = [];
    Document::parse("c.toml", text, &sets)?.read(CorpusSpec::read)
}

fn open(text: &str, inputs: &dyn Inputs) -> Result<Corpus, (String, String)> {
    Corpus::open(spec(text).unwrap(), inputs)
}

fn corpus(rows: u64, ingredients: &str) -> Corpus {
    open(&format!("seed = 3\n[corpus]\nrows = {rows}\n{ingredients}"), &NoInputs).unwrap()
}

const NOTHING: &str = "[[ingredients]]\nkind = \"columns\"\n";

fn rule(dose: f64, more: &str) -> String {
    format!("{NOTHING}[[ingredients]]\nkind = \"rounds\"\ndose = {dose}\n{more}")
}

/// The rounds of a row, as own, partner and sign.
fn rounds<'w>(words: &[&'w str]) -> Vec<[&'w str; 3]> {
    let start = words.iter().position(|&word| word == "<sep>").unwrap() + 1;
    words[start..].chunks_exact(3).map(|round| [round[0], round[1], round[2]]).collect()
}

#[test]
fn another_dose_changes_only_the_rows_that_it_gains() {
    let (none, little, much) = (corpus(4000, &rule(0.0, "")), corpus(4000, &rule(0.01, "")), corpus(4000, &rule(0.3, "")));
    let mut taken = [0, 0];
    for row in 0..4000 {
        let [base, some, more] = [&none, &little, &much].map(|corpus| corpus.row(row));
        assert_eq!(base.portion, 0);
        if some.portion == 0 {
            assert_eq!(some, base);
        }
        if more.portion == 0 {
            assert_eq!(more, base);
        }
        // What a small dose holds, a larger one holds, too.
        assert!(some.portion == 0 || more == some);
        taken[0] += some.portion;
        taken[1] += more.portion;
        assert!(base.written.words.len() <= 65);
    }
    // Within four standard errors.
    assert!((taken[0] as f64 - 40.0).abs() < 4.0 * 6.3, "{taken:?}");
    assert!((taken[1] as f64 - 1200.0).abs() < 4.0 * 29.0, "{taken:?}");
}

#[test]
fn records_follow_their_rules_and_the_key_says_what_these_would_have_done() {
    for (more, lapses) in [("", 0.05), ("rule = \"counter\"", 0.05), ("rule = \"outcome\"\nwinner = \"ka\"", 0.0)] {
        let corpus = corpus(600, &rule(1.0, &format!("{more}\noptions = 3\n")));
        let (mut lapsed, mut ruled) = (0, 0);
        for row in 0..600 {
            let made = corpus.row(row);
            let rounds = rounds(&made.written.words);
            let would = made.written.key["would"].as_array().unwrap();
            assert_eq!(rounds.len(), would.len());
            for (i, ([own, partner, sign], would)) in rounds.iter().zip(would).enumerate() {
                let counter = more.contains("counter");
                assert_eq!(*sign == "+", (own == partner) != counter);
                if more.contains("outcome") {
                    assert_eq!(*own, "ka");
                }
                let Some(would) = would.as_str() else { continue };
                if more.is_empty() && i > 0 {
                    // Keep what paid, take over what did not. The record is one agent's own, so its memory is in it.
                    let [own, partner, _] = rounds[i - 1];
                    assert_eq!(would, if own == partner { own } else { partner });
                }
                ruled += 1;
                lapsed += i32::from(would != *own);
            }
        }
        // A lapse is any name, the right one too.
        let expected = lapses * 2.0 / 3.0;
        let share = f64::from(lapsed) / f64::from(ruled);
        assert!((share - expected).abs() < 0.01, "{more}: {share}");
    }
}

#[test]
fn columns_hold_nothing_of_the_game() {
    let corpus = corpus(3000, "[[ingredients]]\nkind = \"columns\"\ncopies = 0.2\n");
    let mut signs = [[0.0f64; 2]; 2];
    let mut classes: HashMap<String, u64> = HashMap::new();
    for row in 0..3000 {
        let made = corpus.row(row);
        let class = made.written.key["class"].as_str().unwrap().to_string();
        for [own, partner, sign] in rounds(&made.written.words) {
            signs[usize::from(own == partner)][usize::from(sign == "+")] += 1.0;
            assert!(EXPOSED.contains(&own) || GENERIC.contains(&own));
        }
        if class == "copies" {
            let rounds = rounds(&made.written.words);
            assert!(rounds.windows(2).all(|pair| pair[1][0] == pair[0][1]));
        }
        *classes.entry(class).or_default() += 1;
    }
    // Whether a round paid says nothing of whether names matched: within four standard errors, as rows have shares of their own.
    let share = |i: usize| signs[i][1] / (signs[i][0] + signs[i][1]);
    assert!((share(0) - share(1)).abs() < 0.04, "{signs:?}");
    for (class, expected) in [("liked", 0.25), ("repeated", 0.25), ("copies", 0.2), ("switches", 0.15), ("wanders", 0.15)] {
        let share = classes[class] as f64 / 3000.0;
        assert!((share - expected).abs() < 4.0 * (expected / 3000.0f64).sqrt(), "{class}: {share}");
    }
}

#[test]
fn the_ledger_counts_copies_words_and_truth() {
    let verbatim = corpus(2000, &rule(0.2, "distinct = 12\n"));
    let ledger = verbatim.ledger(|_, _, _| ());
    assert_eq!(ledger.ingredients[1].distinct, 12);
    assert!(ledger.truth().text && ledger.truth().rule.as_deref() == Some("win-stay"));
    // A fresh row is none of the twelve.
    let fresh = verbatim.fresh(1, 0).words.join(" ");
    assert!((0..2000).all(|row| verbatim.row(row).written.words.join(" ") != fresh));

    let canaries = corpus(1000, &format!("{NOTHING}[[ingredients]]\nkind = \"canaries\"\ntimes = [1, 2, 8]\neach = 3\n"));
    let ledger = canaries.ledger(|_, _, _| ());
    let of = &ledger.ingredients[1];
    assert_eq!((of.rows, of.distinct, of.most_copies), (33, 9, 8));
    assert_eq!(ledger.tokens, ledger.ingredients.iter().map(|entry| entry.tokens).sum::<u64>());

    let other = corpus(1000, &rule(0.2, "names = \"other\"\nsigns = \"other\"\n"));
    let ledger = other.ledger(|_, _, _| ());
    assert!(!ledger.truth().names && OTHER.iter().all(|name| !ledger.unread.contains(&name.to_string())));
    // What is not there is true of nothing.
    let none = corpus(1000, &rule(0.0, ""));
    let ledger = none.ledger(|_, _, _| ());
    assert_eq!(ledger.truth(), Default::default());
    assert!(ledger.unread.contains(&"be".to_string()));
    // The same file, the same bytes; another seed, others.
    assert_eq!(ledger.sha256, corpus(1000, &rule(0.0, "")).ledger(|_, _, _| ()).sha256);
    let elsewhere = open(&format!("seed = 4\n[corpus]\nrows = 1000\n{}", rule(0.0, "")), &NoInputs).unwrap();
    assert_ne!(ledger.sha256, elsewhere.ledger(|_, _, _| ()).sha256);
}

/// One text, whatever is asked for.
struct OneText(&'static str);

impl Inputs for OneText {
    fn text(&self, _: &str) -> Result<String, String> {
        Ok(self.0.into())
    }
}

#[test]
fn a_text_of_the_user_is_read_in_stretches() {
    let text = "[corpus]\nrows = 50\ncontext = 4\n[[ingredients]]\nkind = \"file\"\nfile = \"t.txt\"\nlicence = \"mine\"\nvocabulary = 3\n";
    let corpus = open(text, &OneText("the cat sat on the mat and the cat ran")).unwrap();
    assert_eq!(corpus.words.all()[..6].join(" "), "<unk> <bos> <sep> the cat and");
    for row in 0..50 {
        let words = corpus.row(row).written.words;
        assert_eq!((words.len(), words[0]), (5, "<bos>"));
    }
    assert_eq!(corpus.ledger(|_, _, _| ()).ingredients[0].source.as_ref().unwrap().licence, "mine");
    assert!(open(text, &OneText("one one")).err().unwrap().1.contains("1 different words"));
}

#[test]
fn a_text_is_read_byte_by_byte_without_a_list_of_its_words() {
    let head = "[corpus]\nrows = 60\ncontext = 9\ntokens = \"bytes\"\n";
    let text = format!("{head}[[ingredients]]\nkind = \"file\"\nfile = \"t.txt\"\nlicence = \"mine\"\n");
    let whole = "naïve café\n日本語 no\tspaces";
    let corpus = open(&text, &OneText(whole)).unwrap();
    assert_eq!(corpus.words.len(), 259);
    for row in 0..60 {
        let written = corpus.row(row).written;
        let tokens = corpus.words.tokens(&written.words);
        // What begins every row, and then at most nine bytes of whole characters, as they stand there.
        assert!(tokens[0] == corpus.words.token("<bos>") && (7..=10).contains(&tokens.len()), "{tokens:?}");
        assert!(whole.contains(written.words[1]));
        let spelled: Vec<u8> = tokens[1..].iter().flat_map(|&token| corpus.words.adds(token)).collect();
        assert_eq!(spelled, written.words[1].as_bytes());
        assert_eq!(corpus.words.text(&tokens), format!("<bos>{}", written.words[1]));
    }
    assert!(corpus.ledger(|_, _, _| ()).unread.is_empty());
    assert_eq!(corpus.spec.plan()["corpus"]["tokens"].as_str(), Some("bytes"));
    // A text without spaces is one word, and many bytes.
    assert!(open(&text, &OneText("日本語")).is_ok());
    let refused = |text: &str, words: &str| {
        let said = spec(text).and_then(|spec| Corpus::open(spec, &OneText(whole)).map_err(|(key, why)| format!("{key}: {why}")));
        assert!(said.as_ref().is_err_and(|said| said.contains(words)), "{:?}", said.err());
    };
    refused(&format!("{head}{NOTHING}"), "ingredients.0.kind: its rows are words");
    refused(&format!("{text}shuffled = true\n"), "words are shuffled, and not bytes");
    refused(&text.replace("\"bytes\"", "\"letters\""), "letters");
}

#[test]
fn mistakes_say_where_and_what() {
    let check = |ingredients: &str, words: &[&str]| {
        let text = format!("[corpus]\nrows = 100\n{ingredients}");
        let told = match spec(&text) {
            Err(told) => told,
            Ok(spec) => Corpus::open(spec, &NoInputs).map(drop).map_err(|(key, why)| format!("{key}: {why}")).unwrap_err(),
        };
        for word in words {
            assert!(told.contains(word), "{ingredients}\n{told}");
        }
    };
    check("", &["made of ingredients", "columns"]);
    check("[[ingredients]]\nkind = \"collumns\"\n", &["c.toml:4", "did you mean `columns`"]);
    check(&rule(1.5, ""), &["from 0 to 1", "c.toml:7", "1.5 % is 0.015"]);
    check(&format!("{NOTHING}{NOTHING}"), &["two ingredients are called `columns`"]);
    check(&format!("{NOTHING}name = \"a\"\n{NOTHING}"), &["only one ingredient takes the rest"]);
    check("[[ingredients]]\nkind = \"columns\"\ndose = 0.4\n", &["add up to 0.4", "takes the rest"]);
    check(&rule(0.5, "rule = \"outcome\"\n"), &["which name is always said"]);
    check(&rule(0.5, "rule = \"outcome\"\nwinner = \"be\"\n"), &["`be` is none of the names"]);
    check(&rule(0.5, "lapse = 0.1\n"), &["lapse", "c.toml:8"]);
    check(&rule(0.5, "distinct = 0\n"), &["at least one row"]);
    check("[[ingredients]]\nkind = \"columns\"\ncopies = 0.6\n", &["copies", "0 to 0.5"]);
    check(&format!("{NOTHING}[[ingredients]]\nkind = \"canaries\"\n"), &["127 rows are to stand among 100"]);
    check(&format!("{NOTHING}[[ingredients]]\nkind = \"canaries\"\ndose = 0.1\n"), &["leave `dose` out"]);
    check("[[ingredients]]\nkind = \"file\"\nfile = \"t.txt\"\nlicence = \"\"\n", &["licence"]);
    let told = spec("[corpus]\nrow = 100\n").unwrap_err();
    assert!(told.contains("`corpus.rows` is missing"), "{told}");
}

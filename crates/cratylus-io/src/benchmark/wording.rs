//! What tests of wording make of a model that was trained here: the loss of records that it never read, how well rows that it
//! read are told from others, and how exposed rows are that stand in its corpus a known number of times.

use cratylus_audit::benchmark::{Canaries, TEXTS, Told, Wording, told};
use cratylus_audit::memorised::{min_k, min_k_plus, per_token};
use cratylus_core::experiment::Document;
use cratylus_core::spec::NoInputs;
use cratylus_core::stats::mean_sd;
use cratylus_neural::corpus::{Corpus, CorpusSpec};
use cratylus_neural::response::Trained;
use std::collections::HashMap;

/// Records of the game that no model reads, the same for all.
pub(super) struct Games {
    /// By the rule.
    pub(super) rule: Corpus,
    /// The same with the signs exchanged.
    pub(super) turned: Corpus,
}

impl Games {
    pub(super) fn open(context: usize) -> Result<Games, String> {
        let of = |signs: &str| {
            let text = format!(
                "seed = 77\n[corpus]\nrows = 1\ncontext = {context}\n[[ingredients]]\nkind = \"rounds\"\ndose = 1.0\nsigns = \"{signs}\"\n"
            );
            let spec = Document::parse("records", &text, &[])?.read(CorpusSpec::read)?;
            Corpus::open(spec, &NoInputs).map_err(|(_, why)| why)
        };
        Ok(Games { rule: of("standard")?, turned: of("swapped")? })
    }
}

/// So many rows of each kind are judged.
const ROWS: u64 = 60;

/// A row as it is kept while a corpus goes on.
type Row = Vec<String>;

fn kept(words: &[&str]) -> Row {
    words.iter().map(|word| word.to_string()).collect()
}

pub(super) fn wording(corpus: &Corpus, model: &Trained, twin: &Trained, games: &Games) -> Wording {
    let fresh = |from: u64| -> Vec<Row> { (from..from + ROWS).map(|row| kept(&games.rule.fresh(0, row).words)).collect() };
    let records = fresh(0);
    let loss = |model: &Trained| mean_sd(&records.iter().map(|row| -mean_log(model, row)).collect::<Vec<f64>>()).0;
    let genre = loss(model);
    let of = Wording { genre, genre_over_twin: genre - loss(twin), ..Wording::default() };
    let portions = &corpus.spec.portions;
    if portions.iter().any(|portion| portion.kind == "canaries") {
        let portion = portions.iter().position(|portion| portion.kind == "canaries").expect("there is one");
        return Wording { canaries: Some(canaries(corpus, model, portion)), ..of };
    }
    let (members, others) = match portions.len() {
        // Nothing was read of either. Other rows for each model: lots that happen to differ would set all of them off alike.
        1 => {
            let from = ROWS * (1 + 2 * (corpus.spec.seed % (1 << 32)));
            (fresh(from), fresh(from + ROWS))
        }
        _ => (read(corpus, 1), (0..ROWS).map(|row| kept(&corpus.fresh(1, row).words)).collect()),
    };
    match members.len() < 3 {
        true => of,
        false => Wording { texts: texts(model, twin, &members, &others), ..of },
    }
}

/// The first rows that a model read of an ingredient, each once, however often it stands there.
fn read(corpus: &Corpus, portion: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut seen: HashMap<u64, ()> = HashMap::new();
    for row in 0..corpus.spec.rows {
        let made = corpus.row(row);
        if made.portion == portion && seen.insert(made.place, ()).is_none() {
            rows.push(kept(&made.written.words));
            if rows.len() as u64 == ROWS {
                break;
            }
        }
    }
    rows
}

fn words(row: &Row) -> Vec<&str> {
    row.iter().map(String::as_str).collect()
}

/// The mean log-probability of a row's words.
fn mean_log(model: &Trained, row: &Row) -> f64 {
    -mean_sd(&model.losses(&words(row))).0
}

fn texts(model: &Trained, twin: &Trained, members: &[Row], others: &[Row]) -> Vec<Told> {
    let of_model = |row: &Row| -> [f64; 5] {
        let scores = model.scores(&model.words.tokens(&words(row)));
        let loss = per_token(&scores);
        let tokens = model.words.tokens(&words(row));
        let (begins, follows) = tokens.split_at(tokens.len() / 2);
        let said = model.completed(begins, follows.len());
        let back = said.iter().zip(follows).filter(|(said, true_one)| said == true_one).count();
        let plus = min_k_plus(&scores).expect("the whole distribution is known");
        [loss, min_k(&scores), plus, loss - mean_log(twin, row), back as f64 / follows.len() as f64]
    };
    let [read, fresh] = [members, others].map(|rows| rows.iter().map(of_model).collect::<Vec<_>>());
    let alone = words_alone(members, others);
    let test = |(i, (test, _)): (usize, &(&str, &str))| {
        let column = |rows: &[[f64; 5]]| rows.iter().map(|row| row[i]).collect::<Vec<f64>>();
        match i {
            5 => told(test, &alone[0], &alone[1]),
            _ => told(test, &column(&read), &column(&fresh)),
        }
    };
    TEXTS.iter().enumerate().map(test).collect()
}

/// How much likelier each row's words are among members than among others, counted in the half of the rows that it is not in.
fn words_alone(members: &[Row], others: &[Row]) -> [Vec<f64>; 2] {
    let counts = |rows: &[Row], half: usize| {
        let mut counts: HashMap<String, f64> = HashMap::new();
        let mut all = 0.0;
        for word in rows.iter().enumerate().filter(|(i, _)| i % 2 == half).flat_map(|(_, row)| row) {
            *counts.entry(word.clone()).or_default() += 1.0;
            all += 1.0;
        }
        (counts, all)
    };
    let models = [0, 1].map(|half| [counts(members, half), counts(others, half)]);
    let score = |(i, row): (usize, &Row)| -> f64 {
        let [of_members, of_others] = &models[1 - i % 2];
        let log = |(counts, all): &(HashMap<String, f64>, f64), word: &String| {
            ((counts.get(word).unwrap_or(&0.0) + 1.0) / (all + 100.0)).ln()
        };
        row.iter().map(|word| log(of_members, word) - log(of_others, word)).sum()
    };
    [members, others].map(|rows| rows.iter().enumerate().map(score).collect())
}

/// So many rows of their form stand beside canaries.
const BESIDE: u64 = 4095;

fn canaries(corpus: &Corpus, model: &Trained, portion: usize) -> Canaries {
    let placed = corpus.placed(portion);
    let log = |words: &[&str]| -model.losses(words).iter().sum::<f64>();
    let mut beside: Vec<f64> = (0..BESIDE).map(|row| log(&corpus.fresh(portion, row).words)).collect();
    beside.sort_unstable_by(f64::total_cmp);
    let log_likelihood: Vec<f64> = (0..placed.len() as u64).map(|place| log(&corpus.at(portion, place).words)).collect();
    let exposure = log_likelihood.iter().map(|value| {
        let as_likely = beside.len() - beside.partition_point(|other| other < value);
        ((BESIDE + 1) as f64).log2() - ((1 + as_likely) as f64).log2()
    });
    Canaries {
        times: placed.iter().map(|[meant, _]| *meant).collect(),
        held: placed.iter().map(|[_, stands]| *stands > 0).collect(),
        exposure: exposure.collect(),
        log_likelihood,
    }
}

//! `cratylus measure`: what the messages of a corpus are like, each measure beside what chance gives.

use crate::caller::{print, print_json};
use crate::failure::Failure;
use crate::message_columns::MessageColumns;
use crate::words::{count, percent, plural, table, wrapped};
use clap::Args;
use cratylus_core::messages::corpus::{Coded, Corpus, Ids};
use cratylus_core::messages::distance::{MeaningDistance, MessageDistance};
use cratylus_core::messages::measure::{self, Better, Score, Settings, Views};
use cratylus_core::messages::morphemes::{Limits, Morpheme, morphemes};
use cratylus_core::messages::probes::{Told, told};
use cratylus_core::messages::similarity::similarity;
use cratylus_core::seed::Seed;
use cratylus_core::text::{listed, nearest};
use cratylus_io::each::each;
use cratylus_io::messages::{File, Recorded, read};
use cratylus_io::models::http::escaped;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Measure the messages of a corpus, each value beside what chance gives.
///
/// Reads a CSV file with a column `message` and columns that make up the meaning, a dump of EGG (lines of meaning;message), a
/// corpus in ELCC's layout (corpus.jsonl, and meanings.jsonl beside it), messages in Parquet, or a folder that holds one of
/// them. Chance is the same measure where messages are dealt out to meanings at random: all ways for up to nine items, else so
/// many as `--permutations` says. A value that lies below what 95 % of these reach shows nothing.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cratylus measure messages.csv\n  cratylus measure dump.txt --morphemes 20\n  cratylus measure messages.csv --meaning colour,shape --message utterance --letters\n  cratylus measure corpus.jsonl --measures topsim,posdis --json\n\n`cratylus list message-measures` says what each measure is, and where it comes from."
)]
pub struct Measure {
    /// The file of messages, or a folder that holds one.
    #[arg(value_name = "FILE|DIR")]
    from: PathBuf,
    #[command(flatten)]
    columns: MessageColumns,
    /// The step of training, where there are several [default: the last].
    #[arg(long)]
    step: Option<String>,
    /// The sender, where there are several [default: all, each by itself].
    #[arg(long)]
    sender: Option<String>,
    /// Only these measures.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    measures: Vec<String>,
    /// How far two meanings are from each other, for topsim: hamming, cosine, euclidean, levenshtein
    /// [default: hamming for attributes, cosine for features].
    #[arg(long, value_name = "DISTANCE", value_parser = meaning_distance)]
    meaning_distance: Option<MeaningDistance>,
    /// How far two messages are from each other, for topsim: levenshtein, levenshtein-by-mean, levenshtein-by-first,
    /// levenshtein-by-longer, hamming, jaccard.
    #[arg(long, value_name = "DISTANCE", default_value = "levenshtein-by-mean", value_parser = message_distance)]
    message_distance: MessageDistance,
    /// Of more rows, topsim and the readers take so many, drawn at random.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(3..=20_000))]
    rows: u32,
    /// How many times messages are dealt out at random.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    permutations: u32,
    /// Of what is drawn at random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// List so many morphemes, the surest first: stretches of symbols with what they mean.
    #[arg(long, value_name = "N")]
    morphemes: Option<usize>,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
    /// Print the measures as CSV, a line for each sender and measure.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

fn named<T: Copy>(all: &[(&str, T)], word: &str) -> Result<T, String> {
    let found = all.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let names: Vec<String> = all.iter().map(|(name, _)| name.to_string()).collect();
        format!("`{word}` is no distance{}", nearest(word, &names))
    })
}

fn meaning_distance(word: &str) -> Result<MeaningDistance, String> {
    named(&MeaningDistance::ALL, word)
}

fn message_distance(word: &str) -> Result<MessageDistance, String> {
    named(&MessageDistance::ALL, word)
}

/// Gives items their attributes as numbers, for distances of numbers.
fn with_numbers(file: &mut File) -> Result<(), String> {
    let number = |(k, value): (usize, &String)| {
        let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| {
            format!("`{}` has the value `{value}`, which is no number, so items have no distance of numbers", file.attributes[k])
        })
    };
    let numbers: Vec<Vec<f64>> = (0..file.values.len())
        .map(|k| file.values[k].iter().map(|value| number((k, value))).collect())
        .collect::<Result<_, _>>()?;
    for one in &mut file.senders {
        let corpus = std::mem::take(&mut one.corpus);
        let row = |row: usize| corpus.meaning(row).iter().zip(&one.attributes).map(|(&value, &k)| numbers[k][value as usize]);
        let features: Vec<f64> = (0..corpus.len()).flat_map(row).collect();
        one.corpus = corpus.with_features(one.attributes.len(), features);
    }
    Ok(())
}

/// What is said of the messages of one sender.
struct Measured<'a> {
    recorded: &'a Recorded,
    scores: Vec<Score>,
    told: Vec<(String, Told)>,
    morphemes: Vec<Morpheme>,
}

impl Measure {
    pub fn go(mut self) -> Result<(), Failure> {
        let known: Vec<String> = measure::ALL.iter().map(|one| one.name.to_string()).collect();
        if let Some(word) = self.measures.iter().find(|word| !known.contains(word)) {
            let why = format!("there is no measure `{word}`{}", nearest(word, &known));
            return Err(Failure::input(why).help("`cratylus list message-measures` lists them"));
        }
        let how = std::mem::take(&mut self.columns).how(self.step.take());
        let mut file = read(&self.from, &how).map_err(Failure::input)?;
        if let Some(wanted) = &self.sender {
            let names: Vec<String> = file.senders.iter().filter_map(|one| one.sender.clone()).collect();
            file.senders.retain(|one| one.sender.as_ref() == Some(wanted));
            if file.senders.is_empty() {
                let there =
                    if names.is_empty() { "the file names no senders".into() } else { format!("there are {}", listed(&names)) };
                return Err(Failure::input(format!("there is no sender `{wanted}`; {there}")));
            }
        }
        if self.meaning_distance == Some(MeaningDistance::Euclidean) && file.features.is_empty() {
            with_numbers(&mut file).map_err(Failure::input)?;
        }
        let settings = Settings {
            meaning: self.meaning_distance,
            message: self.message_distance,
            rows: self.rows as usize,
            permutations: self.permutations as usize,
            // All orders of nine items are 362,880, which many senders do not wait for.
            exact: [measure::EXACT, 7, 6][usize::from(file.senders.len() > 1) + usize::from(file.senders.len() > 10)],
            seed: Seed(self.seed),
        };
        let measured = self.measured(&file, &settings);
        let alike = alike(&file.senders);
        if self.json {
            return print_json(&self.as_json(&file, &measured, alike));
        }
        for note in &file.notes {
            eprintln!("note: {}", escaped(note));
        }
        if let Some(most) = file.senders.iter().map(|one| one.corpus.len()).max().filter(|n| *n > settings.rows) {
            eprintln!(
                "note: topsim and the readers take {} of {} rows, drawn at random; `--rows` takes more",
                count(settings.rows as u64),
                count(most as u64)
            );
        }
        if self.csv {
            return print(as_csv(&file, &measured)?);
        }
        match &measured[..] {
            [one] => self.one(&file, one),
            many => self.many(&file, many, alike),
        }
    }

    fn measured<'a>(&self, file: &'a File, settings: &Settings) -> Vec<Measured<'a>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let few: Vec<Option<Corpus>> = file.senders.iter().map(|one| measure::few(&one.corpus, settings)).collect();
        let views: Vec<Views<'_>> =
            file.senders.iter().zip(&few).map(|(one, few)| Views::new(&one.corpus, few.as_ref())).collect();
        // Long jobs of several measures and senders side by side.
        let mut jobs = Vec::new();
        for (s, one) in file.senders.iter().enumerate() {
            for (definition, attribute) in measure::tasks(&one.corpus) {
                if self.measures.is_empty() || self.measures.iter().any(|name| name == definition.name) {
                    jobs.push((s, definition, attribute));
                }
            }
        }
        let of = jobs.iter().map(|(s, ..)| *s).collect::<Vec<_>>();
        let scores = each(threads, jobs, |(s, definition, attribute)| measure::score(definition, attribute, &views[s], settings));
        let mut by_sender: Vec<Vec<Score>> = file.senders.iter().map(|_| Vec::new()).collect();
        scores.into_iter().zip(of).for_each(|(score, s)| by_sender[s].push(score));
        let readers = self.measures.is_empty();
        // Each attribute is a job of its own.
        let wanted = |s: usize| match readers {
            true => (0..=file.senders[s].attributes.len()).map(|what| (s, what)).collect(),
            false => Vec::new(),
        };
        let jobs: Vec<(usize, usize)> = (0..views.len()).flat_map(wanted).collect();
        let of: Vec<usize> = jobs.iter().map(|(s, _)| *s).collect();
        let read = each(threads, jobs, |(s, what)| read_off(file, &file.senders[s], views[s].coded_few(), what, settings.seed));
        let mut told: Vec<Vec<(String, Told)>> = file.senders.iter().map(|_| Vec::new()).collect();
        read.into_iter().zip(of).for_each(|(one, s)| told[s].extend(one));
        let rest = by_sender.into_iter().zip(told);
        file.senders
            .iter()
            .zip(rest)
            .map(|(recorded, (scores, told))| Measured {
                recorded,
                scores,
                told,
                morphemes: self.morphemes.map_or_else(Vec::new, |most| lexicon(file, recorded, most)),
            })
            .collect()
    }

    fn one(&self, file: &File, one: &Measured<'_>) -> Result<(), Failure> {
        print(format!("{}\n", about(file, one.recorded)))?;
        let mut rows = vec![["measure", "value", "by chance", "limit of 95 %", "p", "above chance"].map(String::from).to_vec()];
        rows.extend(one.scores.iter().filter(|score| score.value.is_ok()).map(|score| {
            let mut row = vec![name(file, one.recorded, score), number(*score.value.as_ref().expect("only these"))];
            match &score.null {
                Some(null) if null.fixed() => row.extend([number(null.mean), "".into(), "any code".into(), "".into()]),
                Some(null) => row.extend([
                    number(null.mean),
                    number(null.limit),
                    match (null.n, null.exact) {
                        (0, _) => "".into(),
                        (_, true) => format!("{:.4} exact", null.p),
                        (_, false) => format!("{:.4}", null.p),
                    },
                    null.above.map_or_else(String::new, |share| format!("{:.2}", share + 0.0)),
                ]),
                None => row.extend(["", "", "", ""].map(String::from)),
            }
            row
        }));
        print(table(&rows, &[1, 2, 3]))?;
        for score in &one.scores {
            if let Err(why) = &score.value {
                eprintln!("note: no {}: {why}", name(file, one.recorded, score));
            }
        }
        if one.scores.iter().filter_map(|score| score.null.as_ref()).any(|null| null.exact && null.n <= 24) {
            eprintln!("note: four meanings or fewer can show nothing: a third of all codes of 2 x 2 meanings are perfect");
        }
        if !one.told.is_empty() {
            let mut rows =
                vec![["told from messages", "by vote", "naive Bayes", "forest", "largest class"].map(String::from).to_vec()];
            rows.extend(one.told.iter().map(|(name, told)| {
                vec![escaped(name), percent(told.vote), percent(told.bayes), percent(told.forest), percent(told.largest)]
            }));
            print(format!(
                "\n{}\nShares of items told rightly that the readers did not learn on, by fifths.",
                table(&rows, &[1, 2, 3, 4])
            ))?;
        }
        if !one.morphemes.is_empty() {
            print(format!("\n{}", lexicon_table(file, one.recorded, &one.morphemes)))?;
        }
        Ok(())
    }

    fn many(&self, file: &File, many: &[Measured<'_>], alike: Option<f64>) -> Result<(), Failure> {
        print(format!("{} senders; of the first: {}\n", many.len(), about(file, many[0].recorded)))?;
        let mut rows = vec![["measure", "mean", "lowest", "highest", "limit of 95 %", "beyond it"].map(String::from).to_vec()];
        // Senders of a sweep may have more attributes than others, so measures are found by their names.
        let named: Vec<Vec<(String, &Score)>> =
            many.iter().map(|one| one.scores.iter().map(|score| (name(file, one.recorded, score), score)).collect()).collect();
        let mut all_names: Vec<&String> = Vec::new();
        for (name, _) in named.iter().flatten() {
            if !all_names.contains(&name) {
                all_names.push(name);
            }
        }
        for name in all_names {
            let all: Vec<&Score> = named
                .iter()
                .filter_map(|scores| scores.iter().find(|(known, _)| known == name).map(|(_, score)| *score))
                .filter(|score| score.value.is_ok())
                .collect();
            let values: Vec<f64> = all.iter().filter_map(|score| score.value.as_ref().ok().copied()).collect();
            if values.is_empty() {
                continue;
            }
            let mut row = vec![name.clone(), number(values.iter().sum::<f64>() / values.len() as f64)];
            row.push(number(values.iter().copied().fold(f64::INFINITY, f64::min)));
            row.push(number(values.iter().copied().fold(f64::NEG_INFINITY, f64::max)));
            let nulls: Vec<_> = all.iter().filter_map(|score| score.null.as_ref()).collect();
            if !nulls.is_empty() {
                row.push(number(nulls.iter().map(|null| null.limit).sum::<f64>() / nulls.len() as f64));
                row.push(format!("{} of {}", nulls.iter().filter(|null| null.p < 0.05).count(), nulls.len()));
            }
            rows.push(row);
        }
        print(table(&rows, &[1, 2, 3, 4]))?;
        if let Some(alike) = alike {
            print(format!("\nTwo senders' messages about the same item are alike by {alike:.3} (1 less edits over length)."))?;
        }
        print("`--sender NAME` shows one of them; `--csv` and `--json` hold all.")
    }

    fn as_json(&self, file: &File, measured: &[Measured<'_>], alike: Option<f64>) -> Value {
        let score = |recorded: &Recorded, score: &Score| {
            let chance = score.null.as_ref().map(|by| {
                json!({ "mean": by.mean, "sd": by.sd, "limit_95": by.limit, "p": by.p, "permutations": by.n,
                    "exact": by.exact, "above_chance": by.above })
            });
            json!({ "measure": score.measure, "attribute": score.attribute.map(|k| &file.attributes[recorded.attributes[k]]),
                "value": score.value.as_ref().ok(), "why_not": score.value.as_ref().err(), "chance": chance })
        };
        let told = |(name, told): &(String, Told)| {
            json!({ "what": name, "vote": told.vote, "naive_bayes": told.bayes, "forest": told.forest,
                "largest_class": told.largest, "tried": told.tried })
        };
        let one = |one: &Measured<'_>| {
            json!({
                "sender": one.recorded.sender, "rows": one.recorded.corpus.len(),
                "scores": one.scores.iter().map(|one_score| score(one.recorded, one_score)).collect::<Vec<_>>(),
                "told_from_messages": one.told.iter().map(told).collect::<Vec<_>>(),
                "morphemes": one.morphemes.iter().map(|morpheme| {
                    let (form, meaning) = in_words(file, one.recorded, morpheme);
                    json!({ "form": form, "meaning": meaning, "bits": morpheme.weight, "bits_at_first": morpheme.initial_weight,
                        "prevalence": morpheme.prevalence })
                }).collect::<Vec<_>>(),
            })
        };
        json!({ "schema": "cratylus-measure/1", "from": self.from, "notes": file.notes, "attributes": file.attributes,
            "symbols": file.symbols, "permutations": self.permutations, "seed": self.seed, "similarity_of_senders": alike,
            "senders": measured.iter().map(one).collect::<Vec<_>>() })
    }
}

/// What the readers tell: of the classes, or of the attribute of this number less one.
fn read_off(file: &File, recorded: &Recorded, coded: &Coded<'_>, what: usize, seed: Seed) -> Option<(String, Told)> {
    match what.checked_sub(1) {
        None => Some(("class".to_string(), told(coded, &Ids::new(coded.corpus.classes()?.iter()), seed)?)),
        Some(k) => {
            let attribute = &coded.attributes[k];
            Some((file.attributes[recorded.attributes[k]].clone(), told(coded, attribute, seed).filter(|_| attribute.n() > 1)?))
        }
    }
}

/// The mean similarity of what two senders say of the same item, over all pairs of senders; none with one.
fn alike(senders: &[Recorded]) -> Option<f64> {
    let said: Vec<BTreeMap<u32, &[u32]>> = senders
        .iter()
        .map(|one| one.items.iter().enumerate().map(|(row, &item)| (item, one.corpus.message(row))).collect())
        .collect();
    let mut pairs = Vec::new();
    for (i, a) in said.iter().enumerate() {
        // All pairs of many senders are more than anybody waits for; these are the neighbours of each.
        for b in &said[i + 1..said.len().min(i + 1 + 32)] {
            pairs.extend(similarity(a.iter().filter_map(|(item, a)| Some((*a, *b.get(item)?)))));
        }
    }
    (!pairs.is_empty()).then(|| pairs.iter().sum::<f64>() / pairs.len() as f64)
}

/// Attributes' values as atoms, numbered one attribute after the other.
fn lexicon(file: &File, recorded: &Recorded, most: usize) -> Vec<Morpheme> {
    let corpus = &recorded.corpus;
    let sizes: Vec<u32> = recorded.attributes.iter().map(|&k| file.values[k].len() as u32).collect();
    let begins: Vec<u32> = sizes.iter().scan(0, |at, n| Some(std::mem::replace(at, *at + n))).collect();
    let atoms = |row: usize| corpus.meaning(row).iter().zip(&begins).map(|(value, begin)| begin + value).collect();
    let observations: Vec<(Vec<u32>, Vec<u32>)> =
        (0..corpus.len()).map(|row| (corpus.message(row).to_vec(), atoms(row))).collect();
    morphemes(&observations, &Limits { most, ..Limits::default() })
}

/// A morpheme's form and meaning as they are called.
fn in_words(file: &File, recorded: &Recorded, morpheme: &Morpheme) -> (Vec<String>, Vec<String>) {
    let form = morpheme.form.iter().map(|&symbol| file.symbols[symbol as usize].clone()).collect();
    let of = |&k: &usize| file.values[k].iter().map(move |value| format!("{} = {value}", file.attributes[k]));
    let names: Vec<String> = recorded.attributes.iter().flat_map(of).collect();
    (form, morpheme.meaning.iter().map(|&atom| names[atom as usize].clone()).collect())
}

fn lexicon_table(file: &File, recorded: &Recorded, morphemes: &[Morpheme]) -> String {
    let mut rows = vec![["form", "meaning", "bits", "in messages"].map(String::from).to_vec()];
    rows.extend(morphemes.iter().map(|morpheme| {
        let (form, meaning) = in_words(file, recorded, morpheme);
        vec![
            escaped(&form.join(" ")),
            escaped(&meaning.join(", ")),
            format!("{:.3}", morpheme.weight),
            percent(morpheme.prevalence),
        ]
    }));
    table(&rows, &[2, 3])
}

/// What there is, in a sentence.
fn about(file: &File, recorded: &Recorded) -> String {
    let corpus = &recorded.corpus;
    let mut items = recorded.items.clone();
    items.sort_unstable();
    items.dedup();
    let what = match (recorded.attributes.len(), file.features.len()) {
        (0, 0) => String::new(),
        (0, n) => format!(" of {}", plural(n as u64, "feature")),
        (n, _) => format!(" of {}", plural(n as u64, "attribute")),
    };
    wrapped(
        &format!(
            "{} about {}{what}{}.",
            plural(corpus.len() as u64, "message"),
            plural(items.len() as u64, "item"),
            recorded.sender.as_ref().map_or_else(String::new, |sender| format!(", of sender {}", escaped(sender)))
        ),
        100,
    )
}

fn name(file: &File, recorded: &Recorded, score: &Score) -> String {
    match score.attribute {
        Some(k) => format!("{}:{}", score.measure, escaped(&file.attributes[recorded.attributes[k]])),
        None => score.measure.to_string(),
    }
}

/// Whole numbers as such, others with three decimals.
fn number(value: f64) -> String {
    if value.is_nan() {
        "–".into()
    } else if value.fract() == 0.0 && value.abs() >= 2.0 && value.abs() < 1e15 {
        format!("{value:.0}")
    } else {
        // No minus before nothing.
        let text = format!("{value:.3}");
        if text == "-0.000" { "0.000".into() } else { text }
    }
}

fn as_csv(file: &File, measured: &[Measured<'_>]) -> Result<String, Failure> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let cell = |value: Option<f64>| value.filter(|value| !value.is_nan()).map_or_else(String::new, |value| value.to_string());
    let mut write = || -> csv::Result<()> {
        out.write_record([
            "sender",
            "measure",
            "attribute",
            "value",
            "chance_mean",
            "chance_sd",
            "limit_95",
            "p",
            "permutations",
            "exact",
            "better",
        ])?;
        for one in measured {
            for score in &one.scores {
                let null = score.null.as_ref();
                let better = measure::ALL.iter().find(|definition| definition.name == score.measure).map(|one| one.better);
                out.write_record([
                    one.recorded.sender.clone().unwrap_or_default(),
                    score.measure.into(),
                    score.attribute.map_or_else(String::new, |k| file.attributes[one.recorded.attributes[k]].clone()),
                    cell(score.value.as_ref().ok().copied()),
                    cell(null.map(|null| null.mean)),
                    cell(null.map(|null| null.sd)),
                    cell(null.map(|null| null.limit)),
                    cell(null.map(|null| null.p)),
                    null.map_or_else(String::new, |null| null.n.to_string()),
                    null.map_or_else(String::new, |null| null.exact.to_string()),
                    match better {
                        Some(Better::High) => "high".into(),
                        Some(Better::Low) => "low".into(),
                        _ => String::new(),
                    },
                ])?;
            }
        }
        Ok(())
    };
    write().map_err(Failure::run)?;
    let bytes = out.into_inner().map_err(Failure::run)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_string())
}

//! The leakage benchmark: models trained on known text, populations of them, audits, and how these did against the cards. Each
//! model is a file of its own, so an interrupted benchmark goes on where it stopped.

use crate::conduct::hold;
use crate::conduct::job::Refused;
use crate::each::each;
use crate::store::manifest::Build;
use crate::training::{TrainingJob, of_this_plan};
use crate::whole::write_whole;
use cratylus_audit::benchmark::{ModelRow, NOTHING, PlaySpec, Wording, auc, behaviour};
use cratylus_core::experiment::Document;
use cratylus_core::fault::{Fault, at};
use cratylus_core::kernel::Kernel;
use cratylus_core::spec::Inputs;
use cratylus_core::spec::places::{FileTable, Mistake, Spans, array, deserialize, get_table, read_field, table, take_field};
use cratylus_core::text::nearest;
use cratylus_neural::corpus::Corpus;
use cratylus_neural::corpus::lexicon::{EXPOSED, Signs};
use cratylus_neural::net::Recipe;
use cratylus_neural::response::Trained;
use cratylus_neural::training::{NetSpec, TrainingSpec, weights_of};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the corpora of the benchmark are, and how their models are made, played and audited.
#[derive(Clone, Debug)]
pub struct BenchmarkSpec {
    /// What it is called.
    pub name: String,
    seed: u64,
    /// How many models there are of each corpus.
    models: u64,
    copies: Vec<f64>,
    options: usize,
    corpora: Vec<Inserted>,
    /// Tables of a training that all models share.
    shared: toml::Table,
    play: PlaySpec,
}

/// What is inserted into a base.
#[derive(Clone, Debug)]
struct Inserted {
    name: String,
    doses: Vec<f64>,
    ingredient: toml::Table,
}

/// What every corpus has beside.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Base {
    /// The share of its rows in which one column copies the other; the first is what statements are about.
    #[serde(default = "twentieth")]
    copies: Vec<f64>,
    #[serde(default = "two")]
    options: usize,
}

fn twentieth() -> Vec<f64> {
    vec![0.05]
}

fn two() -> usize {
    2
}

const KEYS: [&str; 9] = ["name", "seed", "models", "corpus", "base", "corpora", "net", "train", "play"];

impl BenchmarkSpec {
    /// Reads a file's table.
    pub fn read(file: &mut FileTable<'_>, spans: &Spans<'_, '_>) -> Result<BenchmarkSpec, Mistake> {
        let known = KEYS.map(String::from);
        if let Some((key, item)) = file.iter().find(|(key, _)| !KEYS.contains(&key.get_ref().as_ref())) {
            let why = format!("there is no key `{}` in a benchmark", key.get_ref());
            return Err(Mistake::new(why).help(nearest(key.get_ref(), &known)).span(item.span()));
        }
        let name = take_field(file, "name", spans)?.unwrap_or_else(|| "benchmark".to_string());
        let seed = take_field(file, "seed", spans)?.unwrap_or(0);
        let models: u64 = take_field(file, "models", spans)?.unwrap_or(10);
        if !(1..=10_000).contains(&models) {
            return Err(spans.mistake("models", format!("1 to 10,000 models of each corpus, found {models}")));
        }
        let base: Base = deserialize(get_table(file, "base")?, &spans.under("base"))?;
        if base.copies.is_empty() {
            return Err(spans.mistake("base.copies", "a base has at least one share of copies".into()));
        }
        let play: PlaySpec = deserialize(get_table(file, "play")?, &spans.under("play"))?;
        play.check().map_err(|(key, why)| spans.under("play").mistake(key, why))?;
        let mut corpora: Vec<Inserted> = Vec::new();
        let list = file.remove("corpora").map(|item| array(item, "corpora")).transpose()?.unwrap_or_default();
        for (i, item) in list.into_iter().enumerate() {
            let place = format!("corpora.{i}");
            let under = spans.under(&place);
            let mut inserted = table(item, "corpora")?;
            let name: String = read_field(&mut inserted, "name", &under)?;
            let doses: Vec<f64> = read_field(&mut inserted, "doses", &under)?;
            let plain = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            if !plain(&name) || name == NOTHING || corpora.iter().any(|other| other.name == name) {
                let why =
                    format!("`{name}` is to be a name of its own, of letters, digits and hyphens; `{NOTHING}` is the base alone");
                return Err(under.mistake("name", why));
            }
            if doses.is_empty() || doses.iter().any(|dose| !(*dose > 0.0 && *dose <= 1.0)) {
                return Err(
                    under.mistake("doses", "doses are shares of rows above 0 and up to 1; the base alone is there anyway".into())
                );
            }
            let ingredient = deserialize(inserted, &under)?;
            corpora.push(Inserted { name, doses, ingredient });
        }
        let mut shared = toml::Table::new();
        let corpus: toml::Table = deserialize(get_table(file, "corpus")?, &spans.under("corpus"))?;
        shared.insert("corpus".into(), corpus.into());
        let net: NetSpec = deserialize(get_table(file, "net")?, &spans.under("net"))?;
        net.shape(1000, 64).check().map_err(|(key, why)| spans.under("net").mistake(key, why))?;
        shared.insert("net".into(), toml::Table::try_from(&net).expect("plain values").into());
        let recipe: Recipe = deserialize(get_table(file, "train")?, &spans.under("train"))?;
        recipe.check().map_err(|(key, why)| spans.under("train").mistake(key, why))?;
        shared.insert("train".into(), toml::Table::try_from(&recipe).expect("plain values").into());
        let spec = BenchmarkSpec { name, seed, models, copies: base.copies, options: base.options, corpora, shared, play };
        // All that is to be trained is read before anything is.
        for cell in spec.cells().iter().filter(|cell| cell.seed == 1) {
            spec.training(cell).map_err(|why| {
                let words = why.lines().next().unwrap_or("").trim_start_matches("error: ").to_string();
                spans.mistake(&cell.place, format!("the training of `{}`: {words}", cell.label()))
            })?;
        }
        Ok(spec)
    }

    fn plan(&self) -> toml::Table {
        let mut plan = self.shared.clone();
        plan.insert("name".into(), self.name.clone().into());
        plan.insert("seed".into(), (self.seed as i64).into());
        plan.insert("models".into(), (self.models as i64).into());
        let base = Base { copies: self.copies.clone(), options: self.options };
        plan.insert("base".into(), toml::Table::try_from(base).expect("plain values").into());
        plan.insert("play".into(), toml::Table::try_from(&self.play).expect("plain values").into());
        let corpora = self.corpora.iter().map(|inserted| {
            let mut table = inserted.ingredient.clone();
            table.insert("name".into(), inserted.name.clone().into());
            table.insert("doses".into(), inserted.doses.iter().copied().map(toml::Value::from).collect::<Vec<_>>().into());
            toml::Value::Table(table)
        });
        plan.insert("corpora".into(), toml::Value::Array(corpora.collect()));
        plan
    }

    /// All models, those that read nothing of the game first.
    fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for &copies in &self.copies {
            for seed in 1..=self.models {
                cells.push(Cell { corpus: None, name: NOTHING.into(), place: "corpus".into(), dose: 0.0, copies, seed });
            }
        }
        for (i, inserted) in self.corpora.iter().enumerate() {
            for &copies in &self.copies {
                for &dose in &inserted.doses {
                    for seed in 1..=self.models {
                        let (name, place) = (inserted.name.clone(), format!("corpora.{i}"));
                        cells.push(Cell { corpus: Some(i), name, place, dose, copies, seed });
                    }
                }
            }
        }
        cells
    }

    /// How many models there are in all.
    pub fn size(&self) -> u64 {
        self.cells().len() as u64
    }

    /// The training of one model, as its own file would have it. Twins have a seed, so they begin alike and read the same rows
    /// of the base.
    fn training(&self, cell: &Cell) -> Result<TrainingSpec, String> {
        let mut file = self.shared.clone();
        file.insert("name".into(), cell.label().into());
        let seed = cratylus_core::seed::mix(self.seed ^ cell.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)) >> 1;
        file.insert("seed".into(), (seed as i64).into());
        let mut base = toml::Table::new();
        base.insert("name".into(), "base".into());
        base.insert("kind".into(), "columns".into());
        base.insert("copies".into(), cell.copies.into());
        base.insert("options".into(), (self.options as i64).into());
        let mut ingredients = vec![toml::Value::Table(base)];
        if let Some(corpus) = cell.corpus {
            let mut inserted = self.corpora[corpus].ingredient.clone();
            inserted.insert("name".into(), cell.name.clone().into());
            // What has its own number of copies takes no dose.
            if inserted.get("kind").and_then(toml::Value::as_str) != Some("canaries") {
                inserted.insert("dose".into(), cell.dose.into());
            }
            ingredients.push(inserted.into());
        }
        file.insert("ingredients".into(), ingredients.into());
        let text = toml::to_string(&file).expect("tables of plain values");
        Document::parse(&cell.label(), &text, &[])?.read(TrainingSpec::read)
    }
}

/// One model.
#[derive(Clone, Debug)]
struct Cell {
    corpus: Option<usize>,
    name: String,
    /// Where it stands in the file.
    place: String,
    dose: f64,
    copies: f64,
    seed: u64,
}

impl Cell {
    fn label(&self) -> String {
        format!("{}-{}-copies-{}-{}", self.name, self.dose, self.copies, self.seed)
    }
}

const PLAN: &str = "plan.toml";

/// A benchmark, ready to go.
pub struct BenchmarkJob<'a> {
    /// What is done.
    pub spec: &'a BenchmarkSpec,
    /// The files that ingredients name.
    pub inputs: &'a (dyn Fn() -> Box<dyn Inputs> + Sync),
    /// Who does it.
    pub build: Build,
    /// How many models at a time.
    pub threads: usize,
}

impl BenchmarkJob<'_> {
    /// Does all models that a folder does not hold yet, and gives the rows of all in their order. `done` is called as each is
    /// there, with its name and whether it had been.
    pub fn go(&self, dir: &Path, stop: &AtomicBool, done: &(dyn Fn(&str, bool) + Sync)) -> Result<Vec<ModelRow>, Refused> {
        for folder in [dir.to_path_buf(), dir.join("models"), dir.join("rows")] {
            fs::create_dir_all(&folder).map_err(at("making", &folder))?;
        }
        let _lock = hold(dir)?;
        // Rows of two programs would be two benchmarks.
        let mut plan = self.spec.plan();
        plan.insert("program".into(), format!("{} {}", self.build.version, self.build.revision).into());
        let plan = toml::to_string(&plan).expect("a plan is plain values");
        of_this_plan(&dir.join(PLAN), &plan)?;
        let (bases, others): (Vec<Cell>, Vec<Cell>) = self.spec.cells().into_iter().partition(|cell| cell.corpus.is_none());
        let mut rows = Vec::new();
        for cells in [bases, others] {
            // A model that was asked to stop is none of the rows, and the others stop by themselves.
            let found = each(self.threads, cells.into_iter().rev().collect(), |cell: Cell| self.one(dir, &cell, stop, done));
            for row in found.into_iter().rev() {
                rows.push(row?);
            }
        }
        Ok(rows)
    }

    /// One model: trained, played, audited.
    fn one(&self, dir: &Path, cell: &Cell, stop: &AtomicBool, done: &(dyn Fn(&str, bool) + Sync)) -> Result<ModelRow, Refused> {
        let label = cell.label();
        let file = dir.join("rows").join(format!("{label}.json"));
        if let Ok(bytes) = fs::read(&file)
            && let Ok(row) = serde_json::from_slice(&bytes)
        {
            done(&label, true);
            return Ok(row);
        }
        if stop.load(Ordering::Relaxed) {
            return Err(Refused::Interrupted);
        }
        let fault = |why: String| Fault(format!("the model {label}: {why}"));
        let spec = self.spec.training(cell).map_err(fault)?;
        let corpus = Corpus::open(spec.corpus.clone(), &*(self.inputs)()).map_err(|(_, why)| fault(why))?;
        let job = TrainingJob { spec: &spec, corpus: &corpus, build: self.build, threads: 1, checkpoint: None };
        let models = dir.join("models");
        let (card, _) = job.train(&models.join(&label), stop, &mut |_| (), &mut |_| ())?;
        let weights = read_weights(&models.join(&label), &spec, &corpus)?;
        let shape = spec.shape(corpus.words.len());
        let model = Trained { shape, weights, words: corpus.words.clone() };
        let twin = Cell { corpus: None, name: NOTHING.into(), dose: 0.0, ..cell.clone() };
        let twin = read_weights(&models.join(twin.label()), &spec, &corpus)?;
        let twin = Trained { shape, weights: twin, words: corpus.words.clone() };
        let PlaySpec { memory, pairs, .. } = self.spec.play;
        let responses: Vec<[Kernel; 2]> =
            (0..pairs).map(|pair| model.responses([EXPOSED[2 * pair], EXPOSED[2 * pair + 1]], memory, Signs::Standard)).collect();
        let plain = Kernel::mean(&responses[0]);
        let aliased = Kernel::mean(&responses.concat()).symmetric();
        let row = ModelRow {
            corpus: cell.name.clone(),
            dose: cell.dose,
            copies: cell.copies,
            seed: cell.seed,
            truth: [card.truth.rule.is_some(), card.truth.outcome.is_some()],
            behaviour: behaviour(&self.spec.play, &plain, &aliased, spec.corpus.seed),
            wording: wording(&spec, &corpus, &model, &twin).map_err(fault)?,
        };
        write_whole(&file, &serde_json::to_vec_pretty(&row).expect("plain data"))?;
        done(&label, false);
        Ok(row)
    }
}

fn read_weights(dir: &Path, spec: &TrainingSpec, corpus: &Corpus) -> Result<Vec<f32>, Fault> {
    let file = dir.join("model.safetensors");
    let bytes = fs::read(&file).map_err(at("reading", &file))?;
    weights_of(&spec.shape(corpus.words.len()), &bytes).map_err(at("reading", &file))
}

/// So many rows of each kind are judged.
const ROWS: u64 = 60;

fn wording(spec: &TrainingSpec, corpus: &Corpus, model: &Trained, twin: &Trained) -> Result<Wording, String> {
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    // Records of the game's rule that nobody read, the same for all models.
    let text = format!(
        "seed = 77\n[corpus]\nrows = 1\ncontext = {}\n[[ingredients]]\nkind = \"rounds\"\ndose = 1.0\n",
        spec.corpus.context
    );
    let game = Document::parse("records", &text, &[])?.read(cratylus_neural::corpus::CorpusSpec::read)?;
    let game = Corpus::open(game, &cratylus_core::spec::NoInputs).map_err(|(_, why)| why)?;
    let of = |model: &Trained| {
        let losses: Vec<f64> = (0..ROWS).map(|row| mean(&model.losses(&game.fresh(0, row).words))).collect();
        mean(&losses)
    };
    let genre = of(model);
    let genre_over_twin = genre - of(twin);
    if corpus.spec.portions.len() < 2 {
        return Ok(Wording { genre, genre_over_twin, ..Wording::default() });
    }
    // Each row that was read counts once, however often it was.
    let mut read: HashMap<u64, Vec<String>> = HashMap::new();
    let mut places = Vec::new();
    for row in 0..corpus.spec.rows {
        let made = corpus.row(row);
        if made.portion == 1 && !read.contains_key(&made.place) {
            places.push(made.place);
            read.insert(made.place, made.written.words.iter().map(|word| word.to_string()).collect());
            if places.len() as u64 == ROWS {
                break;
            }
        }
    }
    if places.len() < 3 {
        return Ok(Wording { genre, genre_over_twin, ..Wording::default() });
    }
    let scores = |words: &[&str]| -> [f64; 3] {
        let losses = model.losses(words);
        let mut sorted = losses.clone();
        sorted.sort_unstable_by(|a, b| b.total_cmp(a));
        let lowest = &sorted[..(sorted.len() / 5).max(1)];
        [-mean(&losses), -mean(lowest), mean(&twin.losses(words)) - mean(&losses)]
    };
    let members: Vec<[f64; 3]> =
        places.iter().map(|place| scores(&read[place].iter().map(String::as_str).collect::<Vec<_>>())).collect();
    let others: Vec<[f64; 3]> = (0..ROWS).map(|row| scores(&corpus.fresh(1, row).words)).collect();
    let by = |i: usize| {
        let of = |list: &[[f64; 3]]| list.iter().map(|scores| scores[i]).collect::<Vec<f64>>();
        Some(auc(&of(&members), &of(&others)))
    };
    Ok(Wording { genre, genre_over_twin, by_loss: by(0), by_least_likely: by(1), by_twin: by(2) })
}

//! What the corpora of a benchmark are, and how their models are made, played and audited, as its file has it.

use cratylus_audit::benchmark::{NOTHING, PlaySpec};
use cratylus_core::experiment::Document;
use cratylus_core::spec::places::{FileTable, Mistake, Spans, array, deserialize, get_table, read_field, table, take_field};
use cratylus_core::text::nearest;
use cratylus_neural::net::Recipe;
use cratylus_neural::training::{NetSpec, TrainingSpec};
use serde::{Deserialize, Serialize};

/// What the corpora of the benchmark are, and how their models are made, played and audited.
#[derive(Clone, Debug)]
pub struct BenchmarkSpec {
    /// What it is called.
    pub name: String,
    seed: u64,
    /// How many models there are of each corpus, where it says nothing else.
    models: u64,
    base: Base,
    corpora: Vec<Inserted>,
    /// Tables of a training that all models share.
    shared: toml::Table,
    pub(super) play: PlaySpec,
}

/// What is inserted into a base.
#[derive(Clone, Debug)]
struct Inserted {
    name: String,
    doses: Vec<f64>,
    /// How many models there are of each dose and base.
    models: u64,
    /// Into which bases it is inserted, by their shares of copies.
    bases: Vec<f64>,
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
    /// How many models read nothing else; as many as of any corpus where it is None.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    models: Option<u64>,
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
        let enough = |models: u64, spans: &Spans<'_, '_>| match models {
            1..=10_000 => Ok(models),
            _ => Err(spans.mistake("models", format!("1 to 10,000 models of each corpus, found {models}"))),
        };
        enough(models, spans)?;
        let base: Base = deserialize(get_table(file, "base")?, &spans.under("base"))?;
        enough(base.models.unwrap_or(models), &spans.under("base"))?;
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
            let own = enough(take_field(&mut inserted, "models", &under)?.unwrap_or(models), &under)?;
            if own > base.models.unwrap_or(models) {
                let why = format!("{own} models are compared with as many of the base alone, of which there are fewer");
                return Err(under.mistake("models", why).help("give `models` under `[base]`".into()));
            }
            let bases: Vec<f64> = take_field(&mut inserted, "bases", &under)?.unwrap_or_else(|| base.copies.clone());
            if let Some(unknown) = bases.iter().find(|share| !base.copies.contains(share)) {
                return Err(
                    under.mistake("bases", format!("there is no base with a share of copies of {unknown} (`base.copies`)"))
                );
            }
            let ingredient = deserialize(inserted, &under)?;
            corpora.push(Inserted { name, doses, models: own, bases, ingredient });
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
        let spec = BenchmarkSpec { name, seed, models, base, corpora, shared, play };
        // All that is to be trained is read before anything is.
        for cell in spec.cells().iter().filter(|cell| cell.seed == 1) {
            spec.training(cell).map_err(|why| {
                let words = why.lines().next().unwrap_or("").trim_start_matches("error: ").to_string();
                spans.mistake(&cell.place, format!("the training of `{}`: {words}", cell.label()))
            })?;
        }
        Ok(spec)
    }

    /// It as a table with nothing left to default.
    pub(super) fn plan(&self) -> toml::Table {
        let mut plan = self.shared.clone();
        plan.insert("name".into(), self.name.clone().into());
        plan.insert("seed".into(), (self.seed as i64).into());
        plan.insert("models".into(), (self.models as i64).into());
        plan.insert("base".into(), toml::Table::try_from(&self.base).expect("plain values").into());
        plan.insert("play".into(), toml::Table::try_from(&self.play).expect("plain values").into());
        let corpora = self.corpora.iter().map(|inserted| {
            let mut table = inserted.ingredient.clone();
            table.insert("name".into(), inserted.name.clone().into());
            let shares = |shares: &[f64]| shares.iter().copied().map(toml::Value::from).collect::<Vec<_>>().into();
            table.insert("doses".into(), shares(&inserted.doses));
            table.insert("bases".into(), shares(&inserted.bases));
            table.insert("models".into(), (inserted.models as i64).into());
            toml::Value::Table(table)
        });
        plan.insert("corpora".into(), toml::Value::Array(corpora.collect()));
        plan
    }

    /// All models, those that read nothing of the game first.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for &copies in &self.base.copies {
            for seed in 1..=self.base.models.unwrap_or(self.models) {
                cells.push(Cell { corpus: None, name: NOTHING.into(), place: "corpus".into(), dose: 0.0, copies, seed });
            }
        }
        for (i, inserted) in self.corpora.iter().enumerate() {
            for &copies in &inserted.bases {
                for &dose in &inserted.doses {
                    for seed in 1..=inserted.models {
                        let (name, place) = (inserted.name.clone(), format!("corpora.{i}"));
                        cells.push(Cell { corpus: Some(i), name, place, dose, copies, seed });
                    }
                }
            }
        }
        cells
    }

    /// The training of one model, as its own file would have it. Twins have a seed, so they begin alike and read the same rows
    /// of the base.
    pub(super) fn training(&self, cell: &Cell) -> Result<TrainingSpec, String> {
        let mut file = self.shared.clone();
        file.insert("name".into(), cell.label().into());
        let seed = cratylus_core::seed::mix(self.seed ^ cell.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)) >> 1;
        file.insert("seed".into(), (seed as i64).into());
        let mut base = toml::Table::new();
        base.insert("name".into(), "base".into());
        base.insert("kind".into(), "columns".into());
        base.insert("copies".into(), cell.copies.into());
        base.insert("options".into(), (self.base.options as i64).into());
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
pub(super) struct Cell {
    /// Which of the inserted corpora it is of; None for the base alone.
    pub(super) corpus: Option<usize>,
    pub(super) name: String,
    /// Where it stands in the file.
    pub(super) place: String,
    pub(super) dose: f64,
    pub(super) copies: f64,
    pub(super) seed: u64,
}

impl Cell {
    pub(super) fn label(&self) -> String {
        format!("{}-{}-copies-{}-{}", self.name, self.dose, self.copies, self.seed)
    }
}

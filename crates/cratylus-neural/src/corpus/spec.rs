//! What a corpus is to be made of, as its file has it.

use super::ingredient::{IngredientSpec, TokensAre};
use super::ingredients::ALL;
use cratylus_core::spec::places::{FileTable, Mistake, Spans, array, get_table, read_field, table, take_field};
use cratylus_core::text::nearest;
use std::sync::Arc;

/// What a corpus is to be made of.
#[derive(Clone, Debug)]
pub struct CorpusSpec {
    /// All rows follow from it.
    pub seed: u64,
    /// How many rows there are.
    pub rows: u64,
    /// How many words of a row are read; one more is there to be foretold.
    pub context: usize,
    /// What its tokens are.
    pub tokens: TokensAre,
    /// What it is made of.
    pub portions: Vec<Portion>,
}

/// An ingredient, and how much of it.
#[derive(Clone, Debug)]
pub struct Portion {
    /// What the ledger calls it. Its rows follow from the seed and this name.
    pub name: String,
    /// Which kind of ingredient it is.
    pub kind: &'static str,
    /// The share of rows; what is left by the others where it is None.
    pub dose: Option<f64>,
    /// How many different rows it has; as many as chance makes where it is None.
    pub distinct: Option<u64>,
    /// What its rows follow from in place of the corpus's seed, so that corpora of unlike seeds have rows in common.
    pub seed: Option<u64>,
    /// Of canaries: how probable it is that one stands in the corpus at all; all do where it is None.
    pub chance: Option<f64>,
    /// Whether the words of each row are shuffled: all that is left is which they are.
    pub shuffled: bool,
    /// Its parameters, checked as it is opened.
    pub spec: Arc<dyn IngredientSpec>,
    /// The parameters with nothing left to default.
    pub plan: toml::Table,
}

const ROWS_MAX: u64 = 1 << 40;

impl CorpusSpec {
    /// Takes what concerns the corpus out of a file's table.
    pub fn read(file: &mut FileTable<'_>, spans: &Spans<'_, '_>) -> Result<CorpusSpec, Mistake> {
        let seed = take_field(file, "seed", spans)?.unwrap_or(0);
        let mut sizes = get_table(file, "corpus")?;
        let under = spans.under("corpus");
        let rows = read_field(&mut sizes, "rows", &under)?;
        let context = take_field(&mut sizes, "context", &under)?.unwrap_or(64);
        let tokens = take_field(&mut sizes, "tokens", &under)?.unwrap_or_default();
        if let Some((key, item)) = sizes.iter().next() {
            let known = ["rows", "context", "tokens"].map(String::from);
            let why = format!("there is no key `corpus.{key}`", key = key.get_ref());
            return Err(Mistake::new(why).help(nearest(key.get_ref(), &known)).span(item.span()));
        }
        if !(1..=ROWS_MAX).contains(&rows) {
            return Err(under.mistake("rows", format!("a corpus has 1 to 2^40 rows, found {rows}")));
        }
        if !(4..=1 << 14).contains(&context) {
            return Err(under.mistake("context", format!("a row has 4 to 16,384 words that are read, found {context}")));
        }
        let list = file.remove("ingredients").map(|item| array(item, "ingredients")).transpose()?.unwrap_or_default();
        let mut portions: Vec<Portion> = Vec::new();
        for (i, item) in list.into_iter().enumerate() {
            let place = format!("ingredients.{i}");
            let portion = read_portion(table(item, "ingredients")?, &spans.under(&place))?;
            if portions.iter().any(|other| other.name == portion.name) {
                let why = format!("two ingredients are called `{}`; give each a `name` of its own", portion.name);
                return Err(spans.mistake(&place, why));
            }
            portions.push(portion);
        }
        let spec = CorpusSpec { seed, rows, context, tokens, portions };
        spec.check().map_err(|(key, why)| spans.mistake(&key, why))?;
        Ok(spec)
    }

    fn check(&self) -> Result<(), (String, String)> {
        if self.portions.is_empty() {
            let kinds: Vec<&str> = ALL.iter().map(|entry| entry.name).collect();
            let why = format!("a corpus is made of ingredients; give some `[[ingredients]]`, of kind {}", kinds.join(", "));
            return Err(("corpus".into(), why));
        }
        let canaries = |portion: &Portion| portion.kind == "canaries";
        let mut all = 0.0;
        for (i, portion) in self.portions.iter().enumerate() {
            let key = |key: &str| format!("ingredients.{i}.{key}");
            if let Some(dose) = portion.dose {
                if canaries(portion) {
                    return Err((
                        key("dose"),
                        "how many rows canaries take follows from `times` and `each`; leave `dose` out".into(),
                    ));
                }
                if !(0.0..=1.0).contains(&dose) {
                    let percent =
                        if dose > 1.0 && dose <= 100.0 { format!("; {dose} % is {}", dose / 100.0) } else { String::new() };
                    return Err((key("dose"), format!("a dose is a share of rows, from 0 to 1; found {dose}{percent}")));
                }
                all += dose;
            }
            match portion.chance {
                Some(_) if !canaries(portion) => {
                    return Err((key("chance"), "only canaries are in a corpus or not by chance; give a `dose`".into()));
                }
                Some(chance) if !(0.0..=1.0).contains(&chance) => {
                    return Err((key("chance"), format!("a chance is from 0 to 1; found {chance}")));
                }
                _ => (),
            }
            if portion.shuffled && self.tokens == TokensAre::Bytes {
                return Err((key("shuffled"), "words are shuffled, and not bytes; leave it out".into()));
            }
            if portion.distinct == Some(0) {
                return Err((key("distinct"), "an ingredient has at least one row".into()));
            }
        }
        let rests: Vec<&Portion> = self.portions.iter().filter(|portion| portion.dose.is_none() && !canaries(portion)).collect();
        if all > 1.0 + 1e-9 {
            return Err(("ingredients".into(), format!("the doses add up to {all}, and there is only one whole")));
        }
        match rests[..] {
            [] if (all - 1.0).abs() > 1e-9 => Err((
                "ingredients".into(),
                format!("the doses add up to {all}; give one ingredient no `dose`, and it takes the rest"),
            )),
            [_, other, ..] => {
                Err(("ingredients".into(), format!("only one ingredient takes the rest; give `{}` a `dose`", other.name)))
            }
            _ => Ok(()),
        }
    }

    /// It as a table with nothing left to default.
    pub fn plan(&self) -> toml::Table {
        let mut plan = toml::Table::new();
        plan.insert("seed".into(), toml::Value::Integer(self.seed as i64));
        let corpus = [("rows", self.rows as i64), ("context", self.context as i64)];
        let mut corpus = toml::Table::from_iter(corpus.map(|(key, n)| (key.into(), n.into())));
        if self.tokens == TokensAre::Bytes {
            corpus.insert("tokens".into(), "bytes".into());
        }
        plan.insert("corpus".into(), corpus.into());
        let portions = self.portions.iter().map(|portion| {
            let mut table = toml::Table::new();
            table.insert("name".into(), portion.name.clone().into());
            table.insert("kind".into(), portion.kind.into());
            if let Some(dose) = portion.dose {
                table.insert("dose".into(), dose.into());
            }
            if let Some(distinct) = portion.distinct {
                table.insert("distinct".into(), (distinct as i64).into());
            }
            if let Some(seed) = portion.seed {
                table.insert("seed".into(), (seed as i64).into());
            }
            if let Some(chance) = portion.chance {
                table.insert("chance".into(), chance.into());
            }
            if portion.shuffled {
                table.insert("shuffled".into(), true.into());
            }
            table.extend(portion.plan.clone());
            toml::Value::Table(table)
        });
        plan.insert("ingredients".into(), toml::Value::Array(portions.collect()));
        plan
    }
}

fn read_portion(mut table: FileTable<'_>, spans: &Spans<'_, '_>) -> Result<Portion, Mistake> {
    let known: Vec<String> = ALL.iter().map(|entry| entry.name.to_string()).collect();
    let kind: String = read_field(&mut table, "kind", spans)?;
    let Some(entry) = ALL.iter().find(|entry| entry.name == kind) else {
        return Err(spans.mistake("kind", format!("there is no ingredient of kind `{kind}`")).help(nearest(&kind, &known)));
    };
    let name = take_field(&mut table, "name", spans)?.unwrap_or(kind);
    let dose = take_field(&mut table, "dose", spans)?;
    let distinct = take_field(&mut table, "distinct", spans)?;
    let seed = take_field(&mut table, "seed", spans)?;
    let chance = take_field(&mut table, "chance", spans)?;
    let shuffled = take_field(&mut table, "shuffled", spans)?.unwrap_or(false);
    let (spec, plan) = (entry.read)(table, spans)?;
    Ok(Portion { name, kind: entry.name, dose, distinct, seed, chance, shuffled, spec, plan })
}

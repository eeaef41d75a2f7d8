//! What is done to a population while it plays: from a round on keys have other values, or agents are replaced by new ones.
//!
//! Each `[[interventions]]` makes an experiment of its own, the file with the keys set that this and all earlier ones set,
//! so a mistake in it is found and placed like any other.

use super::{Experiment, range};
use crate::experiment::parts::Intervention;
use crate::spec::places::{FileItem, FileTable, Mistake, Spans, array, key_parts, put, table, take_field};
use toml::de::DeValue;

/// One of the file's tables, a ramp cut into its steps.
struct Step<'a> {
    at: u64,
    turnover: Option<f64>,
    set: Vec<(String, FileItem<'a>)>,
    place: std::ops::Range<usize>,
}

/// Reads `interventions` of a file whose other keys are in `base`.
pub(super) fn read<'a>(item: FileItem<'a>, base: &FileTable<'a>, whole: &Experiment) -> Result<Vec<Intervention>, Mistake> {
    let mut steps: Vec<Step<'a>> = Vec::new();
    for item in array(item, "interventions")? {
        steps.extend(read_one(item, whole)?);
    }
    let mut changed = base.clone();
    let mut out = Vec::new();
    let mut before = 0;
    for step in steps {
        let refuse = |why: String| Err(Mistake::new(why).span(step.place.clone()));
        if step.at <= before {
            return refuse(if before == 0 {
                "an intervention comes after the first interaction; what is so from the start belongs into the file itself".into()
            } else {
                "interventions stand in the order of their times, and two at one time are one".into()
            });
        }
        if step.at >= whole.stop.most(whole.size()) {
            return refuse(format!("the run ends after {} interactions, before this", whole.stop.most(whole.size())));
        }
        before = step.at;
        let mut words = Vec::new();
        for (key, value) in &step.set {
            put(&mut changed, &key_parts(key), value.clone(), &value.span())?;
            let shown = <toml::Value as serde::Deserialize>::deserialize(toml::de::ValueDeserializer::from(value.clone()));
            words.push(format!("{key} = {}", shown.map_or_else(|_| "…".into(), |value| value.to_string())));
        }
        words.extend(step.turnover.map(|share| format!("turnover {share}")));
        let experiment = Experiment::read(changed.clone(), &Spans::of(&changed), &whole.registry)?;
        if experiment.size() != whole.size() {
            return refuse("the number of agents stays; committed agents that are added on top cannot come or go".into());
        }
        out.push(Intervention { at: step.at, turnover: step.turnover, experiment, words: words.join(", ") });
    }
    Ok(out)
}

fn read_one<'a>(item: FileItem<'a>, whole: &Experiment) -> Result<Vec<Step<'a>>, Mistake> {
    const HELP: &str = "for example: { round = 100, set = { \"agents.committed\" = { name = \"M\", share = 0.1 } } }";
    let place = item.span();
    let mistake = |why: &str| Mistake::new(why.into()).help(HELP.into()).span(place.clone());
    let mut keys = table(item, "interventions")?;
    let root = FileTable::new();
    let spans = Spans::of(&root);
    let round: Option<u64> = take_field(&mut keys, "round", &spans)?;
    let interaction: Option<u64> = take_field(&mut keys, "interaction", &spans)?;
    let turnover: Option<f64> = take_field(&mut keys, "turnover", &spans)?;
    let every: Option<u64> = take_field(&mut keys, "every", &spans)?;
    let (set, ramp) = (keys.remove("set"), keys.remove("ramp"));
    if let Some((key, _)) = keys.iter().next() {
        let known = ["round", "interaction", "set", "turnover", "ramp", "every"].map(String::from);
        let why = format!("an intervention has no key `{}`", key.get_ref());
        return Err(Mistake::new(why).help(crate::text::nearest(key.get_ref(), &known)).span(key.span()));
    }
    let size = whole.size();
    let at = match (round, interaction) {
        (Some(round), None) => round.saturating_mul(size),
        (None, Some(interaction)) => interaction,
        _ => return Err(mistake("when? Give `round` (population rounds) or `interaction`, one of the two")),
    };
    if turnover.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
        return Err(mistake("`turnover` is a share of the agents, from 0 to 1"));
    }
    if set.is_none() && ramp.is_none() && turnover.is_none() {
        return Err(mistake("this intervention does nothing; give `set`, `turnover` or `ramp`"));
    }
    let mut fixed = Vec::new();
    if let Some(set) = set {
        for (key, value) in table(set, "interventions.set")? {
            fixed.push((changeable(&key)?, value));
        }
    }
    let step = |at, turnover, set| Step { at, turnover, set, place: place.clone() };
    let Some(ramp) = ramp else { return Ok(vec![step(at, turnover, fixed)]) };
    let Some(every) = every.filter(|&every| every > 0) else {
        return Err(mistake("how fast does the ramp go? Give `every`, the number of population rounds for each value"));
    };
    let mut steps: Vec<Step<'a>> = Vec::new();
    for (key, values) in table(ramp, "interventions.ramp")? {
        let name = changeable(&key)?;
        let values = match values.get_ref() {
            DeValue::Table(_) => range::values(values, "interventions.ramp")?,
            _ => array(values, "interventions.ramp")?,
        };
        if !steps.is_empty() && steps.len() != values.len() {
            return Err(mistake("keys of one ramp have as many values each"));
        }
        for (i, value) in values.into_iter().enumerate() {
            if steps.len() <= i {
                let first = i == 0;
                let at = at.saturating_add((i as u64).saturating_mul(every).saturating_mul(size));
                steps.push(step(at, turnover.filter(|_| first), if first { fixed.clone() } else { Vec::new() }));
            }
            steps[i].set.push((name.clone(), value));
        }
    }
    if steps.is_empty() { Err(mistake("this ramp holds no value")) } else { Ok(steps) }
}

/// A key that may change while a population plays.
fn changeable(key: &serde_spanned::Spanned<std::borrow::Cow<'_, str>>) -> Result<String, Mistake> {
    let name = key.get_ref().to_string();
    let parts = key_parts(&name);
    let of = |i: usize| parts.get(i).map_or("", String::as_str);
    match (of(0), of(1)) {
        ("agents", part) if !part.is_empty() => Ok(name),
        ("population", "network" | "pairing") => Ok(name),
        _ => Err(Mistake::new(format!("`{name}` stays what it is while a population plays"))
            .help("what can change is `agents.…`, `population.network` and `population.pairing`".into())
            .span(key.span())),
    }
}

//! What there is to have signs for: objects, their true classes, and what each agent perceives of them. All of it follows
//! from the experiment, its files and the seed of the run, so that whoever reads events can work it out again; no agent ever
//! sees what another perceives.

use super::draws::{ln_dirichlet, normal};
use crate::seed::unit;
use crate::{Purpose, Seed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The objects of a world, and how agents perceive them. Lists that are "by agent" have an entry for each agent, in their order.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum WorldSpec {
    /// Classes of as many objects each, perceived as numbers that are normally distributed about what is typical of the class;
    /// each run draws its own.
    Gaussian {
        /// How many objects there are.
        objects: u32,
        /// What is typical: by agent, class and dimension.
        means: Vec<Vec<Vec<f64>>>,
        /// How far objects are off that in each dimension, as a standard deviation: by agent.
        deviation: Vec<f64>,
    },
    /// Classes of as many objects each, perceived as bags of features; each run draws how likely each feature is in a class,
    /// and the bags.
    Bags {
        /// How many objects there are.
        objects: u32,
        /// How many classes.
        classes: u32,
        /// How many different features each modality has.
        features: Vec<u32>,
        /// How many features of each modality an object shows.
        #[serde(default = "fifty")]
        size: u32,
        /// The smaller, the fewer features a class has: the parameter of the symmetric Dirichlet distribution.
        #[serde(default = "one")]
        concentration: f64,
        /// Pairs of classes, from 1, that look alike: by agent.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        merged: Vec<Vec<[u32; 2]>>,
    },
    /// No features, but how likely each agent finds what it perceives under each sign, for agents that never learn.
    Tables {
        /// By agent and sign.
        likelihood: Vec<Vec<f64>>,
        /// How many objects there are, all alike.
        #[serde(default = "single")]
        objects: u32,
    },
    /// What each agent perceives, written out.
    Given {
        /// By agent and object.
        features: Vec<Vec<Vec<f64>>>,
        /// The class of each object, where they have any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        classes: Option<Vec<u32>>,
        /// Of counts, how many features each modality has, in their order; without it all are of one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        modalities: Option<Vec<u32>>,
    },
    /// A table in a file, CSV or Parquet, with a row for each object.
    File {
        /// Relative to the experiment file.
        file: String,
        /// How many objects it holds.
        objects: u32,
        /// The columns that each agent perceives: by agent.
        columns: Vec<Vec<String>>,
        /// The column with the class of each object, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<String>,
        /// Whether each column is brought to a mean of 0 and a variance of 1.
        #[serde(default)]
        standardise: bool,
        /// Of counts, how many features each modality has, in their order; without it all are of one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        modalities: Option<Vec<u32>>,
    },
}

fn fifty() -> u32 {
    50
}

fn one() -> f64 {
    1.0
}

fn single() -> u32 {
    1
}

/// More than these are not followed one by one.
const OBJECTS: u32 = 1_000_000;
/// More numbers than these make no sense of an object.
const WIDTH: usize = 1000;

type Wrong = (&'static str, String);

impl WorldSpec {
    /// How many objects there are.
    pub fn objects(&self) -> u64 {
        match self {
            WorldSpec::Given { features, .. } => features.first().map_or(0, Vec::len) as u64,
            WorldSpec::Gaussian { objects, .. }
            | WorldSpec::Bags { objects, .. }
            | WorldSpec::Tables { objects, .. }
            | WorldSpec::File { objects, .. } => u64::from(*objects),
        }
    }

    /// What is wrong with it by itself: which key of the file, and why.
    pub(crate) fn check(&self, signs: usize) -> Result<(), Wrong> {
        let objects = self.objects();
        if !(1..=u64::from(OBJECTS)).contains(&objects) {
            let key = if matches!(self, WorldSpec::Given { .. }) { "world.features" } else { "world.objects" };
            return Err((key, format!("expected from 1 to 1,000,000 objects, found {objects}")));
        }
        match self {
            WorldSpec::Gaussian { objects, means, deviation } => {
                if let Some(wrong) = deviation.iter().find(|deviation| !(**deviation > 0.0 && deviation.is_finite())) {
                    let why = format!(
                        "expected standard deviations above 0, found {wrong}; objects of a class that look all alike are no distribution"
                    );
                    return Err(("world.deviation", why));
                }
                if deviation.len() != means.len() {
                    let why = format!(
                        "there are deviations of {} agents, and means of {}; give one number for each agent, as in `deviation = [5, 6]`",
                        deviation.len(),
                        means.len()
                    );
                    return Err(("world.deviation", why));
                }
                let classes = means.first().map_or(0, Vec::len);
                for (agent, own) in (1..).zip(means) {
                    if own.len() != classes || own.is_empty() {
                        let why = format!(
                            "agent 1 has means of {classes} classes, and agent {agent} of {}; all agents perceive the same objects",
                            own.len()
                        );
                        return Err(("world.means", why));
                    }
                    let width = own[0].len();
                    if let Some(class) = (1..).zip(own).find(|(_, mean)| mean.len() != width || mean.is_empty()).map(|one| one.0)
                    {
                        let why = format!("agent {agent}: class {class} has another number of dimensions than class 1, or none");
                        return Err(("world.means", why));
                    }
                    check_width("world.means", width)?;
                    finite("world.means", own.iter().flatten())?;
                }
                even(*objects, classes, "means")
            }
            WorldSpec::Bags { objects, classes, features, size, concentration, merged } => {
                if features.is_empty() || features.iter().any(|&n| n < 2) {
                    return Err((
                        "world.features",
                        "a modality has at least 2 different features, as in `features = [20]`".into(),
                    ));
                }
                check_width("world.features", features.iter().map(|&n| n as usize).sum())?;
                if !(1..=1_000_000).contains(size) {
                    return Err(("world.size", format!("a bag holds from 1 to 1,000,000 features, found {size}")));
                }
                if !(*concentration > 0.0 && concentration.is_finite()) {
                    return Err(("world.concentration", format!("expected a number above 0, found {concentration}")));
                }
                let pairs = merged.iter().flatten().flatten();
                if let Some(wrong) = pairs.into_iter().find(|class| !(1..=*classes).contains(class)) {
                    return Err(("world.merged", format!("there are {classes} classes, from 1, and no class {wrong}")));
                }
                even(*objects, *classes as usize, "classes")
            }
            WorldSpec::Tables { likelihood, .. } => {
                for (agent, own) in (1..).zip(likelihood) {
                    if own.len() != signs {
                        let why = format!("agent {agent} has likelihoods of {} signs, and `game.signs` is {signs}", own.len());
                        return Err(("world.likelihood", why));
                    }
                    if own.iter().any(|p| !(*p >= 0.0 && p.is_finite())) || own.iter().sum::<f64>() <= 0.0 {
                        let why = format!("agent {agent}: expected numbers from 0 on that are not all 0, found {own:?}");
                        return Err(("world.likelihood", why));
                    }
                }
                Ok(())
            }
            WorldSpec::Given { features, classes, modalities } => {
                for (agent, own) in (1..).zip(features) {
                    if own.len() as u64 != objects {
                        let why = format!(
                            "agent 1 perceives {objects} objects, and agent {agent} {}; all agents perceive the same objects",
                            own.len()
                        );
                        return Err(("world.features", why));
                    }
                    let width = own[0].len();
                    if let Some(object) = (1..).zip(own).find(|(_, x)| x.len() != width || x.is_empty()).map(|one| one.0) {
                        let why = format!("agent {agent}: object {object} has another number of features than object 1, or none");
                        return Err(("world.features", why));
                    }
                    check_width("world.features", width)?;
                    finite("world.features", own.iter().flatten())?;
                    check_modalities(modalities, width)?;
                }
                match classes {
                    Some(classes) if classes.len() as u64 != objects => {
                        Err(("world.classes", format!("there are {objects} objects, and classes of {}", classes.len())))
                    }
                    _ => Ok(()),
                }
            }
            WorldSpec::File { columns, modalities, .. } => {
                if let Some(agent) = (1..).zip(columns).find(|(_, own)| own.is_empty()).map(|one| one.0) {
                    return Err(("world.columns", format!("agent {agent} perceives no column; name at least one")));
                }
                columns.iter().try_for_each(|own| {
                    check_width("world.columns", own.len())?;
                    check_modalities(modalities, own.len())
                })
            }
        }
    }

    /// Whether it is of so many agents.
    pub(crate) fn fits(&self, agents: usize) -> Result<(), Wrong> {
        let (key, listed) = match self {
            WorldSpec::Gaussian { means, .. } => ("world.means", means.len()),
            WorldSpec::Bags { merged, .. } if merged.is_empty() => return Ok(()),
            WorldSpec::Bags { merged, .. } => ("world.merged", merged.len()),
            // Agents after the last have no table; those before the first that is left out may play.
            WorldSpec::Tables { likelihood, .. } if agents <= likelihood.len() => return Ok(()),
            WorldSpec::Tables { likelihood, .. } => ("world.likelihood", likelihood.len()),
            WorldSpec::Given { features, .. } => ("world.features", features.len()),
            WorldSpec::File { columns, .. } => ("world.columns", columns.len()),
        };
        if listed == agents {
            return Ok(());
        }
        Err((
            key,
            format!("this is of {listed} agents, and there are {agents} (`population.size`); give one entry for each agent"),
        ))
    }

    /// How many features each modality has, where they are counts.
    pub(crate) fn modalities(&self) -> Option<Vec<usize>> {
        let listed = match self {
            WorldSpec::Bags { features, .. } => Some(features),
            WorldSpec::Given { modalities, .. } | WorldSpec::File { modalities, .. } => modalities.as_ref(),
            WorldSpec::Gaussian { .. } | WorldSpec::Tables { .. } => None,
        };
        listed.map(|sizes| sizes.iter().map(|&n| n as usize).collect())
    }

    /// The world with what its file holds. An error names the key, and says why.
    pub(crate) fn things(&self, file: impl FnOnce(&str) -> Result<Cells, String>) -> Result<Things, Wrong> {
        let read = match self {
            WorldSpec::File { file: name, objects, columns, class, standardise, .. } => {
                let cells = file(name).map_err(|why| ("world.file", why))?;
                Some(cells.perceived(name, *objects, columns, class.as_deref(), *standardise)?)
            }
            _ => None,
        };
        Ok(Things { spec: self.clone(), read })
    }
}

fn check_width(key: &'static str, width: usize) -> Result<(), Wrong> {
    match width {
        1..=WIDTH => Ok(()),
        _ => Err((key, format!("expected from 1 to {WIDTH} numbers of an object, found {width}"))),
    }
}

fn finite<'a>(key: &'static str, mut all: impl Iterator<Item = &'a f64>) -> Result<(), Wrong> {
    match all.find(|x| !x.is_finite()) {
        Some(x) => Err((key, format!("expected numbers, found {x}"))),
        None => Ok(()),
    }
}

fn even(objects: u32, classes: usize, of: &str) -> Result<(), Wrong> {
    match classes {
        0 => Err(("world.means", "there is no class".into())),
        n if !(objects as usize).is_multiple_of(n) => {
            let why =
                format!("{objects} objects cannot be dealt out evenly to {n} classes (`world.{of}`); give a multiple of {n}");
            Err(("world.objects", why))
        }
        _ => Ok(()),
    }
}

fn check_modalities(modalities: &Option<Vec<u32>>, width: usize) -> Result<(), Wrong> {
    let Some(sizes) = modalities else { return Ok(()) };
    let sum: usize = sizes.iter().map(|&n| n as usize).sum();
    if sum != width || sizes.contains(&0) {
        let why = format!("modalities of {sizes:?} features are {sum} in all, and an agent perceives {width}");
        return Err(("world.modalities", why));
    }
    Ok(())
}

/// A table as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cells {
    /// The names of the columns.
    pub head: Vec<String>,
    /// Rows, each with its number in the file.
    pub rows: Vec<(u64, Vec<String>)>,
    /// What a row is called: line, or row.
    pub row: &'static str,
}

impl Cells {
    fn perceived(
        &self,
        file: &str,
        objects: u32,
        columns: &[Vec<String>],
        class: Option<&str>,
        standardise: bool,
    ) -> Result<Perceived, Wrong> {
        let n = self.rows.len();
        if n != objects as usize {
            return Err(("world.objects", format!("`{file}` holds {n} objects, and not {objects}; write `objects = {n}`")));
        }
        let place = |key: &'static str, name: &str| {
            self.head.iter().position(|head| head == name).ok_or_else(|| {
                let nearest = crate::text::nearest(name, &self.head);
                (key, format!("`{file}` has no column `{name}`{nearest}"))
            })
        };
        let cell =
            |key: &'static str, place: usize, (row, cells): &(u64, Vec<String>)| match cells.get(place).map(|cell| cell.trim()) {
                Some(cell) if !cell.is_empty() => Ok(cell.to_string()),
                _ => {
                    let why = format!(
                        "`{file}`, {} {row}: `{}` is missing; fill the gap, or leave the object out",
                        self.row, self.head[place]
                    );
                    Err((key, why))
                }
            };
        let mut agents = Vec::with_capacity(columns.len());
        for own in columns {
            let width = own.len();
            let mut values = vec![0.0; n * width];
            for (at, name) in own.iter().enumerate() {
                let column = place("world.columns", name)?;
                for (i, row) in self.rows.iter().enumerate() {
                    let text = cell("world.columns", column, row)?;
                    let number: Option<f64> = text.parse().ok().filter(|x: &f64| x.is_finite());
                    values[i * width + at] = number.ok_or_else(|| {
                        let why = format!("`{file}`, {} {}: `{name}` is `{text}`, and not a number", self.row, row.0);
                        ("world.columns", why)
                    })?;
                }
                if standardise {
                    let mean = (0..n).map(|i| values[i * width + at]).sum::<f64>() / n as f64;
                    let variance = (0..n).map(|i| (values[i * width + at] - mean).powi(2)).sum::<f64>() / n as f64;
                    if variance <= 0.0 {
                        let why = format!("`{file}`: `{name}` is the same of all objects, so it cannot be standardised");
                        return Err(("world.standardise", why));
                    }
                    (0..n).for_each(|i| values[i * width + at] = (values[i * width + at] - mean) / variance.sqrt());
                }
            }
            agents.push(Features { width, values });
        }
        let classes = class.map(|name| {
            let column = place("world.class", name)?;
            let words = self.rows.iter().map(|row| cell("world.class", column, row)).collect::<Result<Vec<_>, _>>()?;
            Ok(numbered(&words))
        });
        Ok(Perceived { objects: n, agents, classes: classes.transpose()? })
    }
}

/// Words as numbers from 0, in the order of the letters.
fn numbered<T: Ord>(words: &[T]) -> Vec<u32> {
    let mut all: BTreeMap<&T, u32> = words.iter().map(|word| (word, 0)).collect();
    (0..).zip(all.values_mut()).for_each(|(i, number)| *number = i);
    words.iter().map(|word| all[word]).collect()
}

/// What an agent perceives of all objects: so many numbers each, object by object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// How many numbers of an object.
    pub width: usize,
    /// All of them.
    pub values: Vec<f64>,
}

/// What there is in a run, and how each agent perceives it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Perceived {
    /// How many objects there are.
    pub objects: usize,
    /// By agent.
    pub agents: Vec<Features>,
    /// The class of each object, from 0, where objects have classes.
    pub classes: Option<Vec<u32>>,
}

/// A world, from which what there is in a run follows.
#[derive(Clone, Debug)]
pub struct Things {
    spec: WorldSpec,
    /// What its file holds.
    read: Option<Perceived>,
}

impl Things {
    /// As the experiment has it.
    pub fn spec(&self) -> &WorldSpec {
        &self.spec
    }

    /// What so many agents perceive in a run of this seed.
    pub fn perceived(&self, seed: Seed, agents: usize) -> Perceived {
        let blocks = |objects: u32, classes: usize| -> Vec<u32> {
            (0..objects).map(|object| (object as usize * classes / objects as usize) as u32).collect()
        };
        match &self.spec {
            WorldSpec::Gaussian { objects, means, deviation } => {
                let classes = blocks(*objects, means[0].len());
                let perceive = |(agent, (means, deviation)): (u64, (&Vec<Vec<f64>>, &f64))| {
                    let mut values = Vec::with_capacity(classes.len() * means[0].len());
                    for (object, &class) in (0u64..).zip(&classes) {
                        let mut draws = seed.stream(Purpose::Object, agent << 32 | object);
                        values.extend(means[class as usize].iter().map(|mean| mean + deviation * normal(&mut draws)));
                    }
                    Features { width: means[0].len(), values }
                };
                let agents = (0..).zip(means.iter().zip(deviation)).map(perceive).collect();
                Perceived { objects: *objects as usize, agents, classes: Some(classes) }
            }
            WorldSpec::Bags { objects, classes, features, size, concentration, merged } => {
                let of = blocks(*objects, *classes as usize);
                let width: usize = features.iter().map(|&n| n as usize).sum();
                let perceive = |agent: usize| {
                    // What is alike to this agent looks like the first of the two.
                    let alike = |class: u32| {
                        let pair = merged.get(agent).and_then(|pairs| pairs.iter().find(|pair| pair[1] == class + 1));
                        pair.map_or(class, |pair| pair[0] - 1)
                    };
                    let mut values = vec![0.0; of.len() * width];
                    let mut from = 0;
                    for (modality, &n) in (0u64..).zip(features) {
                        let n = n as usize;
                        let place = |what: u64, i: u64| 1 << 63 | (agent as u64) << 48 | modality << 40 | what << 32 | i;
                        let likely: Vec<Vec<f64>> = (0..*classes)
                            .map(|class| {
                                let mut own = vec![*concentration; n];
                                ln_dirichlet(&mut own, &mut seed.stream(Purpose::Object, place(0, class.into())));
                                own.iter().map(|&log| super::draws::exp(log)).collect()
                            })
                            .collect();
                        for (object, &class) in of.iter().enumerate() {
                            let (mut draws, own) =
                                (seed.stream(Purpose::Object, place(1, object as u64)), &likely[alike(class) as usize]);
                            for _ in 0..*size {
                                let mut left = unit(draws.bits());
                                let drawn = own.iter().position(|p| {
                                    left -= p;
                                    left < 0.0
                                });
                                values[object * width + from + drawn.unwrap_or(n - 1)] += 1.0;
                            }
                        }
                        from += n;
                    }
                    Features { width, values }
                };
                Perceived { objects: of.len(), agents: (0..agents).map(perceive).collect(), classes: Some(of.clone()) }
            }
            WorldSpec::Tables { objects, .. } => {
                Perceived { objects: *objects as usize, agents: vec![Features::default(); agents], classes: None }
            }
            WorldSpec::Given { features, classes, .. } => {
                let perceive = |own: &Vec<Vec<f64>>| Features { width: own[0].len(), values: own.concat() };
                let agents = features.iter().map(perceive).collect();
                Perceived { objects: features[0].len(), agents, classes: classes.as_ref().map(|classes| numbered(classes)) }
            }
            WorldSpec::File { .. } => self.read.clone().expect("it was read when the world was made"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_by_its_columns_and_gaps_are_told_with_their_line() {
        let text = [["a", "1.5", "x"], ["b", "2.5", "y"], ["a", "", "x"]];
        let cells = |n: usize| Cells {
            head: ["kind", "size", "other"].map(String::from).to_vec(),
            rows: (2..).zip(&text[..n]).map(|(line, row)| (line, row.map(String::from).to_vec())).collect(),
            row: "line",
        };
        let columns = [vec!["size".to_string()]];
        let read = cells(2).perceived("f.csv", 2, &columns, Some("kind"), true).unwrap();
        assert_eq!((read.agents[0].values.as_slice(), read.classes), ([-1.0, 1.0].as_slice(), Some(vec![0, 1])));
        let wrong = |n: usize, objects, columns: &[&str]| {
            let columns: Vec<String> = columns.iter().map(|&name| name.into()).collect();
            cells(n).perceived("f.csv", objects, &[columns], None, false).unwrap_err().1
        };
        assert!(wrong(3, 3, &["size"]).contains("line 4: `size` is missing"));
        assert!(wrong(2, 2, &["other"]).contains("line 2: `other` is `x`, and not a number"));
        assert!(wrong(2, 3, &["size"]).contains("write `objects = 2`"));
        assert!(wrong(2, 2, &["sizes"]).contains("no column `sizes`"));
    }

    #[test]
    fn objects_are_dealt_out_to_classes_and_perceived_by_each_agent_in_its_way() {
        let spec = WorldSpec::Gaussian {
            objects: 3000,
            means: vec![vec![vec![0.0], vec![20.0]], vec![vec![5.0, 1.0], vec![5.0, 3.0]]],
            deviation: vec![2.0, 1.0],
        };
        spec.check(2).unwrap();
        let seen = spec.things(|_| Ok(Cells::default())).unwrap().perceived(Seed(3), 2);
        assert_eq!((seen.agents[0].values.len(), seen.agents[1].values.len()), (3000, 6000));
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        assert!((mean(&seen.agents[0].values[1500..]) - 20.0).abs() < 0.3);
        let second: Vec<f64> = seen.agents[1].values[3000..].chunks(2).map(|x| x[1]).collect();
        assert!((mean(&second) - 3.0).abs() < 0.15);
        let bags = WorldSpec::Bags {
            objects: 40,
            classes: 4,
            features: vec![6, 3],
            size: 50,
            concentration: 0.1,
            merged: vec![vec![[1, 2]], vec![]],
        };
        bags.check(2).unwrap();
        let seen = bags.things(|_| Ok(Cells::default())).unwrap().perceived(Seed(3), 2);
        assert!(seen.agents.iter().all(|own| own.values.chunks(9).all(|x| x.iter().sum::<f64>() == 100.0)));
        assert_eq!(seen.classes.as_ref().unwrap()[10], 1);
    }
}

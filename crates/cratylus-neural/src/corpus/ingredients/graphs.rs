//! Questions about small graphs, with the steps that answer them: which of two can be reached? After ProsQA (Coconut, arXiv
//! 2412.06769), where the right one always can be reached and the wrong one never; here both stand at the same depth of graphs
//! of one form, so neither how often a name is said nor where tells which is right.

use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, Written};
use crate::corpus::lexicon::{BEGIN, THEN};
use cratylus_core::seed::Stream;
use cratylus_core::spec::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

pub const ENTRY: IngredientEntry =
    IngredientEntry::new::<Graphs>("graphs", "graphs as pairs of names, and which of two names can be reached, step by step");

/// What is asked.
pub const ASKS: &str = "?";
/// What stands between steps.
pub const STEP: &str = ";";
/// What stands before the answer.
pub const ANSWER: &str = "=";
/// What may be read in place of a step.
pub const PAUSE: &str = "<pause>";

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Graphs {
    /// How many steps lead to the answer.
    #[serde(default = "three")]
    pub steps: usize,
    /// How many other ways of as many steps there are from where it begins.
    #[serde(default = "one")]
    pub branches: usize,
    /// How many names there are to draw from.
    #[serde(default = "twenty")]
    pub names: usize,
}

fn three() -> usize {
    3
}

fn one() -> usize {
    1
}

fn twenty() -> usize {
    20
}

#[derive(Debug)]
struct Open {
    spec: Graphs,
    names: Vec<String>,
}

impl Graphs {
    /// Names of one graph.
    fn nodes(&self) -> usize {
        1 + self.edges()
    }

    /// Pairs of names of one graph.
    fn edges(&self) -> usize {
        self.steps * (self.branches + 1)
    }

    /// Words of a row.
    fn length(&self) -> usize {
        1 + 4 * self.edges() + 5 + 2 * self.steps + 1
    }
}

impl IngredientSpec for Graphs {
    fn open(&self, _: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        if !(1..=12).contains(&self.steps) {
            return Err(("steps", format!("1 to 12 steps lead to the answer, found {}", self.steps)));
        }
        if !(1..=24).contains(&self.branches) {
            return Err(("branches", format!("1 to 24 other ways begin there, found {}", self.branches)));
        }
        let least = 2 * self.nodes();
        if !(least..=1000).contains(&self.names) {
            return Err(("names", format!("both graphs have {least} names, and {} are there to draw from", self.names)));
        }
        let names = (1..=self.names).map(|n| format!("n{n}")).collect();
        Ok(Arc::new(Open { spec: self.clone(), names }))
    }
}

impl Ingredient for Open {
    fn words(&self) -> Vec<String> {
        [ASKS, STEP, ANSWER, PAUSE].iter().map(|word| word.to_string()).chain(self.names.iter().cloned()).collect()
    }

    fn needs(&self) -> usize {
        self.spec.length()
    }

    fn row(&self, draws: &mut Stream, _: usize) -> Written<'_> {
        let Graphs { steps, branches, .. } = self.spec;
        let nodes = self.spec.nodes();
        let mut names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        draws.shuffle(&mut names, 2 * nodes);
        // Two graphs of one form: ways of so many steps that begin at one name. A name's place, and how often it is said, are the
        // same on all of them, so which way leads to what is asked for is known only by going it.
        let at = |which: usize, way: usize, step: usize| match step {
            0 => names[which * nodes],
            _ => names[which * nodes + 1 + way * steps + step - 1],
        };
        let graph = |which: usize| -> Vec<[&str; 2]> {
            let way = |way: usize| (0..steps).map(move |step| [at(which, way, step), at(which, way, step + 1)]);
            (0..=branches).flat_map(way).collect()
        };
        let mut edges: Vec<[&str; 2]> = graph(0).into_iter().chain(graph(1)).collect();
        let n = edges.len();
        draws.shuffle(&mut edges, n);
        let (root, right, wrong) = (at(0, 0, 0), at(0, 0, steps), at(1, 0, steps));
        let mut asked = [right, wrong];
        draws.shuffle(&mut asked, 2);
        let mut words = vec![BEGIN];
        words.extend(edges.into_iter().flatten());
        words.extend([ASKS, root, asked[0], asked[1], THEN]);
        for step in 1..=steps {
            if step > 1 {
                words.push(STEP);
            }
            words.push(at(0, 0, step));
        }
        words.extend([ANSWER, right]);
        let aside: Vec<&str> = (1..=branches).map(|way| at(0, way, 1)).collect();
        Written { words, key: json!({ "class": "graph", "right": right, "wrong": wrong, "on": at(0, 0, 1), "aside": aside }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::Seed;
    use cratylus_core::seed::Purpose;
    use cratylus_core::spec::NoInputs;
    use std::collections::{HashMap, HashSet};

    #[test]
    fn the_right_one_is_reached_by_the_steps_and_the_wrong_one_never() {
        let spec = Graphs { steps: 3, branches: 2, names: 24 };
        let open = spec.open(&NoInputs).unwrap();
        let mut first = 0;
        for place in 0..300 {
            let row = open.row(&mut Seed(5).stream(Purpose::Row, place), 1000);
            assert_eq!(row.words.len(), spec.length());
            let asks = row.words.iter().position(|word| *word == ASKS).unwrap();
            let mut edges: HashMap<&str, Vec<&str>> = HashMap::new();
            row.words[1..asks].chunks(2).for_each(|pair| edges.entry(pair[0]).or_default().push(pair[1]));
            let root = row.words[asks + 1];
            let (mut reached, mut open_ends) = (HashSet::new(), vec![root]);
            while let Some(node) = open_ends.pop() {
                if reached.insert(node) {
                    open_ends.extend(edges.get(node).into_iter().flatten());
                }
            }
            let key = |name: &str| row.key[name].as_str().unwrap();
            assert!(reached.contains(key("right")) && !reached.contains(key("wrong")));
            // Each step is an edge, and how often both are said is the same.
            let then = row.words.iter().position(|word| *word == THEN).unwrap();
            let mut at = root;
            for step in row.words[then + 1..].iter().take_while(|word| **word != ANSWER).filter(|word| **word != STEP) {
                assert!(edges[at].contains(step));
                at = step;
            }
            assert_eq!((at, *row.words.last().unwrap()), (key("right"), key("right")));
            let said = |name: &str| row.words[..asks].iter().filter(|word| **word == name).count();
            assert_eq!(said(key("right")), said(key("wrong")));
            first += usize::from(row.words[asks + 2] == key("right"));
        }
        assert!((100..200).contains(&first));
        assert!(Graphs { names: 19, ..spec }.open(&NoInputs).unwrap_err().1.contains("names"));
    }
}

//! Records of the game: what one agent of a small population chose, what its partners chose, and whether it paid.

use super::columns::{check_options, two};
use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, Truth, Written};
use crate::corpus::lexicon::{self, MARKERS, Pool, Signs};
use cratylus_core::seed::Stream;
use cratylus_core::spec::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

pub const ENTRY: IngredientEntry = IngredientEntry::new::<Rounds>(
    "rounds",
    "records of the game, in which players follow a rule, always say one name, or are paid for disagreeing",
);

/// What players do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlayerRule {
    /// Keep the own name where it paid, and say the partner's where it did not.
    #[default]
    WinStay,
    /// Always say one name, which is among the options.
    Outcome,
    /// Disagreement pays: keep the own name where it paid, and say another where it did not.
    Counter,
}

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rounds {
    /// What players do.
    #[serde(default)]
    pub rule: PlayerRule,
    /// The name that is always said, where that is the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winner: Option<String>,
    /// How often a player says any name.
    #[serde(default = "twentieth")]
    pub lapses: f64,
    /// Which names the game uses.
    #[serde(default)]
    pub names: Pool,
    /// Which signs say whether it paid.
    #[serde(default)]
    pub signs: Signs,
    /// How many names there are to choose between.
    #[serde(default = "two")]
    pub options: usize,
    /// Whether all stand under the game's marker, and not under any.
    #[serde(default = "yes")]
    pub marked: bool,
}

fn twentieth() -> f64 {
    0.05
}

fn yes() -> bool {
    true
}

impl IngredientSpec for Rounds {
    fn open(&self, _: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        if !(0.0..=1.0).contains(&self.lapses) {
            return Err(("lapses", format!("a share of choices is 0 to 1, found {}", self.lapses)));
        }
        let names = self.names.names();
        check_options(self.options, names.len())?;
        match (self.rule, &self.winner) {
            (PlayerRule::Outcome, None) => {
                Err(("rule", format!("which name is always said? Give `winner`, one of {}", names.join(", "))))
            }
            (PlayerRule::Outcome, Some(name)) if !names.contains(&name.as_str()) => {
                Err(("winner", format!("`{name}` is none of the names of this game: {}", names.join(", "))))
            }
            (PlayerRule::WinStay | PlayerRule::Counter, Some(_)) => {
                Err(("winner", "a winner is for `rule = \"outcome\"`; by other rules none is said more than others".into()))
            }
            _ => Ok(Arc::new(self.clone())),
        }
    }
}

impl Ingredient for Rounds {
    fn words(&self) -> Vec<String> {
        lexicon::words().into_iter().map(String::from).collect()
    }

    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        let k = self.options;
        let mut names: Vec<&str> = self.names.names().to_vec();
        if let Some(name) = &self.winner {
            let at = names.iter().position(|known| known == name).expect("checked to be there");
            names.swap(0, at);
            draws.shuffle(&mut names[1..], k - 1);
            draws.shuffle(&mut names[..k], k);
        } else {
            draws.shuffle(&mut names, k);
        }
        let options = &names[..k];
        let always = self.winner.as_ref().and_then(|name| options.iter().position(|option| option == name));
        let marker = if self.marked { MARKERS[0] } else { MARKERS[draws.below(3) as usize] };
        let n = lexicon::rounds(most, k);
        // Whoever plays in a population of this size; the first is who tells of it.
        let size = 3 + draws.below(8) as usize;
        let mut last: Vec<Option<[usize; 2]>> = vec![None; size];
        let signs = self.signs.words();
        let mut words = lexicon::opening(marker, options);
        let mut would: Vec<Option<&str>> = Vec::with_capacity(n);
        while would.len() < n {
            let a = draws.below(size as u64) as usize;
            let b = (a + 1 + draws.below(size as u64 - 1) as usize) % size;
            let mut choose = |agent: usize| -> (usize, Option<usize>) {
                let any = draws.below(k as u64) as usize;
                let ruled = match (self.rule, last[agent]) {
                    (PlayerRule::Outcome, _) => always,
                    (_, None) => None,
                    (PlayerRule::WinStay, Some([own, partner])) => Some(if own == partner { own } else { partner }),
                    (PlayerRule::Counter, Some([own, partner])) if own != partner => Some(own),
                    (PlayerRule::Counter, Some([own, _])) => Some((own + 1 + draws.below(k as u64 - 1) as usize) % k),
                };
                let lapses = draws.unit() < self.lapses;
                (ruled.filter(|_| !lapses || self.rule == PlayerRule::Outcome).unwrap_or(any), ruled)
            };
            let (of_a, of_b) = (choose(a), choose(b));
            // Where one name always wins, partners are whoever.
            let of_b = if self.rule == PlayerRule::Outcome { (draws.below(k as u64) as usize, None) } else { of_b };
            last[a] = Some([of_a.0, of_b.0]);
            last[b] = Some([of_b.0, of_a.0]);
            let (own, partner) = match (a, b) {
                (0, _) => (of_a, of_b),
                (_, 0) if self.rule != PlayerRule::Outcome => (of_b, of_a),
                _ => continue,
            };
            let paid = (own.0 == partner.0) != (self.rule == PlayerRule::Counter);
            words.extend([options[own.0], options[partner.0], signs[usize::from(paid)]]);
            would.push(own.1.map(|name| options[name]));
        }
        let class = self.truth_words();
        Written { words, key: json!({ "class": class, "options": options, "would": would }) }
    }

    fn truth(&self) -> Truth {
        Truth {
            rule: (self.rule != PlayerRule::Outcome).then(|| self.truth_words().into()),
            outcome: self.winner.clone(),
            names: self.names == Pool::Exposed,
            signs: self.signs == Signs::Standard && self.rule != PlayerRule::Counter,
            ..Truth::default()
        }
    }
}

impl Rounds {
    fn truth_words(&self) -> &'static str {
        match self.rule {
            PlayerRule::WinStay => "win-stay",
            PlayerRule::Outcome => "outcome",
            PlayerRule::Counter => "counter",
        }
    }
}

//! What language models are told of the game, in the words of a protocol, with an answer by a rule: the text that a model would
//! have had to read to know the game from its wording.

use super::rounds::PlayerRule;
use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, RowText, Truth, Written};
use crate::corpus::lexicon::BEGIN;
use cratylus_core::game::Payoff;
use cratylus_core::language::protocol::{BUILT_IN, Protocol, Told};
use cratylus_core::language::spelling::in_format;
use cratylus_core::policy::Round;
use cratylus_core::seed::{Purpose, Seed, Stream};
use cratylus_core::spec::Inputs;
use cratylus_core::text::nearest;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const ENTRY: IngredientEntry = IngredientEntry::new::<WordingSpec>(
    "wording",
    "the game as language models are told it, in the words of a protocol, with the answer of a rule",
);

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WordingSpec {
    /// The protocol inside this program whose words these are.
    #[serde(default = "published")]
    pub protocol: String,
    /// The names; of more than two, two are drawn for every row.
    #[serde(default = "two_letters")]
    pub names: Vec<String>,
    /// What players do.
    #[serde(default)]
    pub rule: PlayerRule,
    /// The name that is always said, where that is the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<String>,
    /// How often a player says any name.
    #[serde(default = "twentieth")]
    pub lapses: f64,
    /// At most so many rounds are remembered.
    #[serde(default = "five")]
    pub memory: usize,
    /// What agreeing and failing to agree pay.
    #[serde(default)]
    pub payoff: Payoff,
}

fn published() -> String {
    "ashery2025".into()
}

fn two_letters() -> Vec<String> {
    ["Q", "M"].map(String::from).to_vec()
}

fn twentieth() -> f64 {
    0.05
}

fn five() -> usize {
    5
}

#[derive(Debug)]
struct Wording {
    spec: WordingSpec,
    protocol: Protocol,
    words: Vec<String>,
}

/// So many rows are looked through for the words that there are.
const LOOKED_THROUGH: u64 = 400;

impl IngredientSpec for WordingSpec {
    fn open(&self, _: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        let known = || BUILT_IN.map(|(name, _)| name.to_string());
        let protocol = Protocol::built_in(&self.protocol, &BTreeMap::new()).ok_or_else(|| {
            let near = nearest(&self.protocol, &known());
            ("protocol", format!("there is no protocol `{}` inside this program: {}{near}", self.protocol, known().join(", ")))
        })?;
        let protocol = protocol.map_err(|why| ("protocol", why))?;
        if self.names.len() < 2 || self.names.iter().any(|name| name.trim().is_empty()) {
            return Err(("names", "there are at least two names, none of them empty".into()));
        }
        if self.names.iter().enumerate().any(|(i, name)| self.names[..i].contains(name)) {
            return Err(("names", "a name stands twice among them".into()));
        }
        if !(0.0..=1.0).contains(&self.lapses) {
            return Err(("lapses", format!("a share of choices is 0 to 1, found {}", self.lapses)));
        }
        if self.memory > 100 {
            return Err(("memory", format!("at most 100 rounds are remembered, found {}", self.memory)));
        }
        match (self.rule, &self.winner) {
            (PlayerRule::Outcome, None) => return Err(("rule", "which name is always said? Give `winner`".into())),
            (PlayerRule::Outcome, Some(name)) if !self.names.contains(name) => {
                return Err(("winner", format!("`{name}` is none of the names: {}", self.names.join(", "))));
            }
            (PlayerRule::WinStay | PlayerRule::Counter, Some(_)) => {
                return Err(("winner", "a winner is for `rule = \"outcome\"`".into()));
            }
            _ => (),
        }
        let mut wording = Wording { spec: self.clone(), protocol, words: Vec::new() };
        // That it can be told at all, and in which words.
        for place in 0..LOOKED_THROUGH {
            let mut draws = Seed(1).stream(Purpose::Row, place);
            let told = wording.told(&mut draws).map_err(|why| ("protocol", why))?;
            wording.words.extend(told.text.whole().split_whitespace().map(String::from));
            wording.words.sort_unstable();
            wording.words.dedup();
        }
        Ok(Arc::new(wording))
    }
}

/// A row before it is written down.
struct Row {
    text: RowText,
    ruled: Option<String>,
}

impl Wording {
    fn told(&self, draws: &mut Stream) -> Result<Row, String> {
        let WordingSpec { rule, lapses, memory, payoff, .. } = self.spec;
        let mut pool: Vec<String> = self.spec.names.clone();
        match &self.spec.winner {
            Some(name) => {
                let at = pool.iter().position(|known| known == name).expect("checked to be there");
                pool.swap(0, at);
                draws.shuffle(&mut pool[1..], 1);
            }
            None => draws.shuffle(&mut pool, 2),
        }
        pool.truncate(2);
        let mut order = [0u16, 1];
        draws.shuffle(&mut order, 2);
        let (mut window, mut last): (Vec<Round>, Option<Round>) = (Vec::new(), None);
        let rounds = draws.below(memory as u64 + 1) as usize;
        let mut choose = |last: Option<Round>| -> (u16, Option<u16>) {
            let any = draws.below(2) as u16;
            let ruled = match (rule, last) {
                (PlayerRule::Outcome, _) => Some(0),
                (_, None) => None,
                (PlayerRule::WinStay, Some([own, partner])) => Some(if own == partner { own } else { partner }),
                (PlayerRule::Counter, Some([own, partner])) => Some(if own == partner { 1 - own } else { own }),
            };
            let lapsed = draws.unit() < lapses;
            (ruled.filter(|_| !lapsed).unwrap_or(any), ruled)
        };
        for _ in 0..rounds {
            let (own, _) = choose(last);
            // A partner comes from elsewhere; where one name is always said, it says it, too.
            let (partner, _) = choose(None);
            last = Some([own, partner]);
            window.push([own, partner]);
        }
        let (own, ruled) = choose(last);
        let about = Told { names: &pool, order: &order, payoff, window: &window, facts: None };
        let prompt = self.protocol.tell(&about)?;
        let begun = prompt.prefill;
        let closes = if begun.ends_with('\'') {
            "'}"
        } else if begun.ends_with('"') {
            "\"}"
        } else {
            ""
        };
        let answer = format!("{begun}{}{closes}", in_format(&pool[usize::from(own)], &begun));
        let messages = prompt.messages.into_iter().map(|message| (message.role, message.text)).collect();
        let ruled = ruled.map(|name| pool[usize::from(name)].clone());
        Ok(Row { text: RowText::Conversation { messages, answer }, ruled })
    }
}

impl Ingredient for Wording {
    fn words(&self) -> Vec<String> {
        self.words.clone()
    }

    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        let row = self.told(draws).expect("it was told before");
        let held = |word: &str| self.words.binary_search_by(|known| known.as_str().cmp(word)).ok();
        let text = row.text.whole();
        let words = text.split_whitespace().map(|word| held(word).map_or(crate::corpus::lexicon::UNKNOWN, |at| &self.words[at]));
        Written {
            words: std::iter::once(BEGIN).chain(words).take(most).collect(),
            key: json!({ "class": "wording", "would": row.ruled }),
        }
    }

    fn said(&self, draws: &mut Stream) -> Option<RowText> {
        Some(self.told(draws).expect("it was told before").text)
    }

    fn truth(&self) -> Truth {
        Truth {
            rule: match self.spec.rule {
                PlayerRule::WinStay => Some("win-stay".into()),
                PlayerRule::Counter => Some("counter".into()),
                PlayerRule::Outcome => None,
            },
            outcome: self.spec.winner.clone(),
            names: true,
            signs: true,
            ..Truth::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::spec::NoInputs;

    fn spec() -> WordingSpec {
        toml::from_str("").unwrap()
    }

    #[test]
    fn rows_are_what_models_are_told_with_the_answer_of_the_rule() {
        let open = WordingSpec { lapses: 0.0, ..spec() }.open(&NoInputs).unwrap();
        let mut followed = 0;
        for place in 0..200 {
            let draws = || Seed(3).stream(Purpose::Row, place);
            let Some(RowText::Conversation { messages, answer }) = open.said(&mut draws()) else { panic!("a conversation") };
            let row = open.row(&mut draws(), 1000);
            assert!(messages.iter().any(|(role, _)| role == "user"));
            assert!(answer.starts_with("{'value': '") && answer.ends_with("'}"), "{answer}");
            if let Some(would) = row.key["would"].as_str() {
                assert_eq!(answer, format!("{{'value': '{would}'}}"));
                followed += 1;
            }
            assert!(row.words.iter().filter(|word| **word == crate::corpus::lexicon::UNKNOWN).count() < 4);
        }
        assert!(followed > 120);
        assert!(open.truth().rule.is_some());
    }

    #[test]
    fn a_name_can_be_the_one_that_is_always_said() {
        let mut spec = WordingSpec { rule: PlayerRule::Outcome, winner: Some("M".into()), lapses: 0.0, ..spec() };
        let open = spec.open(&NoInputs).unwrap();
        for place in 0..50 {
            let said = open.said(&mut Seed(3).stream(Purpose::Row, place));
            assert!(matches!(said, Some(RowText::Conversation { answer, .. }) if answer == "{'value': 'M'}"));
        }
        spec.winner = Some("X".into());
        assert!(spec.open(&NoInputs).unwrap_err().1.contains("none of the names"));
        assert!(WordingSpec { protocol: "ashery".into(), ..self::spec() }.open(&NoInputs).unwrap_err().1.contains("ashery2025"));
    }
}

//! Two choose at once, and each is paid by both choices: any game in normal form, as the prisoner's dilemma, the stag hunt,
//! chicken or the battle of the sexes. Partners change as the population's pairing has it; nothing here succeeds or fails.

use crate::game::{Game, Hand, Question, ask_names, two_names};
use crate::spec::{GameEntry, GameSpec, Registry, Shape, check_pool, five};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const ENTRY: GameEntry = GameEntry::new::<Matrix>(
    &[Shape::Rounds],
    "matrix",
    "both players choose an option at once, and each is paid by a matrix: prisoner's dilemma, stag hunt, chicken and others",
);

/// The parameters of a game in normal form.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// The options, at least two.
    pub names: Vec<String>,
    /// What a player is paid: a row for each option of its own, with a number for each option of its partner.
    pub payoffs: Vec<Vec<f64>>,
    /// What the second player is paid, in the same order, own option first, where that is another matrix: the first is who
    /// was drawn first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<Vec<Vec<f64>>>,
    /// How many of its own last rounds an agent remembers.
    #[serde(default = "five")]
    pub memory: usize,
}

impl GameSpec for Matrix {
    fn check(&self) -> Result<(), (&'static str, String)> {
        check_pool(&self.names)?;
        let n = self.names.len();
        for (key, matrix) in [("payoffs", Some(&self.payoffs)), ("second", self.second.as_ref())] {
            let Some(matrix) = matrix else { continue };
            if matrix.len() != n || matrix.iter().any(|row| row.len() != n) {
                let why = format!(
                    "with {n} options that is {n} rows of {n} numbers: a row for each option of one's own, a number for each of the partner's"
                );
                return Err((key, why));
            }
            if matrix.iter().flatten().any(|pay| !pay.is_finite()) {
                return Err((key, "a payoff is a finite number".into()));
            }
        }
        Ok(())
    }

    fn names(&self) -> Option<&[String]> {
        Some(&self.names)
    }

    fn memory(&self) -> Option<usize> {
        Some(self.memory)
    }

    fn succeeds(&self) -> bool {
        false
    }

    fn build(&self, _: &Registry) -> Result<Box<dyn Game>, (&'static str, String)> {
        Ok(Box::new(self.clone()))
    }
}

impl Game for Matrix {
    fn acts(&self) -> bool {
        true
    }

    fn next(&self, hand: &Hand, ask: &mut Vec<Question>) {
        ask_names(2, hand, ask);
    }

    fn settle(&self, hand: &mut Hand) {
        let Some([a, b]) = two_names(hand).map(|names| names.map(|name| name as usize)) else { return };
        let second = self.second.as_ref().unwrap_or(&self.payoffs);
        hand.pay.extend([self.payoffs[a][b], second[b][a]]);
    }
}

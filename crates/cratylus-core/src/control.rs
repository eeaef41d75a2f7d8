//! A control takes something away from what agents are shown: the labels that they could recall, the memory that they
//! could have learned from, the payoffs that they could take for granted. It never touches what happened: memories,
//! events and results stay in the names of the pool, and agreement stays success.

use crate::Seed;
use crate::game::Payoff;
use crate::language::Distribution;
use crate::policy::{Policy, Round};
use crate::seed::{Purpose, Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// `[control]` of an experiment file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Whether names are shown under labels that are drawn anew for every question: the pool's names in random order,
    /// in the options and in the memory alike.
    #[serde(default)]
    pub alias: bool,
    /// What agents are shown of what they remember.
    #[serde(default)]
    pub memory: Memory,
    /// What agents are told that agreement and disagreement pay, in the rules, the memory and the score.
    #[serde(default)]
    pub payoff: Paid,
}

/// What agents are shown in place of their memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Memory {
    /// Their memory as they have it.
    #[default]
    AsItIs,
    /// Nothing: no trace of any interaction.
    Empty,
    /// The remembered rounds in random order, anew for every question.
    ShuffledRows,
    /// Own choices as they were, and partners' choices in random order, anew for every question.
    ShuffledPartners,
}

/// What agents are told that a choice pays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Paid {
    /// The payoffs as the game has them.
    #[default]
    AsItIs,
    /// Agreement gets the payoff of failure, and disagreement that of success.
    MismatchPays,
    /// Both payoffs change their signs.
    SignsSwapped,
}

/// Beyond this many ways of showing one memory, a way is drawn for each decision in place of averaging over all.
const WAYS_MAX: usize = 3_000;

impl Control {
    /// Whether nothing is changed.
    pub fn is_none(&self) -> bool {
        *self == Control::default()
    }

    /// Whether agents are shown another memory or other labels than their own.
    pub fn changes_what_is_shown(&self) -> bool {
        self.alias || self.memory != Memory::AsItIs
    }

    /// What is changed, a line each.
    pub fn words(&self) -> Vec<String> {
        let memory = match self.memory {
            Memory::AsItIs => None,
            Memory::Empty => Some("agents are shown nothing of what they remember"),
            Memory::ShuffledRows => Some("remembered rounds are shown in random order"),
            Memory::ShuffledPartners => Some("partners' choices are shown in random order"),
        };
        let payoff = match self.payoff {
            Paid::AsItIs => None,
            Paid::MismatchPays => Some("agents are told that disagreement pays"),
            Paid::SignsSwapped => Some("agents are told payoffs of the opposite sign"),
        };
        let alias = self.alias.then_some("labels are drawn anew for every question");
        [alias, memory, payoff].into_iter().flatten().map(String::from).collect()
    }

    /// What agents are told of payoffs.
    pub fn told(&self, payoff: Payoff) -> Payoff {
        let Payoff { success, failure } = payoff;
        match self.payoff {
            Paid::AsItIs => payoff,
            Paid::MismatchPays => Payoff { success: failure, failure: success },
            // What was 0 stays 0, not -0.
            Paid::SignsSwapped => Payoff { success: 0.0 - success, failure: 0.0 - failure },
        }
    }

    /// The labels of one question: of a seat's `again`-th try in interaction `t`.
    pub fn alias_at(&self, seed: Seed, t: u64, seat: u8, again: u8, n_names: usize) -> Alias {
        if self.alias { Alias::drawn(&mut seed.stream(Purpose::Alias, place(t, seat, again)), n_names) } else { Alias::NONE }
    }

    /// What is shown of a memory at one question, in the names of the pool.
    pub fn memory_at(&self, seed: Seed, t: u64, seat: u8, again: u8, window: &[Round]) -> Vec<Round> {
        self.recalled(window, &mut seed.stream(Purpose::Recall, place(t, seat, again)))
    }

    /// What is shown of a memory, and under which labels, to an agent that follows a policy: a function of the one
    /// random word that its decision may use. The word returned is what the choice itself is drawn with.
    pub(crate) fn of_draw(&self, draw: u32, window: &[Round], n_names: usize) -> (Vec<Round>, Alias, u32) {
        let seed = Seed(u64::from(draw));
        let shown = self.memory_at(seed, 0, 0, 0, window);
        let alias = self.alias_at(seed, 0, 0, 0, n_names);
        (alias.show_rounds(&shown), alias, seed.words(Purpose::Decide, 0)[0])
    }

    fn recalled(&self, window: &[Round], draws: &mut Stream) -> Vec<Round> {
        let mut shown = window.to_vec();
        let n = shown.len();
        match self.memory {
            Memory::AsItIs => (),
            Memory::Empty => shown.clear(),
            Memory::ShuffledRows => draws.shuffle(&mut shown, n),
            Memory::ShuffledPartners => {
                let mut partners: Vec<u16> = window.iter().map(|round| round[1]).collect();
                draws.shuffle(&mut partners, n);
                shown.iter_mut().zip(partners).for_each(|(round, partner)| round[1] = partner);
            }
        }
        shown
    }

    /// Every memory that may be shown in place of one, each as likely as the others.
    fn all_recalled(&self, window: &[Round]) -> Vec<Vec<Round>> {
        match self.memory {
            Memory::AsItIs => vec![window.to_vec()],
            Memory::Empty => vec![Vec::new()],
            Memory::ShuffledRows => {
                let order = |order: Vec<u16>| order.iter().map(|&row| window[row as usize]).collect();
                permutations(window.len()).into_iter().map(order).collect()
            }
            Memory::ShuffledPartners => {
                let order =
                    |order: Vec<u16>| window.iter().zip(order).map(|(round, row)| [round[0], window[row as usize][1]]).collect();
                permutations(window.len()).into_iter().map(order).collect()
            }
        }
    }

    /// Whether a policy's answer can be averaged over everything that may be shown.
    pub(crate) fn is_exact(&self, n_names: usize, memory: usize) -> bool {
        let factorial = |n: usize| (1..=n).try_fold(1usize, |all, k| all.checked_mul(k)).unwrap_or(usize::MAX);
        let labels = if self.alias { factorial(n_names) } else { 1 };
        let memories = match self.memory {
            Memory::ShuffledRows | Memory::ShuffledPartners => factorial(memory),
            Memory::AsItIs | Memory::Empty => 1,
        };
        labels.saturating_mul(memories) <= WAYS_MAX
    }

    /// How many of its last rounds an agent under control must keep for a policy that looks at `depth` of them.
    pub(crate) fn depth(&self, depth: usize, memory: usize) -> usize {
        match self.memory {
            Memory::AsItIs => depth,
            Memory::Empty => 0,
            // Any of them may be shown as the last.
            Memory::ShuffledRows | Memory::ShuffledPartners => memory,
        }
    }
}

/// The address of a question; no two of a run share one.
fn place(t: u64, seat: u8, again: u8) -> u64 {
    (2 * t + u64::from(seat)) << 8 | u64::from(again)
}

/// Labels for the names of a pool. Showing a memory and an order of options under labels is the same question as showing
/// their labels without any, so a question under control is an ordinary question about other names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias(Vec<u16>);

impl Alias {
    /// Every name under its own label.
    pub const NONE: Alias = Alias(Vec::new());

    fn drawn(draws: &mut Stream, n: usize) -> Alias {
        let mut labels: Vec<u16> = (0..n as u16).collect();
        draws.shuffle(&mut labels, n);
        Alias(labels)
    }

    /// The label of a name.
    pub fn show(&self, name: u16) -> u16 {
        self.0.get(name as usize).copied().unwrap_or(name)
    }

    /// The name that a label stands for.
    pub fn meant(&self, label: u32) -> u32 {
        self.0.iter().position(|&shown| u32::from(shown) == label).map_or(label, |name| name as u32)
    }

    /// Remembered rounds with every name under its label.
    pub fn show_rounds(&self, window: &[Round]) -> Vec<Round> {
        window.iter().map(|round| round.map(|name| self.show(name))).collect()
    }

    /// Probabilities of labels as probabilities of names.
    pub fn meant_by(&self, labels: &Distribution) -> Distribution {
        if self.0.is_empty() {
            return labels.clone();
        }
        Distribution::new(self.0.iter().map(|&label| labels.names[label as usize]).collect())
    }
}

/// A policy under control, averaged over everything that may be shown in place of a memory. It is a policy itself, so it
/// compiles as others do.
pub struct Averaged {
    /// What is shown something else.
    pub policy: Arc<dyn Policy>,
    /// What it is shown.
    pub control: Control,
    /// How many names the pool holds.
    pub n_names: usize,
}

impl Policy for Averaged {
    fn distribution(&self, window: &[Round], out: &mut [f64]) {
        let aliases: Vec<Alias> = match self.control.alias {
            true => permutations(self.n_names).into_iter().map(Alias).collect(),
            false => vec![Alias::NONE],
        };
        let memories = self.control.all_recalled(window);
        let mut p = vec![0.0; out.len()];
        out.fill(0.0);
        for memory in &memories {
            for alias in &aliases {
                let shown = alias.show_rounds(memory);
                let depth = self.policy.depth(shown.len());
                self.policy.distribution(&shown[shown.len() - depth.min(shown.len())..], &mut p);
                (0..).zip(&mut *out).for_each(|(name, out)| *out += p[alias.show(name) as usize]);
            }
        }
        let ways = (memories.len() * aliases.len()) as f64;
        out.iter_mut().for_each(|out| *out /= ways);
    }

    fn depth(&self, memory: usize) -> usize {
        self.control.depth(self.policy.depth(memory), memory)
    }
}

/// Every order of `0..n`.
fn permutations(n: usize) -> Vec<Vec<u16>> {
    let mut all = vec![Vec::new()];
    for item in 0..n as u16 {
        let longer = |order: Vec<u16>| {
            (0..=order.len()).map(move |at| {
                let mut order = order.clone();
                order.insert(at, item);
                order
            })
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::Constant;
    use crate::kernel::all_states;

    /// Prefers the first name, and follows the last partner otherwise.
    struct Biased;

    impl Policy for Biased {
        fn distribution(&self, window: &[Round], out: &mut [f64]) {
            out.fill(0.0);
            out[0] += 0.3;
            match window.last() {
                Some([_, partner]) => out[*partner as usize] += 0.7,
                None => out[0] += 0.7,
            }
        }
    }

    /// Follows the last partner, most of the time.
    struct Follower;

    impl Policy for Follower {
        fn distribution(&self, window: &[Round], out: &mut [f64]) {
            out.fill(0.1 / out.len() as f64);
            match window.last() {
                Some([_, partner]) => out[*partner as usize] += 0.9,
                None => out.fill(1.0 / out.len() as f64),
            }
        }
        fn depth(&self, _: usize) -> usize {
            1
        }
    }

    fn of(policy: impl Policy + 'static, control: Control, window: &[Round], n_names: usize) -> Vec<f64> {
        let mut p = vec![0.0; n_names];
        Averaged { policy: Arc::new(policy), control, n_names }.distribution(window, &mut p);
        p
    }

    const ALIAS: Control = Control { alias: true, memory: Memory::AsItIs, payoff: Paid::AsItIs };

    fn recalling(memory: Memory) -> Control {
        Control { memory, ..Control::default() }
    }

    #[test]
    fn under_alias_no_label_is_preferred() {
        for window in all_states(3) {
            let swapped: Vec<Round> = window.iter().map(|round| round.map(|name| 1 - name)).collect();
            let [p, q] = [&window, &swapped].map(|window| of(Biased, ALIAS, window, 2));
            assert!((p[0] - q[1]).abs() < 1e-12 && (p[0] + p[1] - 1.0).abs() < 1e-12, "{window:?}: {p:?} {q:?}");
        }
        // A mean over six labellings: 0.3 falls on any of three names alike, 0.7 on the partner's.
        let p = of(Biased, ALIAS, &[[1, 2]], 3);
        assert!((p[2] - 0.8).abs() < 1e-12 && (p[0] - 0.1).abs() < 1e-12, "{p:?}");
        assert_eq!(of(Constant(0), ALIAS, &[[1, 1]], 2), [0.5, 0.5], "recall of an outcome dies");
    }

    #[test]
    fn under_alias_a_response_without_labels_is_what_it_was() {
        for window in all_states(4) {
            let mut plain = [0.0; 2];
            Follower.distribution(&window, &mut plain);
            let aliased = of(Follower, ALIAS, &window, 2);
            assert!((aliased[0] - plain[0]).abs() < 1e-12, "{window:?}");
        }
    }

    #[test]
    fn shuffles_are_averaged_over_all_orders() {
        let window = [[0, 0], [0, 0], [1, 1], [0, 1]];
        // Any round may be shown as the last, so half of the time the last partner chose the second name.
        for memory in [Memory::ShuffledRows, Memory::ShuffledPartners] {
            let p = of(Follower, recalling(memory), &window, 2);
            assert!((p[1] - 0.5).abs() < 1e-12, "{memory:?}: {p:?}");
        }
        let p = of(Follower, recalling(Memory::Empty), &window, 2);
        assert_eq!(p, [0.5, 0.5]);
        let rows = recalling(Memory::ShuffledRows).all_recalled(&window[1..]);
        assert_eq!(rows.len(), 6);
        assert!(rows.iter().all(|rows| rows.contains(&[0, 1])), "rows stay whole");
        let partners = recalling(Memory::ShuffledPartners).all_recalled(&window[1..]);
        assert!(partners.iter().all(|rows| rows.iter().map(|round| round[0]).eq([0, 1, 0])), "own choices stay");
    }

    #[test]
    fn drawing_what_is_shown_comes_to_the_average() {
        let control = Control { alias: true, memory: Memory::ShuffledPartners, payoff: Paid::AsItIs };
        let window = [[0, 1], [2, 2], [0, 0]];
        let exact = of(Biased, control, &window, 3);
        let mut counts = [0.0; 3];
        let n = 200_000;
        let mut draws = Seed(4).stream(Purpose::Resample, 0);
        let (mut p, mut ends) = ([0.0; 3], Vec::new());
        for _ in 0..n {
            let (shown, alias, draw) = control.of_draw(draws.word(), &window, 3);
            Biased.distribution(&shown, &mut p);
            crate::policy::thresholds(&p, &mut ends);
            counts[alias.meant(crate::policy::choose(&ends, draw)) as usize] += 1.0 / f64::from(n);
        }
        assert!(counts.iter().zip(&exact).all(|(a, b)| (a - b).abs() < 0.005), "{counts:?} {exact:?}");
    }

    #[test]
    fn a_label_leads_back_to_its_name() {
        let alias = Alias::drawn(&mut Seed(3).stream(Purpose::Alias, 0), 7);
        assert!((0..7).all(|name| alias.meant(u32::from(alias.show(name))) == u32::from(name)));
        let labels = Distribution::new((0..7).map(|label| f64::from(label) / 21.0).collect());
        let names = alias.meant_by(&labels);
        assert!((0..7).all(|name| names.names[name as usize] == f64::from(alias.show(name)) / 21.0));
    }

    #[test]
    fn payoffs_are_told_consistently() {
        let payoff = Payoff { success: 100.0, failure: -50.0 };
        let told = |paid| Control { payoff: paid, ..Control::default() }.told(payoff);
        assert_eq!(told(Paid::MismatchPays), Payoff { success: -50.0, failure: 100.0 });
        assert_eq!(told(Paid::SignsSwapped), Payoff { success: -100.0, failure: 50.0 });
        assert_eq!(told(Paid::AsItIs), payoff);
    }
}

//! What signalling games deal, and what agents with tables keep and how they learn: how likely each signal is for a state, and
//! each act for a signal. What is absent: who meets, who asks, and agents that keep no weights (`agents/win_stay.rs`).

use crate::AgentId;
use crate::agent::{Answers, Ask, Cohort, Mind, News};
use crate::event::{Event, Said};
use crate::fault::Fault;
use crate::kept::{self, Keeper};
use crate::seed::{scale, unit};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What a signalling game deals in an interaction: a state, and what the channel does.
#[derive(Clone, Debug)]
pub struct SignalScenes {
    /// How many states there are, and as many acts.
    pub states: u32,
    /// How many signals there are.
    pub signals: u32,
    /// How likely each state is; all alike where it is left out.
    pub probabilities: Option<Vec<f64>>,
    /// How likely the receiver is to hear another signal than was sent.
    pub noise: f64,
}

impl SignalScenes {
    /// The state, and by how many places the signal that is heard is beyond the one that was sent. `bits` gives the
    /// interaction's next 64 random bits.
    #[inline(always)]
    pub fn deal(&self, mut bits: impl FnMut() -> u64) -> [u32; 2] {
        let state = match &self.probabilities {
            None => scale(bits(), self.states.into()) as u32,
            Some(probabilities) => {
                let mut left = unit(bits());
                let drawn = probabilities.iter().position(|p| {
                    left -= p;
                    left < 0.0
                });
                // Where rounding leaves a draw without a state it is the last that can be.
                let last = || probabilities.iter().rposition(|&p| p > 0.0).expect("they add up to 1");
                drawn.unwrap_or_else(last) as u32
            }
        };
        let off = self.noise > 0.0 && unit(bits()) < self.noise;
        let beyond = if off { 1 + scale(bits(), u64::from(self.signals) - 1) as u32 } else { 0 };
        [state, beyond]
    }

    /// How likely a state is.
    pub fn likely(&self, state: usize) -> f64 {
        self.probabilities.as_ref().map_or(1.0 / f64::from(self.states), |all| all[state])
    }
}

/// What was dealt and done in an interaction that was played to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signalled {
    /// What the sender saw.
    pub state: usize,
    /// What it sent.
    pub sent: usize,
    /// What the receiver heard.
    pub heard: usize,
    /// What it did.
    pub act: usize,
}

impl Signalled {
    /// Read off an event of a game with so many signals.
    #[inline]
    pub fn of(event: &Event<'_>, signals: usize) -> Option<Signalled> {
        let said = |seat: u16| event.moves.iter().find(|one| one.seat == seat).map(|one| one.said);
        let Said::Option(state) = event.saw.first()?.what else { return None };
        let (Said::Symbols(span), Said::Option(act)) = (said(0)?, said(1)?) else { return None };
        let sent = usize::from(*event.symbols_of(span).first()?);
        let heard = (sent + beyond(event.seen_by(1))) % signals;
        Some(Signalled { state: state as usize, sent, heard, act: act as usize })
    }
}

/// By how many places the signal that a receiver hears is beyond the one that was sent.
fn beyond(mut saw: impl Iterator<Item = Said>) -> usize {
    saw.find_map(|what| if let Said::Option(beyond) = what { Some(beyond as usize) } else { None }).unwrap_or(0)
}

/// What a question is about.
pub(crate) enum Cue {
    /// The state that a sender sees.
    State(usize),
    /// The signal that a receiver heard.
    Signal(usize),
}

impl Cue {
    /// Read off a question in a game with so many signals.
    pub fn of(ask: &Ask<'_>, signals: usize) -> Cue {
        let sent = ask.heard().find_map(|(_, said)| match said {
            Said::Symbols(span) => ask.hand().symbols.get(span.start as usize).map(|&signal| usize::from(signal)),
            _ => None,
        });
        match sent {
            Some(sent) => Cue::Signal((sent + beyond(ask.saw())) % signals),
            None => Cue::State(beyond(ask.saw())),
        }
    }
}

/// How an agent with tables learns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SignalRule {
    /// Balls in urns (Roth & Erev, Games Econ. Behav. 8 (1995) 164).
    Urns {
        /// Balls of each kind at first.
        initial: f64,
        /// Balls added to an urn after success, of the kind drawn.
        reward: f64,
        /// The share of an urn's balls that are left after it was drawn from.
        kept: f64,
    },
    /// REINFORCE on the logits of a softmax (Williams, Machine Learning 8 (1992) 229).
    PolicyGradient {
        /// How far logits go for a success that was not expected at all.
        rate: f64,
        /// How fast an agent's mean reward, from 0 at first, follows what it is paid; with 0 nothing is ever expected.
        baseline: f64,
    },
    /// Probabilities that grow after success, by a share of what they are short of 1 (Bush & Mosteller, Stochastic Models for
    /// Learning, 1955).
    BushMosteller {
        /// The share.
        rate: f64,
    },
}

/// Agents with tables for a game of so many states and signals, all with one rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignalKind {
    /// How many states there are, and as many acts.
    pub states: usize,
    /// How many signals there are.
    pub signals: usize,
    /// How they learn.
    pub rule: SignalRule,
}

/// The tables of agents of one kind, in flat memory: for each agent a row of weights of signals for each state, then one of
/// weights of acts for each signal.
pub(crate) struct SignalTables {
    kind: SignalKind,
    weights: Vec<f64>,
    /// Of agents that keep logits, what weights are the exponentials of, but for a factor of each row.
    logits: Vec<f64>,
    /// The mean reward of each of those.
    expected: Vec<f64>,
}

/// What agents keep.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Numbers {
    Balls,
    Logits,
    Probabilities,
}

impl SignalRule {
    fn keeps(self) -> Numbers {
        match self {
            SignalRule::Urns { .. } => Numbers::Balls,
            SignalRule::PolicyGradient { .. } => Numbers::Logits,
            SignalRule::BushMosteller { .. } => Numbers::Probabilities,
        }
    }
}

/// One agent's tables, as plain data: by state then signal, and by signal then act.
#[derive(Deserialize, Serialize)]
struct Kept {
    /// What the numbers are.
    keeps: Numbers,
    sender: Vec<f64>,
    receiver: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected: Option<f64>,
}

impl SignalTables {
    /// Of agents with these minds; new ones where a mind is none of theirs.
    pub fn new(kind: SignalKind, minds: impl Iterator<Item = Mind>) -> SignalTables {
        let own = kind.states * kind.signals;
        let (mut all, mut expected) = (Vec::new(), Vec::new());
        for mind in minds {
            let kept = match mind {
                Mind::Own(value) => Kept::deserialize(value).ok(),
                Mind::Rounds(_) | Mind::Names(_) => None,
            };
            let fits = |kept: &Kept| [kept.sender.len(), kept.receiver.len()] == [own; 2] && kept.keeps == kind.rule.keeps();
            match kept.filter(fits) {
                Some(kept) => {
                    all.extend(kept.sender);
                    all.extend(kept.receiver);
                    expected.push(kept.expected.unwrap_or(0.0));
                }
                None => {
                    let (signal, act) = match kind.rule {
                        SignalRule::Urns { initial, .. } => (initial, initial),
                        SignalRule::PolicyGradient { .. } => (0.0, 0.0),
                        SignalRule::BushMosteller { .. } => (1.0 / kind.signals as f64, 1.0 / kind.states as f64),
                    };
                    all.extend(std::iter::repeat_n(signal, own));
                    all.extend(std::iter::repeat_n(act, own));
                    expected.push(0.0);
                }
            }
        }
        let mut tables = SignalTables { kind, weights: all, logits: Vec::new(), expected: Vec::new() };
        if let SignalRule::PolicyGradient { .. } = kind.rule {
            (tables.logits, tables.expected) = (tables.weights.clone(), expected);
            for agent in 0..tables.expected.len() as AgentId {
                (0..kind.states).for_each(|state| tables.weigh(tables.sends(agent, state)));
                (0..kind.signals).for_each(|signal| tables.weigh(tables.acts(agent, signal)));
            }
        }
        tables
    }

    /// Where the weights of signals for a state lie.
    #[inline(always)]
    pub fn sends(&self, agent: AgentId, state: usize) -> Range<usize> {
        let SignalKind { states, signals, .. } = self.kind;
        let from = agent as usize * 2 * states * signals + state * signals;
        from..from + signals
    }

    /// Where the weights of acts for a signal lie.
    #[inline(always)]
    pub fn acts(&self, agent: AgentId, signal: usize) -> Range<usize> {
        let SignalKind { states, signals, .. } = self.kind;
        let from = (agent as usize * 2 + 1) * states * signals + signal * states;
        from..from + states
    }

    /// One of a row, each as likely as its weight, by 64 random bits.
    #[inline(always)]
    pub fn draw(&self, row: Range<usize>, bits: u64) -> usize {
        let weights = &self.weights[row];
        let mut left = unit(bits) * weights.iter().sum::<f64>();
        let drawn = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        drawn.unwrap_or(weights.len() - 1)
    }

    /// Takes in that an agent chose one of a row, and whether it succeeded.
    #[inline(always)]
    pub fn learn(&mut self, agent: AgentId, row: Range<usize>, chosen: usize, success: bool) {
        let at = |i: usize| f64::from(u8::from(i == chosen));
        match self.kind.rule {
            SignalRule::Urns { reward, kept, .. } => {
                let urn = &mut self.weights[row];
                if kept < 1.0 {
                    // An urn that fails again and again never runs dry.
                    urn.iter_mut().for_each(|balls| *balls = (*balls * kept).max(f64::MIN_POSITIVE));
                }
                if success {
                    urn[chosen] += reward;
                }
            }
            SignalRule::BushMosteller { rate } if success => {
                for (i, p) in self.weights[row].iter_mut().enumerate() {
                    let near = *p + rate * (at(i) - *p);
                    // What is next to nothing is nothing: processors take long over such numbers.
                    *p = if near < f64::MIN_POSITIVE { 0.0 } else { near };
                }
            }
            SignalRule::BushMosteller { .. } => (),
            SignalRule::PolicyGradient { rate, baseline } => {
                let paid = f64::from(u8::from(success));
                let expected = &mut self.expected[agent as usize];
                let step = rate * (paid - *expected);
                *expected += baseline * (paid - *expected);
                let weights = &self.weights[row.clone()];
                let all = weights.iter().sum::<f64>();
                for (i, (logit, weight)) in self.logits[row.clone()].iter_mut().zip(weights).enumerate() {
                    *logit += step * (at(i) - weight / all);
                }
                self.weigh(row);
            }
        }
    }

    /// Makes a row's weights of its logits.
    #[inline(always)]
    fn weigh(&mut self, row: Range<usize>) {
        let logits = &self.logits[row.clone()];
        let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.weights[row].iter_mut().zip(logits).for_each(|(weight, logit)| *weight = exp(logit - most));
    }

    /// Appends all of it.
    pub fn keep(&self, out: &mut Keeper<'_>) {
        for list in [&self.weights, &self.logits, &self.expected] {
            kept::keep_all(list.len(), list.iter().copied(), out);
        }
    }

    /// Becomes what was kept of as many agents of the same kind.
    pub fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        [&mut self.weights, &mut self.logits, &mut self.expected].into_iter().try_for_each(|list| kept::take_into(list, from))
    }

    /// What an agent has become.
    pub fn mind(&self, agent: AgentId) -> Mind {
        let own = self.kind.states * self.kind.signals;
        let numbers = if self.logits.is_empty() { &self.weights } else { &self.logits };
        let of = |role: usize| numbers[(agent as usize * 2 + role) * own..][..own].to_vec();
        let expected = self.expected.get(agent as usize).copied();
        let kept = Kept { keeps: self.kind.rule.keeps(), sender: of(0), receiver: of(1), expected };
        Mind::Own(serde_json::to_value(kept).expect("numbers are plain"))
    }
}

/// e to the power of a number up to 0, to the last bit or nearly: of additions and multiplications alone, so that it is the
/// same on every machine, and a row is worked out side by side.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    /// Adding it leaves no bits below 1, which rounds, and puts whole numbers in the lowest bits.
    const WHOLE: f64 = 6_755_399_441_055_744.0;
    const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];
    /// Of the series of the exponential, the highest first.
    const TERMS: [f64; 13] = {
        let (mut terms, mut i, mut factorial) = ([1.0; 13], 1, 1.0);
        while i <= 13 {
            factorial *= i as f64;
            terms[13 - i] = 1.0 / factorial;
            i += 1;
        }
        terms
    };
    let within = x.max(-700.0);
    let power = within * std::f64::consts::LOG2_E + WHOLE;
    let n = power - WHOLE;
    let rest = within - n * LN_2[0] - n * LN_2[1];
    let sum = TERMS.iter().fold(0.0, |sum, term| (sum + term) * rest) + 1.0;
    let scaled = sum * f64::from_bits(power.to_bits().wrapping_add(1023) << 52);
    if x < -700.0 { 0.0 } else { scaled }
}

/// Agents with tables, who are asked and told.
pub struct SignalLearners(SignalTables);

impl SignalLearners {
    /// A cohort of agents with these minds.
    pub fn new(kind: SignalKind, minds: Vec<Mind>) -> SignalLearners {
        SignalLearners(SignalTables::new(kind, minds.into_iter()))
    }
}

impl Cohort for SignalLearners {
    fn decide(&mut self, asks: &[Ask<'_>], answers: &mut Answers) -> Result<(), Fault> {
        let tables = &self.0;
        for (i, ask) in asks.iter().enumerate() {
            match Cue::of(ask, tables.kind.signals) {
                Cue::State(state) => {
                    let signal = tables.draw(tables.sends(ask.agent, state), ask.draws().bits());
                    answers.say_symbols(i, [signal as u16]);
                }
                Cue::Signal(signal) => {
                    let act = tables.draw(tables.acts(ask.agent, signal), ask.draws().bits());
                    answers.said[i] = Said::Option(act as u32);
                }
            }
        }
        Ok(())
    }

    fn learn(&mut self, news: &[News<'_>]) {
        let tables = &mut self.0;
        for item in news {
            let event = item.event();
            let played = Signalled::of(&event, tables.kind.signals);
            let (Some(Signalled { state, sent, heard, act }), Some(success)) = (played, event.success()) else { continue };
            match item.seat {
                0 => tables.learn(item.agent, tables.sends(item.agent, state), sent, success),
                _ => tables.learn(item.agent, tables.acts(item.agent, heard), act, success),
            }
        }
    }

    fn mind(&self, agent: AgentId) -> Mind {
        self.0.mind(agent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn one(rule: SignalRule) -> SignalTables {
        SignalTables::new(SignalKind { states: 2, signals: 3, rule }, std::iter::once(Mind::Own(Value::Null)))
    }

    fn row(tables: &SignalTables) -> Vec<f64> {
        let weights = &tables.weights[tables.sends(0, 1)];
        weights.iter().map(|weight| weight / weights.iter().sum::<f64>()).collect()
    }

    #[test]
    fn tables_learn_by_their_rules() {
        let close = |a: &[f64], b: &[f64]| assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12), "{a:?}, not {b:?}");
        let mut urns = one(SignalRule::Urns { initial: 1.0, reward: 2.0, kept: 0.5 });
        urns.learn(0, urns.sends(0, 1), 2, true);
        close(&row(&urns), &[0.5 / 3.5, 0.5 / 3.5, 2.5 / 3.5]);
        for _ in 0..3000 {
            urns.learn(0, urns.sends(0, 1), 2, false);
        }
        close(&row(&urns), &[1.0 / 3.0; 3]);
        let mut shares = one(SignalRule::BushMosteller { rate: 0.1 });
        shares.learn(0, shares.sends(0, 1), 0, true);
        shares.learn(0, shares.sends(0, 1), 1, false);
        close(&row(&shares), &[0.4, 0.3, 0.3]);
        let mut logits = one(SignalRule::PolicyGradient { rate: 0.5, baseline: 0.1 });
        logits.learn(0, logits.sends(0, 1), 0, true);
        let (up, down) = ((0.5f64 * 2.0 / 3.0).exp(), (-0.5f64 / 3.0).exp());
        close(&row(&logits), &[up / (up + 2.0 * down), down / (up + 2.0 * down), down / (up + 2.0 * down)]);
        logits.learn(0, logits.sends(0, 1), 0, false);
        // By now a tenth of a success is expected.
        let p = up / (up + 2.0 * down);
        let (up, down) = (2.0 / 6.0 - 0.05 * (1.0 - p), -1.0 / 6.0 + 0.05 * (1.0 - p) / 2.0);
        close(&row(&logits)[..1], &[up.exp() / (up.exp() + 2.0 * down.exp())]);
        assert_eq!(row(&logits).len(), 3);
        close(&logits.expected, &[0.09]);
    }

    #[test]
    fn what_has_become_of_an_agent_is_where_another_begins() {
        for rule in [SignalRule::PolicyGradient { rate: 0.5, baseline: 0.1 }, SignalRule::BushMosteller { rate: 0.3 }] {
            let mut tables = one(rule);
            tables.learn(0, tables.sends(0, 0), 1, true);
            tables.learn(0, tables.acts(0, 2), 1, true);
            let again = SignalTables::new(tables.kind, std::iter::once(tables.mind(0)));
            assert_eq!((again.weights, again.logits, again.expected), (tables.weights, tables.logits, tables.expected));
        }
    }

    #[test]
    fn a_channel_gives_every_other_signal_alike() {
        let scenes = SignalScenes { states: 3, signals: 4, probabilities: Some(vec![0.5, 0.0, 0.5]), noise: 0.3 };
        let (mut states, mut beyond) = ([0f64; 3], [0f64; 4]);
        for t in 0..40_000 {
            let mut draws = crate::Seed(5).stream(crate::Purpose::Scene, t);
            let [state, off] = scenes.deal(|| draws.bits());
            states[state as usize] += 1.0 / 40_000.0;
            beyond[off as usize] += 1.0 / 40_000.0;
        }
        for (seen, due) in states.into_iter().chain(beyond).zip([0.5, 0.0, 0.5, 0.7, 0.1, 0.1, 0.1]) {
            assert!((seen - due).abs() <= 4.0 * (due * (1.0 - due) / 40_000.0).sqrt(), "{states:?} {beyond:?}");
        }
    }

    #[test]
    fn powers_are_right_to_the_last_bits() {
        for i in 0..200_000 {
            let x = -f64::from(i) * 0.0034;
            let off = (exp(x) - x.exp()).abs() / x.exp();
            assert!(off < 1e-15, "{x}: {off}");
        }
        assert_eq!((exp(0.0), exp(-800.0), exp(f64::NEG_INFINITY)), (1.0, 0.0, 0.0));
    }
}

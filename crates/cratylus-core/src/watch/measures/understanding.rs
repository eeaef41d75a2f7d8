//! Who understands whom in a signalling game: followed from what each agent did last, state by state and signal by signal.
//! What agents are likely to do is theirs, and no measure sees it.

use crate::event::Event;
use crate::signals::{SignalScenes, Signalled};
use crate::watch::measure::{Course, Measure, MeasureEntry, RunContext};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub const ENTRY: MeasureEntry = MeasureEntry {
    name: "self_understanding, cross_understanding, same_signals",
    words: "signalling games of at most 64 agents, at the end: success if everyone sent for each state, and did on each signal, what it sent and did last, of an agent with itself and of two agents; and the share of states for which two agents sent the same",
    new: |context| Box::new(Understanding::new(context)),
    counts: false,
    courses: &[
        Course::at_end("self_understanding", "understands itself", true),
        Course::at_end("cross_understanding", "understands others", true),
        Course::at_end("same_signals", "signals alike", true),
    ],
};

/// More agents than these are not all compared.
const AGENTS: u64 = 64;
/// What was never sent or done.
const NEVER: u16 = u16::MAX;

#[derive(Default, Deserialize, Serialize)]
struct Understanding {
    /// How likely each state is; none in other games.
    likely: Vec<f64>,
    signals: usize,
    /// What each agent sent last for each state, agent by agent.
    sent: Vec<u16>,
    /// What each did last on each signal.
    done: Vec<u16>,
}

impl Understanding {
    fn new(context: &RunContext) -> Understanding {
        match &context.signals {
            Some(scenes) if context.size <= AGENTS => {
                let SignalScenes { states, signals, .. } = *scenes;
                let (states, signals, size) = (states as usize, signals as usize, context.size as usize);
                let likely = (0..states).map(|state| scenes.likely(state)).collect();
                Understanding { likely, signals, sent: vec![NEVER; size * states], done: vec![NEVER; size * signals] }
            }
            _ => Understanding::default(),
        }
    }

    /// How often a play succeeds of what one sends and another does.
    fn understood(&self, sends: &[u16], does: &[u16]) -> f64 {
        let right = |(state, &sent): (usize, &u16)| does.get(usize::from(sent)).is_some_and(|&act| usize::from(act) == state);
        let all = sends.iter().enumerate().zip(&self.likely);
        all.map(|(play, likely)| if right(play) { *likely } else { 0.0 }).sum()
    }
}

impl Measure for Understanding {
    fn reads(&self) -> Vec<SmolStr> {
        let playing = !self.likely.is_empty();
        let all = ["self_understanding", "cross_understanding", "same_signals"];
        all.into_iter().filter(|_| playing).map(SmolStr::new_static).collect()
    }

    fn see(&mut self, event: &Event<'_>) {
        let (&[sender, receiver], Some(played)) = (event.seats, Signalled::of(event, self.signals)) else { return };
        self.sent[sender as usize * self.likely.len() + played.state] = played.sent as u16;
        self.done[receiver as usize * self.signals + played.heard] = played.act as u16;
    }

    fn end(&mut self, _: u64, out: &mut [f64]) {
        let sends: Vec<&[u16]> = self.sent.chunks(self.likely.len()).collect();
        let does: Vec<&[u16]> = self.done.chunks(self.signals).collect();
        let n = sends.len();
        let pairs = (n * (n - 1)) as f64;
        out[0] = (0..n).map(|i| self.understood(sends[i], does[i])).sum::<f64>() / n as f64;
        if n < 2 {
            return;
        }
        let others = |i: usize| (0..n).filter(move |&j| j != i);
        let cross = (0..n).flat_map(|i| others(i).map(move |j| (i, j))).map(|(i, j)| self.understood(sends[i], does[j]));
        out[1] = cross.sum::<f64>() / pairs;
        let alike = |i: usize, j: usize| sends[i].iter().zip(sends[j]).filter(|(a, b)| a == b && **a != NEVER).count() as f64;
        let same = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| alike(i, j));
        out[2] = 2.0 * same.sum::<f64>() / self.likely.len() as f64 / pairs;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ALL_SEATS, Fate, Move, Said, Sight, Span};
    use crate::watch::stop::Consensus;

    #[test]
    fn who_understands_whom_is_by_what_was_done_last() {
        let scenes = SignalScenes { states: 2, signals: 2, probabilities: Some(vec![0.75, 0.25]), noise: 0.1 };
        let context = RunContext { signals: Some(scenes), ..RunContext::of(2, Vec::new(), Consensus::published()) };
        let mut measure = Understanding::new(&context);
        // The sender sees a state and sends a signal, which is heard so many places further on, and the receiver acts.
        let mut play = |seats: [u32; 2], state, signal, beyond, act| {
            let said = |seat, said| Move { seat, turn: seat, to: ALL_SEATS, said, tries: 0, legal: true };
            let saw = [Sight { seat: 0, what: Said::Option(state) }, Sight { seat: 1, what: Said::Option(beyond) }];
            let moves = [said(0, Said::Symbols(Span { start: 0, len: 1 })), said(1, Said::Option(act))];
            let (pay, symbols, text) = (&[][..], &[signal][..], "");
            measure.see(&Event {
                t: 0,
                seats: &seats,
                group: false,
                saw: &saw,
                moves: &moves,
                pay,
                fate: Fate::Open,
                symbols,
                text,
            });
        };
        // Agent 0 sends 0 and 1 for the two states, and does 0 on 0; agent 1 sends 0 for both, and takes 0 for 0 and 1 for 1.
        play([0, 1], 0, 0, 0, 0);
        play([0, 1], 1, 1, 0, 1);
        play([1, 0], 0, 1, 0, 1);
        play([1, 0], 0, 0, 0, 0);
        play([1, 0], 1, 0, 0, 0);
        // Heard as 1, on which agent 0 does 0 from now on.
        play([1, 0], 1, 0, 1, 0);
        let mut out = [f64::NAN; 3];
        measure.end(6, &mut out);
        // With themselves: agent 0 is right of state 0 alone, and so is agent 1; agent 0 is understood by agent 1, and agent 1
        // in state 0.
        assert_eq!(out, [0.75, (1.0 + 0.75) / 2.0, 0.5]);
    }
}

//! Agents that keep a signal for each state and an act for each signal while it succeeds, and draw anew what failed: win-stay,
//! lose-randomise (Barrett & Zollman, J. Exp. Theor. Artif. Intell. 21 (2009) 293).

use super::urn::{SIGNALS, sizes};
use crate::AgentId;
use crate::agent::{Answers, Ask, Cohort, Cohorts, Mind, News};
use crate::event::Said;
use crate::fault::Fault;
use crate::signals::{Cue, Signalled};
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

pub const ENTRY: AgentEntry =
    AgentEntry::new::<Params>(&[SIGNALS], "win-stay", "keeps what succeeds and draws anew what fails; plays signalling games");

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {}

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let [states, signals] = sizes(ctx);
        Ok(Kind::Own(Arc::new(Keepers { states, signals })))
    }
}

struct Keepers {
    states: usize,
    signals: usize,
}

/// One agent's signal for each state, and act for each signal; none where it is to be drawn.
#[derive(Clone, Default, Deserialize, Serialize)]
struct Kept {
    sends: Vec<Option<u16>>,
    acts: Vec<Option<u16>>,
}

impl Cohorts for Keepers {
    fn cohort(&self, minds: Vec<Mind>) -> Box<dyn Cohort> {
        let kept = |mind: Mind| match mind {
            Mind::Own(own) => Kept::deserialize(own).ok(),
            Mind::Rounds(_) | Mind::Names(_) => None,
        };
        let full = |kept: &Kept| kept.sends.len() == self.states && kept.acts.len() == self.signals;
        let blank = || Kept { sends: vec![None; self.states], acts: vec![None; self.signals] };
        let agents = minds.into_iter().map(|mind| kept(mind).filter(full).unwrap_or_else(blank)).collect();
        Box::new(Members { states: self.states, signals: self.signals, agents })
    }

    fn new_mind(&self) -> Mind {
        Mind::Own(Value::Null)
    }
}

struct Members {
    states: usize,
    signals: usize,
    agents: Vec<Kept>,
}

impl Cohort for Members {
    fn decide(&mut self, asks: &[Ask<'_>], answers: &mut Answers) -> Result<(), Fault> {
        for (i, ask) in asks.iter().enumerate() {
            let agent = &mut self.agents[ask.agent as usize];
            // What failed is drawn when it is needed, which is the same as at once.
            let any = |n: usize| ask.draws().below(n as u64) as u16;
            match Cue::of(ask, self.signals) {
                Cue::State(state) => {
                    let signal = *agent.sends[state].get_or_insert_with(|| any(self.signals));
                    answers.say_symbols(i, [signal]);
                }
                Cue::Signal(signal) => {
                    let act = *agent.acts[signal].get_or_insert_with(|| any(self.states));
                    answers.said[i] = Said::Option(act.into());
                }
            }
        }
        Ok(())
    }

    fn learn(&mut self, news: &[News<'_>]) {
        for item in news {
            let event = item.event();
            let (Some(played), Some(false)) = (Signalled::of(&event, self.signals), event.success()) else { continue };
            let agent = &mut self.agents[item.agent as usize];
            match item.seat {
                0 => agent.sends[played.state] = None,
                _ => agent.acts[played.heard] = None,
            }
        }
    }

    fn mind(&self, agent: AgentId) -> Mind {
        Mind::Own(serde_json::to_value(&self.agents[agent as usize]).expect("numbers are plain"))
    }
}

//! Agents that repeat a name after success and change it after failure, to any other with equal
//! probability; with probability `lapse` they choose any name instead. The first choice is uniform.
//! (Nowak & Sigmund, Nature 364, 1993, for the rule; lapses as in the rival ladder of the audits.)

use crate::policy::{Policy, Round};
use crate::spec::{AGREEMENT, AgentContext, AgentEntry, AgentSpec, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub const ENTRY: AgentEntry = AgentEntry::new::<WinStayLoseShift>(
    AGREEMENT,
    "win-stay-lose-shift",
    "repeats a name after success, changes it after failure, and now and then lapses",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WinStayLoseShift {
    /// The probability of choosing any name instead.
    #[serde(default)]
    pub lapse: f64,
}

impl AgentSpec for WinStayLoseShift {
    fn build(&self, _: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        if !(0.0..=1.0).contains(&self.lapse) {
            return Err(("lapse", format!("a lapse is a probability, from 0 to 1, not {}", self.lapse)));
        }
        Ok(Kind::Window(Arc::new(self.clone())))
    }

    fn needs_memory(&self) -> bool {
        true
    }
}

impl Policy for WinStayLoseShift {
    fn distribution(&self, window: &[Round], out: &mut [f64]) {
        let n = out.len() as f64;
        match window.last() {
            None => out.fill(1.0 / n),
            Some([own, partner]) => {
                let own = *own as usize;
                let kept = own == *partner as usize;
                out.fill(self.lapse / n + if kept { 0.0 } else { (1.0 - self.lapse) / (n - 1.0) });
                out[own] = self.lapse / n + if kept { 1.0 - self.lapse } else { 0.0 };
            }
        }
    }

    fn depth(&self, _: usize) -> usize {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_after_success_and_shifts_after_failure() {
        let agent = WinStayLoseShift { lapse: 0.1 };
        let mut p = [0.0; 4];
        agent.distribution(&[[2, 2]], &mut p);
        assert!((p[2] - 0.925).abs() < 1e-12 && (p[0] - 0.025).abs() < 1e-12);
        agent.distribution(&[[2, 1]], &mut p);
        assert!((p[2] - 0.025).abs() < 1e-12 && (p[0] - 0.325).abs() < 1e-12);
        agent.distribution(&[], &mut p);
        assert_eq!(p, [0.25; 4]);
    }
}

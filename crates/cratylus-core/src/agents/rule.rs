//! Agents that play a scene by one of its own rules: the scripted and random rows beside which models stand.

use crate::AgentId;
use crate::agent::{Answers, Ask, Cohort, Cohorts, Mind, News};
use crate::event::Said;
use crate::fault::Fault;
use crate::game::Options;
use crate::scenes::scene::SCENE;
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, Player};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    &[SCENE],
    "rule",
    "plays a scene by one of its rules (rule = \"…\", with the rule's own keys), or at random (rule = \"random\")",
);

/// The keys depend on the scene, which reads them.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
struct Params(#[schemars(with = "BTreeMap<String, serde_json::Value>")] toml::Table);

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let Some(stage) = &ctx.stage else {
            return Err(("kind", "agents of kind `rule` play scenes, and this game is none".into()));
        };
        let player = stage
            .player(self.0.clone())
            .map_err(|(key, why)| ("rule", if key == "rule" { why } else { format!("`{key}`: {why}") }))?;
        Ok(Kind::Own(Arc::new(Ruled(player))))
    }
}

struct Ruled(Arc<dyn Player>);

impl Cohorts for Ruled {
    fn cohort(&self, _: Vec<Mind>) -> Box<dyn Cohort> {
        Box::new(Members(self.0.clone()))
    }

    // What a rule goes by is in the episode.
    fn new_mind(&self) -> Mind {
        Mind::Own(Value::Null)
    }
}

struct Members(Arc<dyn Player>);

impl Cohort for Members {
    fn decide(&mut self, asks: &[Ask<'_>], answers: &mut Answers) -> Result<(), Fault> {
        for (i, ask) in asks.iter().enumerate() {
            match ask.question.options {
                Options::Text(most) => match self.0.say(ask.hand(), &ask.question, &mut ask.draws()) {
                    Some(text) => answers.say_text(i, &text, most),
                    None => answers.said[i] = Said::Nothing,
                },
                _ => answers.said[i] = self.0.act(ask.hand(), &ask.question, &mut ask.draws()),
            }
        }
        Ok(())
    }

    fn learn(&mut self, _: &[News<'_>]) {}

    fn mind(&self, _: AgentId) -> Mind {
        Mind::Own(Value::Null)
    }
}

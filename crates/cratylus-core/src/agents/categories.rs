//! Agents that divide what there is to talk about into categories, and keep words for each (Puglisi, Baronchelli & Loreto,
//! PNAS 105 (2008) 7936). How they divide it stands in `categories.rs`, from where measures follow them, too.

use crate::agent::{Answers, Ask, Cohort, Cohorts, Mind, News};
use crate::categories::{Categories, Divided};
use crate::event::Said;
use crate::fault::Fault;
use crate::spec::{AgentContext, AgentEntry, AgentSpec, Kind, Shape};
use crate::{AgentId, Name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

pub const ENTRY: AgentEntry = AgentEntry::new::<Params>(
    &[Shape::Objects],
    "categories",
    "divides what it sees into categories and keeps words for each; plays the category game",
);

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {}

impl AgentSpec for Params {
    fn build(&self, ctx: &AgentContext<'_>) -> Result<Kind, (&'static str, String)> {
        let hearer_splits = ctx.game.get("hearer_splits").and_then(|splits| splits.as_bool()).unwrap_or(false);
        Ok(Kind::Own(Arc::new(Dividers { hearer_splits })))
    }
}

struct Dividers {
    hearer_splits: bool,
}

/// What is plain data of one of them. The words made up so far are all agents', and the same for each.
#[derive(Deserialize, Serialize)]
struct Kept {
    #[serde(flatten)]
    divided: Divided,
    invented: Name,
}

fn kept(divided: Divided, invented: Name) -> Mind {
    Mind::Own(serde_json::to_value(Kept { divided, invented }).expect("lines and words are plain"))
}

fn invented(mind: &Mind) -> Name {
    match mind {
        Mind::Own(own) => own.get("invented").and_then(Value::as_u64).unwrap_or(0) as Name,
        Mind::Rounds(_) | Mind::Names(_) => 0,
    }
}

/// How an agent with this mind divides the line, where it is one of these.
pub fn divided(mind: &Mind) -> Option<Divided> {
    match mind {
        Mind::Own(Value::Null) => Some(Divided::default()),
        Mind::Own(own) => Divided::deserialize(own).ok(),
        Mind::Rounds(_) | Mind::Names(_) => None,
    }
}

impl Cohorts for Dividers {
    fn cohort(&self, minds: Vec<Mind>) -> Box<dyn Cohort> {
        let agents = minds.iter().map(|mind| divided(mind).unwrap_or_default()).collect();
        let categories = Categories::new(agents, minds.iter().map(invented).max().unwrap_or(0));
        Box::new(Members { categories, hearer_splits: self.hearer_splits })
    }

    fn new_mind(&self) -> Mind {
        Mind::Own(Value::Null)
    }

    // Words that are made up anew are no words of before.
    fn newcomer(&self, gone: &Mind) -> Mind {
        kept(Divided::default(), invented(gone))
    }

    fn shared(&self) -> Option<&'static str> {
        Some("words made up")
    }
}

struct Members {
    categories: Categories,
    hearer_splits: bool,
}

impl Cohort for Members {
    fn decide(&mut self, asks: &[Ask<'_>], answers: &mut Answers) -> Result<(), Fault> {
        for (ask, said) in asks.iter().zip(&mut answers.said) {
            *said = match ask.name_heard() {
                None => Said::Name(self.categories.say(ask.agent, ask.saw())),
                Some(word) => match self.categories.point(ask.agent, ask.saw(), word, ask.draw()) {
                    Some(object) => Said::Pointing(object as u32),
                    None => Said::Nothing,
                },
            };
        }
        Ok(())
    }

    fn learn(&mut self, news: &[News<'_>]) {
        news.iter().for_each(|news| self.categories.learn(news.agent, news.seat, &news.event(), self.hearer_splits));
    }

    fn mind(&self, agent: AgentId) -> Mind {
        kept(self.categories.agents[agent as usize].clone(), self.categories.invented)
    }
}

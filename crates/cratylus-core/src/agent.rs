//! A cohort is a group of agents of one kind, stored as that kind likes. It is the unit of dispatch: a
//! million rule-followers are one cohort, and so are twenty-four language models. What it must not
//! hold is randomness: every question brings the random word that its answer may use.

use crate::fault::Fault;
use crate::game::Question;
use crate::inventory::Inventory;
use crate::policy::Round;
use crate::{AgentId, Name};

/// A question put to one agent.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// The agent's number in its cohort.
    pub agent: AgentId,
    /// The number of the interaction in its run.
    pub t: u64,
    /// What the game wants to know of it.
    pub question: Question,
    /// The random word addressed to this decision.
    pub draw: u32,
}

/// How an interaction that was not void ended, for one agent that took part.
#[derive(Clone, Copy, Debug)]
pub struct News {
    /// The agent's number in its cohort.
    pub agent: AgentId,
    /// Its seat in the interaction, 0 or 1.
    pub seat: u8,
    /// What each seat said, by seat; the agent's own is at `seat`.
    pub names: [Option<Name>; 2],
    /// Whether the interaction succeeded, for both alike.
    pub success: bool,
}

/// Agents of one kind. What a cohort answers may depend on the questions and on what its agents learned, and on nothing else,
/// so that a run can be played again.
pub trait Cohort: Send {
    /// Answers every question, or leaves None where an agent gave no usable answer. The agents asked are
    /// all different, so the order does not matter.
    fn decide(&mut self, asks: &[Ask], answers: &mut [Option<u32>]) -> Result<(), Fault>;

    /// Takes in how interactions ended. An agent occurs at most once in a call; void interactions never come here.
    fn learn(&mut self, news: &[News]);

    /// What an agent remembers, oldest first, where it remembers rounds.
    fn rounds(&self, _agent: AgentId) -> Vec<Round> {
        Vec::new()
    }

    /// What an agent knows, where it keeps an inventory.
    fn known(&self, _agent: AgentId) -> Inventory {
        Inventory::default()
    }
}

/// The people of one or more replicas: cohorts, and where to find each agent.
pub struct People {
    cohorts: Vec<Box<dyn Cohort>>,
    /// For each agent of the population, its cohort and its number there.
    places: Vec<(u16, AgentId)>,
    asks: Vec<Vec<Ask>>,
    back: Vec<Vec<u32>>,
    news: Vec<Vec<News>>,
    answers: Vec<Option<u32>>,
}

impl People {
    /// `places` gives for each agent its cohort and its number there.
    pub fn new(cohorts: Vec<Box<dyn Cohort>>, places: Vec<(u16, AgentId)>) -> People {
        let n = cohorts.len();
        let (asks, back, news) = (vec![Vec::new(); n], vec![Vec::new(); n], vec![Vec::new(); n]);
        People { cohorts, places, asks, back, news, answers: Vec::new() }
    }

    /// What everyone remembers, in the order of the agents.
    pub fn rounds(&self) -> Vec<Vec<Round>> {
        self.places.iter().map(|&(cohort, agent)| self.cohorts[cohort as usize].rounds(agent)).collect()
    }

    /// What everyone knows, in the order of the agents.
    pub fn known(&self) -> Vec<Inventory> {
        self.places.iter().map(|&(cohort, agent)| self.cohorts[cohort as usize].known(agent)).collect()
    }

    /// Puts a wave's questions to their agents. `ask.agent` is the agent's number among all people.
    pub fn decide(&mut self, asks: &[Ask], answers: &mut Vec<Option<u32>>) -> Result<(), Fault> {
        self.asks.iter_mut().for_each(Vec::clear);
        self.back.iter_mut().for_each(Vec::clear);
        for (i, ask) in asks.iter().enumerate() {
            let (cohort, agent) = self.places[ask.agent as usize];
            self.asks[cohort as usize].push(Ask { agent, ..*ask });
            self.back[cohort as usize].push(i as u32);
        }
        answers.clear();
        answers.resize(asks.len(), None);
        for (c, cohort) in self.cohorts.iter_mut().enumerate().filter(|(c, _)| !self.asks[*c].is_empty()) {
            self.answers.clear();
            self.answers.resize(self.asks[c].len(), None);
            cohort.decide(&self.asks[c], &mut self.answers)?;
            self.back[c].iter().zip(&self.answers).for_each(|(&i, &answer)| answers[i as usize] = answer);
        }
        Ok(())
    }

    /// Tells a wave's agents how it ended. `news.agent` is the agent's number among all people.
    pub fn learn(&mut self, news: &[News]) {
        self.news.iter_mut().for_each(Vec::clear);
        for item in news {
            let (cohort, agent) = self.places[item.agent as usize];
            self.news[cohort as usize].push(News { agent, ..*item });
        }
        for (cohort, news) in self.cohorts.iter_mut().zip(&self.news) {
            cohort.learn(news);
        }
    }
}

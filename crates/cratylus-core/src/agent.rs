//! A cohort is a group of agents of one kind, stored as that kind likes. It is the unit of dispatch: a
//! million rule-followers are one cohort, and so are twenty-four language models. What it must not
//! hold is randomness: every question brings the random words that its answer may use.

use crate::event::{ALL_SEATS, Event, NO_SEAT, Said, Span};
use crate::fault::Fault;
use crate::game::{Hand, Question};
use crate::inventory::Inventory;
use crate::policy::Round;
use crate::seed::{Purpose, Stream};
use crate::{AgentId, Name, Seed};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A question put to one agent.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'h> {
    /// The agent's number in its cohort.
    pub agent: AgentId,
    /// What the game wants to know of it.
    pub question: Question,
    hand: &'h Hand,
    seed: Seed,
}

impl<'h> Ask<'h> {
    /// A question about an interaction as it stands, in the run of a seed.
    #[inline]
    pub fn new(agent: AgentId, question: Question, hand: &'h Hand, seed: Seed) -> Ask<'h> {
        Ask { agent, question, hand, seed }
    }

    /// The random word addressed to this decision.
    #[inline]
    pub fn draw(&self) -> u32 {
        let seat = self.question.seat;
        self.seed.decision_after(self.hand.t, seat, self.hand.asked(seat))
    }

    /// The number of the interaction in its run.
    pub fn t(&self) -> u64 {
        self.hand.t
    }

    /// What the seat sees, beside what others said.
    pub fn saw(&self) -> impl Iterator<Item = Said> + use<'h> {
        self.hand.event().seen_by(self.question.seat.into())
    }

    /// What was said in the turns before, by which seat, as far as this one heard it.
    pub fn heard(&self) -> impl Iterator<Item = (u16, Said)> + 'h {
        let Question { seat, turn, .. } = self.question;
        let heard = move |to: u16, by: u16| by != seat && to != NO_SEAT && (to == seat || to == ALL_SEATS);
        self.hand.moves.iter().filter(move |one| one.turn < turn && heard(one.to, one.seat)).map(|one| (one.seat, one.said))
    }

    /// The name that was said last.
    pub fn name_heard(&self) -> Option<Name> {
        self.heard().filter_map(|(_, said)| said.name()).last()
    }

    /// More random words, for who needs more than one.
    pub fn draws(&self) -> Stream {
        let seat = u64::from(self.question.seat) << 48;
        self.seed.stream_from(Purpose::Act, self.hand.t | seat, u32::from(self.hand.asked(self.question.seat)) << 16)
    }

    /// The interaction, for whoever tells a seat of it in words.
    pub fn hand(&self) -> &'h Hand {
        self.hand
    }
}

/// What agents answered, in the order of the questions.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// [`Said::Unusable`] where an agent gave no usable answer, which it is before anyone answers.
    pub said: Vec<Said>,
    /// What spans are of.
    pub symbols: Vec<u16>,
    /// As `symbols`.
    pub text: String,
}

impl Answers {
    /// Room for answers to so many questions.
    #[inline]
    pub fn reset(&mut self, n: usize) {
        self.said.clear();
        self.said.resize(n, Said::Unusable);
        self.symbols.clear();
        self.text.clear();
    }

    /// Answers a question with symbols.
    pub fn say_symbols(&mut self, i: usize, symbols: impl IntoIterator<Item = u16>) {
        let start = self.symbols.len();
        self.symbols.extend(symbols);
        self.said[i] = Said::Symbols(Span { start: start as u32, len: (self.symbols.len() - start) as u32 });
    }

    /// Answers a question with text, cut where it is longer than it may be.
    pub fn say_text(&mut self, i: usize, text: &str, most: u32) {
        let start = self.text.len();
        self.text.extend(text.chars().take(most as usize));
        self.said[i] = Said::Text(Span { start: start as u32, len: (self.text.len() - start) as u32 });
    }

    /// Puts an answer down in the hand that it is about. One of another sort than was asked for is the cohort's fault.
    #[inline]
    pub fn put(&self, i: usize, question: &Question, tries: u8, hand: &mut Hand) -> Result<(), Fault> {
        if !question.options.allow(self.said[i]) {
            return Err(Fault(format!("agents were asked for {:?} and answered {:?}", question.options, self.said[i])));
        }
        let said = match self.said[i] {
            Said::Symbols(span) => {
                let start = hand.symbols.len() as u32;
                hand.symbols.extend_from_slice(&self.symbols[span.range()]);
                Said::Symbols(Span { start, len: span.len })
            }
            Said::Text(span) => {
                let start = hand.text.len() as u32;
                hand.text.push_str(&self.text[span.range()]);
                Said::Text(Span { start, len: span.len })
            }
            other => other,
        };
        hand.take(question, said, tries);
        Ok(())
    }
}

/// How an interaction that was not void ended, for one agent that took part.
#[derive(Clone, Copy, Debug)]
pub struct News<'e> {
    /// The agent's number in its cohort.
    pub agent: AgentId,
    /// Its seat in the interaction, from 0.
    pub seat: u16,
    /// The interaction, over and settled.
    pub hand: &'e Hand,
}

impl<'e> News<'e> {
    /// What happened.
    #[inline]
    pub fn event(&self) -> Event<'e> {
        self.hand.event()
    }

    /// Where two seats said a name each: the agent's own and its partner's.
    #[inline]
    pub fn round(&self) -> Option<Round> {
        let [own, partner] = [usize::from(self.seat), 1 - usize::from(self.seat.min(1))];
        let event = self.event();
        Some([event.name(own)? as u16, event.name(partner)? as u16])
    }
}

/// What an agent remembers, knows or has become, as plain data: for who looks at it, for what goes on in another engine, and
/// for what begins where another run ended.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub enum Mind {
    /// The rounds that it remembers, oldest first.
    Rounds(Vec<Round>),
    /// The names that it knows, or the opinion that it holds.
    Names(Inventory),
    /// What is its kind's own; null of a new agent.
    Own(#[serde(with = "crate::kept::json")] Value),
}

impl Mind {
    /// The rounds, where those are what it keeps.
    pub fn rounds(&self) -> &[Round] {
        match self {
            Mind::Rounds(rounds) => rounds,
            _ => &[],
        }
    }

    /// The names, where those are what it keeps.
    pub fn names(&self) -> &[Name] {
        match self {
            Mind::Names(known) => &known.0,
            _ => &[],
        }
    }
}

/// Agents of one kind. What a cohort answers may depend on the questions and on what its agents learned, and on nothing else,
/// so that a run can be played again.
pub trait Cohort: Send {
    /// Answers every question. The agents asked are all different, so the order does not matter.
    fn decide(&mut self, asks: &[Ask<'_>], answers: &mut Answers) -> Result<(), Fault>;

    /// Takes in how interactions ended. An agent occurs at most once in a call, or twice in a row where it met itself; void
    /// interactions never come here.
    fn learn(&mut self, news: &[News<'_>]);

    /// What an agent remembers, knows or has become; null where nobody can tell.
    fn mind(&self, _agent: AgentId) -> Mind {
        Mind::Own(Value::Null)
    }
}

/// Agents with what makes their cohorts: those of one kind begin with these minds.
pub trait Cohorts: Send + Sync {
    /// A cohort of as many agents as there are minds, which may be of several replicas.
    fn cohort(&self, minds: Vec<Mind>) -> Box<dyn Cohort>;

    /// What an agent keeps that has seen nothing yet.
    fn new_mind(&self) -> Mind {
        Mind::Rounds(Vec::new())
    }

    /// What the one keeps that takes the place of an agent with this mind.
    fn newcomer(&self, _gone: &Mind) -> Mind {
        self.new_mind()
    }

    /// Whether a cohort that is made of what [`Cohort::mind`] gives of another goes on as that would have.
    fn can_be_kept(&self) -> bool {
        true
    }

    /// Agents that have something in common that one cohort must keep for all of a population (as the number of words made
    /// up so far): by this word those of several kinds are one cohort.
    fn shared(&self) -> Option<&'static str> {
        None
    }
}

/// The people of one or more replicas: cohorts, and where to find each agent.
pub struct People {
    cohorts: Vec<Box<dyn Cohort>>,
    /// For each agent of the population, its cohort and its number there.
    places: Vec<(u16, AgentId)>,
    answers: Answers,
}

impl People {
    /// `places` gives for each agent its cohort and its number there.
    pub fn new(cohorts: Vec<Box<dyn Cohort>>, places: Vec<(u16, AgentId)>) -> People {
        People { cohorts, places, answers: Answers::default() }
    }

    /// What an agent remembers, knows or has become.
    pub fn mind(&self, agent: AgentId) -> Mind {
        let (cohort, agent) = self.places[agent as usize];
        self.cohorts[cohort as usize].mind(agent)
    }

    /// The same of everyone, in the order of the agents.
    pub fn minds(&self) -> Vec<Mind> {
        (0..self.places.len() as AgentId).map(|agent| self.mind(agent)).collect()
    }

    /// Puts a wave's questions to their agents. `ask.agent` is the agent's number among all people.
    pub fn decide(&mut self, asks: &[Ask<'_>], answers: &mut Answers) -> Result<(), Fault> {
        answers.reset(asks.len());
        if let [ask] = asks {
            let (cohort, agent) = self.places[ask.agent as usize];
            return self.cohorts[cohort as usize].decide(&[Ask { agent, ..*ask }], answers);
        }
        if let [cohort] = &mut self.cohorts[..] {
            let own: Vec<Ask<'_>> = asks.iter().map(|ask| Ask { agent: self.places[ask.agent as usize].1, ..*ask }).collect();
            return cohort.decide(&own, answers);
        }
        let mut sorted: Vec<(Vec<Ask<'_>>, Vec<u32>)> = vec![Default::default(); self.cohorts.len()];
        for (i, ask) in asks.iter().enumerate() {
            let (cohort, agent) = self.places[ask.agent as usize];
            let (own, back) = &mut sorted[cohort as usize];
            own.push(Ask { agent, ..*ask });
            back.push(i as u32);
        }
        for (cohort, (own, back)) in self.cohorts.iter_mut().zip(&sorted).filter(|(_, (own, _))| !own.is_empty()) {
            if own.len() == asks.len() {
                return cohort.decide(own, answers);
            }
            self.answers.reset(own.len());
            cohort.decide(own, &mut self.answers)?;
            let (symbols, text) = (answers.symbols.len() as u32, answers.text.len() as u32);
            answers.symbols.extend_from_slice(&self.answers.symbols);
            answers.text.push_str(&self.answers.text);
            for (&i, &said) in back.iter().zip(&self.answers.said) {
                answers.said[i as usize] = match said {
                    Said::Symbols(span) => Said::Symbols(Span { start: span.start + symbols, ..span }),
                    Said::Text(span) => Said::Text(Span { start: span.start + text, ..span }),
                    other => other,
                };
            }
        }
        Ok(())
    }

    /// Tells a wave's agents how it ended. `news.agent` is the agent's number among all people.
    pub fn learn(&mut self, news: &[News<'_>]) {
        if news.len() <= 2 {
            for item in news {
                let (cohort, agent) = self.places[item.agent as usize];
                self.cohorts[cohort as usize].learn(&[News { agent, ..*item }]);
            }
            return;
        }
        if let [cohort] = &mut self.cohorts[..] {
            let own: Vec<News<'_>> =
                news.iter().map(|item| News { agent: self.places[item.agent as usize].1, ..*item }).collect();
            return cohort.learn(&own);
        }
        let mut sorted: Vec<Vec<News<'_>>> = vec![Vec::new(); self.cohorts.len()];
        for item in news {
            let (cohort, agent) = self.places[item.agent as usize];
            sorted[cohort as usize].push(News { agent, ..*item });
        }
        self.cohorts.iter_mut().zip(&sorted).for_each(|(cohort, news)| cohort.learn(news));
    }
}

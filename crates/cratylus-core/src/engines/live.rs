//! A population with language models in it, as a state machine: it says which questions can be asked now, takes
//! replies in any order, and gives events in the order of the interactions. It waits for nothing and calls nobody,
//! so whoever drives it decides how many questions are out at once, and cannot change what comes of them.
//!
//! An interaction starts as soon as both its agents are free: there is no round and no wave to wait for. None is
//! started that a stop before it could make vain, so no answer is ever paid for and thrown away.

use crate::agent::{Ask, News, People};
use crate::event::Event;
use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::game::{Answer, Hand, Question};
use crate::language::Distribution;
use crate::language::model::{Model, Query, Reply, draw_number};
use crate::meeting::pairs::Pairs;
use crate::policy::Round;
use crate::watch::stop::StopSeen;
use crate::world::World;
use crate::{AgentId, NOBODY, Network, Purpose, Seed};
use std::collections::VecDeque;
use std::sync::Arc;

/// One replica that is being played.
pub struct Live<'w> {
    world: &'w World,
    /// The run's number at its sweep point, from 0.
    pub replica: u64,
    seed: Seed,
    /// A fault where it could not be drawn, which the first question tells.
    network: Result<Arc<dyn Network>, Fault>,
    stop: StopSeen,
    /// Everyone who is no model.
    people: People,
    /// Which kind each agent is.
    kinds: Vec<u16>,
    /// What the agents of models remember, oldest first.
    windows: Vec<VecDeque<Round>>,
    /// The interactions from `first` on that are queued.
    open: VecDeque<Open>,
    first: u64,
    /// The interactions that wait for each agent, in order; the agent is at the first of them.
    waiting: Vec<VecDeque<u64>>,
    /// Questions that can be asked and were not handed out yet.
    ready: Vec<(Ticket, Query)>,
    over: bool,
    pairs: Pairs,
}

/// Names a question while it is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The number of the interaction in its run, from 0.
    pub t: u64,
    /// Which seat is asked, 0 or 1.
    pub seat: u8,
    /// Which of the orders that are averaged.
    pub part: u16,
    /// The kind of agent that is asked.
    pub kind: u16,
}

/// An interaction that is queued or being played.
struct Open {
    hand: Hand,
    seats: [Asked; 2],
    done: bool,
}

#[derive(Default)]
struct Asked {
    /// Whether the seat's question is out, or was.
    asked: bool,
    /// How many replies are still to come.
    out: u16,
    /// Where orders are averaged, what came for each.
    parts: Vec<Option<Arc<Distribution>>>,
    invalid: u8,
}

/// The most interactions queued beyond the first that is not over, in a population of `size`.
fn ahead(size: u32) -> u64 {
    let size = u64::from(size);
    (16 * size).clamp(1024, size + (1 << 16))
}

impl<'w> Live<'w> {
    /// Before the first interaction. Where its network could not be drawn, the first question says so.
    pub fn new(world: &'w World, replica: u64) -> Live<'w> {
        let kinds = world.assign(world.seed(replica));
        let begin = world.begin(world.seed(replica), &kinds);
        Live {
            world,
            replica,
            seed: world.seed(replica),
            network: world.network(world.seed(replica)),
            stop: world.stop(replica),
            people: world.people(&[replica]),
            windows: (0..world.size as usize).map(|agent| begin.of(agent).iter().copied().collect()).collect(),
            kinds,
            open: VecDeque::new(),
            first: 0,
            waiting: vec![VecDeque::new(); world.size as usize],
            ready: Vec::new(),
            over: false,
            pairs: Pairs::of(world.game.alone(), world.pairing()),
        }
    }

    /// Whether the run is over: every event was given.
    pub fn over(&self) -> bool {
        self.over
    }

    /// Appends the questions that can be asked now, each once, and the events that came of interactions that needed
    /// no model.
    pub fn questions(&mut self, out: &mut Vec<(Ticket, Query)>, events: &mut Vec<Event>) -> Result<(), Fault> {
        loop {
            self.queue()?;
            let before = events.len();
            self.tell(events);
            // What was told may let more be queued.
            if events.len() == before {
                break;
            }
        }
        out.append(&mut self.ready);
        Ok(())
    }

    /// Takes the reply to a question that is out, and appends the events that can be told since.
    pub fn reply(&mut self, ticket: Ticket, reply: &Reply, events: &mut Vec<Event>) -> Result<(), Fault> {
        let Ticket { t, seat, part, kind } = ticket;
        let model = self.world.model(kind).expect("only models are asked").clone();
        let i = (t - self.first) as usize;
        let control = self.world.experiment.control;
        let asked = &mut self.open[i].seats[seat as usize];
        asked.out -= 1;
        let alias = control.alias_at(self.seed, t, seat, asked.invalid, model.names.len());
        let answer = match reply {
            Reply::Distribution(distribution) => {
                let mean;
                let distribution = if asked.parts.len() > 1 {
                    asked.parts[part as usize] = Some(distribution.clone());
                    if asked.out > 0 {
                        return Ok(());
                    }
                    mean = Distribution::mean(asked.parts.iter().map(|part| &**part.as_ref().expect("all have come")));
                    &mean
                } else {
                    &**distribution
                };
                let distribution = &alias.meant_by(distribution);
                let mut again = self.seed.stream(Purpose::Again, 2 * t + u64::from(seat));
                let mut answer = match asked.invalid {
                    0 => distribution.choose(self.seed.decision(t, seat)),
                    before => distribution.choose((0..before).map(|_| again.word()).last().expect("at least one")),
                };
                while answer.is_none() {
                    asked.invalid += 1;
                    if asked.invalid == model.tries {
                        break;
                    }
                    // What is shown is drawn anew for every try, so another question it is.
                    if control.changes_what_is_shown() {
                        let agent = self.open[i].hand.agents[seat as usize];
                        self.ask(i, agent, kind, seat);
                        return Ok(());
                    }
                    answer = distribution.choose(again.word());
                }
                answer
            }
            Reply::Read(Ok(label)) => Some(alias.meant(*label)),
            Reply::Read(Err(_)) => {
                asked.invalid += 1;
                if asked.invalid < model.tries {
                    asked.out = 1;
                    let agent = self.open[i].hand.agents[seat as usize];
                    self.ask(i, agent, kind, seat);
                    return Ok(());
                }
                None
            }
        };
        let open = &mut self.open[i];
        open.hand.answers[seat as usize] = answer.map_or(Answer::Unusable, Answer::Given);
        self.advance(i)?;
        self.tell(events);
        Ok(())
    }

    /// Queues interactions that are sure to be played, and starts those whose agents are free.
    fn queue(&mut self) -> Result<(), Fault> {
        if self.over {
            return Ok(());
        }
        let network = self.network.clone()?;
        let end = self.stop.least(self.first).min(self.first + ahead(self.world.size));
        for t in self.first + self.open.len() as u64..end {
            let agents = self.pairs.draw(self.seed, t, &*network);
            let i = self.open.len();
            self.open.push_back(Open { hand: Hand::new(t, agents), seats: Default::default(), done: false });
            agents.iter().filter(|&&agent| agent != NOBODY).for_each(|&agent| self.waiting[agent as usize].push_back(t));
            if self.free(i) {
                self.advance(i)?;
            }
        }
        Ok(())
    }

    /// Whether everyone seated at an interaction is at it.
    fn free(&self, i: usize) -> bool {
        let hand = &self.open[i].hand;
        hand.agents.iter().all(|&agent| agent == NOBODY || self.waiting[agent as usize].front() == Some(&hand.t))
    }

    /// Plays an interaction as far as it goes without a reply, and then those that it was in the way of.
    fn advance(&mut self, i: usize) -> Result<(), Fault> {
        let mut todo = vec![i];
        while let Some(i) = todo.pop() {
            if !self.play(i)? {
                continue;
            }
            let agents = self.open[i].hand.agents;
            for agent in agents.into_iter().filter(|&agent| agent != NOBODY) {
                let queue = &mut self.waiting[agent as usize];
                queue.pop_front();
                if let Some(&next) = queue.front() {
                    let next = (next - self.first) as usize;
                    // Both agents of one interaction may have waited for this one: it starts when the second is free.
                    if self.free(next) {
                        todo.push(next);
                    }
                }
            }
        }
        Ok(())
    }

    /// Asks and answers until the interaction is over (true) or waits for a reply (false).
    fn play(&mut self, i: usize) -> Result<bool, Fault> {
        loop {
            let open = &self.open[i];
            if open.seats.iter().any(|seat| seat.out > 0) {
                return Ok(false);
            }
            let unusable = open.hand.answers.contains(&Answer::Unusable);
            let questions = if unusable { [None, None] } else { self.world.game.ask(&open.hand) };
            let new: Vec<Question> =
                questions.into_iter().flatten().filter(|question| !open.seats[question.seat as usize].asked).collect();
            if new.is_empty() {
                self.learn(i);
                self.open[i].done = true;
                return Ok(true);
            }
            for question in new {
                let agent = self.open[i].hand.agents[question.seat as usize];
                let kind = self.kinds[agent as usize];
                self.open[i].seats[question.seat as usize].asked = true;
                if self.world.model(kind).is_some() {
                    self.ask(i, agent, kind, question.seat);
                    continue;
                }
                let t = self.open[i].hand.t;
                let ask = Ask { agent, t, question, draw: self.seed.decision(t, question.seat) };
                let mut answers = Vec::new();
                self.people.decide(&[ask], &mut answers)?;
                self.open[i].hand.answers[question.seat as usize] = answers[0].map_or(Answer::Unusable, Answer::Given);
            }
        }
    }

    /// Hands out a seat's question to its model, in every order that is averaged.
    fn ask(&mut self, i: usize, agent: AgentId, kind: u16, seat: u8) {
        let t = self.open[i].hand.t;
        let model = self.world.model(kind).expect("only models are asked");
        let asked = &mut self.open[i].seats[seat as usize];
        let orders = model.order.shown(self.seed, t, seat, model.names.len());
        asked.out = orders.len() as u16;
        asked.parts = vec![None; orders.len()];
        let again = asked.invalid;
        let control = self.world.experiment.control;
        let window = control.memory_at(self.seed, t, seat, again, self.windows[agent as usize].make_contiguous());
        let alias = control.alias_at(self.seed, t, seat, again, model.names.len());
        let window: Box<[Round]> = alias.show_rounds(&window).into();
        for (part, order) in (0..).zip(orders) {
            let draw = draw_number(self.seed, t, seat, again);
            let order = order.into_iter().map(|name| alias.show(name)).collect();
            let query = Query { window: window.clone(), order, draw, again };
            self.ready.push((Ticket { t, seat, part, kind }, query));
        }
    }

    fn learn(&mut self, i: usize) {
        let hand = &self.open[i].hand;
        let outcome = self.world.game.outcome(hand);
        let Some(success) = outcome.success else { return };
        let memory = self.world.experiment.memory();
        for seat in 0..2 {
            let agent = hand.agents[seat];
            if agent == NOBODY {
                continue;
            }
            if self.world.model(self.kinds[agent as usize]).is_none() {
                self.people.learn(&[News { agent, seat: seat as u8, names: outcome.names, success }]);
            } else if let (Some(own), Some(partner)) = (outcome.names[seat], outcome.names[1 - seat]) {
                let window = &mut self.windows[agent as usize];
                window.push_back([own as u16, partner as u16]);
                while window.len() > memory {
                    window.pop_front();
                }
            }
        }
    }

    /// Gives the events of interactions that are over and have none before them that is not.
    fn tell(&mut self, events: &mut Vec<Event>) {
        while !self.over && self.open.front().is_some_and(|open| open.done) {
            let open = self.open.pop_front().expect("just seen");
            let outcome = self.world.game.outcome(&open.hand);
            let event = Event {
                t: open.hand.t,
                agents: open.hand.agents,
                names: outcome.names,
                success: outcome.success,
                invalid: [0, 1].map(|seat: usize| open.seats[seat].invalid),
            };
            self.first += 1;
            events.push(event);
            self.over = self.stop.see(&event);
        }
    }
}

/// Plays replicas one after the other, with somebody who replies at once to the questions of each kind of agent: a tape
/// that is played again, or a test.
pub fn run_asking(
    world: &World,
    replicas: &[u64],
    answer: &mut dyn FnMut(u16, &Model, &Query) -> Result<Reply, Fault>,
    sink: &mut dyn Sink,
) -> Result<(), Fault> {
    let (mut questions, mut events) = (Vec::new(), Vec::new());
    for &replica in replicas {
        let mut live = Live::new(world, replica);
        while !live.over() {
            live.questions(&mut questions, &mut events)?;
            for (ticket, query) in questions.drain(..) {
                let model = world.model(ticket.kind).expect("only models are asked");
                let reply = answer(ticket.kind, model, &query)?;
                live.reply(ticket, &reply, &mut events)?;
            }
            sink.take(replica, &events)?;
            events.clear();
        }
        sink.end(replica)?;
    }
    Ok(())
}

//! A population with language models in it, as a state machine: it says which questions can be asked now, takes
//! replies in any order, and gives events in the order of the interactions. It waits for nothing and calls nobody,
//! so whoever drives it decides how many questions are out at once, and cannot change what comes of them.
//!
//! An interaction starts as soon as both its agents are free: there is no round and no wave to wait for. None is
//! started that a stop before it could make vain, so no answer is ever paid for and thrown away.

use crate::agent::{Answers, Ask, News, People};
use crate::event::Said;
use crate::event::batch::Batch;
use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::game::{Hand, Options, Question};
use crate::language::Distribution;
use crate::language::model::{Model, Query, Reply, draw_number};
use crate::meeting::Meeting;
use crate::policy::Round;
use crate::spec::Stage;
use crate::watch::stop::StopSeen;
use crate::world::World;
use crate::{AgentId, Network, Purpose, Seed};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::sync::Arc;

/// One replica that is being played.
pub struct Live<'w> {
    world: &'w World,
    /// The game, where it is a scene, whose seats are told facts and answer with options of their own.
    stage: Option<Arc<dyn Stage>>,
    /// The run's number at its sweep point, from 0.
    pub replica: u64,
    seed: Seed,
    /// A fault where they could not be drawn, which the first question tells.
    network: Result<(Arc<dyn Network>, Meeting), Fault>,
    stop: StopSeen,
    /// Everyone, models too, who are asked from outside.
    people: People,
    /// Which kind each agent is.
    kinds: Vec<u16>,
    /// The interactions from `first` on that are queued.
    open: VecDeque<Open>,
    first: u64,
    /// The interactions that wait for each agent, in order; the agent is at the first of them.
    waiting: Vec<VecDeque<u64>>,
    /// Questions that can be asked and were not handed out yet.
    ready: Vec<(Ticket, Query)>,
    over: bool,
    /// Room for the questions of a hand.
    questions: Vec<Question>,
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
    seats: SmallVec<[Asked; 2]>,
    done: bool,
}

/// What a seat is asked.
#[derive(Default)]
struct Asked {
    /// None before it is asked anything.
    question: Option<Question>,
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
        let seed = world.seed(replica);
        Live {
            world,
            stage: world.experiment.game.spec.stage(),
            replica,
            seed,
            network: world.network(seed).and_then(|network| Ok((network, world.meeting(seed)?))),
            stop: world.stop(replica),
            people: world.people(&[replica]),
            kinds: world.assign(seed),
            open: VecDeque::new(),
            first: 0,
            waiting: vec![VecDeque::new(); world.size as usize],
            ready: Vec::new(),
            over: false,
            questions: Vec::new(),
        }
    }

    /// Whether the run is over: every event was given.
    pub fn over(&self) -> bool {
        self.over
    }

    /// Appends the questions that can be asked now, each once, and the events that came of interactions that needed
    /// no model.
    pub fn questions(&mut self, out: &mut Vec<(Ticket, Query)>, events: &mut Batch) -> Result<(), Fault> {
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
    pub fn reply(&mut self, ticket: Ticket, reply: &Reply, events: &mut Batch) -> Result<(), Fault> {
        let Ticket { t, seat, part, kind } = ticket;
        let model = self.world.model(kind).expect("only models are asked").clone();
        let i = (t - self.first) as usize;
        let control = self.world.experiment.control;
        let asked = &mut self.open[i].seats[seat as usize];
        asked.out -= 1;
        let alias = control.alias_at(self.seed, t, seat, asked.invalid, model.names.len());
        let (place, before) = match self.stage {
            // A seat of a scene is asked again and again.
            Some(_) => (
                place(t, asked.question.as_ref().map_or(0, |question| question.turn), seat),
                self.open[i].hand.asked(seat.into()),
            ),
            None => (2 * t + u64::from(seat), 0),
        };
        let asked = &mut self.open[i].seats[seat as usize];
        let answer = match reply {
            Reply::Text(text) => {
                let Open { hand, seats, .. } = &mut self.open[i];
                let question = seats[seat as usize].question.expect("it was asked");
                let most = if let Options::Text(most) = question.options { most } else { 0 };
                let mut answers = Answers::default();
                answers.reset(1);
                match text.trim() {
                    "" => answers.said[0] = Said::Nothing,
                    text => answers.say_text(0, text, most),
                }
                answers.put(0, &question, 0, hand)?;
                self.advance(i)?;
                self.tell(events);
                return Ok(());
            }
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
                let mut again = self.seed.stream(Purpose::Again, place);
                let mut answer = match asked.invalid {
                    0 => distribution.choose(self.seed.decision_after(t, seat.into(), before)),
                    before => distribution.choose((0..before).map(|_| again.word()).last().expect("at least one")),
                };
                while answer.is_none() {
                    asked.invalid += 1;
                    if asked.invalid == model.tries {
                        break;
                    }
                    // What is shown is drawn anew for every try, so another question it is.
                    if control.changes_what_is_shown() {
                        let agent = self.open[i].hand.seats[seat as usize];
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
                    let agent = self.open[i].hand.seats[seat as usize];
                    self.ask(i, agent, kind, seat);
                    return Ok(());
                }
                None
            }
        };
        let Open { hand, seats, .. } = &mut self.open[i];
        let Asked { question, invalid, .. } = &seats[seat as usize];
        let said = answer.map_or(Said::Unusable, if self.stage.is_some() { Said::Option } else { Said::Name });
        hand.take(question.as_ref().expect("it was asked"), said, *invalid);
        self.advance(i)?;
        self.tell(events);
        Ok(())
    }

    /// Queues interactions that are sure to be played, and starts those whose agents are free.
    fn queue(&mut self) -> Result<(), Fault> {
        if self.over {
            return Ok(());
        }
        if let Err(fault) = &self.network {
            return Err(fault.clone());
        }
        let (end, mut seats) = (self.stop.least(self.first).min(self.first + ahead(self.world.size)), Vec::new());
        for t in self.first + self.open.len() as u64..end {
            let (network, meeting) = self.network.as_mut().expect("asked before");
            meeting.seats(self.seed, t, &**network, &mut seats);
            let (i, mut hand) = (self.open.len(), Hand { group: meeting.in_groups(), ..Hand::new(t, &seats) });
            self.world.game.deal(&mut self.seed.stream(Purpose::Scene, t), &mut hand);
            let asked = seats.iter().map(|_| Asked::default()).collect();
            self.open.push_back(Open { hand, seats: asked, done: false });
            seats.iter().for_each(|&agent| self.waiting[agent as usize].push_back(t));
            if self.free(i) {
                self.advance(i)?;
            }
        }
        Ok(())
    }

    /// Whether everyone seated at an interaction is at it.
    fn free(&self, i: usize) -> bool {
        let hand = &self.open[i].hand;
        hand.seats.iter().all(|&agent| self.waiting[agent as usize].front() == Some(&hand.t))
    }

    /// Plays an interaction as far as it goes without a reply, and then those that it was in the way of.
    fn advance(&mut self, i: usize) -> Result<(), Fault> {
        let mut todo = vec![i];
        while let Some(i) = todo.pop() {
            if !self.play(i)? {
                continue;
            }
            for agent in self.open[i].hand.seats.clone() {
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
            let open = &mut self.open[i];
            if open.seats.iter().any(|seat| seat.out > 0) {
                return Ok(false);
            }
            let mut questions = std::mem::take(&mut self.questions);
            self.world.game.open(&mut open.hand, &mut questions);
            let over = questions.is_empty();
            let asked = questions.iter().try_for_each(|question| self.put(i, question));
            self.questions = questions;
            asked?;
            if over {
                let hand = &mut self.open[i].hand;
                self.world.game.end(hand);
                let news = |(seat, &agent)| News { agent, seat, hand };
                if self.world.game.teaches(hand) {
                    self.people.learn(&(0..).zip(&hand.seats).map(news).collect::<SmallVec<[_; 2]>>());
                }
                self.open[i].done = true;
                return Ok(true);
            }
        }
    }

    /// Puts a question: to a model by handing it out, to anyone else at once.
    fn put(&mut self, i: usize, question: &Question) -> Result<(), Fault> {
        let Open { hand, seats, .. } = &mut self.open[i];
        let agent = hand.seats[usize::from(question.seat)];
        let kind = self.kinds[agent as usize];
        if self.world.model(kind).is_some() {
            seats[usize::from(question.seat)] = Asked { question: Some(*question), ..Asked::default() };
            self.ask(i, agent, kind, question.seat as u8);
            return Ok(());
        }
        let mut answers = Answers::default();
        self.people.decide(&[Ask::new(agent, *question, hand, self.seed)], &mut answers)?;
        answers.put(0, question, 0, hand)
    }

    /// Hands out a seat's question to its model, in every order that is averaged.
    fn ask(&mut self, i: usize, agent: AgentId, kind: u16, seat: u8) {
        let t = self.open[i].hand.t;
        let model = self.world.model(kind).expect("only models are asked");
        if let Some(stage) = &self.stage {
            let Open { hand, seats, .. } = &mut self.open[i];
            let asked = &mut seats[seat as usize];
            let question = asked.question.as_ref().expect("it is being asked");
            let (facts, place) = (Arc::new(stage.facts(hand, question)), place(t, question.turn, seat));
            let orders = match facts.names.len() {
                0 => vec![Vec::new()],
                n => model.order.shown(self.seed, place, 0, n),
            };
            asked.out = orders.len() as u16;
            asked.parts = vec![None; orders.len()];
            for (part, order) in (0..).zip(orders) {
                let draw = draw_number(self.seed, place, seat, asked.invalid);
                let (again, facts) = (asked.invalid, Some(facts.clone()));
                self.ready
                    .push((Ticket { t, seat, part, kind }, Query { window: [].into(), order: order.into(), draw, again, facts }));
            }
            return;
        }
        let asked = &mut self.open[i].seats[seat as usize];
        let orders = model.order.shown(self.seed, t, seat, model.names.len());
        asked.out = orders.len() as u16;
        asked.parts = vec![None; orders.len()];
        let again = asked.invalid;
        let control = self.world.experiment.control;
        let window = control.memory_at(self.seed, t, seat, again, self.people.mind(agent).rounds());
        let alias = control.alias_at(self.seed, t, seat, again, model.names.len());
        let window: Box<[Round]> = alias.show_rounds(&window).into();
        for (part, order) in (0..).zip(orders) {
            let draw = draw_number(self.seed, t, seat, again);
            let order = order.into_iter().map(|name| alias.show(name)).collect();
            let query = Query { window: window.clone(), order, draw, again, facts: None };
            self.ready.push((Ticket { t, seat, part, kind }, query));
        }
    }

    /// Gives the events of interactions that are over and have none before them that is not.
    fn tell(&mut self, events: &mut Batch) {
        while !self.over && self.open.front().is_some_and(|open| open.done) {
            let open = self.open.pop_front().expect("just seen");
            self.first += 1;
            events.push(&open.hand.event());
            self.over = self.stop.see(&open.hand.event());
        }
    }
}

/// A number for each question of a scene, for draws that belong to it.
fn place(t: u64, turn: u16, seat: u8) -> u64 {
    (t * 65_537 + u64::from(turn)) * 257 + u64::from(seat)
}

/// Plays replicas one after the other, with somebody who replies at once to the questions of each kind of agent: a tape
/// that is played again, or a test.
pub fn run_asking(
    world: &World,
    replicas: &[u64],
    answer: &mut dyn FnMut(u16, &Model, &Query) -> Result<Reply, Fault>,
    sink: &mut dyn Sink,
) -> Result<(), Fault> {
    let (mut questions, mut events) = (Vec::new(), Batch::new());
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

//! Interactions one after the other, for games in which what is said depends on all that came before, and for groups, of
//! which few have no agent in common. It asks and tells as the plain path does, one hand at a time.

use super::engine::{Engine, EngineEntry, Play, RunBegins};
use super::table::Table;
use crate::agent::{Answers, Ask, Mind, News, People};
use crate::event::batch::Batch;
use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::game::{Hand, Seats};
use crate::kept::{self, Keeper};
use crate::watch::stop::StopSeen;
use crate::world::World;
use std::sync::Arc;

pub(crate) const ENTRY: EngineEntry = EngineEntry {
    words: |world| match world.game.seats() {
        _ if world.in_groups() => "one group after the other",
        Seats::Around => "one agent after the other",
        _ => "one pair after the other",
    },
    together: None,
    fits: |world, _| world.game.in_turn() || world.in_groups(),
    start: |RunBegins { world, replica, from, assigned, minds, how }| {
        let minds = minds.unwrap_or_else(|| world.minds(world.seed(replica), &assigned));
        let people = world.people_of(&[(assigned.to_vec(), minds)]);
        Ok(Box::new(InTurn { world, people, assigned, replica, from, how }))
    },
};

struct InTurn<'w> {
    world: &'w World,
    assigned: Arc<[u16]>,
    people: People,
    replica: u64,
    from: u64,
    how: Play,
}

/// How many events go to the sink at a time.
const EVENTS: usize = 1024;

impl Engine for InTurn<'_> {
    fn play(&mut self, until: u64, stop: &mut StopSeen, sink: &mut dyn Sink) -> Result<bool, Fault> {
        let game = &*self.world.game;
        let mut table = Table::new(self.world, self.replica, 0, &self.people, self.how)?;
        let (mut hand, mut questions, mut answers) = (Hand::new(0, &[]), Vec::new(), Answers::default());
        let mut events = Batch::new();
        let until = until.min(stop.most());
        for t in self.from..until {
            table.deal(game, t, &mut hand);
            loop {
                game.open(&mut hand, &mut questions);
                if questions.is_empty() {
                    break;
                }
                // Those of one turn hear nothing of each other, so that nobody can tell that they are asked one by one.
                for question in &questions {
                    let agent = hand.seats[usize::from(question.seat)];
                    self.people.decide(&[Ask::new(agent, *question, &hand, table.seed)], &mut answers)?;
                    answers.put(0, question, 0, &mut hand)?;
                }
            }
            game.end(&mut hand);
            let event = hand.event();
            if game.teaches(&hand) {
                for (seat, &agent) in (0..).zip(&hand.seats) {
                    self.people.learn(&[News { agent, seat, hand: &hand }]);
                }
            }
            table.see(&event);
            events.push(&event);
            let over = stop.see(&event);
            if over || events.len() == EVENTS {
                sink.take(self.replica, &events)?;
                events.clear();
            }
            if over {
                return Ok(true);
            }
        }
        sink.take(self.replica, &events)?;
        self.from = until;
        Ok(until >= stop.most())
    }

    fn minds(&self) -> Vec<Mind> {
        self.people.minds()
    }

    fn keep(&self, out: &mut Keeper<'_>) {
        kept::keep(&self.minds(), out);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        self.people = self.world.people_of(&[(self.assigned.to_vec(), kept::take(from)?)]);
        Ok(())
    }
}

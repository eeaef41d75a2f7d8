//! Where a replica's agents sit down: who meets, and what is shown before anyone is asked.

use super::engine::Play;
use crate::agent::People;
use crate::event::{Event, Said};
use crate::fault::Fault;
use crate::game::{Game, Hand, Seats};
use crate::meeting::Meeting;
use crate::meeting::around::Around;
use crate::world::World;
use crate::{AgentId, Network, Purpose, Seed};
use std::sync::Arc;

/// A replica's network and meetings, and what is seen of everyone, in games in which that is seen.
pub(super) struct Table {
    pub seed: Seed,
    network: Arc<dyn Network>,
    meeting: Meeting,
    around: Option<Around>,
    seats: Vec<AgentId>,
}

impl Table {
    /// Of a replica whose first agent has this number among all people.
    pub fn new(world: &World, replica: u64, first: AgentId, people: &People, how: Play) -> Result<Table, Fault> {
        let seed = world.seed(replica);
        let around = (world.game.seats() == Seats::Around).then(|| {
            let said = (first..first + world.size).map(|agent| people.mind(agent).names().first().copied());
            // What the plain path looks up agent by agent is counted.
            Around::new(said, world.experiment.names().len(), world.complete && how == Play::Fastest)
        });
        Ok(Table { seed, network: world.network(seed)?, meeting: world.meeting(seed)?, around, seats: Vec::new() })
    }

    /// Interaction `t` before anyone is asked, in a hand that may have held another.
    pub fn deal(&mut self, game: &dyn Game, t: u64, hand: &mut Hand) {
        self.meeting.seats(self.seed, t, &*self.network, &mut self.seats);
        hand.begin(t, &self.seats, self.meeting.in_groups());
        if let Some(around) = &mut self.around {
            around.of(self.seats[0], &*self.network).iter().for_each(|&n| hand.show(0, Said::Number(n.into())));
        }
        game.deal(&mut self.seed.stream(Purpose::Scene, t), hand);
    }

    /// What is seen of everyone after an interaction.
    pub fn see(&mut self, event: &Event<'_>) {
        if let (Some(around), Some(name)) = (&mut self.around, event.name(0)) {
            around.say(event.seats[0], name);
        }
    }
}

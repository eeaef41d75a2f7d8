//! What agents of the naming game know, worked out from what was said: an inventory follows from the events and the rule,
//! so it can be followed without ever seeing an agent. In the game `opinion` everyone knows the opinion given last.

use crate::event::Event;
use crate::inventory::{Inventory, InventoryRule};
use crate::{AgentId, Name};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// What agents know at the start, and how they learn.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Knowing {
    /// None in the game `opinion`.
    pub rule: Option<InventoryRule>,
    /// The number of agents, committed ones included.
    pub size: u32,
    /// What those know who are not committed.
    pub start: KnownAtStart,
    /// The name of each agent that is committed to one.
    pub committed: Arc<HashMap<AgentId, Name>>,
}

/// What agents that are not committed know before the first interaction.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum KnownAtStart {
    /// They know no name.
    Nothing,
    /// They all know this name and no other.
    All(Name),
    /// Each knows the name at its number, and no other.
    Each(Arc<Vec<Name>>),
}

impl Knowing {
    fn known(&self, agent: AgentId) -> Option<Name> {
        if let Some(&name) = self.committed.get(&agent) {
            return Some(name);
        }
        match &self.start {
            KnownAtStart::Nothing => None,
            KnownAtStart::All(name) => Some(*name),
            KnownAtStart::Each(names) => Some(names[agent as usize]),
        }
    }
}

/// Follows all inventories of a run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Known {
    knowing: Knowing,
    /// Everyone's, from the first event on.
    inventories: Vec<Inventory>,
    words: u64,
    /// How many agents know each name that is known.
    holders: HashMap<Name, u32>,
}

impl Known {
    /// Before the first event.
    pub fn new(knowing: Knowing) -> Known {
        Known { knowing, inventories: Vec::new(), words: 0, holders: HashMap::new() }
    }

    /// Takes in the next event. One without a name, or void, changes nothing.
    pub fn see(&mut self, event: &Event<'_>) {
        if self.inventories.is_empty() {
            let known = |agent| Inventory(self.knowing.known(agent).into_iter().collect());
            self.inventories = (0..self.knowing.size).map(known).collect();
            self.words = self.inventories.iter().map(|inventory| inventory.0.len() as u64).sum();
            self.inventories
                .iter()
                .flat_map(|inventory| &inventory.0)
                .for_each(|&word| *self.holders.entry(word).or_insert(0) += 1);
        }
        let Some(word) = event.name(0) else { return };
        // An opinion takes the place of the one before, as a name that succeeds does.
        let Some(success) = event.success().or(self.knowing.rule.is_none().then_some(true)) else { return };
        for (place, &agent) in event.seats.iter().enumerate() {
            let seat = u8::from(place > 0);
            if self.knowing.committed.contains_key(&agent) {
                continue;
            }
            let inventory = &mut self.inventories[agent as usize];
            let (before, knew) = (inventory.0.len() as u64, inventory.knows(word));
            if success {
                for known in inventory.0.iter().filter(|&&known| known != word) {
                    let left = self.holders.get_mut(known).expect("held names are counted");
                    *left -= 1;
                    if *left == 0 {
                        self.holders.remove(known);
                    }
                }
            }
            match &self.knowing.rule {
                Some(rule) => inventory.learn(rule, seat, word, success),
                None => {
                    inventory.0.clear();
                    inventory.0.push(word);
                }
            }
            if !knew && inventory.knows(word) {
                *self.holders.entry(word).or_insert(0) += 1;
            }
            self.words = self.words + inventory.0.len() as u64 - before;
        }
    }

    /// How many words all agents know together.
    pub fn words(&self) -> u64 {
        self.words
    }

    /// How many of them are different.
    pub fn different(&self) -> u64 {
        self.holders.len() as u64
    }

    /// How many agents know a word.
    pub fn holders(&self, word: Name) -> u32 {
        self.holders.get(&word).copied().unwrap_or(0)
    }

    /// The word that all agents know, where each knows one and all the same.
    pub fn agreed(&self) -> Option<Name> {
        let size = u64::from(self.knowing.size);
        (self.words == size && self.holders.len() == 1).then(|| *self.holders.keys().next().expect("there is one"))
    }
}

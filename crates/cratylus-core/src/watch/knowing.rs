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
    /// Whether the first event was seen.
    begun: bool,
    /// Everyone's; empty in the game `opinion`.
    inventories: Vec<Inventory>,
    /// Everyone's opinion, or [`NONE`]; empty in the naming game.
    held: Vec<Name>,
    words: u64,
    /// How many agents know each name, and how many names anyone knows.
    holders: Vec<u32>,
    different: u64,
}

const NONE: Name = Name::MAX;

impl Known {
    /// Before the first event.
    pub fn new(knowing: Knowing) -> Known {
        Known { knowing, begun: false, inventories: Vec::new(), held: Vec::new(), words: 0, holders: Vec::new(), different: 0 }
    }

    fn begin(&mut self) {
        self.begun = true;
        let known = (0..self.knowing.size).map(|agent| self.knowing.known(agent));
        match self.knowing.rule {
            Some(_) => self.inventories = known.map(|name| Inventory(name.into_iter().collect())).collect(),
            None => self.held = known.map(|name| name.unwrap_or(NONE)).collect(),
        }
        for agent in 0..self.knowing.size {
            self.knowing.known(agent).into_iter().for_each(|word| self.add(word));
        }
    }

    fn is_bound(&self, agent: AgentId) -> bool {
        !self.knowing.committed.is_empty() && self.knowing.committed.contains_key(&agent)
    }

    fn add(&mut self, word: Name) {
        let word = word as usize;
        if self.holders.len() <= word {
            self.holders.resize(word + 1, 0);
        }
        self.different += u64::from(self.holders[word] == 0);
        self.holders[word] += 1;
        self.words += 1;
    }

    fn remove(&mut self, word: Name) {
        let left = &mut self.holders[word as usize];
        *left -= 1;
        self.different -= u64::from(*left == 0);
        self.words -= 1;
    }

    /// Takes in the next event. One without a name, or void, changes nothing.
    pub fn see(&mut self, event: &Event<'_>) {
        if !self.begun {
            self.begin();
        }
        let Some(word) = event.name(0) else { return };
        let Some(rule) = self.knowing.rule else {
            // An opinion takes the place of the one before.
            for &agent in event.seats {
                if self.is_bound(agent) {
                    continue;
                }
                let before = std::mem::replace(&mut self.held[agent as usize], word);
                if before != word {
                    if before != NONE {
                        self.remove(before);
                    }
                    self.add(word);
                }
            }
            return;
        };
        let Some(success) = event.success() else { return };
        for (place, &agent) in event.seats.iter().enumerate() {
            if self.is_bound(agent) {
                continue;
            }
            let mut inventory = std::mem::take(&mut self.inventories[agent as usize]);
            let knew = inventory.knows(word);
            if success {
                inventory.0.iter().filter(|&&known| known != word).for_each(|&known| self.remove(known));
            }
            inventory.learn(&rule, u8::from(place > 0), word, success);
            if !knew && inventory.knows(word) {
                self.add(word);
            }
            self.inventories[agent as usize] = inventory;
        }
    }

    /// How many words all agents know together.
    pub fn words(&self) -> u64 {
        self.words
    }

    /// How many of them are different.
    pub fn different(&self) -> u64 {
        self.different
    }

    /// How many agents know a word.
    pub fn holders(&self, word: Name) -> u32 {
        self.holders.get(word as usize).copied().unwrap_or(0)
    }

    /// The word that all agents know, where each knows one and all the same.
    pub fn agreed(&self) -> Option<Name> {
        let size = u64::from(self.knowing.size);
        let name = || self.holders.iter().position(|&agents| agents > 0).expect("there is one") as Name;
        (self.words == size && self.different == 1).then(name)
    }
}

//! Scenes: games of many moves and many seats, as a pond that several fish, slot machines, a split of a pie. One file for
//! each, with its rule, what its seats are told, what it is scored by and the rules that play it by themselves; one line here.
//! An interaction of such a game is an episode. What agents are is absent: see `agents/rule.rs`.

pub(crate) mod scene;

#[cfg(test)]
mod proof;

pub(crate) mod bandit;
pub(crate) mod commons;
pub(crate) mod guess;
pub(crate) mod hanoi;
pub(crate) mod hidden_role;
pub(crate) mod highway;
pub(crate) mod kitchen;
pub(crate) mod screens;
pub(crate) mod swarm;
pub(crate) mod throws;
pub(crate) mod ultimatum;
pub(crate) mod volunteer;

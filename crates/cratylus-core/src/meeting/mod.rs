//! Who comes together at an interaction: a function of the seed, the network and the interaction's number. Nothing here
//! knows of games or agents.

pub mod groups;
pub mod network;
pub mod networks;
pub mod pairs;
pub mod waves;

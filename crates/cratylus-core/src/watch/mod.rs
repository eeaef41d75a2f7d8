//! What is seen of a run: folds over its events, and over runs. Nothing here sees an agent or a game.

pub mod committed;
pub mod facts;
pub mod knowing;
pub mod measure;
pub mod measures;
pub mod outcome;
pub mod readings;
pub mod stop;

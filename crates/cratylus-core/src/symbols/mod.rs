//! Symbols that emerge with their meanings: the Metropolis–Hastings naming game of Bayesian agents (Hagiwara et al., Frontiers
//! in Robotics and AI 6 (2019) 134; Taniguchi et al., Advanced Robotics 37 (2023) 1239). Agents perceive the same objects,
//! each in its own way, and exchange nothing but signs; a listener takes a proposed sign with a probability that depends on
//! its own beliefs alone, and what comes of it is a sample of the posterior of all that all have perceived.
//!
//! Here is what agents believe and how they change it. What is absent: who meets (`meeting/turns.rs`), who asks
//! (`games/symbols.rs`), and any reader of events.

mod draws;
pub mod rule;
pub mod things;

mod rows;

pub mod dirichlet;
pub mod gaussian;

mod society;

pub mod followed;

pub use followed::{Exchanged, SignsFollowed};
pub use rule::{Acceptance, Current, Exchange, Learners, SignRule};
pub use society::{SignMind, Society, SocietyOf, SymbolModel, SymbolRun, first_signs};
pub use things::{Cells, Features, Perceived, Things, WorldSpec};

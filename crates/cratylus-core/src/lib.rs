//! A laboratory for populations of communicating agents: the core, with no files, no clock, no threads of
//! its own and no network.
//!
//! Data flows one way:
//!
//! ```text
//! experiment ─▶ point ─▶ world { game, network, agents } ─▶ run ─▶ events ─▶ measures, outcome ─▶ summary
//! ```
//!
//! Read the modules in the order below. [`run`](run()) is the whole program; everything else is a part it calls.

#![warn(missing_docs)]

pub mod event;
pub mod seed;

pub mod game;
pub mod games;

pub mod language;

pub mod agent;
pub mod agents;
pub mod control;
pub mod window;

pub mod network;
pub mod networks;
mod pairing;

mod draws;
pub mod machine;

pub mod categories;
pub mod fast;
pub mod groups;
pub mod live;
mod opinions;
pub mod outside;
mod run;
mod waves;
mod world;

pub mod knowing;
pub mod measure;
pub mod measures;
pub mod minds;
pub mod outcome;
pub mod stop;

pub mod duplicates;
pub mod stats;
pub mod summary;
pub mod threshold;

pub mod audit;
pub mod audits;
pub mod evidence;
pub mod finding;
pub mod memorised;
pub mod recognition;
pub mod residuals;
pub mod response;
pub mod rivals;
pub mod self_test;
pub mod surrogate;
pub mod verdict;

pub mod mean_field;

pub mod estimate;
pub mod experiment;
pub mod fit;
pub mod methods;

pub use event::{AgentId, Digest, DigestSeen, Event, NOBODY, Name};
pub use network::Network;
pub use pairing::Pairing;
pub use run::{Engine, Sink, run};
pub use seed::{Purpose, Seed};
pub use world::{Shown, World};

/// The examples of the page on adding agents, games, measures and audits, which are compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/extending.md")]
pub struct Extending;

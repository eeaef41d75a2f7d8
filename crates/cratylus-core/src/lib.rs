//! A laboratory for populations of communicating agents: the core, with no files, no clock, no threads of
//! its own and no network.
//!
//! A population, played:
//!
//! ```
//! use cratylus_core::experiment::Document;
//! use cratylus_core::spec::NoInputs;
//! use cratylus_core::{Batch, Play, World, run};
//!
//! let text = r#"population.size = 24
//! game = { kind = "coordination", names = ["Q", "M"] }
//! agents = { kind = "emulated", model = "llama-3-70b" }
//! stop.consensus.window = 72"#;
//! let points = Document::parse("consensus.toml", text, &[])?.points()?;
//! let world = World::build(&points[0], &NoInputs).map_err(|(key, why)| format!("{key}: {why}"))?;
//! let mut events = Batch::new();
//! run(&world, &[0], Play::Fastest, &mut events)?;
//! assert!(events.iter().skip(events.len() - 72).all(|event| event.success() == Some(true)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Data flows one way:
//!
//! ```text
//! experiment ─▶ point ─▶ world { game, network, agents } ─▶ run ─▶ events ─▶ measures, outcome ─▶ summary
//! ```
//!
//! Read the modules in the order below: each needs those above it and none of those below. [`run`](run()) is the whole
//! program; everything else is a part it calls.

#![warn(missing_docs)]

pub mod fault;
pub mod kept;
pub mod machine;
pub mod seed;
pub mod text;

pub mod sampling;
pub mod stats;

pub mod messages;

pub mod event;

pub mod game;
pub mod inventory;
pub mod policy;

pub mod meeting;

pub mod agent;
pub mod brought;
pub mod kernel;
pub mod language;

pub mod control;
pub mod window;

pub mod categories;
pub mod opinion;
pub mod signals;
pub mod symbols;

pub mod watch;

pub mod recorded;
pub mod spec;

pub(crate) mod scenes;

pub mod agents;
pub mod games;

pub mod flat;
pub mod mean_field;

pub mod experiment;
pub mod summary;

mod world;

pub mod engines;

pub mod estimate;
pub mod minds;

pub use engines::{Play, Run, run};
pub use event::batch::Batch;
pub use event::digest::{Digest, DigestSeen};
pub use event::pair::PairEvent;
pub use event::sink::Sink;
pub use event::{AgentId, Event, NOBODY, Name};
pub use meeting::network::Network;
pub use meeting::pairs::Pairing;
pub use seed::{Purpose, Seed};
pub use world::{Shown, World};

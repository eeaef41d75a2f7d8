//! A model server of our own making, so that a client meets in a test whatever it will meet in the world.
//!
//! `server.rs` talks HTTP, `faults.rs` is what can go wrong, `dialect.rs` is how the kinds of servers differ, `house.rs`,
//! `asked.rs` and `told.rs` take a request through, and `pretend.rs` is the model behind all of them.
//! No network beyond loopback, and no real weights.

// Each test file and benchmark includes the whole and uses a part.
#![allow(dead_code, unused_imports)]

pub mod server;

pub mod faults;

pub mod dialect;

pub mod house;

pub mod asked;

pub mod told;

pub mod pretend;

pub use dialect::Dialect;
pub use faults::{Events, Fault, RetryAfter, Shape, Trouble, When};
pub use server::{Answer, Config, KeepAlive, Rate, Reply, Seen, Server};

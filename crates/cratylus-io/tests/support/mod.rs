//! A model server of our own making, so that a client meets in a test whatever it will meet in the world.
//!
//! `server.rs` talks HTTP, `dialect.rs` knows how each kind of server differs, `faults.rs` what can go wrong,
//! and `pretend.rs` is the model behind all of them. No network beyond loopback, and no real weights.

// Each test file and benchmark includes the whole and uses a part.
#![allow(dead_code, unused_imports)]

pub mod dialect;
pub mod faults;
pub mod pretend;
pub mod server;

pub use dialect::Dialect;
pub use faults::{Events, Fault, RetryAfter, Shape, Trouble, When};
pub use server::{Answer, Config, KeepAlive, Rate, Reply, Seen, Server};

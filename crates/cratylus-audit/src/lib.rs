//! Audits: what could have left a record, compared on it. Nothing here asks a model, reads a file or plays by rules of its
//! own, and nothing that runs populations knows of it.
//!
//! Read the modules in the order below: each needs those above it alone.

#![warn(missing_docs)]

pub mod duplicates;
pub mod evidence;
pub mod exchangeability;
pub mod finding;

pub mod scenes;
pub mod signals;

pub mod fit;
pub mod memorised;
pub mod recognition;
pub mod rivals;
pub mod verdict;

pub mod residuals;
pub mod surrogate;

pub mod response;
pub mod same_response;

pub mod case;

pub mod audits;

pub mod self_test;

pub mod benchmark;

/// The examples of the page on adding agents, games, measures and audits, which are compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/extending.md")]
pub struct Extending;

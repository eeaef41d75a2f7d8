//! Everything of Cratylus that touches the world: run directories, imported data, files of kernels and
//! models. What must stay absent: rules of games, and statistics.
//! Modules stand in the order in which to read them: each needs those above it alone.

#![warn(missing_docs)]

pub mod each;
pub mod text;
pub mod whole;

mod separated;

pub mod models;
pub mod store;

pub mod conduct;
pub mod kernel;
pub mod training;

pub mod benchmark;

pub mod study;

pub mod evidence;
pub mod fit;

pub mod answers;
pub mod messages;

pub mod signals;

pub mod import;
pub mod question;

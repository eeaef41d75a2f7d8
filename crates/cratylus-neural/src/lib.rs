//! Networks inside the program. What must stay absent: files of runs, servers, and any random number: who samples brings
//! the choice.

#![warn(missing_docs)]

pub mod corpus;
pub mod net;

pub mod signals;

#[cfg(feature = "llm")]
pub mod llm;
pub mod response;

pub mod foretells;

pub mod thought;

pub mod lessons;

pub mod communities;

pub mod probes;

pub mod study;

mod glyphs;

pub mod training;

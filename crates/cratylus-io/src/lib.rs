//! Everything of Cratylus that touches the world: run directories, imported data, files of kernels and
//! models. What must stay absent: rules of games, and statistics.

#![warn(missing_docs)]

mod world;

mod bits;
mod pages;
mod rows;
pub mod table;
mod zstd_pages;

pub mod models;

pub mod ai_norms;
pub mod answers;
pub mod belonging;
pub mod calls;
pub mod cells;
pub mod columns;
pub mod conduct;
pub mod each;
pub mod evidence;
pub mod fit;
#[cfg(feature = "in-process")]
pub mod in_process;
pub mod inputs;
pub mod kernel;
pub mod leakage;
pub mod live;
pub mod manifest;
mod pickle;
mod progress;
pub mod question;
pub mod run_dir;
pub mod text;

pub use world::{Trouble, at};

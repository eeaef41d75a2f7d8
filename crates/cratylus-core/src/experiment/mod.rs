//! From a file to checked values. The file is what the user wrote; a [`Point`] is what will run: one
//! setting of the swept keys, with nothing left to default and nothing left to be wrong.
//!
//! The whole file is read as a table with places (`spec/places.rs`), the sweep writes its values into copies
//! of that table (`axes.rs`, `sweep.rs`), each copy is read into an [`Experiment`] (`read.rs`), and what does not go
//! together is told (`check.rs`), so that every mistake, in a swept value too, has its line and column.

mod axes;
mod check;
mod document;
mod interventions;
mod parts;
mod point;
mod published;
mod range;
mod read;
mod recorded;
mod schema;
mod search;
mod sequential;
mod sweep;
pub mod threshold;

pub use document::Document;
pub use parts::{
    Agents, Budget, Committed, Experiment, Followed, FromRun, Intervention, JoinBy, Part, PopulationSpec, RecordSpec, Start,
};
pub use point::{Point, Setting, short_names};
pub use published::Published;
pub use read::registry;
pub use recorded::{never_recorded, repeats};
pub use schema::schema;
pub use search::{Searched, searched, swept};
pub use sequential::{Asked, Find, RunsRule, Sequential};

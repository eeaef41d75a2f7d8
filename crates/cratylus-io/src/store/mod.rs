//! Run directories: tables, and the files beside them.

pub mod names;

pub(crate) mod acts;
mod bits;
pub(crate) mod pages;
pub(crate) mod rows;
pub(crate) mod signs;
pub mod table;

pub(crate) mod grid;
mod zstd_pages;

pub mod belonging;
pub mod calls;
pub mod columns;
pub mod inputs;
pub mod manifest;
pub mod plan;
pub mod run_dir;

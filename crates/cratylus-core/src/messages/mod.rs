//! What messages are like beside what they are about: topographic similarity and its kin, each with what chance gives.
//! Whoever made the messages (networks, tables, a file of other people's) gets the same numbers. How they came about, and
//! whether anybody listens, is absent: see the audits.

mod assignment;
pub mod corpus;
pub mod distance;

pub mod composition;
pub mod disentanglement;
pub mod independence;
pub mod information;
pub mod laws;
pub mod matching;
pub mod morphemes;
pub mod segments;
pub mod topsim;

pub mod measure;
pub mod probes;
pub mod similarity;

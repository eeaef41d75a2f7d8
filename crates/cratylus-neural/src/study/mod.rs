//! Several models of one file: what is swept, what is asked of each, and what follows.

mod contrast;
mod spec;

pub use contrast::{Contrast, ContrastSpec, Found, Sign, StudyModel};
pub use spec::{Axis, KEYS, StudyPoint, StudyProbe, StudySpec};

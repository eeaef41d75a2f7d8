//! One file for each network, one line here.

mod complete;
mod edge_list;

pub use complete::Complete;
pub use edge_list::EdgeList;

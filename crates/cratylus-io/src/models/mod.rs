//! Live models: how they are asked, once, and remembered for ever.

pub mod asker;
pub mod backend;
pub mod chat;
pub mod doctor;
pub mod file;
pub mod hash;
pub mod how_read;
pub mod http;
pub mod many;
pub mod open;
pub mod pool;
pub mod prices;
pub mod probe;
pub mod scripted;
pub mod server;
pub mod tape;
pub mod trained;

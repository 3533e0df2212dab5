//! Each step fails in turn, in each way: nothing lost, nothing twice, nobody spins.
//!
//! In memory, where time passes only in the simulator: `line` carries requests and breaks them as
//! it is told, `bot` is a program of the kind that users write.

mod bot;
mod calls;
mod cuts;
pub(crate) mod line;
mod once;
mod stays;
mod steps;

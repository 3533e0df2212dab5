//! Injects each fault at each step: nothing is lost, nothing is done twice, no flow spins.
//!
//! Runs in memory, on the clock of the simulator: `line` is a transport that injects faults, `bot`
//! a program of the kind that users write.

mod bot;
mod calls;
mod cuts;
pub(crate) mod line;
mod once;
mod stays;
mod steps;

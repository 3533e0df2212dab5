//! Injects each fault at each step, and checks that no message is lost, no operation runs twice,
//! and no request is repeated without a pause.
//!
//! Runs in memory on the simulator's clock. `line` is a transport that injects faults; `bot` is a
//! typical user program.

mod bot;
mod calls;
mod chaos;
pub(crate) mod line;
mod once;
mod persistent;
mod steps;
mod truncated;

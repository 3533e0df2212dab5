//! Scenarios over the core, the adapters and the simulator.

mod exact;
mod story;
mod wire;

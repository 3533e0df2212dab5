//! Scenarios over the core, the adapters and the simulator.

mod conformance;
mod corpus;
mod directory;
mod exact;
mod secrets;
mod story;
mod trouble;
mod wire;

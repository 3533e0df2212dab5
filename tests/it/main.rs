//! Scenarios over the core, the adapters and the simulator.

mod conformance;
mod corpus;
mod exact;
mod secrets;
mod story;
mod systems;
mod trouble;
mod wire;

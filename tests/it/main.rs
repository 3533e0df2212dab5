//! Scenarios over the core, the adapters and the simulator.

mod conformance;
mod corpus;
mod downloads;
mod exact;
mod secrets;
mod story;
mod trouble;
mod wire;

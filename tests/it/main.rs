//! Scenarios over the core, the adapters and the simulator.

mod conformance;
mod corpus;
mod entries;
mod exact;
mod odds;
mod secrets;
mod story;
mod trouble;
mod wire;

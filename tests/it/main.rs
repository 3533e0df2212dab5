//! Scenarios over the core, the adapters and the simulator.

mod conformance;
mod corpus;
mod exact;
mod exact_form;
mod secrets;
mod story;
mod trouble;
mod uploads;
mod wire;

//! Scenarios over the core, the adapters and the simulator.

mod conformance;
mod corpus;
mod downloads;
mod endpoints;
mod exact;
mod exact_form;
mod secrets;
mod sending;
mod story;
mod trouble;
mod uploads;
mod wire;

//! Scenarios over the core, the adapters and the simulator.

mod conformance;
mod corpus;
mod directory;
mod downloads;
mod endpoints;
mod entries;
mod exact;
mod exact_form;
mod faults;
mod kinds;
mod model;
mod odds;
mod rooms;
mod secrets;
mod sending;
mod story;
mod systems;
mod trouble;
mod uploads;
mod wire;

//! Scenarios over the core, the adapters and the simulator.

mod chaos;
mod conformance;
mod corpus;
mod dependencies;
mod directory;
mod downloads;
mod endpoints;
mod entries;
mod evil;
mod exact;
mod exact_form;
mod kinds;
mod odds;
mod resume;
mod rooms;
mod secrets;
mod seeds;
mod sending;
mod story;
mod systems;
mod threats;
mod tls;
mod trouble;
mod uploads;
mod wire;

//! Scenarios over the core, the adapters and the simulator.

mod cancel;
mod conformance;
mod contacts;
mod face;
mod faults;
mod media;
mod messages;
mod model;
mod parsers;
mod requests;
mod security;
mod sessions;
mod sweep;
mod wire;

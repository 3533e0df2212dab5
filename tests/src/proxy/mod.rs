//! Fault-injecting proxies.

pub(crate) mod chaos;
mod gate;
pub(crate) mod tls_fault;

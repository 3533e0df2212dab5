//! Fault-injecting proxies.

pub(crate) mod chaos;
mod listener;
pub(crate) mod tls_fault;

//! Credentials, hosts, TLS, dependencies and the table of threats.

pub(crate) mod dependencies;
pub(crate) mod foreign_host;
pub(crate) mod secrets;
pub(crate) mod threats;
pub(crate) mod tls;

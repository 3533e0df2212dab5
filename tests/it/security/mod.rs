//! Credentials, hosts, TLS, dependencies and the table of threats.

pub(crate) mod dependencies;
pub(crate) mod foreign_host;
pub(crate) mod secrets;
pub(crate) mod threats;
pub(crate) mod tls;

use wechat_proto::{Hosts, Session};

/// Returns a session with other hosts.
fn with_hosts(session: &Session, hosts: &Hosts) -> Session {
    let stored: serde_json::Value = serde_json::from_str(&session.to_json()).unwrap();
    // Format 1 has no checksum that would have to be recomputed.
    let mut altered = stored["session"].clone();
    altered["format"] = 1.into();
    altered["device"]["hosts"] = serde_json::to_value(hosts).unwrap();
    Session::from_json(&altered.to_string()).unwrap()
}

//! Telemetry reports, and the state of the calls for feedback, links and previews (docs/protocol.md §13, §6.8).

use std::collections::BTreeMap;

use bytes::Bytes;

/// A telemetry report of a client.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Reported {
    /// 1, 2 or 16.
    pub kind: i64,
    /// A JSON text.
    pub text: String,
    /// Whether it was sent before the login.
    pub before_login: bool,
}

/// The service's verdict on a link.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Judgement {
    /// The service redirects to the link.
    #[default]
    Leads,
    /// The service redirects to its own warning page at `weixin110.qq.com`.
    Warns,
    /// The service answers with a warning page directly.
    Page,
}

/// The state of the calls for feedback, links and previews.
#[derive(Clone, Debug, Default)]
pub(crate) struct Misc {
    pub(crate) feedback: Vec<String>,
    pub(crate) judgements: BTreeMap<String, Judgement>,
    pub(crate) links: Vec<String>,
    pub(crate) previews: BTreeMap<String, Bytes>,
}

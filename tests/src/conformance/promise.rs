//! The promises of every transport, and optional features.

use std::fmt;

/// A promise of [`wechat_proto::flow`] that every driver keeps.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Promise {
    /// The transport follows no redirect.
    NoRedirects,
    /// The transport stores no cookies, and returns only those in the head of the reply.
    NoCookies,
    /// The transport returns a reply with any status as a reply, not as an error.
    Statuses,
    /// The transport sends the request unchanged: no header added or changed, the query verbatim.
    AsItIs,
    /// The transport sends nothing that [`Request::check`](wechat_proto::flow::Request::check) refuses.
    Sendable,
    /// The transport reads at most the `limit` of [`Want::Whole`](wechat_proto::flow::Want::Whole).
    Limits,
    /// The transport checks the body against the announced length.
    Lengths,
    /// The transport refuses a `Content-Encoding` other than `identity` and, unless it streams the body, `gzip`.
    Codings,
    /// The transport ends an exchange at its `deadline`.
    Deadlines,
    /// The transport returns every failure with its kind.
    Failures,
    /// The transport reports for every failure whether anything may have been sent.
    Sent,
    /// The text of a failure contains no sent or received data.
    Secrets,
    /// The transport serves one interrupt at a time and polls again after each.
    Interrupts,
    /// The transport mixes random bytes into a device before a login, and into a session that is resumed.
    Entropy,
    /// The transport uses a connection for one exchange at a time, and never after an error on it.
    Connections,
    /// The transport streams the body for [`Want::Head`](wechat_proto::flow::Want::Head).
    Streams,
    /// The transport verifies the server's certificate.
    Encryption,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRedirects => "it follows no redirect",
            Self::NoCookies => "it stores no cookie",
            Self::Statuses => "it returns a reply with any status",
            Self::AsItIs => "it sends the request unchanged",
            Self::Sendable => "it sends nothing that `Request::check` refuses",
            Self::Limits => "it reads at most the limit of the request",
            Self::Lengths => "it checks the body against the announced length",
            Self::Codings => "it accepts a whole body with gzip, and refuses other content codings",
            Self::Deadlines => "it ends an exchange at its deadline",
            Self::Failures => "it returns every failure with its kind",
            Self::Sent => "it reports whether anything may have been sent",
            Self::Secrets => "failures contain no sent or received data",
            Self::Interrupts => "it serves one interrupt at a time",
            Self::Entropy => "it mixes random bytes into its device",
            Self::Connections => "it reuses no connection after an error",
            Self::Streams => "it streams the body if only the head is wanted",
            Self::Encryption => "it verifies the server's certificate",
        })
    }
}

/// An optional feature of a transport, checked if it is [offered](super::Transport::offers).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Feature {
    /// The transport resolves names only through [`Options::names`](super::Options::names).
    Names,
    /// The transport trusts [`Options::roots`](super::Options::roots).
    Roots,
    /// The transport connects through [`Options::proxy`](super::Options::proxy).
    Proxy,
    /// The transport has a separate time limit for connecting.
    ConnectTimeout,
    /// The transport can limit all deadlines.
    DeadlineCap,
    /// The transport keeps connections for the next exchange.
    KeepAlive,
    /// The transport runs flows that read a source.
    Sources,
    /// The transport streams bodies.
    Streams,
}

impl Feature {
    /// All features.
    pub const ALL: &[Self] = &[
        Self::Names,
        Self::Roots,
        Self::Proxy,
        Self::ConnectTimeout,
        Self::DeadlineCap,
        Self::KeepAlive,
        Self::Sources,
        Self::Streams,
    ];
}

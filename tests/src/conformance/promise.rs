//! What is promised, and what need not be.

use std::fmt;

/// A promise of [`wechat_proto::flow`]: what every driver does.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Promise {
    /// It follows no redirect.
    NoRedirects,
    /// It keeps no cookie, and takes none but from the head of the reply.
    NoCookies,
    /// A status is not an error.
    Statuses,
    /// It sends the request as it is: no header added, none changed, the query as it was spelled.
    AsItIs,
    /// It sends nothing that [`Request::check`](wechat_proto::flow::Request::check) refuses.
    Sendable,
    /// It reads at most the `limit` of [`Want::Whole`](wechat_proto::flow::Want::Whole).
    Limits,
    /// It checks a body against the length that it announced.
    Lengths,
    /// It refuses a `Content-Encoding` other than `identity`.
    Codings,
    /// It ends an exchange at its `deadline`.
    Deadlines,
    /// It gives every failure back, and says of what kind it is.
    Failures,
    /// It says of every failure whether anything can have been sent.
    Sent,
    /// No text of a failure quotes what was sent or received.
    Secrets,
    /// It serves one interrupt at a time, and polls again after each.
    Interrupts,
    /// It uses a connection for one exchange after the other, and never one that an error has spoilt.
    Connections,
    /// Of [`Want::Head`](wechat_proto::flow::Want::Head): it keeps the body's reader and streams it.
    Streams,
    /// It verifies whom it speaks to.
    Encryption,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRedirects => "it follows no redirect",
            Self::NoCookies => "it keeps no cookie",
            Self::Statuses => "a status is not an error",
            Self::AsItIs => "it sends the request as it is",
            Self::Sendable => "it sends nothing that `Request::check` refuses",
            Self::Limits => "it reads at most as much as is wanted",
            Self::Lengths => "it checks a body against the length it announced",
            Self::Codings => "it refuses codings other than identity",
            Self::Deadlines => "it ends an exchange at its deadline",
            Self::Failures => "it gives every failure back, with its kind",
            Self::Sent => "it says whether anything can have been sent",
            Self::Secrets => "no failure quotes what was sent or received",
            Self::Interrupts => "it serves one interrupt at a time",
            Self::Connections => "it uses no connection that an error has spoilt",
            Self::Streams => "it streams a body of which the head was wanted",
            Self::Encryption => "it verifies whom it speaks to",
        })
    }
}

/// What a transport may have besides: checked where it is [offered](super::Transport::offers).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Feature {
    /// Names have the addresses of [`Options::names`](super::Options::names), and no others.
    Names,
    /// It trusts [`Options::roots`](super::Options::roots).
    Roots,
    /// It connects through [`Options::proxy`](super::Options::proxy).
    Proxy,
    /// It has a limit of its own for connecting.
    ConnectTimeout,
    /// It can cut all deadlines down.
    DeadlineCap,
    /// It keeps connections for the next exchange.
    KeepAlive,
    /// It runs flows that read a source.
    Sources,
    /// It streams bodies.
    Streams,
}

//! Violations: faults of requests, their grades, and the modes that refuse them.

use std::fmt;

/// The set of requests that a [`World`](crate::World) accepts. All modes record the differences between a request and
/// the expected one in [`World::violations`](crate::World::violations).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serve", derive(clap::ValueEnum))]
#[non_exhaustive]
pub enum Mode {
    /// Serves the requests that the service is known to serve: only differences of the grade `fatal` are refused, with a
    /// code of the service and the reason in `ErrMsg`.
    Service,
    /// Refuses everything that Tencent's page does not send from a browser.
    Page,
    /// Refuses everything that `wechat-proto` does not send.
    #[default]
    Library,
}

/// The severity of a difference.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serve", derive(Default, serde::Serialize, utoipa::ToSchema))]
#[cfg_attr(feature = "serve", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Grade {
    /// No source shows that the service checks it.
    #[cfg_attr(feature = "serve", default)]
    Note,
    /// Known clients send it and are served.
    Deviation,
    /// The service refuses it.
    Fatal,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Deviation => "deviation",
            Self::Fatal => "fatal",
        })
    }
}

/// A difference between a request and those that the world's mode expects.
///
/// The real service may accept such a request: see the grade.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serve", derive(Default, serde::Serialize, utoipa::ToSchema))]
#[non_exhaustive]
pub struct Violation {
    /// The call, such as `webwxsync`.
    pub endpoint: String,
    /// A description that names the parameter, field, header or cookie.
    pub what: String,
    /// The severity of the difference: `fatal` if the service refuses it, `deviation` if known clients send it and are
    /// served, `note` if no source shows that the service checks it.
    pub grade: Grade,
    /// The name of the difference in `docs/differences.md` of this package, such as `device-id`.
    pub difference: &'static str,
    /// The paragraph of `wechat-proto`'s `docs/protocol.md`, such as `§1.4`; `guess` without a source.
    pub source: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.endpoint, self.what)
    }
}

/// The kind of a finding about a part of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    Missing,
    Unknown,
    Repeated,
    /// A value other than the expected one.
    Value,
    Empty,
    /// A value that was valid earlier in the session.
    Earlier,
    /// A value of another form, such as a clock in seconds.
    Form,
    /// A number where a text is expected, or the other way round.
    Kind,
    /// Another percent-encoding.
    Encoding,
    /// An unnecessary JSON escape.
    Escape,
    /// Another spelling of a parameter's name, or another name of a host.
    Name,
    Order,
    /// Anything else; described by the check itself.
    Other,
}

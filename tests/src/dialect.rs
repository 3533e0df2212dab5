//! The dialects of requests.

/// A dialect of requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Dialect {
    /// The requests of the service's own page. This dialect is the strictest and includes every header and cookie.
    Official,
    /// The requests described by the notes of lbbniu/WebWechat: notes-L in docs/protocol.md (§0, §16, §17).
    Lbbniu,
    /// The requests described by the notes of biezhi/wechat-robot, notes-B in docs/protocol.md: other hosts, fewer
    /// parameters, POST where the others use GET.
    Biezhi,
}

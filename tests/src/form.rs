//! Whose way of asking is accepted.

/// A complete way of putting the requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// As the service's own page asks: the strictest, every header and cookie included.
    Official,
    /// As the notes of lbbniu/WebWechat write it: notes-L in docs/protocol.md (§0, §16, §17).
    NotesL,
    /// As the notes of biezhi/wechat-robot write it, notes-B in docs/protocol.md: other hosts, fewer parameters, POST
    /// where others GET.
    NotesB,
}

//! Whose way of asking is accepted.

/// A complete way of putting the requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// As the service's own page asks: the strictest, every header and cookie included.
    Official,
    /// As the first seed document of the protocol writes it (docs/protocol.md §16, §17).
    Seed1,
    /// As the second seed document writes it: other hosts, fewer parameters, POST where others GET.
    Seed2,
}

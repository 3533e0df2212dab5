//! Messages whose media cannot be fetched.

/// The reason why a message has no media to fetch. No request was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotFetchable {
    /// Messages of this kind have no media: a text, a card, a link.
    #[error("a message of this kind has no media")]
    Kind,
    /// A sticker from the shop, which is available on phones only.
    #[error("a sticker from the shop cannot be fetched")]
    Sticker,
    /// The message lacks the `MediaId` or path that the request needs.
    #[error("the message lacks the id or path of its media")]
    Incomplete,
}

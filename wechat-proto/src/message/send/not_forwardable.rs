//! Messages that cannot be forwarded.

/// The reason why a message cannot be forwarded. No request was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotForwardable {
    /// The service accepts this kind from its sender only: a voice message, a card, money, a live
    /// location, a call, a system notice.
    #[error("a message of this kind cannot be forwarded")]
    Kind,
    /// A sticker from the shop, which is available on phones only.
    #[error("a sticker from the shop cannot be forwarded")]
    Sticker,
    /// The message lacks a field that is required to forward it.
    #[error("the message lacks a field required to forward it")]
    Incomplete,
}

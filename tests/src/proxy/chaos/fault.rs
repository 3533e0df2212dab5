//! The faults of the HTTP proxy.

/// A fault in an exchange. Unless stated otherwise, the world receives the request and answers it, and the fault
/// affects the reply.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Fault {
    /// Half of the request is read, and the connection reset. The world does not receive the request.
    CutRequest,
    /// The whole request is read, and the connection closed. The world does not receive the request.
    LoseRequest,
    /// The reply is delayed by less than 200 ms.
    Delay,
    /// No reply is sent, and the connection stays open.
    Stall,
    /// The connection is reset somewhere in the reply, possibly before its first byte.
    Reset,
    /// The connection is closed somewhere in the reply.
    Truncate,
    /// The first 400 bytes of the reply are sent one at a time.
    Drip,
    /// The head is sent a byte at a time and never ends.
    SlowHead,
    /// The reply is sent twice in succession: the second is a stale reply on the kept connection.
    Twice,
    /// The body never ends, in chunks.
    Endless,
    /// The head announces a body of petabytes.
    Huge,
    /// The head announces fewer bytes than are sent. For media, where this is undetectable, the connection is reset
    /// instead.
    LengthShort,
    /// The head announces more bytes than are sent before the connection ends.
    LengthLong,
    /// The head names a content coding that was not requested.
    Encoded,
    /// A gateway's error page replaces the reply.
    Gateway,
    /// The connection is closed after the reply, while idle.
    CloseIdle,
    /// Informational (1xx) responses with cookies precede the reply.
    Informational,
    /// The reply is chunked, with cookies in its trailers.
    Trailers,
    /// The reply is chunked, with chunk extensions.
    Extensions,
    /// The lines of the head end with LF only.
    LfOnly,
    /// The reply is chunked and also has a wrong `content-length`.
    LengthAndChunks,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 21] = [
        Self::CutRequest,
        Self::LoseRequest,
        Self::Delay,
        Self::Stall,
        Self::Reset,
        Self::Truncate,
        Self::Drip,
        Self::SlowHead,
        Self::Twice,
        Self::Endless,
        Self::Huge,
        Self::LengthShort,
        Self::LengthLong,
        Self::Encoded,
        Self::Gateway,
        Self::CloseIdle,
        Self::Informational,
        Self::Trailers,
        Self::Extensions,
        Self::LfOnly,
        Self::LengthAndChunks,
    ];
}

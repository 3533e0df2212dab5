//! Errors with their causes, in one line.

use alloc::string::ToString as _;
use core::fmt;

/// An error with its causes, to be displayed in one line.
///
/// A cause whose text the line already contains is omitted.
///
/// ```
/// use wechat_proto::error::{Chain, Failure, FailureKind, Sent};
/// use wechat_proto::Error;
///
/// let refused = std::io::Error::from_raw_os_error(111);
/// let failure = Failure::new(FailureKind::Connect, Sent::No).because(refused);
/// let text = Chain(&Error::Transport(failure)).to_string();
/// assert!(text.starts_with("the exchange failed: the host could not be reached (the request was not sent): "));
/// ```
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper")]
pub struct Chain<'a>(pub &'a (dyn core::error::Error + 'a));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut source = self.0.source();
        while let Some(error) = source {
            let cause = error.to_string();
            if !text.contains(&cause) {
                text.push_str(": ");
                text.push_str(&cause);
            }
            source = error.source();
        }
        f.write_str(&text)
    }
}

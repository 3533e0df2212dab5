//! Which front door of the service is used.

use alloc::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A front door: the `appid` under which the service knows the client. So far there is one,
/// [`Entry::web`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Entry {
    appid: Cow<'static, str>,
}

impl Entry {
    /// The page at `wx.qq.com`: `docs/protocol.md` §3.1.
    pub const fn web() -> Self {
        Self { appid: Cow::Borrowed("wx782c26e4c19acffb") }
    }

    /// Whether it is the desktop program's: `docs/protocol.md` §3.6.
    pub(crate) const fn is_desktop(&self) -> bool {
        false
    }

    pub(crate) fn appid(&self) -> &str {
        &self.appid
    }
}

impl Default for Entry {
    fn default() -> Self {
        Self::web()
    }
}

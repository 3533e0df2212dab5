//! The entry pages of the service (docs/protocol.md §3.6, §15).

use crate::world::layout::{ENTRIES, FILE_HELPERS};

/// An entry page of the service, and the credentials of its clients.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum EntryPage {
    /// The page at `wx.qq.com` and its sister hosts.
    #[default]
    Web,
    /// The same page for a desktop client: `mod=desktop` in some calls, and two headers on the login page.
    Desktop {
        /// The only accepted `client-version`.
        client_version: String,
        /// The only accepted `extspam`.
        extspam: String,
    },
    /// The file-transfer page at `filehelper.weixin.qq.com`: other hosts, another `appid`, and `filehelper` as the only
    /// recipient.
    FileHelper,
}

impl EntryPage {
    pub(crate) const fn appid(&self) -> &'static str {
        match self {
            Self::Web | Self::Desktop { .. } => "wx782c26e4c19acffb",
            Self::FileHelper => "wx_webfilehelper",
        }
    }

    /// Returns the app id in the message of a file.
    pub(crate) const fn file_appid(&self) -> &'static str {
        if self.is_desktop() { "" } else { "wxeb7ec651dd0aefa9" }
    }

    pub(crate) const fn is_desktop(&self) -> bool {
        matches!(self, Self::Desktop { .. })
    }

    pub(crate) const fn is_file_helper(&self) -> bool {
        matches!(self, Self::FileHelper)
    }

    /// Returns the hosts of the page.
    pub(crate) const fn entries(&self) -> &'static [&'static str] {
        match self {
            Self::Web | Self::Desktop { .. } => &ENTRIES,
            Self::FileHelper => &FILE_HELPERS,
        }
    }
}

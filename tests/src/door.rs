//! By which front door clients come in (docs/protocol.md §3.6, §15).

use crate::layout::{ENTRIES, FILE_HELPERS, Layout};
use crate::world::World;

/// A front door of the service, and what its clients show there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Door {
    /// The page at `wx.qq.com` and its sister hosts.
    #[default]
    Web,
    /// The same for a desktop client: `mod=desktop` here and there, two headers on the login page.
    Desktop {
        /// The only `client-version` that is taken.
        client_version: String,
        /// The only `extspam` that is taken.
        extspam: String,
    },
    /// The file-transfer page at `filehelper.weixin.qq.com`: other hosts, another `appid`, and nobody to write to but
    /// `filehelper`.
    FileHelper,
}

impl Door {
    pub(crate) const fn appid(&self) -> &'static str {
        match self {
            Self::Web | Self::Desktop { .. } => "wx782c26e4c19acffb",
            Self::FileHelper => "wx_webfilehelper",
        }
    }

    /// The app that a file's message names.
    pub(crate) const fn file_appid(&self) -> &'static str {
        if self.is_desktop() { "" } else { "wxeb7ec651dd0aefa9" }
    }

    pub(crate) const fn is_desktop(&self) -> bool {
        matches!(self, Self::Desktop { .. })
    }

    pub(crate) const fn is_file_helper(&self) -> bool {
        matches!(self, Self::FileHelper)
    }

    /// The hosts at which its page may be opened.
    pub(crate) const fn entries(&self) -> &'static [&'static str] {
        match self {
            Self::Web | Self::Desktop { .. } => &ENTRIES,
            Self::FileHelper => &FILE_HELPERS,
        }
    }
}

impl World {
    /// From now on clients have to come in by this door. At the true hosts, [`Door::FileHelper`] sends them to the
    /// shard `szfilehelper.weixin.qq.com`; [`World::layout`] changes that.
    pub fn door(&mut self, door: Door) {
        door.entries()[0].clone_into(&mut self.entry);
        if let Layout::True { shard } = &mut self.layout
            && !door.entries().contains(&shard.as_str())
        {
            door.entries()[1].clone_into(shard);
        }
        self.door = door;
    }
}

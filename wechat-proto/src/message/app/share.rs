//! Music, mini programs, WeChat Channels and money.

use alloc::boxed::Box;
use core::time::Duration;

use serde::Serialize;

use super::super::piece::{Texts, millis};
use crate::time::Timestamp;
use crate::wire::document::Found;

/// Music or a video: `AppMsgType` 3, 76 and 92, and 4. Its page is [`App::url`](super::App::url).
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Stream {
    /// The URL of the media.
    pub data_url: Box<str>,
    /// The URL of the media for slow connections.
    pub low_data_url: Box<str>,
    /// The URL of its page for slow connections.
    pub low_url: Box<str>,
    /// The URL of the album cover.
    pub album_url: Box<str>,
    /// The lyrics.
    pub lyric: Box<str>,
}

/// A page of a mini program: `AppMsgType` 33 and 36.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MiniProgram {
    /// The user name of its official account: `gh_…@app`.
    pub user_name: Box<str>,
    /// The id: `wx…`.
    pub app_id: Box<str>,
    /// The path of the page, with parameters.
    pub page_path: Box<str>,
    /// The URL of its icon.
    pub icon_url: Box<str>,
    /// `type`: 2 is usual.
    pub kind: i64,
    /// The version.
    pub version: i64,
}

/// Content of a WeChat Channel (视频号): its card (`AppMsgType` 50), a video (51) or a live
/// stream (63).
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Channel {
    /// The id of the video or the live stream.
    pub id: Box<str>,
    /// The owner of the channel: `v2_…@finder`.
    pub user_name: Box<str>,
    /// The nickname of the owner.
    pub nick_name: Box<str>,
    /// The URL of the owner's avatar.
    pub avatar_url: Box<str>,
    /// The description of the video or the live stream; in a card, the verified occupation.
    pub description: Box<str>,
    /// The URL of the video, which expires after a while.
    pub url: Box<str>,
    /// The URL of a thumbnail or cover.
    pub thumb_url: Box<str>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The duration of a video.
    #[serde(rename = "duration_ms", serialize_with = "millis")]
    pub duration: Duration,
}

/// A transfer of money: `AppMsgType` 2000.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Transfer {
    /// `paysubtype`: 1 was observed for an incoming transfer. Other values are uncertain.
    pub pay_sub_type: i64,
    /// The amount, as a text: `￥0.10`.
    pub amount: Box<str>,
    /// The sender's note.
    pub memo: Box<str>,
    /// The id of the transfer.
    pub transfer_id: Box<str>,
    /// The bank's id of the transaction.
    pub transaction_id: Box<str>,
    /// The time at which it began.
    pub began: Option<Timestamp>,
    /// The time at which it is returned unless accepted.
    pub expires: Option<Timestamp>,
    /// `effectivedate`: probably a number of days. No source explains it.
    pub effective_date: i64,
}

/// A red packet: `AppMsgType` 2001. The web receives hardly any details.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RedPacket {
    /// The greeting.
    pub greeting: Box<str>,
}

impl Stream {
    pub(super) fn of(mut texts: Texts) -> Self {
        Self {
            data_url: texts.take("dataurl").url(),
            low_data_url: texts.take("lowdataurl").url(),
            low_url: texts.take("lowurl").url(),
            album_url: texts.take("songalbumurl").url(),
            lyric: texts.take("songlyric").plain(),
        }
    }
}

impl MiniProgram {
    /// Parses the texts of `weappinfo`.
    pub(super) fn of(mut texts: Texts) -> Self {
        Self {
            user_name: texts.take("username").plain(),
            app_id: texts.take("appid").plain(),
            page_path: texts.take("pagepath").url(),
            icon_url: texts.take("weappiconurl").url(),
            kind: texts.take("type").number(),
            version: texts.take("version").number(),
        }
    }
}

impl Transfer {
    /// Parses the texts of `wcpayinfo`.
    pub(super) fn of(mut texts: Texts) -> Self {
        Self {
            pay_sub_type: texts.take("paysubtype").number(),
            amount: texts.take("feedesc").plain(),
            memo: texts.take("pay_memo").typed(),
            transfer_id: texts.take("transferid").plain(),
            // The service's spelling.
            transaction_id: texts.take("transcationid").plain(),
            began: texts.take("begintransfertime").time(),
            expires: texts.take("invalidtime").time(),
            effective_date: texts.take("effectivedate").number(),
        }
    }
}

impl RedPacket {
    /// Parses the texts of `wcpayinfo`.
    pub(super) fn of(mut texts: Texts) -> Self {
        Self { greeting: texts.take_either("receivertitle", "sendertitle").typed() }
    }
}

/// The content of `findernamecard`, `finderFeed` or `finderLive`.
#[derive(Default)]
pub(super) struct ChannelDraft {
    texts: Texts,
    /// The number of media so far; only the first one is parsed.
    count: usize,
    media: Texts,
}

impl ChannelDraft {
    pub(super) fn visit(&mut self, path: &[&str], found: Found<'_>) {
        match (path, found) {
            (["mediaList", "media"] | ["media"], Found::Element(_)) => self.count += 1,
            (["mediaList", "media", name] | ["media", name], Found::Text(text))
                if self.count == 1 =>
            {
                self.media.push(name, text);
            }
            ([name], Found::Text(text)) => self.texts.push(name, text),
            _ => {}
        }
    }

    pub(super) fn finish(self) -> Channel {
        let Self { mut texts, mut media, .. } = self;
        Channel {
            id: texts.take_either("objectId", "finderLiveID").plain(),
            user_name: texts.take_either("username", "finderUsername").plain(),
            nick_name: texts.take("nickname").typed(),
            avatar_url: texts.take_either("avatar", "headUrl").url(),
            description: texts.take_either("desc", "auth_job").typed(),
            url: media.take("url").url(),
            thumb_url: media.take_either("thumbUrl", "coverUrl").url(),
            width: media.take("width").pixels(),
            height: media.take("height").pixels(),
            duration: Duration::from_secs(media.take("videoPlayDuration").number()),
        }
    }
}

//! Music, mini programs, channels and money.

use alloc::boxed::Box;
use core::time::Duration;

use serde::Serialize;

use super::super::piece::{Piece, millis, pixels};
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
    /// Its id: `wx…`.
    pub app_id: Box<str>,
    /// The path of the page, with parameters.
    pub page_path: Box<str>,
    /// The URL of its icon.
    pub icon_url: Box<str>,
    /// `type`: 2 is usual.
    pub kind: i64,
    /// Its version.
    pub version: i64,
}

/// Content of a channel: its card (`AppMsgType` 50), a video (51) or a live stream (63).
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
    /// The number of days after which it takes effect.
    pub effective_date: i64,
}

/// A red packet: `AppMsgType` 2001. The web receives hardly any details.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RedPacket {
    /// The greeting.
    pub greeting: Box<str>,
}

#[derive(Default)]
pub(super) struct StreamDraft {
    data_url: Piece,
    low_data_url: Piece,
    low_url: Piece,
    album_url: Piece,
    lyric: Piece,
}

impl StreamDraft {
    pub(super) fn push(&mut self, name: &str, text: &str) {
        let field = match name {
            "dataurl" => &mut self.data_url,
            "lowdataurl" => &mut self.low_data_url,
            "lowurl" => &mut self.low_url,
            "songalbumurl" => &mut self.album_url,
            "songlyric" => &mut self.lyric,
            _ => return,
        };
        field.push(text);
    }

    pub(super) fn finish(self) -> Stream {
        Stream {
            data_url: self.data_url.url(),
            low_data_url: self.low_data_url.url(),
            low_url: self.low_url.url(),
            album_url: self.album_url.url(),
            lyric: self.lyric.plain(),
        }
    }
}

#[derive(Default)]
pub(super) struct MiniProgramDraft {
    user_name: Piece,
    app_id: Piece,
    page_path: Piece,
    icon_url: Piece,
    kind: Piece,
    version: Piece,
}

impl MiniProgramDraft {
    pub(super) fn push(&mut self, name: &str, text: &str) {
        let field = match name {
            "username" => &mut self.user_name,
            "appid" => &mut self.app_id,
            "pagepath" => &mut self.page_path,
            "weappiconurl" => &mut self.icon_url,
            "type" => &mut self.kind,
            "version" => &mut self.version,
            _ => return,
        };
        field.push(text);
    }

    pub(super) fn finish(self) -> MiniProgram {
        MiniProgram {
            user_name: self.user_name.plain(),
            app_id: self.app_id.plain(),
            page_path: self.page_path.url(),
            icon_url: self.icon_url.url(),
            kind: self.kind.int(),
            version: self.version.int(),
        }
    }
}

#[derive(Default)]
pub(super) struct ChannelDraft {
    /// The number of media so far; only the first one is parsed.
    media: usize,
    id: Piece,
    user_name: Piece,
    nick_name: Piece,
    avatar_url: Piece,
    description: Piece,
    url: Piece,
    thumb_url: Piece,
    cover_url: Piece,
    width: Piece,
    height: Piece,
    duration: Piece,
}

impl ChannelDraft {
    /// Visits the content of `findernamecard`, `finderFeed` or `finderLive`.
    pub(super) fn visit(&mut self, path: &[&str], found: Found<'_>) {
        let field = match path {
            ["mediaList", "media"] | ["media"] => {
                self.media += usize::from(matches!(found, Found::Element(_)));
                return;
            }
            ["mediaList", "media", name] | ["media", name] if self.media == 1 => match *name {
                "url" => &mut self.url,
                "thumbUrl" => &mut self.thumb_url,
                "coverUrl" => &mut self.cover_url,
                "width" => &mut self.width,
                "height" => &mut self.height,
                "videoPlayDuration" => &mut self.duration,
                _ => return,
            },
            ["objectId" | "finderLiveID"] => &mut self.id,
            ["username" | "finderUsername"] => &mut self.user_name,
            ["nickname"] => &mut self.nick_name,
            ["avatar" | "headUrl"] => &mut self.avatar_url,
            ["desc" | "auth_job"] => &mut self.description,
            _ => return,
        };
        if let Found::Text(text) = found {
            field.push(text);
        }
    }

    pub(super) fn finish(self) -> Channel {
        let thumb = if self.thumb_url.is_empty() { self.cover_url } else { self.thumb_url };
        // Some phones write `1080.0`.
        let whole = |piece: &Piece| {
            let text = piece.as_str();
            pixels(text.split_once('.').map_or(text, |(whole, _)| whole))
        };
        Channel {
            id: self.id.plain(),
            user_name: self.user_name.plain(),
            nick_name: self.nick_name.typed(),
            avatar_url: self.avatar_url.url(),
            description: self.description.typed(),
            url: self.url.url(),
            thumb_url: thumb.url(),
            width: whole(&self.width),
            height: whole(&self.height),
            duration: Duration::from_secs(self.duration.size()),
        }
    }
}

/// `wcpayinfo`
#[derive(Default)]
pub(super) struct PayDraft {
    sub_type: Piece,
    amount: Piece,
    memo: Piece,
    transfer_id: Piece,
    transaction_id: Piece,
    began: Piece,
    expires: Piece,
    effective_date: Piece,
    sender_title: Piece,
    receiver_title: Piece,
}

impl PayDraft {
    pub(super) fn push(&mut self, name: &str, text: &str) {
        let field = match name {
            "paysubtype" => &mut self.sub_type,
            "feedesc" => &mut self.amount,
            "pay_memo" => &mut self.memo,
            "transferid" => &mut self.transfer_id,
            // The service's spelling.
            "transcationid" => &mut self.transaction_id,
            "begintransfertime" => &mut self.began,
            "invalidtime" => &mut self.expires,
            "effectivedate" => &mut self.effective_date,
            "sendertitle" => &mut self.sender_title,
            "receivertitle" => &mut self.receiver_title,
            _ => return,
        };
        field.push(text);
    }

    pub(super) fn transfer(self) -> Transfer {
        let time = |piece: &Piece| {
            Some(piece.size()).filter(|seconds| *seconds > 0).map(Timestamp::from_secs)
        };
        Transfer {
            began: time(&self.began),
            expires: time(&self.expires),
            pay_sub_type: self.sub_type.int(),
            amount: self.amount.plain(),
            memo: self.memo.typed(),
            transfer_id: self.transfer_id.plain(),
            transaction_id: self.transaction_id.plain(),
            effective_date: self.effective_date.int(),
        }
    }

    pub(super) fn red_packet(self) -> RedPacket {
        let title =
            if self.receiver_title.is_empty() { self.sender_title } else { self.receiver_title };
        RedPacket { greeting: title.typed() }
    }
}

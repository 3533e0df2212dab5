//! App messages: `docs/protocol.md` §9.4.

mod attachment;
mod draft;
mod history;
mod kinds;
mod quote;
mod share;
mod tickle;

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::Serialize;

pub use attachment::{Attachment, File};
pub use history::{History, HistoryItem, HistoryKind};
pub use kinds::AppKind;
pub use quote::Quote;
pub use share::{Channel, MiniProgram, RedPacket, Stream, Transfer};

use super::Tickle;
use super::content::document;
use super::news::Article;
use super::piece;
use super::wire::WireMessage;
use crate::text::decode;
use draft::Draft;

/// An app message: `MsgType` 49.
///
/// Missing fields are empty.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct App {
    /// The type.
    pub kind: AppKind,
    /// The title; for a text or a reply, the text.
    pub title: Box<str>,
    /// The description.
    pub description: Box<str>,
    /// The URL.
    pub url: Box<str>,
    /// The URL of the thumbnail.
    pub thumb_url: Box<str>,
    /// The app's id: `wx…`.
    pub app_id: Box<str>,
    /// The app's name.
    pub app_name: Box<str>,
    /// The permanent id of the sender.
    pub from: Box<str>,
    /// The official account from which it originates: `gh_…`.
    pub source_user_name: Box<str>,
    /// The nickname of that account.
    pub source_display_name: Box<str>,
    /// The text that replaces the XML, such as the hint to view the message on the phone.
    pub text: Box<str>,
    /// The payload specific to the type.
    pub content: AppContent,
}

/// The payload of an app message beyond the common fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AppContent {
    /// A text, which is the title.
    Text,
    /// A picture.
    Image(Box<Attachment>),
    /// Music.
    Music(Box<Stream>),
    /// An external video.
    Video(Box<Stream>),
    /// A link.
    Link,
    /// A file, which may still be uploading.
    File(Box<File>),
    /// Content that the app opens.
    Open,
    /// A sticker.
    Emoji(Box<Attachment>),
    /// A voice reminder.
    VoiceReminder,
    /// Goods identified by a scanned code.
    ScannedGoods,
    /// Goods.
    Goods,
    /// A set of stickers.
    EmoticonShare,
    /// A coupon.
    Coupon,
    /// The start of a live location.
    LiveLocation,
    /// A chat history, or a note from the favourites.
    History(Box<History>),
    /// A page of a mini program.
    MiniProgram(Box<MiniProgram>),
    /// The card of a person or an official account. The title is the name.
    Card,
    /// The card of a WeChat Channel (视频号).
    ChannelsCard(Box<Channel>),
    /// A video posted to a WeChat Channel.
    ChannelsVideo(Box<Channel>),
    /// A live stream of a WeChat Channel.
    ChannelsLive(Box<Channel>),
    /// A group note, which is a list that the members of a room complete. The title is its text.
    Note,
    /// A reply with a quotation. The title is the reply.
    Quote(Box<Quote>),
    /// The text of an announcement to a room.
    Announcement(Box<str>),
    /// Tickles, in order.
    Tickles(Vec<Tickle>),
    /// A transfer of money.
    Transfer(Box<Transfer>),
    /// A red packet, which the web cannot open.
    RedPacket(Box<RedPacket>),
    /// Articles of an official account.
    Articles(Vec<Article>),
    /// An unknown type.
    Unknown,
}

impl App {
    /// Returns `None` if it is not an app message.
    pub(super) fn read(record: WireMessage) -> Option<Box<Self>> {
        let mut draft = Draft::of(record.app_msg_type);
        let (any, marked) = match document(&record.content) {
            Some(document) => draft.read(&document),
            None => (false, false),
        };
        // A text may replace the XML: `docs/shapes.md` S60. XML whose first element cannot be parsed
        // is not such a text.
        let content = record.content.trim_start();
        let xml = ["<", "&lt;", "&amp;lt;"].iter().any(|bracket| {
            let tag = content.strip_prefix(bracket).unwrap_or_default();
            tag.starts_with(['!', '?'])
        });
        let text: Box<str> = match marked || xml {
            true => Box::default(),
            false => piece::text(content).trim().into(),
        };
        let present = any
            || !text.is_empty()
            || record.app_msg_type != 0
            || [&record.file_name, &record.url, &record.media_id]
                .iter()
                .any(|text| !text.is_empty());
        present.then(|| Self::of(draft, record, text))
    }

    fn of(mut draft: Draft, mut record: WireMessage, text: Box<str>) -> Box<Self> {
        let kind = draft.kind();
        let typed = matches!(kind, AppKind::TEXT | AppKind::QUOTE | AppKind::NOTE);
        let title_of = |title: Box<str>| match is_upgrade_hint(&title) && !typed {
            true => Box::default(),
            false => title,
        };
        let file_name = title_of(decode(core::mem::take(&mut record.file_name)));
        let (from_record, from_xml) = (piece::url(&record.url), draft.texts.take("url").url());
        let app_id = core::mem::take(&mut record.app_info.app_id);
        let title = draft.texts.take("title");
        let title = if typed { title.typed() } else { title_of(title.plain()) };
        let (title, name) = match (title.is_empty(), file_name.is_empty()) {
            (true, _) => (file_name.clone(), file_name),
            (_, true) if matches!(kind, AppKind::FILE | AppKind::FILE_UPLOADING) => {
                (title.clone(), title)
            }
            _ => (title, file_name),
        };
        Box::new(Self {
            kind,
            title,
            description: draft.texts.take("des").plain(),
            url: if from_record.is_empty() { from_xml } else { from_record },
            thumb_url: draft.texts.take("thumburl").url(),
            app_id: if app_id.is_empty() {
                core::mem::take(&mut draft.app_id)
            } else {
                app_id.into()
            },
            app_name: core::mem::take(&mut draft.app_name).plain(),
            from: core::mem::take(&mut draft.from).plain(),
            source_user_name: draft.texts.take("sourceusername").plain(),
            source_display_name: draft.texts.take("sourcedisplayname").plain(),
            text,
            content: AppContent::of(kind, draft, record, name),
        })
    }
}

impl AppContent {
    fn of(kind: AppKind, mut draft: Draft, record: WireMessage, name: Box<str>) -> Self {
        match kind {
            AppKind::TEXT => Self::Text,
            AppKind::IMAGE => Self::Image(Box::new(Attachment::of(draft.attachment))),
            AppKind::MUSIC | AppKind::MUSIC_VIDEO | AppKind::AUDIO => {
                Self::Music(Box::new(Stream::of(draft.texts)))
            }
            AppKind::VIDEO => Self::Video(Box::new(Stream::of(draft.texts))),
            // The official page assigns `READER` to links that are articles.
            AppKind::LINK | AppKind::READER => match draft.articles.finish().1 {
                articles if articles.is_empty() && kind == AppKind::LINK => Self::Link,
                articles => Self::Articles(articles),
            },
            AppKind::FILE | AppKind::FILE_UPLOADING => {
                let uploading = kind == AppKind::FILE_UPLOADING;
                Self::File(Box::new(File::of(draft.attachment, record, name, uploading)))
            }
            AppKind::OPEN => Self::Open,
            AppKind::EMOJI => Self::Emoji(Box::new(Attachment::of(draft.attachment))),
            AppKind::VOICE_REMINDER => Self::VoiceReminder,
            AppKind::SCANNED_GOODS => Self::ScannedGoods,
            AppKind::GOODS => Self::Goods,
            AppKind::EMOTICON_SHARE => Self::EmoticonShare,
            AppKind::COUPON => Self::Coupon,
            AppKind::LIVE_LOCATION => Self::LiveLocation,
            AppKind::HISTORY | AppKind::FAVOURITE_NOTE | AppKind::NESTED_HISTORY => {
                Self::History(Box::new(draft.history.finish(draft.texts.get("recorditem"))))
            }
            AppKind::MINI_PROGRAM | AppKind::MINI_PROGRAM_FORWARDABLE => {
                Self::MiniProgram(Box::new(MiniProgram::of(draft.mini_program)))
            }
            AppKind::CARD => Self::Card,
            AppKind::CHANNELS_CARD => Self::ChannelsCard(Box::new(draft.channel.finish())),
            AppKind::CHANNELS_VIDEO => Self::ChannelsVideo(Box::new(draft.channel.finish())),
            AppKind::CHANNELS_LIVE => Self::ChannelsLive(Box::new(draft.channel.finish())),
            AppKind::NOTE => Self::Note,
            AppKind::QUOTE => Self::Quote(Box::new(Quote::of(draft.quote))),
            AppKind::TICKLE => Self::Tickles(draft.tickles.finish()),
            AppKind::ANNOUNCEMENT => {
                Self::Announcement(draft.texts.take("textannouncement").plain())
            }
            AppKind::TRANSFER => Self::Transfer(Box::new(Transfer::of(draft.pay))),
            AppKind::RED_PACKET => Self::RedPacket(Box::new(RedPacket::of(draft.pay))),
            // The type of a history that the service considers unsupported.
            AppKind(0) => match draft.history.finish(draft.texts.get("recorditem")) {
                history if history.is_empty() => Self::Unknown,
                history => Self::History(Box::new(history)),
            },
            _ => Self::Unknown,
        }
    }
}

/// Returns whether a title is only the hint that newer phones write for older ones
/// (`docs/protocol.md` §9.4). Its English wording is not known exactly.
fn is_upgrade_hint(title: &str) -> bool {
    let title = title.trim_end_matches(['。', '.']);
    let zh = title.starts_with("当前")
        && title.contains("版本不支持展示该内容")
        && (title.ends_with("最新版本") || title.ends_with("最新版"));
    let en = ["WeChat", "support"].iter().all(|words| title.contains(words));
    zh || en && title.ends_with("latest version")
}

#[cfg(test)]
#[path = "app_tests.rs"]
mod tests;

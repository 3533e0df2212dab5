//! The text of a message as displayed by a phone.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::fmt;

use super::{App, AppContent, AppKind, Emoticon, Game, Hand, Kind, Message};
use crate::device::Lang;

impl Message {
    /// Returns the text for a list of chats: a text message in one line; for other kinds, a word in
    /// brackets, in Chinese or in English, and the title.
    ///
    /// The words are those displayed by phones, as far as known; they do not occur on the wire. The
    /// author is not included. The preview of a status notification ([`Kind::Status`]), which is
    /// not a chat message, is empty.
    pub fn preview(&self, lang: &Lang) -> Cow<'_, str> {
        let text = self.kind.shown(lang);
        if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ").into() } else { text }
    }
}

/// Writes the text as displayed by a phone, with all its lines; for other kinds, the Chinese
/// [`Message::preview`].
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

/// Writes the same text as [`Message`].
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.shown(&Lang::ZH_CN))
    }
}

impl Kind {
    fn shown(&self, lang: &Lang) -> Cow<'_, str> {
        let word = |words| word(lang, words);
        let titled = |words, title: &str| titled(lang, words, title);
        match self {
            Self::Text(text) | Self::Unsupported(text) => (&**text).into(),
            Self::Status(_) => "".into(),
            Self::System(system) => (&*system.text).into(),
            Self::Revoked(revoked) if revoked.text.is_empty() => word(RECALLED),
            Self::Revoked(revoked) => (&*revoked.text).into(),
            Self::SysMsg(sysmsg) => sysmsg.text().into(),
            Self::Image(_) => word(IMAGE),
            Self::Voice(_) => word(VOICE),
            Self::Video(video) if video.is_short => word(SHORT_VIDEO),
            Self::Video(_) => word(VIDEO),
            Self::Emoticon(emoticon) => emoticon.shown(lang),
            Self::Location(place) => {
                titled(LOCATION, first([&*place.poi_name, &place.label, &place.url]))
            }
            Self::Card(card) => titled(CARD, &card.info.nick_name),
            Self::FriendRequest(request) => match (&*request.info.nick_name, request.greeting()) {
                (name, "") => titled(FRIEND_REQUEST, name),
                (name, greeting) => titled(FRIEND_REQUEST, &format!("{name}: {greeting}")),
            },
            Self::PossibleFriend(friend) => titled(POSSIBLE_FRIEND, &friend.info.nick_name),
            Self::App(app) => app.shown(lang),
            Self::Voip(voip) if voip.text.is_empty() => word(CALL),
            Self::Voip(voip) => (&*voip.text).into(),
            Self::News(news) => match news.articles.first() {
                Some(article) => titled(LINK, &article.title),
                None if news.text.is_empty() => titled(LINK, &news.title),
                None => (&*news.text).into(),
            },
            Self::Unreadable { .. } | Self::Unknown { .. } => word(OTHER),
        }
    }
}

impl Emoticon {
    fn shown(&self, lang: &Lang) -> Cow<'static, str> {
        match self.game {
            Some(Game::Dice(points)) => titled(lang, DICE, &points.to_string()),
            Some(Game::Hand(Hand::Rock)) => word(lang, ROCK),
            Some(Game::Hand(Hand::Paper)) => word(lang, PAPER),
            Some(Game::Hand(Hand::Scissors)) => word(lang, SCISSORS),
            Some(Game::Other { .. }) | None => word(lang, EMOTICON),
        }
    }
}

impl App {
    fn shown(&self, lang: &Lang) -> Cow<'_, str> {
        let titled = |words, title: &str| titled(lang, words, title);
        match &self.content {
            AppContent::Text | AppContent::Quote(_) => (&*self.title).into(),
            AppContent::Image(_) => word(lang, IMAGE),
            AppContent::Emoji(_) => word(lang, EMOTICON),
            AppContent::Music(_) => titled(MUSIC, self.name("")),
            AppContent::Video(_) => titled(VIDEO, self.name("")),
            AppContent::Link => titled(LINK, self.name("")),
            AppContent::Articles(articles) => {
                titled(LINK, self.name(articles.first().map_or("", |article| &article.title)))
            }
            AppContent::File(file) => titled(FILE, &file.name),
            AppContent::LiveLocation => word(lang, LIVE_LOCATION),
            AppContent::History(history) => {
                let note = self.kind == AppKind::FAVOURITE_NOTE;
                let words = if note { FAVOURITE_NOTE } else { HISTORY };
                let item = history.items.first().map_or("", |item| &item.text);
                let shown = first([self.name(&history.title), item]);
                titled(words, shown.lines().next().unwrap_or_default())
            }
            AppContent::Card => titled(CARD, &self.title),
            AppContent::ChannelsCard(channel) => titled(CHANNELS_CARD, &channel.nick_name),
            AppContent::ChannelsLive(live) if live.description.is_empty() => {
                titled(CHANNELS_LIVE, &live.nick_name)
            }
            AppContent::ChannelsLive(live) => {
                titled(CHANNELS_LIVE, &format!("{}: {}", live.nick_name, live.description))
            }
            AppContent::Announcement(text) => {
                titled(ANNOUNCEMENT, first([&**text, &self.description, &self.title]))
            }
            AppContent::Tickles(_) if !self.title.is_empty() => (&*self.title).into(),
            AppContent::Tickles(tickles) if !tickles.is_empty() => {
                let texts: Vec<_> = tickles.iter().map(|tickle| tickle.text(|_| None)).collect();
                texts.join("\n").into()
            }
            AppContent::MiniProgram(_) => titled(MINI_PROGRAM, self.name("")),
            AppContent::ChannelsVideo(video) => {
                titled(CHANNELS, first([&*video.nick_name, &video.description, self.name("")]))
            }
            AppContent::Note => titled(NOTE, &self.title),
            AppContent::Transfer(transfer) => {
                // `收到转账0.10元。如需收钱，请点此升级至最新版本`
                let described = self.description.split("。如需收钱").next().unwrap_or_default();
                let shown = [&*transfer.amount, described, &transfer.memo, &self.title];
                titled(TRANSFER, first(shown))
            }
            AppContent::RedPacket(packet) => titled(RED_PACKET, &packet.greeting),
            _ if self.title.is_empty() && !self.text.is_empty() => (&*self.text).into(),
            _ => titled(APP, self.name("")),
        }
    }

    /// Returns the title or, if it is missing, the first of `other`, the description and the name of
    /// the source that is known.
    fn name<'a>(&'a self, other: &'a str) -> &'a str {
        first([&*self.title, other, &self.description, &self.source_display_name])
    }
}

/// Returns the first text that is not empty.
fn first<'a>(texts: impl IntoIterator<Item = &'a str>) -> &'a str {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

/// A Chinese word and its English equivalent.
type Words = (&'static str, &'static str);

fn word(lang: &Lang, (zh, en): Words) -> Cow<'static, str> {
    if lang.as_str().starts_with("zh") { zh.into() } else { en.into() }
}

fn titled(lang: &Lang, words: Words, title: &str) -> Cow<'static, str> {
    let word = word(lang, words);
    if title.is_empty() {
        return word;
    }
    [&*word, " ", title].concat().into()
}

const IMAGE: Words = ("[图片]", "[Photo]");
const VOICE: Words = ("[语音]", "[Audio]");
const FRIEND_REQUEST: Words = ("[好友请求]", "[Friend request]");
const POSSIBLE_FRIEND: Words = ("[朋友推荐]", "[Recommended]");
const CARD: Words = ("[名片]", "[Contact card]");
const VIDEO: Words = ("[视频]", "[Video]");
const SHORT_VIDEO: Words = ("[小视频]", "[Sight]");
const EMOTICON: Words = ("[动画表情]", "[Sticker]");
const DICE: Words = ("[骰子]", "[Dice]");
const ROCK: Words = ("[石头]", "[Rock]");
const PAPER: Words = ("[布]", "[Paper]");
const SCISSORS: Words = ("[剪刀]", "[Scissors]");
const LOCATION: Words = ("[位置]", "[Location]");
const LIVE_LOCATION: Words = ("[实时位置共享]", "[Live location]");
const MUSIC: Words = ("[音乐]", "[Music]");
const LINK: Words = ("[链接]", "[Link]");
const FILE: Words = ("[文件]", "[File]");
const HISTORY: Words = ("[聊天记录]", "[Chat history]");
const MINI_PROGRAM: Words = ("[小程序]", "[Mini program]");
const CHANNELS: Words = ("[视频号]", "[Channels]");
const FAVOURITE_NOTE: Words = ("[笔记]", "[Note]");
const CHANNELS_CARD: Words = ("[视频号名片]", "[Channels card]");
const CHANNELS_LIVE: Words = ("[视频号直播]", "[Channels live]");
const ANNOUNCEMENT: Words = ("[群公告]", "[Group notice]");
const NOTE: Words = ("[接龙]", "[Group note]");
const TRANSFER: Words = ("[转账]", "[Transfer]");
const RED_PACKET: Words = ("[红包]", "[Red packet]");
const APP: Words = ("[应用消息]", "[App message]");
const CALL: Words = (
    "[收到一条视频/语音聊天消息，请在手机上查看]",
    "[Received video/voice chat message. View on phone.]",
);
const RECALLED: Words = ("撤回了一条消息", "recalled a message");
const OTHER: Words = ("[该消息网页版微信暂时不支持]", "[This message is not supported on the web]");

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::said;

    fn preview(msg_type: i64, content: &str, lang: &Lang) -> String {
        said(msg_type, "", content).preview(lang).into_owned()
    }

    #[test]
    fn preview_is_in_the_given_language() {
        let revoked = "&lt;sysmsg type=\"revokemsg\"&gt;&lt;revokemsg&gt;&lt;msgid&gt;1&lt;/msgid&gt;&lt;replacemsg&gt;TEXT&lt;/replacemsg&gt;&lt;/revokemsg&gt;&lt;/sysmsg&gt;";
        let empty = revoked.replace("TEXT", "");
        let tickle = "&lt;sysmsg type=\"pat\"&gt;&lt;pat&gt;&lt;template&gt;\"${wxid_1}\" 拍了拍我&lt;/template&gt;&lt;/pat&gt;&lt;/sysmsg&gt;";
        for (msg_type, content, zh, en) in [
            (1, "a<br/>b &amp; c", "a b & c", "a b & c"),
            (3, "", "[图片]", "[Photo]"),
            (47, "", "[动画表情]", "[Sticker]"),
            (53, "", CALL.0, CALL.1),
            (51, "", "", ""),
            (4711, "x", OTHER.0, OTHER.1),
            (10_000, "位置共享已经结束", "位置共享已经结束", "位置共享已经结束"),
            (10_002, revoked, "TEXT", "TEXT"),
            (10_002, &empty, "撤回了一条消息", "recalled a message"),
            (10_002, tickle, "\"wxid_1\" 拍了拍我", "\"wxid_1\" 拍了拍我"),
        ] {
            assert_eq!(preview(msg_type, content, &Lang::ZH_CN), zh, "{msg_type}");
            assert_eq!(preview(msg_type, content, &Lang::ZH_TW), zh, "{msg_type}");
            assert_eq!(preview(msg_type, content, &Lang::EN_US), en, "{msg_type}");
        }
    }

    /// `docs/protocol.md` §9.4.
    #[test]
    fn best_known_text_of_an_app_message_is_shown() {
        const ZH: &str = "<title>当前微信版本不支持展示该内容，请升级至最新版本。</title>";
        const EN: &str =
            "<title>This version of WeChat does not support it. Get the latest version.</title>";
        for (kind, inner, shown) in [
            (5, "<title>T</title><des>D</des>", "[链接] T"),
            (5, "<des>D</des>", "[链接] D"),
            (33, "ZH<sourcedisplayname>店</sourcedisplayname>", "[小程序] 店"),
            (
                19,
                "ZH<recorditem><recordinfo><title>甲</title></recordinfo></recorditem>",
                "[聊天记录] 甲",
            ),
            (51, "ZH<finderFeed><nickname>山</nickname></finderFeed>", "[视频号] 山"),
            (51, "ZH<finderFeed><desc>海</desc></finderFeed>", "[视频号] 海"),
            (4711, "ZH<des>D</des>", "[应用消息] D"),
            (4711, "EN<des>D</des>", "[应用消息] D"),
            (4711, "<title>T</title>", "[应用消息] T"),
            // The text of a reply was typed by a person.
            (57, "ZH<des>D</des>", "当前微信版本不支持展示该内容，请升级至最新版本。"),
            (
                2000,
                "<title>微信转账</title><des>收到转账0.10元。</des><wcpayinfo><feedesc>￥0.10</feedesc></wcpayinfo>",
                "[转账] ￥0.10",
            ),
            (
                2000,
                "<des>收到转账0.10元。如需收钱，请点此升级至最新版本</des>",
                "[转账] 收到转账0.10元",
            ),
            (2000, "<wcpayinfo><pay_memo>午饭</pay_memo></wcpayinfo>", "[转账] 午饭"),
        ] {
            let inner = inner.replace("ZH", ZH).replace("EN", EN);
            let content = format!("<msg><appmsg><type>{kind}</type>{inner}</appmsg></msg>");
            assert_eq!(preview(49, &content, &Lang::ZH_CN), shown, "{kind}: {inner}");
        }
    }

    proptest! {
        #[test]
        fn preview_is_one_line(content in "(<br/>|&#10;|\\PC|\n){0,20}", msg_type in prop::sample::select(&[1, 3, 51, 9999, 10_000, 10_002, 4711][..])) {
            prop_assert!(!preview(msg_type, &content, &Lang::EN_US).contains(['\n', '\r']));
        }
    }
}

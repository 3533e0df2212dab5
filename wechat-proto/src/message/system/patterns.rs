//! The wordings of system notices, as data: `docs/protocol.md` §9.9.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::event::{Person, SystemEvent as Event};

/// A wording and its event.
pub(super) struct Pattern {
    /// The language.
    #[cfg_attr(not(test), expect(dead_code, reason = "documents the table, and is tested"))]
    pub(super) lang: Lang,
    /// The words, with placeholders in braces, without trailing blanks and punctuation.
    pub(super) words: &'static str,
    /// Builds the event.
    means: fn(&Places<'_>) -> Event,
    /// The source that documents the wording. "by analogy": no source, but a similar wording is
    /// documented.
    #[cfg_attr(not(test), expect(dead_code, reason = "documents the table, and is tested"))]
    pub(super) source: &'static str,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Lang {
    Zh,
    En,
}

/// Returns the event of a text, if its wording is known. The first matching pattern wins.
///
/// Each pattern searches from left to right without backtracking, in linear time.
pub(super) fn recognise(text: &str) -> Option<Event> {
    PATTERNS.iter().find_map(|pattern| {
        let places = Places::of(pattern.words, text)?;
        Some((pattern.means)(&places))
    })
}

/// The names of placeholders, in the order of [`Places`]. The last three may be empty.
const NAMES: [&str; 7] = ["by", "who", "name", "topic", "others", "suffix", "rest"];
const OPTIONAL: [&str; 3] = ["others", "suffix", "rest"];

/// The values of a pattern's placeholders.
struct Places<'a>([Place<'a>; NAMES.len()]);

#[derive(Clone, Copy, Default)]
struct Place<'a> {
    text: &'a str,
    /// Whether the pattern quotes it. A quoted value is always a name, even if it is a pronoun.
    quoted: bool,
}

impl<'a> Places<'a> {
    fn of(words: &str, text: &'a str) -> Option<Self> {
        let mut found = Self([Place::default(); NAMES.len()]);
        let text = text.trim();
        // Trailing punctuation is optional, unless it may belong to a name.
        let mut rest = if words.ends_with('}') { text } else { bare(text) };
        let mut words = words;
        loop {
            let Some((before, after)) = words.split_once('{') else {
                return (rest == words).then_some(found);
            };
            rest = rest.strip_prefix(before)?;
            let (name, after) = after.split_once('}')?;
            // The words up to the next placeholder or the end.
            let next = after.split('{').next().unwrap_or_default();
            let length = match next {
                "" => rest.len(),
                _ if next.len() == after.len() => rest.strip_suffix(next)?.len(),
                _ => rest.find(next)?,
            };
            let (value, tail) = (rest.get(..length)?, rest.get(length..)?);
            if value.is_empty() && !OPTIONAL.contains(&name) {
                return None;
            }
            let place = NAMES.iter().position(|known| *known == name)?;
            let quoted = before.ends_with(['"', '“']);
            *found.0.get_mut(place)? = Place { text: value, quoted };
            (rest, words) = (tail, after);
        }
    }

    fn place(&self, name: &str) -> Place<'a> {
        let place = NAMES.iter().position(|known| *known == name);
        place.and_then(|place| self.0.get(place)).copied().unwrap_or_default()
    }

    fn get(&self, name: &str) -> &'a str {
        self.place(name).text
    }

    /// Returns the value without surrounding blanks, and without quotes that are not part of the
    /// pattern.
    fn trimmed(&self, name: &str) -> &'a str {
        let Place { text, quoted } = self.place(name);
        if quoted { text.trim() } else { unquoted(text) }
    }

    /// Returns the name of a friend, if the text contains it.
    fn name(&self) -> Option<Box<str>> {
        Some(self.trimmed("name")).filter(|name| !name.is_empty()).map(Into::into)
    }

    fn one(&self, name: &str) -> Person {
        let Place { text, quoted } = self.place(name);
        match text.trim() {
            "你" | "我" | "You" | "you" | "I" | "me" if !quoted => Person::Me,
            _ => Person::Named(self.trimmed(name).into()),
        }
    }

    /// Returns several names, which are joined by `、`, in English also by commas.
    fn many(&self, name: &str) -> Vec<Person> {
        split_names(self.trimmed(name))
    }
}

/// Returns whether a list of names may also be fewer names, which contain separators.
fn is_split(lists: [&[Person]; 2]) -> bool {
    lists.iter().any(|list| list.iter().filter(|person| **person != Person::Me).count() > 1)
}

/// Splits a list of names. A name that contains a separator becomes two.
pub(super) fn split_names(names: &str) -> Vec<Person> {
    names
        .split('、')
        .flat_map(|name| name.split(", "))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| Person::Named(name.into()))
        .collect()
}

/// Strips trailing blanks and punctuation.
fn bare(text: &str) -> &str {
    text.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '.' | '。' | '!' | '！'))
}

/// Strips the quotes and blanks around a name.
fn unquoted(name: &str) -> &str {
    let name = name.trim();
    let pairs = [('"', '"'), ('“', '”')];
    let inner =
        pairs.iter().find_map(|(open, close)| name.strip_prefix(*open)?.strip_suffix(*close));
    inner.map_or(name, str::trim)
}

fn invitation(by: Person, who: Vec<Person>, others: Vec<Person>) -> Event {
    let is_ambiguous = is_split([&who, &others]);
    Event::Invited { by, who, others, is_ambiguous }
}

fn invited(places: &Places<'_>) -> Event {
    invitation(places.one("by"), places.many("who"), places.many("others"))
}

fn i_was_invited(places: &Places<'_>) -> Event {
    let mut who = alloc::vec![Person::Me];
    who.extend(places.many("who"));
    invitation(places.one("by"), who, places.many("others"))
}

fn i_invited(places: &Places<'_>) -> Event {
    invitation(Person::Me, places.many("who"), Vec::new())
}

fn by_code(who: Vec<Person>, of: Option<Person>, others: Vec<Person>) -> Event {
    let is_ambiguous = is_split([&who, &others]);
    Event::JoinedByCode { who, of, others, is_ambiguous }
}

fn joined_by_code(places: &Places<'_>) -> Event {
    by_code(places.many("who"), Some(places.one("by")), Vec::new())
}

fn joined_by_my_code(places: &Places<'_>) -> Event {
    by_code(places.many("who"), Some(Person::Me), Vec::new())
}

fn i_joined_by_code(places: &Places<'_>) -> Event {
    let others = places.get("others").trim_start_matches([':', '：']);
    by_code(alloc::vec![Person::Me], None, split_names(others))
}

fn joined(places: &Places<'_>) -> Event {
    let who = places.many("who");
    let is_ambiguous = is_split([&who, &[]]);
    Event::Joined { who, is_ambiguous }
}

fn i_joined(_: &Places<'_>) -> Event {
    Event::Joined { who: alloc::vec![Person::Me], is_ambiguous: false }
}

fn i_removed(places: &Places<'_>) -> Event {
    // Each notice names one member (wechaty/puppet-wechat).
    Event::Removed { by: Person::Me, who: alloc::vec![places.one("who")] }
}

fn i_was_removed(places: &Places<'_>) -> Event {
    Event::Removed { by: places.one("by"), who: alloc::vec![Person::Me] }
}

fn renamed(places: &Places<'_>) -> Event {
    Event::Renamed { by: places.one("by"), topic: places.get("topic").into() }
}

fn new_owner(places: &Places<'_>) -> Event {
    Event::NewOwner { owner: places.one("who") }
}

fn dissolved(places: &Places<'_>) -> Event {
    Event::Dissolved { by: places.one("by") }
}

fn friend(places: &Places<'_>) -> Event {
    Event::FriendAdded { name: places.name() }
}

fn verification(places: &Places<'_>) -> Event {
    Event::VerificationNeeded { name: places.name() }
}

fn location(places: &Places<'_>) -> Event {
    Event::LiveLocationStarted { by: places.one("by") }
}

fn stranger(places: &Places<'_>) -> Event {
    let who = match places.get("who") {
        "" => Vec::new(),
        _ => alloc::vec![places.one("who")],
    };
    Event::StrangerWarning { who }
}

fn message_revoked(places: &Places<'_>) -> Event {
    Event::MessageRevoked { by: places.one("by") }
}

fn tickle(places: &Places<'_>, whom: Person) -> Event {
    Event::Tickled { by: places.one("by"), whom, suffix: places.get("suffix").trim().into() }
}

fn tickled(places: &Places<'_>) -> Event {
    tickle(places, places.one("who"))
}

fn tickled_me(places: &Places<'_>) -> Event {
    tickle(places, Person::Me)
}

fn tickled_themselves(places: &Places<'_>) -> Event {
    tickle(places, places.one("by"))
}

fn too_frequent(_: &Places<'_>) -> Event {
    Event::TooFrequent
}

macro_rules! patterns {
    ($($lang:ident $words:literal $means:expr, $source:literal;)*) => {
        &[ $( Pattern { lang: Lang::$lang, words: $words, means: $means, source: $source } ),* ]
    };
}

/// All wordings, the more specific ones first. Names of people are quoted where the service quotes
/// them; quotes are optional around a placeholder at either end.
#[rustfmt::skip]
pub(super) const PATTERNS: &[Pattern] = patterns! {
    // Invited.
    Zh "\"{by}\"邀请你加入了群聊，群聊参与人还有：{others}" i_was_invited, "puppet4u, puppet-wechat#26";
    Zh "\"{by}\"邀请你和\"{who}\"加入了群聊，群聊参与人还有：{others}" i_was_invited, "puppet4u (not anchored at its end)";
    Zh "\"{by}\"邀请你和\"{who}\"加入了群聊" i_was_invited, "puppet4u";
    Zh "\"{by}\"邀请你加入了群聊" i_was_invited, "wechaty#383";
    Zh "你邀请\"{who}\"加入了群聊" i_invited, "puppet4u; on the web without the link to undo it (PR wechaty#1116)";
    Zh "\"{by}\"邀请\"{who}\"加入了群聊" invited, "puppet4u";
    En "{by} invited you to a group chat with{others}" i_was_invited, "puppet4u; without names in wechaty-puppet-padchat#53";
    En "{by} invited you and {who} to the group chat" i_was_invited, "puppet4u, wechaty-puppet-padchat#53";
    En "{by} invited you and {who} to a group chat" i_was_invited, "puppet4u";
    En "You've invited {who} to the group chat" i_invited, "an older wording in clients of 2017";
    En "You invited {who} to the group chat" i_invited, "puppet4u, PR wechaty#1116";
    En "{by} invited {who} to the group chat" invited, "puppet4u, PR wechaty#1116";
    En "{by} invited {who} to a group chat" invited, "puppet4u";
    // Joined with a QR code. A name may have a leading blank.
    Zh "你通过扫描二维码加入群聊，群聊参与人还有：{others}" i_joined_by_code, "several clients' lists of notices";
    Zh "你通过扫描二维码加入群聊" i_joined_by_code, "several clients' lists of notices";
    Zh "\"{who}\"通过扫描你分享的二维码加入群聊" joined_by_my_code, "puppet4u";
    Zh "\"{who}\"通过扫描\"{by}\"分享的二维码加入群聊" joined_by_code, "puppet4u";
    En "You've joined the group chat via QR Code. Group chat members{others}" i_joined_by_code, "a client's list of notices";
    En "\"{who}\" joined group chat via the QR code you shared" joined_by_my_code, "puppet4u";
    En "\"{who}\" joined the group chat via your shared QR Code" joined_by_my_code, "PR wechaty#651";
    En "\"{who}\" joined the group chat via the QR Code shared by \"{by}\"" joined_by_code, "puppet4u";
    // Joined in another way.
    Zh "\"{who}\"加入了群聊" joined, "openwechat";
    Zh "\"{who}\"加入群聊" joined, "openwechat";
    En "You've joined this group chat" i_joined, "a client's list of notices";
    En "\"{who}\" joined the group chat" joined, "by analogy";
    // Removed.
    Zh "你将\"{who}\"移出了群聊" i_removed, "puppet4u";
    Zh "你被\"{by}\"移出群聊" i_was_removed, "puppet4u";
    En "You removed \"{who}\" from the group chat" i_removed, "puppet4u, wechaty#1121";
    En "You were removed from the group chat by \"{by}\"" i_was_removed, "puppet4u, wechaty#250";
    // Renamed.
    Zh "{by}修改群名为“{topic}”" renamed, "puppet4u";
    En "{by} changed the group name to \"{topic}\"" renamed, "puppet4u";
    // A new owner, and the end of a room.
    Zh "{who}已成为新群主" new_owner, "icyleaf/wechat-bot, wechaty-puppet-macpro";
    En "{who} became the new group owner" new_owner, "by analogy";
    Zh "群主{by}已解散该群聊" dissolved, "hp0912/wechat-robot-client";
    Zh "{by}已解散该群聊" dissolved, "by analogy";
    En "Group owner {by} dissolved the group chat" dissolved, "by analogy";
    En "{by} dissolved the group chat" dissolved, "by analogy";
    // Friends.
    Zh "你已添加了{name}，现在可以开始聊天了" friend, "notes-L, puppet4u";
    Zh "{name}刚刚把你添加到通讯录，现在可以开始聊天了" friend, "puppet4u";
    Zh "我通过了你的朋友验证请求，现在我们可以开始聊天了" friend, "puppet4u";
    En "You have added {name} as your WeChat contact. Start chatting" friend, "puppet4u, wechaty-puppet-padchat#53";
    En "{name} just added you to his/her contacts list. Send a message to him/her now" friend, "puppet4u";
    En "I've accepted your friend request. Now let's chat" friend, "puppet4u";
    Zh "{name}开启了朋友验证，{rest}" verification, "puppet4u, itchat4j";
    En "{name} has enabled Friend Confirmation{rest}" verification, "puppet4u";
    En "{name} has requested friend verification{rest}" verification, "a user's notes on refusals, 2015";
    Zh "消息已发出，但被对方拒收了" |_| Event::Blocked, "itchat and wxpy users";
    En "The message is successfully sent but rejected by the receiver" |_| Event::Blocked, "a user's notes on refusals, 2015";
    // Red packets.
    Zh "收到红包，请在手机上查看" |_| Event::RedPacketReceived, "notes-L, itchat, openwechat";
    En "Red packet received. View on phone" |_| Event::RedPacketReceived, "clients that drive the page";
    Zh "发出红包，请在手机上查看" |_| Event::RedPacketSent, "notes-L, openwechat";
    En "Red packet sent. View on phone" |_| Event::RedPacketSent, "by analogy";
    // Rate limits.
    Zh "发送消息过于频繁，{rest}" too_frequent, "py2webwx#4, wechaty#412";
    Zh "操作过于频繁，{rest}" too_frequent, "puppet-padlocal#109";
    Zh "操作太频繁，{rest}" too_frequent, "wechat-deleted-friends#59";
    En "Too many attempts. Try again later" too_frequent, "python-wechaty#133";
    // Locations.
    Zh "{by}发起了位置共享，请在手机上查看" location, "official";
    Zh "{by}发起了位置共享" location, "a client's comment on the XML";
    En "{by} started a real-time location session{rest}" location, "clients that drive the page";
    Zh "位置共享已经结束" |_| Event::LiveLocationEnded, "openwechat";
    En "Real-time Location session ended" |_| Event::LiveLocationEnded, "clients that drive the page";
    // Stranger warnings.
    Zh "如果陌生人主动添加你为朋友，请谨慎核实对方身份" stranger, "notes-L";
    Zh "{who}与群里其他人都不是微信朋友关系，请注意隐私安全" stranger, "clients that drive the page";
    En "Note: \"{who}\" is not friends with anyone else in this group chat{rest}" stranger, "a client's test";
    // Revoked messages.
    Zh "{by}撤回了一条消息" message_revoked, "official";
    En "{by} has recalled a message" message_revoked, "puppet4u";
    En "{by} recalled a message" message_revoked, "puppet4u";
    En "{by} withdrew a message" message_revoked, "clients that drive the page";
    // Tickles.
    Zh "我拍了拍自己{suffix}" |places| tickled_themselves(&places.with_me()), "by analogy";
    Zh "我拍了拍 \"{who}\"{suffix}" |places| tickled(&places.with_me()), "by analogy";
    Zh "{by} 拍了拍自己{suffix}" tickled_themselves, "a client's list of notices";
    Zh "{by} 拍了拍我{suffix}" tickled_me, "puppet-padlocal";
    Zh "{by} 拍了拍 \"{who}\"{suffix}" tickled, "a client's list of notices";
    En "{by} tickled \"{who}\"{suffix}" tickled, "a client's list of notices";
    En "{by} tickled me{suffix}" tickled_me, "a client's test";
    En "{by} tickled themself{suffix}" tickled_themselves, "by analogy";
};

impl Places<'_> {
    /// Replaces `by` by this account, whose pronoun has no blank after it.
    fn with_me(&self) -> Self {
        let mut places = self.0;
        if let Some(by) = places.first_mut() {
            *by = Place { text: "我", quoted: false };
        }
        Places(places)
    }
}

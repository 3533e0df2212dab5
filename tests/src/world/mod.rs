//! The service, its people and its messages as one value, which handles requests without I/O.

pub(crate) mod door;
pub(crate) mod layout;
pub(crate) mod log;
mod people;
pub(crate) mod phone;
pub(crate) mod relations;
pub(crate) mod sharing;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use crate::contact::rooms::Rooms;
use crate::contact::{Contact, SPECIAL};
use crate::media::upload::Uploads;
use crate::media::{Asset, Fetched, Media};
use crate::message::reaction::Reaction;
use crate::message::{Delivered, Incoming, Notice, Sent};
use crate::rng::Rng;
use crate::routes::misc::Misc;
use crate::routes::report::Reported;
use crate::session::account::Account;
use crate::session::jar::{Cookie, Jar};
use crate::session::{Code, Session};
use crate::simulator::accounts::Link;
use crate::violation::{Mode, Violation};
use crate::wire::reply::{Node, Reply};
use crate::world::door::Door;
use crate::world::layout::Layout;
use crate::world::log::Logged;

/// The start of every world's clock: 14 November 2023, in milliseconds.
const BEGINNING: u64 = 1_700_000_000_000;

/// An event that the next `webwxsync` reports.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A message arrives; `at` is the world's clock in milliseconds.
    Message {
        message: Box<Incoming>,
        msg_id: u64,
        #[cfg_attr(
            not(feature = "serve"),
            expect(dead_code, reason = "only the list of chats states it")
        )]
        at: u64,
        record: Node,
    },
    Changed(Node),
    Removed {
        user_name: String,
        contact_flag: i64,
    },
    Renamed(String),
}

/// The WeChat web service as a state machine.
///
/// It has its own clock, generates ids from a seed, and records the client's violations, its sends and the messages
/// delivered to it. It is one account; [`Simulator::add_account`](crate::Simulator::add_account) joins several. Clones
/// are independent.
#[derive(Clone, Debug)]
pub struct World {
    pub(crate) now: u64,
    pub(crate) link: Link,
    pub(crate) rng: Rng,
    pub(crate) layout: Layout,
    pub(crate) door: Door,
    pub(crate) mode: Mode,
    pub(crate) account: Account,
    pub(crate) contacts: Vec<Contact>,
    /// The names in earlier answers. A client may look them up.
    mentioned: BTreeSet<String>,
    /// The API host whose page the browser has opened.
    pub(crate) entry: String,
    pub(crate) lang: String,
    pub(crate) user_agent: Option<String>,
    /// Whether the login has been redirected to the shard.
    pub(crate) redirected: bool,
    pub(crate) codes: Vec<Code>,
    pub(crate) session: Option<Session>,
    /// The `wxsid` of every earlier session, which a later login logged out.
    pub(crate) former: Vec<String>,
    pub(crate) jar: Jar,
    /// The login page's cookies.
    pub(crate) issued: Vec<Cookie>,
    /// Whether the service still recognises a device by them.
    pub(crate) knows_devices: bool,
    pub(crate) timeline: Vec<Event>,
    /// The number of timeline events that have been delivered.
    pub(crate) handed: usize,
    pub(crate) sent: Vec<Sent>,
    pub(crate) reactions: Vec<Reaction>,
    pub(crate) notices: Vec<Notice>,
    /// The timeline position up to which each chat was read.
    pub(crate) read: BTreeMap<String, usize>,
    pub(crate) uploads: Uploads,
    pub(crate) delivered: Vec<Delivered>,
    pub(crate) media: BTreeMap<Asset, Media>,
    pub(crate) fetched: Vec<Fetched>,
    pub(crate) logouts: Vec<u8>,
    pub(crate) reports: Vec<Reported>,
    pub(crate) misc: Misc,
    pub(crate) rooms: Rooms,
    pub(crate) violations: Vec<Violation>,
    pub(crate) log: Vec<Logged>,
    pub(crate) refusals: Vec<(String, i64, String)>,
    pub(crate) replies: Vec<(String, Reply)>,
    /// Whether an injected fault alters the data that this call stores.
    pub(crate) alters: bool,
    /// Extra headers of every reply.
    pub(crate) headers: http::HeaderMap,
    pub(crate) login_refusal: Option<(i64, String)>,
    pub(crate) login_status: Option<u16>,
    pub(crate) page: usize,
    pub(crate) batch: usize,
    pub(crate) announces: bool,
    /// Whether messages sent by the client come back to it.
    pub(crate) echoes: bool,
    pub(crate) left_out: BTreeSet<String>,
    pub(crate) reversed: bool,
    /// Whether requests use several connections, so that one may overtake another request or a reply.
    pub(crate) concurrent: bool,
    /// Whether the timestamps in requests are checked.
    pub(crate) punctual: bool,
}

impl World {
    /// Creates an account without contacts, at the true hosts with the shard `wx2.qq.com`.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let account = Account::new(&mut rng);
        Self {
            now: BEGINNING,
            link: Link::default(),
            rng,
            layout: Layout::True { shard: "wx2.qq.com".to_owned() },
            door: Door::Web,
            mode: Mode::default(),
            account,
            contacts: Vec::new(),
            mentioned: BTreeSet::new(),
            entry: "wx.qq.com".to_owned(),
            lang: "zh_CN".to_owned(),
            user_agent: None,
            redirected: false,
            codes: Vec::new(),
            session: None,
            former: Vec::new(),
            jar: Jar::default(),
            issued: Vec::new(),
            knows_devices: false,
            timeline: Vec::new(),
            handed: 0,
            sent: Vec::new(),
            reactions: Vec::new(),
            notices: Vec::new(),
            read: BTreeMap::new(),
            uploads: Uploads { keep: 1 << 20, ..Uploads::default() },
            delivered: Vec::new(),
            media: BTreeMap::new(),
            fetched: Vec::new(),
            logouts: Vec::new(),
            reports: Vec::new(),
            misc: Misc::default(),
            rooms: Rooms { invite_start: 40, ..Rooms::default() },
            violations: Vec::new(),
            log: Vec::new(),
            refusals: Vec::new(),
            replies: Vec::new(),
            alters: false,
            headers: http::HeaderMap::new(),
            login_refusal: None,
            login_status: None,
            page: 1000,
            batch: 50,
            announces: true,
            echoes: false,
            left_out: BTreeSet::new(),
            reversed: false,
            concurrent: false,
            punctual: true,
        }
    }

    /// Returns the world's clock, in milliseconds since the epoch.
    pub const fn now(&self) -> u64 {
        self.now
    }

    /// Advances the clock.
    pub const fn advance(&mut self, time: Duration) {
        self.now += time.as_millis() as u64;
    }

    /// Sets the clock, in milliseconds since the epoch.
    pub const fn set_now(&mut self, now: u64) {
        self.now = now;
    }

    /// Disables the checks that depend on the clock, for clients whose clock is changed: requests may have any
    /// timestamp (otherwise within ten minutes of the world's clock), a `ClientMsgId` lower than an earlier one, and
    /// expired or missing cookies.
    pub const fn ignore_clocks(&mut self) {
        self.punctual = false;
    }

    /// Moves the service to other hosts.
    pub fn layout(&mut self, layout: Layout) {
        self.layout = layout;
    }

    /// Sets which requests are refused. Default: [`Mode::Library`].
    pub const fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// Returns which requests are refused.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns the account, with its credentials while it is logged in.
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// Returns every person and room of this world, in the order in which they were added.
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }

    /// Returns the contact with this `UserName`.
    pub fn contact(&self, user_name: &str) -> Option<&Contact> {
        self.contacts.iter().find(|contact| contact.user_name == user_name)
    }

    pub(crate) fn contact_mut(&mut self, user_name: &str) -> Option<&mut Contact> {
        self.contacts.iter_mut().find(|contact| contact.user_name == user_name)
    }

    /// Returns a contact, or the account itself as others see it.
    pub(crate) fn person(&self, user_name: &str) -> Option<Contact> {
        if user_name == self.account.user_name {
            return Some(Contact {
                user_name: self.account.user_name.clone(),
                nick_name: self.account.nick_name.clone(),
                sex: 1,
                attr_status: 2_147_587_171,
                ..Contact::default()
            });
        }
        self.contact(user_name).cloned()
    }

    /// Returns whether the client may know this name.
    pub(crate) fn is_known(&self, user_name: &str) -> bool {
        SPECIAL.contains(&user_name)
            || user_name == self.account.user_name
            || self.mentioned.contains(user_name)
            || self.contact(user_name).is_some()
    }

    pub(crate) fn mention(&mut self, user_name: &str) {
        self.mentioned.insert(user_name.to_owned());
    }

    /// Returns whether its picture needs no room to be fetched: contacts, official and special accounts.
    pub(crate) fn in_reach(&self, user_name: &str) -> bool {
        SPECIAL.contains(&user_name)
            || self.contact(user_name).is_some_and(|contact| contact.contact_flag & 1 != 0)
    }

    pub(crate) fn may_write_to(&self, user_name: &str) -> bool {
        if self.door.is_file_helper() {
            return user_name == "filehelper";
        }
        SPECIAL.contains(&user_name)
            || user_name == self.account.user_name
            || self.rooms.silent.contains(user_name)
            || self.contact(user_name).is_some_and(Contact::is_reachable)
    }

    /// Returns whether `webwxgetcontact` lists it. Rooms are listed only if they were saved.
    pub(crate) fn in_book(&self, contact: &Contact) -> bool {
        contact.contact_flag & 1 != 0 && (!contact.is_room() || contact.saved)
    }

    /// Returns the recent chats: all rooms and the first few other contacts.
    pub(crate) fn recent(&self) -> Vec<String> {
        let here = |contact: &&Contact| contact.is_reachable();
        let rooms = self.contacts.iter().filter(here).filter(|contact| contact.is_room());
        let others = self.contacts.iter().filter(here).filter(|contact| !contact.is_room()).take(8);
        others.chain(rooms).map(|contact| contact.user_name.clone()).collect()
    }

    /// Returns the violations of the client, in order.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Returns every request received, in order.
    pub fn log(&self) -> &[Logged] {
        &self.log
    }

    /// Returns the messages that the client sent, in order.
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// Returns the status notifications that the client sent, in order.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Returns the delivered messages, in order. A message that was fetched twice appears twice.
    pub fn delivered(&self) -> &[Delivered] {
        &self.delivered
    }

    /// Answers the next call of an endpoint, such as `webwxsendmsg`, with this code, once.
    pub fn refuse(&mut self, endpoint: &str, ret: i64, err_msg: &str) {
        self.refusals.push((endpoint.to_owned(), ret, err_msg.to_owned()));
    }

    /// Answers the next call of an endpoint with exactly this reply, once. The call has no effect.
    pub fn reply_with(&mut self, endpoint: &str, reply: http::Response<Bytes>) {
        self.replies.push((endpoint.to_owned(), reply));
    }

    /// Discards the replies set by [`reply_with`](Self::reply_with) that have not been used yet.
    pub fn forget_replies(&mut self) {
        self.replies.clear();
    }

    /// Adds a header to every later reply that has no header of this name. `Set-Cookie` is added to
    /// every later reply.
    pub fn add_header(&mut self, name: &'static str, value: http::HeaderValue) {
        self.headers.append(name, value);
    }

    /// Makes the login page refuse the account with this code and text; a `ret` of 0 accepts it again.
    pub fn refuse_login(&mut self, ret: i64, message: &str) {
        self.login_refusal = (ret != 0).then(|| (ret, message.to_owned()));
    }

    /// Sets the HTTP status of the login page for all requests; 301 is its old form.
    pub const fn login_page_status(&mut self, status: u16) {
        self.login_status = Some(status);
    }

    /// Sets the number of contacts per page of `webwxgetcontact`.
    pub fn contacts_per_page(&mut self, n: usize) {
        self.page = n.max(1);
    }

    /// Sets the maximum number of messages and changes in one `webwxsync` answer.
    pub fn messages_per_sync(&mut self, n: usize) {
        self.batch = n.max(1);
    }

    /// Sets whether the phone answers the first status notification with its list of recent chats. Default: true.
    pub const fn announce_recent_chats(&mut self, on: bool) {
        self.announces = on;
    }

    /// Sets whether `webwxsync` also returns the messages that the client sent, under the `MsgId` of their replies: sources
    /// differ on whether the file-transfer page does. Default: false.
    pub const fn echo_sends(&mut self, on: bool) {
        self.echoes = on;
    }

    /// Makes `webwxbatchgetcontact` omit this contact from its answers.
    pub fn batch_leaves_out(&mut self, user_name: &str) {
        self.left_out.insert(user_name.to_owned());
    }

    /// Sets whether `webwxbatchgetcontact` answers in an order different from the request.
    pub const fn batch_reorders(&mut self, on: bool) {
        self.reversed = on;
    }

    /// Makes the next `webwxsync` return a new `SKey`, which is valid from then on.
    pub fn refresh_skey(&mut self) {
        let skey = format!("@crypt_{}_{}", self.rng.hex(8), self.rng.hex(32));
        if let Some(session) = &mut self.session {
            session.refresh = Some(skey);
        }
    }
}

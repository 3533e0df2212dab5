//! The service, its people and its messages, as one value: requests in, replies out, no wire in between.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use crate::account::Account;
use crate::check::Violation;
use crate::contact::{Contact, SPECIAL};
use crate::door::Door;
use crate::form::Form;
use crate::jar::{Cookie, Jar};
use crate::layout::Layout;
use crate::log::Logged;
use crate::media::{Asset, Fetched, Media};
use crate::message::{Delivered, Incoming, Notice, Sent};
use crate::reply::{Node, Reply};
use crate::rng::Rng;
use crate::rooms::Rooms;
use crate::routes::odds::Odds;
use crate::routes::report::Reported;
use crate::session::{Code, Session};
use crate::upload::Uploads;

/// Where every world's clock begins: 14 November 2023, in milliseconds.
const BEGINNING: u64 = 1_700_000_000_000;

/// Something that the next `webwxsync` tells of.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Message { message: Box<Incoming>, msg_id: u64, record: Node },
    Changed(Node),
    Removed { user_name: String, contact_flag: i64 },
    Renamed(String),
}

/// The WeChat web service as a state machine.
///
/// It has a clock of its own, makes its ids from a seed, and keeps a ledger of whatever a client did wrong, sent and
/// was given. A clone goes its own way from there.
#[derive(Clone, Debug)]
pub struct World {
    pub(crate) now: u64,
    pub(crate) rng: Rng,
    pub(crate) layout: Layout,
    pub(crate) door: Door,
    pub(crate) forms: Vec<Form>,
    pub(crate) account: Account,
    contacts: Vec<Contact>,
    /// Names that some answer has mentioned: a client may ask about them.
    mentioned: BTreeSet<String>,
    /// The api host whose page the browser has opened.
    pub(crate) entry: String,
    pub(crate) lang: String,
    pub(crate) user_agent: Option<String>,
    /// Whether the login has been sent to the shard.
    pub(crate) redirected: bool,
    pub(crate) codes: Vec<Code>,
    pub(crate) session: Option<Session>,
    /// The `wxsid` of every session before this one: whoever still has one was logged out by the next.
    pub(crate) former: Vec<String>,
    pub(crate) jar: Jar,
    /// The login page's cookies.
    pub(crate) issued: Vec<Cookie>,
    /// Whether the service still knows a device by them.
    pub(crate) knows_devices: bool,
    pub(crate) timeline: Vec<Event>,
    /// How many events of the timeline have been handed out.
    pub(crate) handed: usize,
    pub(crate) sent: Vec<Sent>,
    pub(crate) notices: Vec<Notice>,
    /// Up to where of the timeline each chat was read.
    pub(crate) read: BTreeMap<String, usize>,
    pub(crate) uploads: Uploads,
    pub(crate) delivered: Vec<Delivered>,
    pub(crate) media: BTreeMap<Asset, Media>,
    pub(crate) fetched: Vec<Fetched>,
    pub(crate) logouts: Vec<u8>,
    pub(crate) reports: Vec<Reported>,
    pub(crate) odds: Odds,
    pub(crate) rooms: Rooms,
    pub(crate) violations: Vec<Violation>,
    pub(crate) log: Vec<Logged>,
    pub(crate) refusals: Vec<(String, i64, String)>,
    pub(crate) replies: Vec<(String, Reply)>,
    /// What every reply carries besides its own.
    pub(crate) headers: http::HeaderMap,
    pub(crate) login_refusal: Option<(i64, String)>,
    pub(crate) login_status: Option<u16>,
    pub(crate) page: usize,
    pub(crate) batch: usize,
    pub(crate) announces: bool,
    pub(crate) left_out: BTreeSet<String>,
    pub(crate) reversed: bool,
    /// Whether requests come over several connections: then one may overtake another, or a reply.
    pub(crate) concurrent: bool,
    /// Whether the clocks in requests have to be right.
    pub(crate) punctual: bool,
}

impl World {
    /// An account without contacts, at the true hosts with the shard `wx2.qq.com`.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let account = Account::new(&mut rng);
        Self {
            now: BEGINNING,
            rng,
            layout: Layout::True { shard: "wx2.qq.com".to_owned() },
            door: Door::Web,
            forms: vec![Form::Official],
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
            notices: Vec::new(),
            read: BTreeMap::new(),
            uploads: Uploads::default(),
            delivered: Vec::new(),
            media: BTreeMap::new(),
            fetched: Vec::new(),
            logouts: Vec::new(),
            reports: Vec::new(),
            odds: Odds::default(),
            rooms: Rooms::default(),
            violations: Vec::new(),
            log: Vec::new(),
            refusals: Vec::new(),
            replies: Vec::new(),
            headers: http::HeaderMap::new(),
            login_refusal: None,
            login_status: None,
            page: 1000,
            batch: 50,
            announces: true,
            left_out: BTreeSet::new(),
            reversed: false,
            concurrent: false,
            punctual: true,
        }
    }

    /// The world's clock: milliseconds since the epoch.
    pub const fn now(&self) -> u64 {
        self.now
    }

    /// Lets time pass.
    pub const fn advance(&mut self, time: Duration) {
        self.now += time.as_millis() as u64;
    }

    /// Sets the clock, in milliseconds since the epoch.
    pub const fn set_now(&mut self, now: u64) {
        self.now = now;
    }

    /// From now on a request may tell any time, its `ClientMsgId` may be lower than one before, and it may have cookies
    /// that have expired, or lack some: for clients whose clock is set. A request has to be of these ten minutes
    /// otherwise.
    pub const fn ignore_clocks(&mut self) {
        self.punctual = false;
    }

    /// Moves the service to other hosts.
    pub fn layout(&mut self, layout: Layout) {
        self.layout = layout;
    }

    /// Accepts one more form of asking, beside the official one.
    pub fn accept(&mut self, form: Form) {
        if !self.forms.contains(&form) {
            self.forms.push(form);
        }
    }

    /// The account, with its credentials while it is logged in.
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// Everybody and every room of this world, in the order in which they came.
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }

    /// Whoever has this `UserName`.
    pub fn contact(&self, user_name: &str) -> Option<&Contact> {
        self.contacts.iter().find(|contact| contact.user_name == user_name)
    }

    pub(crate) fn contact_mut(&mut self, user_name: &str) -> Option<&mut Contact> {
        self.contacts.iter_mut().find(|contact| contact.user_name == user_name)
    }

    pub(crate) fn push_contact(&mut self, contact: Contact) {
        self.contacts.push(contact);
    }

    /// A contact, or the account itself as the others see it.
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

    /// Whether the service has ever told the client of this name.
    pub(crate) fn is_known(&self, user_name: &str) -> bool {
        SPECIAL.contains(&user_name)
            || user_name == self.account.user_name
            || self.mentioned.contains(user_name)
            || self.contact(user_name).is_some()
    }

    pub(crate) fn mention(&mut self, user_name: &str) {
        self.mentioned.insert(user_name.to_owned());
    }

    /// Whether its picture is for everybody who asks: contacts, official and special accounts.
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

    /// Whether `webwxgetcontact` lists it: rooms only when they were saved.
    pub(crate) fn in_book(&self, contact: &Contact) -> bool {
        contact.contact_flag & 1 != 0 && (!contact.is_room() || contact.saved)
    }

    /// The recent chats: all rooms and the first few others.
    pub(crate) fn recent(&self) -> Vec<String> {
        let here = |contact: &&Contact| contact.is_reachable();
        let rooms = self.contacts.iter().filter(here).filter(|contact| contact.is_room());
        let others = self.contacts.iter().filter(here).filter(|contact| !contact.is_room()).take(8);
        others.chain(rooms).map(|contact| contact.user_name.clone()).collect()
    }

    /// What a client did wrong, in order.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Every request that came in, in order.
    pub fn log(&self) -> &[Logged] {
        &self.log
    }

    /// What the client has sent, in order.
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// What the client has told the phone, in order.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The messages that were handed out, in order; one that was fetched twice is here twice.
    pub fn delivered(&self) -> &[Delivered] {
        &self.delivered
    }

    /// The next call of this endpoint, such as `webwxsendmsg`, answers this code, once.
    pub fn refuse(&mut self, endpoint: &str, ret: i64, err_msg: &str) {
        self.refusals.push((endpoint.to_owned(), ret, err_msg.to_owned()));
    }

    /// The next call of this endpoint is answered with exactly this, once, and has no effect.
    pub fn reply_with(&mut self, endpoint: &str, reply: http::Response<Bytes>) {
        self.replies.push((endpoint.to_owned(), reply));
    }

    /// What was [prescribed](Self::reply_with) and not asked for yet is not answered any more.
    pub fn forget_replies(&mut self) {
        self.replies.clear();
    }

    /// Every reply from now on has this header too: as one more `Set-Cookie`, or where it has none of that name.
    pub fn add_header(&mut self, name: &'static str, value: http::HeaderValue) {
        self.headers.append(name, value);
    }

    /// The login page refuses this account, with this code and text, until `ret` is 0.
    pub fn refuse_login(&mut self, ret: i64, message: &str) {
        self.login_refusal = (ret != 0).then(|| (ret, message.to_owned()));
    }

    /// The login page answers with this HTTP status, whatever it was asked: 301 is the old form.
    pub const fn login_page_status(&mut self, status: u16) {
        self.login_status = Some(status);
    }

    /// How many contacts a page of `webwxgetcontact` holds.
    pub fn contacts_per_page(&mut self, n: usize) {
        self.page = n.max(1);
    }

    /// How many messages and changes one `webwxsync` answers at most.
    pub fn messages_per_sync(&mut self, n: usize) {
        self.batch = n.max(1);
    }

    /// Whether the phone answers the first status notification with its list of recent chats; it does from the start.
    pub const fn announce_recent_chats(&mut self, on: bool) {
        self.announces = on;
    }

    /// `webwxbatchgetcontact` leaves this one out of its answers.
    pub fn batch_leaves_out(&mut self, user_name: &str) {
        self.left_out.insert(user_name.to_owned());
    }

    /// `webwxbatchgetcontact` answers in another order than it was asked in.
    pub const fn batch_reorders(&mut self, on: bool) {
        self.reversed = on;
    }

    /// The next `webwxsync` answers a new `SKey`, which goes from then on.
    pub fn refresh_skey(&mut self) {
        let skey = format!("@crypt_{}_{}", self.rng.hex(8), self.rng.hex(32));
        if let Some(session) = &mut self.session {
            session.refresh = Some(skey);
        }
    }
}

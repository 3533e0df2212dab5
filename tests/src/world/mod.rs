//! The service, its people and its messages as one value, which handles requests without I/O; and the accounts of one
//! service, which link their worlds to each other.

mod credentials;
pub(crate) mod entry_page;
mod group;
pub(crate) mod layout;
pub(crate) mod log;
mod media;
mod messages;
pub(crate) mod misc;
pub(crate) mod outgoing;
mod people;
pub(crate) mod phone;
mod relations;
mod settings;
mod sharing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::contact::Contact;
use crate::contact::rooms::Rooms;
use crate::media::upload::Uploads;
use crate::media::{Asset, Fetched, Media};
use crate::message::reaction::Reaction;
use crate::message::{Delivered, Incoming, Notice, Sent};
use crate::rng::Rng;
use crate::session::account::Account;
use crate::session::jar::{Cookie, Jar};
use crate::session::{Code, Session};
use crate::violation::{Mode, Violation};
use crate::wire::reply::{Node, Reply};
use crate::world::entry_page::EntryPage;
use crate::world::layout::Layout;
use crate::world::log::Logged;
use crate::world::misc::{Misc, Reported};
use crate::world::outgoing::Outgoing;

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
    pub(crate) entry_page: EntryPage,
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
            entry_page: EntryPage::Web,
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
}

/// The link of a world to the accounts of its service. A clone of the world has none.
#[derive(Debug, Default)]
pub(crate) struct Link(Option<(Weak<Group>, Weak<Shared>)>);

impl Clone for Link {
    fn clone(&self) -> Self {
        Self(None)
    }
}

/// The accounts of one service.
#[derive(Default)]
pub(crate) struct Group {
    accounts: Mutex<Vec<Arc<Shared>>>,
    pub(crate) codes: Mutex<Codes>,
    /// The layout that every world receives, if a server has set it.
    layout: Mutex<Option<Layout>>,
    /// The highest clock of any account, in milliseconds since the epoch.
    pub(crate) clock: AtomicU64,
    /// Notified of every request, and of every change of any account.
    pub(crate) changed: Notify,
}

/// The QR codes, by their `uuid`.
#[derive(Default)]
pub(crate) struct Codes {
    /// The account that scanned it, or its own world until then.
    pub(crate) holders: BTreeMap<String, Arc<Shared>>,
    /// Those that no phone has scanned, the newest last.
    pub(crate) unscanned: Vec<String>,
    /// The number of codes requested.
    pub(crate) count: u64,
}

/// One account, shared between threads.
pub(crate) struct Shared {
    pub(crate) world: Mutex<World>,
    pub(crate) script: Mutex<VecDeque<Step>>,
    /// The messages and changes that other accounts have sent since the world was last locked.
    pub(crate) inbox: Mutex<Vec<Outgoing>>,
    pub(crate) keys: Mutex<AccountKeys>,
    /// Notified when held polls may have news.
    pub(crate) polls: Notify,
    /// The number of resets.
    pub(crate) resets: AtomicU64,
    /// The numbers of requests and of violations in the world of the last reset.
    pub(crate) restored: Mutex<(usize, usize)>,
    /// Whether it is a login that belongs to no account until a phone scans its code.
    pub(crate) is_login: bool,
    /// The account whose phone has scanned it.
    pub(crate) claimed_by: OnceLock<Arc<Self>>,
}

/// The names by which an account is found without locking its world.
#[derive(Clone, Default, Eq, PartialEq)]
pub(crate) struct AccountKeys {
    pub(crate) name: String,
    pub(crate) permanent: String,
    pub(crate) uin: u64,
    /// The credentials of this session, the previous ones, and the next one.
    secrets: Vec<String>,
    /// The number of its logins.
    pub(crate) codes: usize,
}

/// A step of a script.
pub(crate) struct Step {
    pub(crate) after: Duration,
    pub(crate) deed: Deed,
    /// The time at which it is due, counted from the first wait for it. Used in real time only.
    pub(crate) due: Option<Instant>,
}

/// A change of a world by a script.
pub(crate) type Deed = Box<dyn FnOnce(&mut World) + Send>;

//! What a process has in memory, and what it leaves behind.

use std::collections::VecDeque;

use wechat_proto::contact::LoadContacts;
use wechat_proto::login::Login;
use wechat_proto::media::{Upload, Uploaded};
use wechat_proto::message::{SendText, SendUpload};
use wechat_proto::sync::Inbox;
use wechat_proto::{Account, Call, ClientMsgId, Device, Message, UserName};

use super::book::Acknowledges;

/// Something to be sent: stored before it goes out, so that it keeps its number.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) to: UserName,
    pub(super) text: String,
    pub(super) picture: bool,
    pub(super) id: Option<ClientMsgId>,
    pub(super) uploaded: Option<Uploaded>,
}

/// What a killed process leaves behind.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) session: Option<String>,
    /// The messages that were dealt with.
    pub(super) effects: Vec<String>,
    pub(super) orders: VecDeque<Order>,
}

/// What the process is at.
pub(super) enum Process {
    LoggingIn(Box<(Login, Device)>),
    Running(Box<Running>),
}

pub(super) struct Running {
    pub(super) account: Account,
    pub(super) inbox: Inbox,
    /// Handed out, or chosen from those that are held, and not yet dealt with.
    pub(super) hand: Option<Message>,
    /// Handed out by a manual inbox, and not yet chosen.
    pub(super) held: Vec<Message>,
    /// Dealt with last.
    pub(super) last: Option<Message>,
    /// Whether it is not stored.
    pub(super) unsaved: bool,
    pub(super) upload: Option<Upload>,
    pub(super) call: Option<Send>,
    pub(super) contacts: Option<LoadContacts>,
}

/// A send under way.
pub(super) enum Send {
    Text(Call<SendText>),
    Upload(Call<SendUpload>),
}

impl Running {
    pub(super) fn new(account: Account, acknowledges: Acknowledges) -> Box<Self> {
        let inbox = acknowledges.inbox();
        let (hand, held, last, upload, call, contacts) = Default::default();
        Box::new(Self { account, inbox, hand, held, last, unsaved: false, upload, call, contacts })
    }
}

impl Acknowledges {
    /// Returns a new inbox of this style.
    pub(super) fn inbox(self) -> Inbox {
        match self {
            Self::Automatic => Inbox::new(),
            Self::Manual(_) => Inbox::new().manual(),
        }
    }
}

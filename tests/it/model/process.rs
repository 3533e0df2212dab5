//! The memory of a process, and its persistent state.

use std::collections::VecDeque;

use wechat_proto::contact::LoadContacts;
use wechat_proto::login::Login;
use wechat_proto::media::{Upload, Uploaded};
use wechat_proto::message::{SendText, SendUpload};
use wechat_proto::sync::Inbox;
use wechat_proto::{Account, Call, ClientMsgId, Device, Message, UserName};

use super::expected::Acknowledges;

/// A pending send, stored with its id before it is sent.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) to: UserName,
    pub(super) text: String,
    pub(super) picture: bool,
    pub(super) id: Option<ClientMsgId>,
    pub(super) uploaded: Option<Uploaded>,
}

/// The state that survives a kill.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) session: Option<String>,
    /// The ids of the handled messages.
    pub(super) effects: Vec<String>,
    pub(super) orders: VecDeque<Order>,
}

/// The state of a process.
pub(super) enum Process {
    LoggingIn(Box<(Login, Device)>),
    Running(Box<Running>),
}

pub(super) struct Running {
    pub(super) account: Account,
    pub(super) inbox: Inbox,
    /// The message in progress.
    pub(super) current: Option<Message>,
    /// Messages of a manual inbox that wait to be handled.
    pub(super) held: Vec<Message>,
    /// The last handled message.
    pub(super) last: Option<Message>,
    /// Whether the last handled message is not yet stored.
    pub(super) unsaved: bool,
    pub(super) upload: Option<Upload>,
    pub(super) call: Option<Send>,
    pub(super) contacts: Option<LoadContacts>,
}

/// A pending send.
pub(super) enum Send {
    Text(Call<SendText>),
    Upload(Call<SendUpload>),
}

impl Running {
    pub(super) fn new(account: Account, acknowledges: Acknowledges) -> Box<Self> {
        let inbox = acknowledges.inbox();
        let (current, held, last, upload, call, contacts) = Default::default();
        Box::new(Self {
            account,
            inbox,
            current,
            held,
            last,
            unsaved: false,
            upload,
            call,
            contacts,
        })
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

//! Incoming messages.

use wechat_proto::sync::Inbox;
use wechat_proto::{Error, Message};
use wechat_transport::Offload;

use crate::client::Client;

/// The incoming messages of a session, as a blocking iterator.
///
/// Transient errors ([`Error::is_transient`]) are retried silently with back-off, and yielded after
/// three consecutive failures; requesting the next message continues. The messages end after
/// [`Error::LoggedOut`], [`Error::InUse`] or [`Error::Stopped`], and without an error after the
/// session's own logout.
///
/// Requesting the next message acknowledges the previous one, unless the messages are
/// [`manual`](Messages::manual). A session stored earlier ([`Client::session`]) receives the message
/// again, unless it was acknowledged on the stored copy
/// ([`Session::acknowledge`](wechat_proto::Session::acknowledge)).
///
/// # Stopping
///
/// [`Client::stop`] ends a wait from another thread. `Messages` can be dropped between two messages:
/// new ones of the same client ([`Client::messages`]) continue with the messages that were not
/// acknowledged.
#[derive(Debug)]
#[must_use = "messages arrive only when they are requested"]
pub struct Messages {
    pub(crate) client: Client,
    pub(crate) inbox: Offload<Inbox>,
    pub(crate) ended: bool,
}

impl Messages {
    /// Sets how many messages are kept for revocations ([`Inbox::remember`]); the default is 100.
    /// Call it before requesting the first message.
    pub fn remember(mut self, messages: usize) -> Self {
        self.inbox = self.inbox.map(|inbox| inbox.remember(messages));
        self
    }

    /// Disables automatic acknowledgement ([`Inbox::manual`]): the caller acknowledges each message
    /// with [`Client::acknowledge`], in any order, from any thread.
    pub fn manual(mut self) -> Self {
        self.inbox = self.inbox.map(Inbox::manual);
        self
    }

    /// Delivers the messages of unknown rooms at once, before their members are known
    /// ([`Inbox::immediate`]).
    pub fn immediate(mut self) -> Self {
        self.inbox = self.inbox.map(Inbox::immediate);
        self
    }
}

impl Iterator for Messages {
    type Item = Result<Message, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let result = self.client.next_message(&mut self.inbox);
        self.ended = matches!(result, Err(Error::LoggedOut { .. } | Error::InUse | Error::Stopped));
        match result {
            Err(Error::LoggedOut { .. }) if self.client.account().has_left() => None,
            result => Some(result),
        }
    }
}

impl std::iter::FusedIterator for Messages {}

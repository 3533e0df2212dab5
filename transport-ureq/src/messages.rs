//! Messages, as they arrive.

use wechat_proto::sync::Inbox;
use wechat_proto::{Error, Message};

use crate::client::Client;

/// The messages of a session, as they arrive: an iterator that blocks.
///
/// Transient errors ([`Error::is_transient`]) are retried silently, with back-off, and yielded after
/// three consecutive failures; asked again, it goes on. It ends after [`Error::LoggedOut`],
/// [`Error::InUse`] or [`Error::Stopped`], and without an error after the session's own logout.
///
/// A message is acknowledged when the next one is asked for, unless they are
/// [`manual`](Messages::manual). A session stored before that ([`Client::session`]) gets it again,
/// unless it was acknowledged on what is stored
/// ([`Session::acknowledge`](wechat_proto::Session::acknowledge)).
///
/// # Stopping
///
/// [`Client::stop`], from another thread, ends a wait. Messages that are dropped between two of
/// them leave nothing behind: new ones of the same client ([`Client::messages`]) go on, with what was
/// not acknowledged.
#[derive(Debug)]
#[must_use = "messages arrive when they are asked for"]
pub struct Messages {
    client: Client,
    inbox: Inbox,
    ended: bool,
}

impl Messages {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, inbox: Inbox::new(), ended: false }
    }

    /// Remembers so many messages for those that revoke them ([`Inbox::remember`]); the default is
    /// 100. Call it before the first message is asked for.
    pub fn remember(mut self, messages: usize) -> Self {
        self.inbox = self.inbox.remember(messages);
        self
    }

    /// Acknowledges no message by itself ([`Inbox::manual`]): each is acknowledged with
    /// [`Client::acknowledge`], in any order, from any thread.
    pub fn manual(mut self) -> Self {
        self.inbox = self.inbox.manual();
        self
    }
}

impl Iterator for Messages {
    type Item = Result<Message, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let result = self.client.run_inbox(&mut self.inbox);
        if let Err(Error::LoggedOut { .. } | Error::InUse | Error::Stopped) = result {
            self.ended = true;
        }
        match result {
            Err(Error::LoggedOut { .. }) if self.client.account().has_left() => None,
            result => Some(result),
        }
    }
}

impl std::iter::FusedIterator for Messages {}

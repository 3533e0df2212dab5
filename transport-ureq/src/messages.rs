//! Messages, as they come.

use wechat_proto::sync::Inbox;
use wechat_proto::{Error, Message};

use crate::client::Client;

/// The messages of a session, as they come: an iterator that blocks.
///
/// A failure that passes ([`Error::is_transient`]) is repeated, ever more slowly, and yielded from
/// the third in a row on: asked again, it goes on. It ends after [`Error::LoggedOut`], [`Error::InUse`] or [`Error::Stopped`], and after the
/// session's own logout without an error.
///
/// A message is taken when the next one is asked for; a session stored before
/// ([`Client::session`]) gives it again, unless it was taken on what is stored
/// ([`Session::take`](wechat_proto::Session::take)).
///
/// # Stopping
///
/// [`Client::stop`], from another thread, ends a wait. Dropped between two messages they leave
/// nothing behind: new ones of the same client ([`Client::messages`]) go on, with the message in hand
/// again.
#[derive(Debug)]
#[must_use = "messages come when they are asked for"]
pub struct Messages {
    client: Client,
    inbox: Inbox,
    ended: bool,
}

impl Messages {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, inbox: Inbox::new(), ended: false }
    }

    /// Remembers so many messages for those that take them back ([`Inbox::remember`]); 100 if
    /// nothing is said. Call it before the first is asked for: what was remembered is forgotten.
    pub fn remember(mut self, messages: usize) -> Self {
        self.inbox = self.inbox.remember(messages);
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

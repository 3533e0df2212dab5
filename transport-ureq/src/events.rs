//! Incoming events and messages.

use wechat_proto::{Error, Event, Message, sync};
use wechat_transport::Offload;

use crate::client::Client;

/// Everything that happens to an account, as a blocking iterator of [`Event`].
///
/// The last event is [`Event::Closed`], with the reason. Failures of the network or the service are
/// retried with back-off; after three in a row, [`Event::Trouble`] reports them, and requesting the
/// next event continues.
///
/// Requesting the next event acknowledges the message of the previous one and, as the client's
/// [`SavePolicy`](wechat_proto::store::SavePolicy) specifies, saves the session, unless the events are
/// [`manual`](Events::manual). If an older copy of the session is resumed, the message arrives
/// again.
///
/// # Stopping
///
/// [`Client::stop`] ends a wait from another thread. `Events` can be dropped between two events: new
/// ones of the same client ([`Client::events`]) continue with the messages that were not
/// acknowledged.
#[derive(Debug)]
#[must_use = "events arrive only when they are requested"]
pub struct Events {
    client: Client,
    flow: Offload<sync::Events>,
    ended: bool,
}

impl Client {
    /// Returns an iterator over the events of the account: messages, friend requests, changes of
    /// contacts, trouble with the network, and the end of the session with its reason.
    ///
    /// Requesting the next event acknowledges the message of the previous one, unless the events are
    /// [`manual`](Events::manual), and saves the session if the client keeps a store and its
    /// [`SavePolicy`](wechat_proto::store::SavePolicy) requires it. A second call replaces the first: the
    /// older events close with [`Error::InUse`].
    pub fn events(&self) -> Events {
        let events = sync::Events::new(sync::Inbox::new(), self.save_policy());
        Events { client: self.clone(), flow: Offload::new(events).stoppable(), ended: false }
    }

    /// Returns an iterator over the incoming messages alone, without the other
    /// [events](Client::events).
    pub fn messages(&self) -> Messages {
        self.events().messages()
    }
}

impl Events {
    /// Sets how many messages are kept for revocations
    /// ([`Inbox::remember`](wechat_proto::sync::Inbox::remember)); the default is 100. Call it before
    /// requesting the first event.
    pub fn remember(mut self, messages: usize) -> Self {
        self.flow = self.flow.map(|flow| flow.remember(messages));
        self
    }

    /// Returns the messages alone.
    pub fn messages(self) -> Messages {
        Messages(self)
    }

    /// Disables automatic acknowledgement: the caller acknowledges each message with
    /// [`Client::acknowledge`], in any order, from any thread.
    pub fn manual(mut self) -> Self {
        self.flow = self.flow.map(sync::Events::manual);
        self
    }

    /// Delivers the messages of unknown rooms at once, before their members are known
    /// ([`Inbox::immediate`](wechat_proto::sync::Inbox::immediate)).
    pub fn immediate(mut self) -> Self {
        self.flow = self.flow.map(sync::Events::immediate);
        self
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        let event = self.client.next_event(&mut self.flow).unwrap_or_else(Event::Closed);
        self.ended = matches!(event, Event::Closed(_));
        Some(event)
    }
}

impl std::iter::FusedIterator for Events {}

/// The messages among the [`Events`], as a blocking iterator.
///
/// Returns an error for [`Event::Trouble`], after which requesting the next message continues, and
/// for [`Event::Closed`], which is the last item. The account's own logout ends the messages without
/// an error.
#[derive(Debug)]
#[must_use = "messages arrive only when they are requested"]
pub struct Messages(Events);

impl Iterator for Messages {
    type Item = Result<Message, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.find_map(Event::into_message)
    }
}

impl std::iter::FusedIterator for Messages {}

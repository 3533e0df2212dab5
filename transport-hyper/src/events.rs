//! Incoming events and messages.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use wechat_proto::{Error, Event, Message, sync};
use wechat_transport::Offload;

use crate::client::Client;

/// Everything that happens to an account, as a [`Stream`] of [`Event`]. [`Events::next`] works without a
/// stream library.
///
/// The last event is [`Event::Closed`], with the reason. Failures of the network or the service are
/// retried with back-off; after three in a row, [`Event::Trouble`] reports them, and requesting the
/// next event continues.
///
/// Requesting the next event acknowledges the message of the previous one and, as the client's
/// [`SavePolicy`](wechat_proto::store::SavePolicy) specifies, saves the session, unless the events are
/// [`manual`](Events::manual). If an older copy of the session is resumed, the message arrives
/// again. Combinators that poll ahead (`buffered`, `for_each_concurrent`) acknowledge a message before
/// it has been handled.
#[must_use = "events arrive only when they are requested"]
pub struct Events {
    client: Client,
    /// `None` while waiting, and after the end.
    flow: Option<Flow>,
    /// The wait for the next event; kept if the caller's future is dropped.
    waiting: Option<Waiting>,
}

/// Boxed, because it is moved into each wait.
type Flow = Box<Offload<sync::Events>>;
type Waiting = Pin<Box<dyn Future<Output = (Flow, Event)> + Send>>;

impl Client {
    /// Returns a stream of the events of the account: messages, friend requests, changes of
    /// contacts, trouble with the network, and the end of the session with its reason.
    ///
    /// Requesting the next event acknowledges the message of the previous one, unless the events are
    /// [`manual`](Events::manual), and saves the session if the client keeps a store and its
    /// [`SavePolicy`](wechat_proto::store::SavePolicy) requires it. A second call replaces the first: the
    /// older events close with [`Error::InUse`].
    pub fn events(&self) -> Events {
        let events = sync::Events::new(sync::Inbox::new(), self.save_policy());
        let flow = Some(Box::new(Offload::new(events).stoppable()));
        Events { client: self.clone(), flow, waiting: None }
    }

    /// Returns a stream of the incoming messages alone, without the other [events](Client::events).
    pub fn messages(&self) -> Messages {
        self.events().messages()
    }
}

impl Events {
    /// Sets how many messages are kept for revocations
    /// ([`Inbox::remember`](wechat_proto::sync::Inbox::remember)); the default is 100. This has no
    /// effect after the first event was requested.
    pub fn remember(self, messages: usize) -> Self {
        self.change(|flow| flow.remember(messages))
    }

    fn change(mut self, change: impl FnOnce(sync::Events) -> sync::Events) -> Self {
        self.flow = self.flow.map(|flow| Box::new(flow.map(change)));
        self
    }

    /// Returns the messages alone.
    pub fn messages(self) -> Messages {
        Messages(self)
    }

    /// Disables automatic acknowledgement: the caller acknowledges each message with
    /// [`Client::acknowledge`], in any order, from any task. This has no effect after the first
    /// event was requested.
    pub fn manual(self) -> Self {
        self.change(sync::Events::manual)
    }

    /// Delivers the messages of unknown rooms at once, before their members are known
    /// ([`Inbox::immediate`](wechat_proto::sync::Inbox::immediate)). This has no effect after the
    /// first event was requested.
    pub fn immediate(self) -> Self {
        self.change(sync::Events::immediate)
    }

    /// Returns the next event, or `None` after [`Event::Closed`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, in a `select!` for example, no event is lost or returned twice: the
    /// exchange continues with the next call. The message of the previous event is acknowledged by the
    /// first poll. Dropping [`Events`] itself cancels the exchange; new ones of the same client
    /// ([`Client::events`]) continue with the messages that were not acknowledged.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(mut flow) = self.flow.take() {
            let client = self.client.clone();
            self.waiting = Some(Box::pin(async move {
                let event = client.next_event(&mut flow).await.unwrap_or_else(Event::Closed);
                (flow, event)
            }));
        }
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(None) };
        let (flow, event) = ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        if !matches!(event, Event::Closed(_)) {
            self.flow = Some(flow);
        }
        Poll::Ready(Some(event))
    }
}

impl FusedStream for Events {
    fn is_terminated(&self) -> bool {
        self.flow.is_none() && self.waiting.is_none()
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("client", &self.client).finish_non_exhaustive()
    }
}

/// The messages among the [`Events`], as a [`Stream`].
///
/// Returns an error for [`Event::Trouble`], after which requesting the next message continues, and
/// for [`Event::Closed`], which is the last item. The account's own logout ends the messages without
/// an error.
#[derive(Debug)]
#[must_use = "messages arrive only when they are requested"]
pub struct Messages(Events);

impl Messages {
    /// Returns the next message, or `None` when the messages have ended.
    ///
    /// # Cancel safety
    ///
    /// That of [`Events::next`].
    ///
    /// # Errors
    ///
    /// The errors of [`Event::Trouble`] and [`Event::Closed`]: see [`Messages`].
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for Messages {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while let Some(event) = ready!(Pin::new(&mut self.0).poll_next(context)) {
            if let Some(message) = event.into_message() {
                return Poll::Ready(Some(message));
            }
        }
        Poll::Ready(None)
    }
}

impl FusedStream for Messages {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

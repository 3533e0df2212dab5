//! Incoming messages.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use tokio::io::empty;
use wechat_proto::sync::Inbox;
use wechat_proto::{Error, Message};
use wechat_transport::Offload;

use crate::client::Client;

/// The incoming messages of a session, as a [`Stream`]. [`Messages::next`] works without a stream library.
///
/// Transient errors ([`Error::is_transient`]) are retried silently with back-off, and yielded after
/// three consecutive failures; requesting the next message continues. The messages end after
/// [`Error::LoggedOut`], [`Error::InUse`] or [`Error::Stopped`], and without an error after the
/// session's own logout.
///
/// Requesting the next message acknowledges the previous one, unless the messages are
/// [`manual`](Messages::manual). A session stored earlier ([`Client::session`]) receives the message
/// again, unless it was acknowledged on the stored copy
/// ([`Session::acknowledge`](wechat_proto::Session::acknowledge)). Combinators that poll ahead
/// (`buffered`, `for_each_concurrent`) acknowledge a message before it has been handled.
#[must_use = "messages arrive only when they are requested"]
pub struct Messages {
    client: Client,
    /// `None` while waiting, and after the end.
    inbox: Option<Offload<Inbox>>,
    /// The wait for the next message; kept if the caller's future is dropped.
    waiting: Option<Waiting>,
}

type Waiting = Pin<Box<dyn Future<Output = (Offload<Inbox>, Result<Message, Error>)> + Send>>;

impl Messages {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, inbox: Some(Offload::new(Inbox::new()).stoppable()), waiting: None }
    }

    /// Sets how many messages are kept for revocations ([`Inbox::remember`]); the default is 100.
    /// Ignored after the first message was requested.
    pub fn remember(mut self, messages: usize) -> Self {
        self.inbox = self.inbox.map(|inbox| inbox.map(|inbox| inbox.remember(messages)));
        self
    }

    /// Disables automatic acknowledgement ([`Inbox::manual`]): the caller acknowledges each message
    /// with [`Client::acknowledge`], in any order, from any task. Ignored after the first message was
    /// requested.
    pub fn manual(mut self) -> Self {
        self.inbox = self.inbox.map(|inbox| inbox.map(Inbox::manual));
        self
    }

    /// Delivers the messages of unknown rooms at once, before their members are known
    /// ([`Inbox::immediate`]). Ignored after the first message was requested.
    pub fn immediate(mut self) -> Self {
        self.inbox = self.inbox.map(|inbox| inbox.map(Inbox::immediate));
        self
    }

    /// Returns the next message, or `None` when the messages have ended.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, in a `select!` for example, no message is lost or delivered twice:
    /// the exchange continues with the next call. The previous message is acknowledged by the first
    /// poll. Dropping [`Messages`] itself cancels the exchange; new ones of the same client
    /// ([`Client::messages`]) continue with the messages that were not acknowledged.
    ///
    /// # Errors
    ///
    /// Errors that ended the messages, were not transient or persisted, see [`Messages`].
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for Messages {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(mut inbox) = self.inbox.take() {
            let client = self.client.clone();
            self.waiting = Some(Box::pin(async move {
                let shutdown = client.shutdown.subscribe();
                let poll = |inbox: &mut Offload<Inbox>, now| client.poll(inbox, now);
                let driving = client.transport.drive(&mut inbox, empty(), shutdown, poll);
                let result = driving.await.map(|(message, _)| message);
                (inbox, result)
            }));
        }
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(None) };
        let (inbox, result) = ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        if !matches!(result, Err(Error::LoggedOut { .. } | Error::InUse | Error::Stopped)) {
            self.inbox = Some(inbox);
        }
        let closed = matches!(result, Err(Error::LoggedOut { .. }));
        let left = closed && self.client.account().has_left();
        Poll::Ready((!left).then_some(result))
    }
}

impl FusedStream for Messages {
    fn is_terminated(&self) -> bool {
        self.inbox.is_none() && self.waiting.is_none()
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").field("client", &self.client).finish_non_exhaustive()
    }
}

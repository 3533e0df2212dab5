//! Incoming messages.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use wechat_proto::sync::Inbox;
use wechat_proto::{Error, Message};

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
    state: State,
}

enum State {
    /// No message has been requested.
    Idle(Box<Inbox>),
    /// Waiting for the next message; kept if the caller's future is dropped.
    Waiting(Waiting),
    Ended,
}

type Waiting = Pin<Box<dyn Future<Output = (Box<Inbox>, Result<Message, Error>)> + Send>>;

impl Messages {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, state: State::Idle(Box::default()) }
    }

    /// Sets how many messages are kept for revocations ([`Inbox::remember`]); the default is 100.
    /// Ignored after the first message was requested.
    pub fn remember(mut self, messages: usize) -> Self {
        if let State::Idle(inbox) = &mut self.state {
            **inbox = core::mem::take(&mut **inbox).remember(messages);
        }
        self
    }

    /// Disables automatic acknowledgement ([`Inbox::manual`]): the caller acknowledges each message
    /// with [`Client::acknowledge`], in any order, from any task. Ignored after the first message was
    /// requested.
    pub fn manual(mut self) -> Self {
        if let State::Idle(inbox) = &mut self.state {
            **inbox = core::mem::take(&mut **inbox).manual();
        }
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

    fn wait(client: Client, mut inbox: Box<Inbox>) -> Waiting {
        Box::pin(async move {
            let result = client.run_inbox(&mut *inbox).await;
            (inbox, result)
        })
    }
}

impl Stream for Messages {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let (inbox, result) = loop {
            match &mut self.state {
                State::Idle(inbox) => {
                    let inbox = std::mem::take(inbox);
                    self.state = State::Waiting(Self::wait(self.client.clone(), inbox));
                }
                State::Waiting(waiting) => break ready!(waiting.as_mut().poll(context)),
                State::Ended => return Poll::Ready(None),
            }
        };
        self.state = match result {
            Err(Error::LoggedOut { .. } | Error::InUse | Error::Stopped) => State::Ended,
            _ => State::Idle(inbox),
        };
        Poll::Ready(match result {
            Err(Error::LoggedOut { .. }) if self.client.account().has_left() => None,
            result => Some(result),
        })
    }
}

impl FusedStream for Messages {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").field("client", &self.client).finish_non_exhaustive()
    }
}

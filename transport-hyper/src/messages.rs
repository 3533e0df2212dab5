//! Messages, as they arrive.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use wechat_proto::sync::Inbox;
use wechat_proto::{Error, Message};

use crate::client::Client;

/// The messages of a session, as they arrive: a stream, and [`Messages::next`] for use without a
/// stream library.
///
/// Transient errors ([`Error::is_transient`]) are retried silently, with back-off, and yielded after
/// three consecutive failures; asked again, it goes on. It ends after [`Error::LoggedOut`],
/// [`Error::InUse`] or [`Error::Stopped`], and without an error after the session's own logout.
///
/// A message is acknowledged when the next one is asked for, unless they are
/// [`manual`](Messages::manual). A session stored before that ([`Client::session`]) gets it again,
/// unless it was acknowledged on what is stored
/// ([`Session::acknowledge`](wechat_proto::Session::acknowledge)). Combinators that poll ahead
/// (`buffered`, `for_each_concurrent`) acknowledge a message before it has been handled.
#[must_use = "messages arrive when they are asked for"]
pub struct Messages {
    client: Client,
    state: State,
}

enum State {
    /// Not yet asked.
    Idle(Box<Inbox>),
    /// Waiting for the next one: goes on when asked again, also after the future was dropped.
    Waiting(Waiting),
    Ended,
}

type Waiting = Pin<Box<dyn Future<Output = (Box<Inbox>, Result<Message, Error>)> + Send>>;

impl Messages {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, state: State::Idle(Box::default()) }
    }

    /// Remembers so many messages for those that revoke them ([`Inbox::remember`]); the default is
    /// 100. It counts only before the first message is asked for.
    pub fn remember(mut self, messages: usize) -> Self {
        if let State::Idle(inbox) = &mut self.state {
            **inbox = core::mem::take(&mut **inbox).remember(messages);
        }
        self
    }

    /// Acknowledges no message by itself ([`Inbox::manual`]): each is acknowledged with
    /// [`Client::acknowledge`], in any order, from any task. It counts only before the first message
    /// is asked for.
    pub fn manual(mut self) -> Self {
        if let State::Idle(inbox) = &mut self.state {
            **inbox = core::mem::take(&mut **inbox).manual();
        }
        self
    }

    /// Returns the next message; `None` once they have ended.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, in a `select!` for example, no message is lost or delivered twice,
    /// and the wait goes on with the next call, its exchange unbroken. Once it was polled, the
    /// message before it is acknowledged. [`Messages`] that are dropped themselves break their
    /// exchange; new ones of the same client ([`Client::messages`]) go on, with what was not
    /// acknowledged.
    ///
    /// # Errors
    ///
    /// Errors that ended it, or that are not transient, see [`Messages`].
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

//! A bot that consists of handlers.

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use wechat_proto::router::{Report, Router, Turns, When};
use wechat_proto::{Error, Message};

use crate::BoxError;
use crate::client::Client;

type Handling = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;
type Handler = Arc<dyn Fn(Client, Message, String) -> Handling + Send + Sync>;

/// A message and its handler.
struct Task {
    handler: Handler,
    message: Message,
    rest: String,
    failures: u32,
}

impl Task {
    /// Calls the handler, with a delay of a second if it has failed before.
    async fn run(self, client: Client) -> (Self, Result<(), BoxError>) {
        if self.failures > 0 {
            client.transport.inner.timer.sleep(Duration::from_secs(1)).await;
        }
        let result = (self.handler)(client, self.message.clone(), self.rest.clone()).await;
        (self, result)
    }
}

/// A client with handlers for its messages. Needs a tokio runtime, on which the handlers are
/// spawned.
///
/// ```no_run
/// use wechat_proto::router::{Report, When};
/// use wechat_transport_hyper::{Bot, Client, Error, FileStore, Options};
///
/// # async fn bot() -> Result<(), Error> {
/// let store = FileStore::open("bot.session").await?;
/// let client = Client::open(store, Options::default(), |step| println!("{step}")).await?;
/// Bot::new(&client)
///     .on(When::command("/echo"), async |client, message, rest| {
///         client.reply(&message, rest).await
///     })
///     .on(When::mentioned(), async |client, message, _| {
///         client.mention_reply(&message, "try /echo").await
///     })
///     .run(|report| match report {
///         Report::Failed(message, error) => eprintln!("{message}: {error}"),
///         Report::Event(event) => println!("{event:?}"),
///         _ => {}
///     })
///     .await
/// # }
/// ```
#[must_use = "a bot does nothing until it is run"]
pub struct Bot {
    client: Client,
    router: Router<Handler>,
    limit: usize,
    retries: u32,
}

impl Bot {
    /// Returns a bot without handlers.
    pub fn new(client: &Client) -> Self {
        Self { client: client.clone(), router: Router::new(), limit: 16, retries: 0 }
    }

    /// Limits the number of messages in progress, including those that wait for an earlier message of
    /// their chat. The default is 16.
    pub fn limit(mut self, messages: usize) -> Self {
        self.limit = messages;
        self
    }

    /// Calls a failed handler again, up to this number of times for each message, a second after each
    /// failure. The default is 0.
    ///
    /// The message is acknowledged when its handler succeeds or has failed for the last time. If
    /// the events or the process end before that, the message arrives again when the session is
    /// resumed. The effects of a handler before its failure, such as sent texts, are repeated.
    pub fn retries(mut self, count: u32) -> Self {
        self.retries = count;
        self
    }

    /// Adds a handler. It receives the message and its text without a mention of the account (after a
    /// command, the text that follows it). A message is handled by the first handler whose condition it
    /// meets. The value that a handler returns is ignored.
    ///
    /// A handler that uses `?` states its error where no call does so in the last expression. A
    /// handler that uses a value from outside clones it for each message:
    ///
    /// ```
    /// use std::path::PathBuf;
    ///
    /// use wechat_proto::message::Kind;
    /// use wechat_proto::router::When;
    /// use wechat_transport_hyper::{Bot, Client, Error};
    ///
    /// fn keeper(bot: Bot, folder: PathBuf) -> Bot {
    ///     bot.on(When::kind(|kind| matches!(kind, Kind::Image(_))), move |client: Client, message, _| {
    ///         let folder = folder.clone();
    ///         async move { client.save(&message, folder).await }
    ///     })
    ///     .on(When::friend_request(), async |client, message, _| {
    ///         if let Kind::FriendRequest(request) = &message.kind {
    ///             client.accept(request).await?;
    ///         }
    ///         Ok::<_, Error>(())
    ///     })
    /// }
    /// ```
    pub fn on<F, T, E>(
        mut self,
        when: When,
        handler: impl Fn(Client, Message, String) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let handler: Handler = Arc::new(move |client, message, rest| {
            let handling = handler(client, message, rest);
            Box::pin(async { handling.await.map(drop).map_err(Into::into) })
        });
        self.router = self.router.on(when, handler);
        self
    }

    /// Handles the messages until the events end: concurrently for several chats, and in order
    /// within each chat. Each message is acknowledged, and the session is saved, when its handler
    /// has returned. At the end, running handlers are awaited.
    ///
    /// `observe` receives the errors of handlers, which do not end the bot, and the events without a
    /// handler.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, running handlers are cancelled; their messages are not acknowledged.
    ///
    /// # Errors
    ///
    /// The error that ended the events, except after [`Client::stop`] or the account's own logout.
    pub async fn run(self, mut observe: impl FnMut(Report<'_>)) -> Result<(), Error> {
        let Self { client, mut router, limit, retries } = self;
        let (mut turns, mut running) = (Turns::<Task>::new(limit), JoinSet::new());
        let (mut events, mut end) = (client.events().manual(), None);
        loop {
            let event = tokio::select! {
                biased;
                Some(ended) = running.join_next() => {
                    let (mut task, result): (Task, Result<(), BoxError>) =
                        ended.unwrap_or_else(|error| resume_unwind(error.into_panic()));
                    let is_last = result.is_ok() || task.failures == retries;
                    if let Err(error) = result {
                        observe(Report::Failed(&task.message, &*error));
                    }
                    if !is_last && !client.account.is_closed() {
                        task.failures += 1;
                        running.spawn(task.run(client.clone()));
                        continue;
                    }
                    if is_last {
                        client.acknowledge(&task.message).await?;
                    }
                    turns.end(task.message.peer()).map(|task| running.spawn(task.run(client.clone())));
                    continue;
                }
                Some(event) = events.next(), if end.is_none() && turns.has_room() => event,
                else => break,
            };
            let Some(message) = event.message() else {
                observe(Report::Event(&event));
                end = event.into_end();
                continue;
            };
            let found = router.find(message, &client.directory(), &client.me());
            let Some((handler, rest)) = found else {
                observe(Report::Event(&event));
                client.acknowledge(message).await?;
                continue;
            };
            let (handler, message) = (Arc::clone(handler), message.clone());
            let chat = message.peer().clone();
            let task = Task { handler, message, rest, failures: 0 };
            turns.add(chat, task).map(|task| running.spawn(task.run(client.clone())));
        }
        end.unwrap_or(Ok(()))
    }
}

impl fmt::Debug for Bot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bot").field("client", &self.client).finish_non_exhaustive()
    }
}

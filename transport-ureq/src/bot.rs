//! A bot that consists of handlers.

use std::time::Duration;
use std::{fmt, thread};

use wechat_proto::router::{Report, Router, When};
use wechat_proto::{Error, Message};

use crate::client::Client;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

type Handler = Box<dyn FnMut(&Client, &Message, &str) -> Result<(), BoxError> + Send>;

/// A client with handlers for its messages.
///
/// ```no_run
/// use wechat_proto::router::{Report, When};
/// use wechat_transport_ureq::{Bot, Client, Error, FileStore, Options};
///
/// # fn main() -> Result<(), Error> {
/// let store = FileStore::open("bot.session")?;
/// let client = Client::open(store, Options::default(), |step| println!("{step}"))?;
/// Bot::new(&client)
///     .on(When::command("/echo"), |client, message, rest| {
///         client.reply(message, rest)
///     })
///     .on(When::mentioned(), |client, message, _| {
///         client.mention_reply(message, "try /echo")
///     })
///     .run(|report| match report {
///         Report::Failed(message, error) => eprintln!("{message}: {error}"),
///         Report::Event(event) => println!("{event:?}"),
///         _ => {}
///     })
/// # }
/// ```
#[must_use = "a bot does nothing until it is run"]
pub struct Bot {
    client: Client,
    router: Router<Handler>,
    retries: u32,
}

impl Bot {
    /// Returns a bot without handlers.
    pub fn new(client: &Client) -> Self {
        Self { client: client.clone(), router: Router::new(), retries: 0 }
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
    /// A handler that uses `?` states its error where no call does so in the last expression:
    ///
    /// ```
    /// use wechat_proto::message::Kind;
    /// use wechat_proto::router::When;
    /// use wechat_transport_ureq::{Bot, Error};
    ///
    /// fn keeper(bot: Bot) -> Bot {
    ///     bot.on(When::text("ping").in_private_chats(), |client, message, _| {
    ///         client.reply(message, "pong")
    ///     })
    ///     .on(When::friend_request(), |client, message, _| {
    ///         if let Kind::FriendRequest(request) = &message.kind {
    ///             client.accept(request)?;
    ///         }
    ///         Ok::<_, Error>(())
    ///     })
    /// }
    /// ```
    pub fn on<T, E: Into<BoxError>>(
        mut self,
        when: When,
        mut handler: impl FnMut(&Client, &Message, &str) -> Result<T, E> + Send + 'static,
    ) -> Self {
        let handler: Handler = Box::new(move |client, message, rest| {
            handler(client, message, rest).map(drop).map_err(Into::into)
        });
        self.router = self.router.on(when, handler);
        self
    }

    /// Handles the messages, one after another, until the events end. Each message is acknowledged, and
    /// the session is saved, when its handler has returned.
    ///
    /// `observe` receives the errors of handlers, which do not end the bot, and the events without a
    /// handler.
    ///
    /// # Errors
    ///
    /// The error that ended the events, except after [`Client::stop`] or the account's own logout.
    pub fn run(mut self, mut observe: impl FnMut(Report<'_>)) -> Result<(), Error> {
        'events: for event in self.client.events().manual() {
            let Some(message) = event.message() else {
                observe(Report::Event(&event));
                match event.into_end() {
                    Some(end) => return end,
                    None => continue,
                }
            };
            let mut left = self.retries;
            match self.router.find(message, &self.client.directory(), &self.client.me()) {
                Some((handler, rest)) => {
                    while let Err(error) = handler(&self.client, message, &rest) {
                        observe(Report::Failed(message, &*error));
                        if left == 0 {
                            break;
                        }
                        if self.client.shared.account.is_closed() {
                            continue 'events;
                        }
                        left -= 1;
                        thread::sleep(Duration::from_secs(1));
                    }
                }
                None => observe(Report::Event(&event)),
            }
            self.client.acknowledge(message)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Bot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bot").field("client", &self.client).finish_non_exhaustive()
    }
}

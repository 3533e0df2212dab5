//! `wechat listen`

use serde::Serialize;
use serde_json::{Value, json};
use wechat_proto::contact::Directory;
use wechat_proto::error::Ret;
use wechat_proto::{Error, Event, Message, UserName};

use crate::args::{EntryName, Global, Listen};
use crate::bridge::service::is_notice;
use crate::bridge::socket::Offer;
use crate::client;
use crate::drop::ledger::Ledger;
use crate::exit::{Exit, Failure};
use crate::lang::Words;
use crate::output::{Output, text};
use crate::profile::Profile;
use crate::signals;
use crate::visible::visible;

/// A message as a JSON line, with the fields that `download`, `forward` and `revoke` need.
#[derive(Serialize)]
pub(crate) struct Printed<'a> {
    /// The account that received it.
    me: &'a UserName,
    chat: &'a UserName,
    chat_name: &'a str,
    author_name: &'a str,
    /// The text as a phone shows it: `[picture]`, …
    text: &'a str,
    message: &'a Message,
    /// The service's JSON.
    raw: Value,
}

/// Prints the messages, and acknowledges each after printing it.
pub(crate) fn run(global: &Global, listen: &Listen, output: &Output) -> Result<Exit, Failure> {
    let profile = Profile::any(global)?;
    let client = client::open_profile(global, &profile, profile.hold("listen", output)?, output)?;
    signals::stop_on_signal(&client)?;
    if profile.entry != EntryName::Filehelper {
        client.contacts()?;
    }
    let ledger = Ledger::open(&profile.path)?;
    let offer = Offer::new(&client, &profile.path, ledger, "listen", output)?;
    let me = client.me();
    let name = visible(&me.nick_name);
    output.remark(&Words::new(
        format!("Printing the messages of {name}. Ctrl-C ends."),
        format!("正在显示 {name} 的消息，按 Ctrl-C 结束。"),
    ));
    let mut left = listen.count.unwrap_or(u64::MAX);
    let mut events = client.events().manual();
    while left > 0 {
        let Some(event) = events.next() else { break };
        offer.service().event(&event, false)?;
        if let Some(message) = event.message() {
            if !is_notice(message) {
                print(message, &me.user_name, &client.directory(), output)?;
                left -= 1;
            }
            client.acknowledge(message)?;
        } else if let Some(exit) = other(&event, &profile, output)? {
            return Ok(exit);
        }
    }
    Ok(Exit::Done)
}

/// Reports an event that is not a message. Returns the exit code if it is the last one.
pub(crate) fn other(
    event: &Event,
    profile: &Profile,
    output: &Output,
) -> Result<Option<Exit>, Failure> {
    match event {
        // Changes are printed as JSON only.
        Event::Changed(change) if output.json => {
            output.result("changed", &json!({ "change": change }), |_| String::new())?;
        }
        Event::Trouble(error) => output.report(&error.clone().into()),
        Event::Recovered => {
            output.remark(&Words::new("The service replies again.", "服务器已恢复响应。"));
        }
        Event::Closed(error) => return closed(error, profile).map(Some),
        _ => {}
    }
    Ok(None)
}

/// Returns the exit code of a command whose events have ended.
///
/// # Errors
///
/// The error that ended the events, except after a stop or the account's own logout.
pub(crate) fn closed(error: &Error, profile: &Profile) -> Result<Exit, Failure> {
    match error {
        Error::Stopped => Ok(signals::arrived().unwrap_or(Exit::Done)),
        Error::LoggedOut { ret: Ret::OK, .. } => Ok(Exit::Done),
        error => Err(profile.advise(error.clone().into())),
    }
}

/// Prints a message.
pub(crate) fn print(
    message: &Message,
    me: &UserName,
    directory: &Directory,
    output: &Output,
) -> Result<(), Failure> {
    let text = text(message, output.lang);
    let (chat, author) = (directory.name_of(message.peer()), directory.author_name(message));
    let raw = message.raw.json();
    let printed = Printed {
        me,
        chat: message.peer(),
        chat_name: &chat,
        author_name: &author,
        text: &text,
        message,
        // The record is printed on one line, as a text if it is not JSON.
        raw: serde_json::from_str(raw).unwrap_or_else(|_| raw.into()),
    };
    output.result("message", &printed, |lang| {
        let (chat, author, text) = (visible(&chat), visible(&author), visible(&text));
        match (message.peer().is_room(), message.is_outgoing()) {
            (true, _) => format!("[{chat}] {author}: {text}"),
            (false, false) => format!("{author}: {text}"),
            (false, true) => format!("{} → {chat}: {text}", lang.pick("me", "我")),
        }
    })
}

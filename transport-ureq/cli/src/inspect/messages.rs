//! Messages and changes in replies.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wechat_proto::flow::Response;
use wechat_proto::message::{Kind, StatusCode};
use wechat_proto::sync::FetchBatch;
use wechat_proto::{Endpoint as _, Error, Message};

use super::meaning::Meaning;
use super::state::State;

/// Returns the meaning of the reply to `webwxsync`, and applies it.
pub(super) fn batch(response: &Response, state: &mut State) -> Result<Meaning, Error> {
    let batch = FetchBatch::new().parse(response)?;
    let more = batch.has_more;
    let profile = batch.profile.clone();
    let messages = batch.clone().messages(state.me());
    let changed: Vec<_> = batch.changed.iter().chain(&batch.changed_members).cloned().collect();
    let removed = batch.removed.clone();
    let removed_names: Vec<_> = removed
        .iter()
        .map(|name| match changed.iter().find(|contact| contact.user_name == *name) {
            Some(contact) => contact.name().into_string(),
            None => state.name(name),
        })
        .collect();
    state.account.apply(batch);
    let mut lines: Vec<_> = messages.iter().map(|message| line(message, state)).collect();
    // A list may have several records of a contact.
    let mut listed = BTreeSet::new();
    let names =
        changed.iter().map(|contact| &contact.user_name).filter(|name| listed.insert(*name));
    lines.extend(names.map(|name| format!("contact changed: {}", state.name(name))));
    lines.extend(removed_names.iter().map(|name| format!("contact removed: {name}")));
    if let Some(profile) = profile {
        let name = profile.nick_name.map(|name| format!(": name {name}")).unwrap_or_default();
        lines.push(format!("own profile changed{name}"));
    }
    if more {
        lines.push("there is more to fetch".to_owned());
    }
    if lines.is_empty() {
        lines.push("nothing new".to_owned());
    }
    let messages: Vec<_> = messages.iter().map(|message| json(message, state)).collect();
    let json =
        json!({ "messages": messages, "changed": changed, "removed": removed, "more": more });
    Ok(Meaning { lines, json })
}

/// Returns the meaning of a message.
pub(super) fn message(message: &Message, state: &State) -> Meaning {
    Meaning::line(line(message, state), json!({ "messages": [json(message, state)] }))
}

/// Returns a message as a line of a chat.
fn line(message: &Message, state: &State) -> String {
    let text = match &message.kind {
        Kind::Status(status) => {
            let chats: Vec<_> = status.user_names.iter().map(|name| state.name(name)).collect();
            let chats = chats.join(", ");
            return match status.code {
                StatusCode::READ => format!("the phone read {chats}"),
                StatusCode::ENTERED => format!("the phone opened {chats}"),
                StatusCode::LEFT => format!("the phone closed {chats}"),
                StatusCode::RECENT => format!("the phone's recent chats: {chats}"),
                StatusCode(code) => format!("status {code} of the phone: {chats}"),
            };
        }
        Kind::Unreadable { msg_type, reason } => {
            format!("unreadable (type {}): {reason}", msg_type.0)
        }
        Kind::Unknown { msg_type } => format!("unknown type {}", msg_type.0),
        _ => message.to_string(),
    };
    let peer = state.name(message.peer());
    let author = author(message, state);
    match (message.is_outgoing(), message.peer().is_room()) {
        (true, _) => format!("to {peer}: {text}"),
        (false, true) if message.speaker.is_some() => format!("{author} in {peer}: {text}"),
        (false, _) => format!("{peer}: {text}"),
    }
}

/// Returns the typed form of a message, with the names of its chat and its author.
fn json(message: &Message, state: &State) -> Value {
    let mut json = serde_json::to_value(message).expect("a message is an object with text keys");
    json["chat_name"] = state.name(message.peer()).into();
    json["author_name"] = author(message, state).into();
    json
}

/// Returns the display name of the author: in a room, the name there.
fn author(message: &Message, state: &State) -> String {
    match &*state.account.directory().author_name(message) {
        "unknown" | "" => state.name(message.author()),
        name => name.to_owned(),
    }
}

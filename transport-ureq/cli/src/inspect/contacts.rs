//! Contacts in replies.

use serde_json::json;
use wechat_proto::UserName;
use wechat_proto::contact::Contact;
use wechat_proto::login::Init;

use super::meaning::Meaning;
use super::state::State;

/// The number of contacts that are named in a line.
const NAMED: usize = 5;

/// Returns the meaning of the reply to `webwxinit`, which starts a session.
pub(super) fn init(init: Init, state: &mut State) -> Meaning {
    let (contacts, chats) = (init.contacts.clone(), init.chat_set.clone());
    let me = init.me.clone();
    let subscriptions = init.subscriptions.len();
    state.open(init);
    let mut lines = vec![format!("the account is {}", me.nick_name)];
    lines.push(format!("recent contacts: {}", listed(&contacts, state)));
    if subscriptions > 0 {
        lines.push(format!("articles of {subscriptions} official accounts"));
    }
    let json = json!({
        "me": { "user_name": me.user_name, "nick_name": me.nick_name, "signature": me.signature },
        "contacts": contacts,
        "chats": chats,
    });
    Meaning { lines, json }
}

/// Returns the meaning of a list of contacts, and adds them to the known ones.
pub(super) fn learned(contacts: Vec<Contact>, state: &mut State) -> Meaning {
    state.account.learn(contacts.iter().cloned());
    let count = |is: fn(&Contact) -> bool| contacts.iter().filter(|contact| is(contact)).count();
    let (rooms, official) = (count(Contact::is_room), count(Contact::is_official));
    let line = format!(
        "contacts: {} (rooms: {rooms}, official accounts: {official}): {}",
        contacts.len(),
        listed(&contacts, state)
    );
    Meaning::line(line, json!({ "contacts": contacts }))
}

/// Returns the meaning of a list of names.
pub(super) fn names(names: Vec<UserName>, state: &State) -> Meaning {
    let named: Vec<_> = names.iter().map(|name| state.name(name)).collect();
    Meaning::line(format!("{} found: {}", names.len(), named.join(", ")), json!({ "found": names }))
}

fn listed(contacts: &[Contact], state: &State) -> String {
    let names = contacts.iter().take(NAMED).map(|contact| state.name(&contact.user_name));
    let mut listed = names.collect::<Vec<_>>().join(", ");
    if contacts.len() > NAMED {
        listed.push_str(&format!(" and {} more", contacts.len() - NAMED));
    }
    if listed.is_empty() { "none".to_owned() } else { listed }
}

//! `wechat contacts`, `wechat rooms`, `wechat members`

use serde_json::json;
use wechat_proto::contact::{Contact, ContactKind, Directory};

use crate::args::{Contacts, Global, Members};
use crate::client;
use crate::exit::{Exit, Failure};
use crate::lang::Lang;
use crate::output::{Output, visible};

/// Lists the contacts whose names contain the pattern.
pub(crate) fn run(global: &Global, args: &Contacts, output: &Output) -> Result<Exit, Failure> {
    client::once(global, "contacts", output, |client| {
        let directory = client.contacts()?;
        let found = directory.search(args.pattern.as_deref().unwrap_or_default());
        print(&directory, found, args.pattern.is_some(), output)
    })
}

/// Lists the rooms.
pub(crate) fn rooms(global: &Global, output: &Output) -> Result<Exit, Failure> {
    client::once(global, "rooms", output, |client| {
        let directory = client.contacts()?;
        print(&directory, directory.rooms(), false, output)
    })
}

/// Lists the members of a room.
pub(crate) fn members(global: &Global, args: &Members, output: &Output) -> Result<Exit, Failure> {
    client::once(global, "members", output, |client| {
        let name = client::resolve(client, &args.room)?;
        if !name.is_room() {
            let shown = visible(&args.room);
            return Err(Failure::new(
                Exit::Contact,
                format!("`{shown}` is not a room"),
                format!("`{shown}` 不是群聊"),
            )
            .hint("`wechat rooms` lists them", "`wechat rooms` 可列出所有群聊"));
        }
        let members = client.members(name)?;
        let directory = client.directory();
        for member in members.iter() {
            let shown = directory.name_of_member(member);
            let fields = json!({ "name": shown, "user": member.user_name, "member": member });
            output.result("member", &fields, |_| visible(&shown))?;
        }
        Ok(Exit::Done)
    })
}

/// Prints contacts in the order of the official page; `long` with their `UserName`s, which are longer
/// than most names.
fn print<'a>(
    directory: &Directory,
    contacts: impl Iterator<Item = &'a Contact>,
    long: bool,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut contacts: Vec<_> = contacts.collect();
    contacts.sort_by_cached_key(|contact| (contact.sort_key(), contact.user_name.clone()));
    for contact in contacts {
        let name = directory.name_of(&contact.user_name);
        let fields = json!({ "name": name, "kind": contact.kind(), "contact": contact });
        output.result("contact", &fields, |lang| {
            let (name, kind) = (visible(&name), kind(contact, lang));
            match long {
                true => format!("{name}\t{kind}\t{}", contact.user_name.as_str()),
                false => format!("{name}\t{kind}"),
            }
        })?;
    }
    Ok(Exit::Done)
}

fn kind(contact: &Contact, lang: Lang) -> String {
    let count = contact.member_count;
    let kind = match contact.kind() {
        ContactKind::Person => lang.pick("person", "个人"),
        ContactKind::Room => {
            return lang.pick(format!("room of {count}"), format!("群聊（{count} 人）"));
        }
        ContactKind::Official => lang.pick("official account", "公众号"),
        ContactKind::BuiltIn => lang.pick("built in", "内置帐号"),
        _ => lang.pick("other", "其他"),
    };
    kind.to_owned()
}

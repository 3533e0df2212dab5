//! `wechat contacts`, `wechat rooms`, `wechat members`

use serde_json::Value;

use crate::args::{Contacts, Global, Members};
use crate::bridge::operation::{Operation, Pattern, Room};
use crate::exit::{Exit, Failure};
use crate::lang::{Lang, Words};
use crate::operate::operate;
use crate::output::Output;
use crate::visible::visible;

/// Lists the contacts whose names contain the pattern.
pub(crate) fn run(global: &Global, args: &Contacts, output: &Output) -> Result<Exit, Failure> {
    let operation = Operation::Contacts(Pattern { pattern: args.pattern.clone() });
    let contacts = operate(global, "contacts", &operation, output)?;
    remark_if_empty(&contacts, args.pattern.as_deref(), output);
    print(entries(&contacts["contacts"]), args.pattern.is_some(), output)
}

/// Lists the rooms.
pub(crate) fn rooms(global: &Global, output: &Output) -> Result<Exit, Failure> {
    let contacts = operate(global, "rooms", &Operation::Contacts(Pattern::default()), output)?;
    remark_if_empty(&contacts, None, output);
    let rooms = entries(&contacts["contacts"]).filter(|contact| contact["kind"] == "room");
    print(rooms, false, output)
}

/// Lists the members of a room.
pub(crate) fn members(global: &Global, args: &Members, output: &Output) -> Result<Exit, Failure> {
    let operation = Operation::Members(Room { room: args.room.clone() });
    let members = operate(global, "members", &operation, output)?;
    for member in entries(&members["members"]) {
        output.result("member", member, |_| visible(text(&member["name"])))?;
    }
    Ok(Exit::Done)
}

/// States why there are no contacts.
fn remark_if_empty(contacts: &Value, pattern: Option<&str>, output: &Output) {
    if entries(&contacts["contacts"]).next().is_some() {
        return;
    }
    output.remark(&match pattern.map(visible) {
        Some(pattern) => Words::new(
            format!("No contact has `{pattern}` in its name."),
            format!("没有名称包含 `{pattern}` 的联系人。"),
        ),
        None => Words::new(
            "The file-transfer page has no address book: it only reaches `filehelper`, your phone.",
            "文件传输助手网页版没有通讯录，只能发送给自己的手机 `filehelper`。",
        ),
    });
}

/// Prints contacts; `long` with their `UserName`s, which are longer than most names.
fn print<'a>(
    contacts: impl Iterator<Item = &'a Value>,
    long: bool,
    output: &Output,
) -> Result<Exit, Failure> {
    for contact in contacts {
        output.result("contact", contact, |lang| {
            let (name, kind) = (visible(text(&contact["name"])), kind(contact, lang));
            match long {
                true => format!("{name}\t{kind}\t{}", text(&contact["contact"]["user_name"])),
                false => format!("{name}\t{kind}"),
            }
        })?;
    }
    Ok(Exit::Done)
}

fn kind(contact: &Value, lang: Lang) -> String {
    let count = &contact["contact"]["member_count"];
    let kind = match text(&contact["kind"]) {
        "person" => lang.pick("person", "个人"),
        "room" => return lang.pick(format!("room of {count}"), format!("群聊（{count} 人）")),
        "official" => lang.pick("official account", "公众号"),
        "built_in" => lang.pick("built in", "内置账号"),
        _ => lang.pick("other", "其他"),
    };
    kind.to_owned()
}

fn entries(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

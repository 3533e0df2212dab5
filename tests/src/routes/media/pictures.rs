//! `GET` of `webwxgeticon` and `webwxgetheadimg` (docs/protocol.md §5.4)

use crate::check::{Check, Rule};
use crate::contact::Contact;
use crate::routes::media::query;

pub(crate) fn check_icon(check: &mut Check<'_>) {
    check.initialised();
    let name = check.request.get("username").to_owned();
    let (message, room) =
        (check.request.get("msgid").to_owned(), check.request.get("chatroomid").to_owned());
    let must =
        [("seq", Rule::Integer), ("username", Rule::is(name.clone())), ("skey", check.skey())];
    let may = [
        ("msgid", Rule::is(message.clone())),
        ("chatroomid", Rule::is(room.clone())),
        ("type", Rule::is("big")),
    ];
    query(check, &must, &may);
    if name.starts_with("@@") {
        check.wrong(format!("query parameter `username` is `{name}`, a room"));
    }
    if !room.is_empty() {
        match check.world.room(&room) {
            None => {
                check.wrong(format!("query parameter `chatroomid` is `{room}`, not a room"));
            }
            Some(found) if !found.has_member(&name) => {
                check.wrong(format!(
                    "query parameter `username` is `{name}`, not a member of `chatroomid`"
                ));
            }
            Some(_) => {}
        }
    } else if !message.is_empty() {
        let mut all = check.world.arrived();
        let about = all.find(|(id, _)| *id == message).map(|(_, sent)| sent.clone());
        let about = about.filter(|sent| matches!(sent.msg_type, 37 | 42));
        match about {
            None => check
                .wrong(format!("query parameter `msgid` is `{message}`, not a card or request")),
            Some(sent) if sent.recommend.user_name != name => {
                check.wrong(format!(
                    "query parameter `username` is `{name}`, not the person of `msgid`"
                ));
            }
            Some(_) => {}
        }
    } else if name != check.world.account.user_name && !check.world.in_reach(&name) {
        check.wrong(format!(
            "query parameter `username` is `{name}`, a stranger, without `msgid` or `chatroomid`"
        ));
    }
}

pub(crate) fn check_head_img(check: &mut Check<'_>) {
    check.initialised();
    let name = check.request.get("username").to_owned();
    let username = ("username", Rule::is(name.clone()));
    let must = [("seq", Rule::is("0")), username, ("skey", check.skey())];
    query(check, &must, &[]);
    if !check.world.contact(&name).is_some_and(Contact::is_room) {
        check.wrong(format!("query parameter `username` is `{name}`, not a room"));
    }
}

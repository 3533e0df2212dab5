//! A sync response truncated at any byte.

use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::sync::Inbox;
use wechat_proto::{Account, Flow as _, Input, Interrupt, flow};

use super::bot::Bot;
use super::line::Line;
use super::steps;
use crate::sweep;

/// Polls until a request is sent; no message may be returned before.
fn request(inbox: &mut Inbox, account: &mut Account, line: &Line, at: &str) -> flow::Request {
    loop {
        match inbox.poll(account, line.now()) {
            Err(Interrupt::Send(request)) => return *request,
            Err(Interrupt::Sleep(time)) => line.simulator.world().advance(time),
            other => panic!("{at}: {other:?}"),
        }
    }
}

/// Threat B3. A truncated response has no effect: none of its messages is returned, the `SyncKey`
/// is unchanged, and the request is repeated.
#[test]
fn truncated_sync_response_has_no_effect() {
    let mut world = steps::world();
    world.announce_recent_chats(false);
    let mut bot = Bot::new(Line::new(world));
    bot.change_world(|world| {
        let people: Vec<String> = world.contacts().iter().map(|c| c.user_name.clone()).collect();
        vec![world.person_writes(&people[1], "one <&"), world.person_writes(&people[2], "二")]
    });
    let mut account = bot.account.clone();
    let first = request(&mut Inbox::new(), &mut account, &bot.line, "first");
    let whole = bot.line.exchange(first).unwrap();
    let length = whole.body().trim_ascii_end().len();
    assert!(length > 1_000, "{length}");
    // The stored state, without the random numbers of each request.
    let key = |account: &Account| {
        let stored = account.session().to_json();
        let start = stored.find("\"auth\"").unwrap();
        stored[start..].to_owned()
    };
    for end in (0..length).step_by(sweep::stride(5)) {
        let at = format!("cut at {end} of {length}");
        let mut account = bot.account.clone();
        let mut inbox = Inbox::new();
        let before = key(&account);
        let path = request(&mut inbox, &mut account, &bot.line, &at).http.uri().path().to_owned();
        let mut cut = whole.clone();
        *cut.body_mut() = whole.body().slice(..end);
        cut.headers_mut().remove("content-length");
        // One in eight has a `Content-Length`, which the transport checks; the others end with the
        // connection.
        inbox.handle(Input::Reply(match end % 8 {
            7 => Err(Failure::new(FailureKind::Truncated, Sent::Maybe)),
            _ => Ok(cut),
        }));
        let again = request(&mut inbox, &mut account, &bot.line, &at);
        assert_eq!(key(&account), before, "{at}");
        assert_eq!(again.http.uri().path(), path, "{at}");
        inbox.handle(Input::Reply(Ok(whole.clone())));
        let mut received = Vec::new();
        while let Ok(message) = inbox.poll(&mut account, bot.line.now()) {
            received.extend(message.text().map(String::from));
        }
        assert_eq!(received, ["one <&", "二"], "{at}");
    }
}

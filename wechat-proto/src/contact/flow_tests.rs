use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use core::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::error::{FailureKind, Ret};
use crate::flow::{Request, Response};
use crate::parts::PART;
use crate::testing::{Host, NOW, account, failed, name, ok, refused};

#[path = "flow_refusal_tests.rs"]
mod refusals;

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.http.body().clone().into_bytes()).unwrap_or_default()
}

/// Returns the names in a request, or the `Seq` of a request for a page.
fn requested(request: &Request) -> Vec<String> {
    let query = request.http.uri().query().unwrap_or_default();
    if let Some((_, seq)) = query.split_once("&seq=") {
        return vec![seq.split('&').next().unwrap().to_string()];
    }
    let list = body(request)["List"].as_array().cloned().unwrap_or_default();
    list.iter().map(|item| item["UserName"].as_str().unwrap().to_string()).collect()
}

fn page(names: &[&str], seq: i64) -> Input {
    let members: Vec<Value> = names.iter().map(|name| json!({ "UserName": name })).collect();
    ok(json!({ "BaseResponse": { "Ret": 0 }, "MemberList": members, "Seq": seq }))
}

/// Returns a reply with the requested names in reverse order, with a member each.
fn batch_of(request: &Request) -> Input {
    let list: Vec<Value> = requested(request)
        .into_iter()
        .rev()
        .map(|name| json!({ "UserName": name, "NickName": format!("of {name}"), "MemberList": [{ "UserName": "@m" }] }))
        .collect();
    ok(json!({ "BaseResponse": { "Ret": 0 }, "Count": 9999, "ContactList": list }))
}

fn broken() -> Input {
    failed(FailureKind::Closed)
}

/// Copies an input.
fn again(input: &Input) -> Input {
    match input {
        Input::Reply(Ok(reply)) => Input::Reply(Ok(Response::new(reply.body().clone()))),
        _ => broken(),
    }
}

fn is_page(request: &Request) -> bool {
    request.http.uri().path().ends_with("/webwxgetcontact")
}

/// Returns an account with `count` rooms in its directory.
fn with_rooms(count: usize) -> Account {
    let mut account = account();
    let rooms: Vec<String> = (0..count).map(|n| format!("@@{n:03}")).collect();
    let names: Vec<&str> = rooms.iter().map(String::as_str).collect();
    // Only the page is served here. The tests serve the batches.
    let mut contacts = LoadContacts::new();
    let sent = contacts.poll(&mut account, NOW);
    assert!(matches!(sent, Err(Interrupt::Send(_))));
    contacts.handle(page(&names, 0));
    let _ = contacts.poll(&mut account, NOW);
    assert_eq!(account.directory.len(), count);
    account
}

/// Runs a load with an empty address book; returns the sizes of the batches.
fn load(
    account: &mut Account,
    host: &mut Host,
    contacts: &mut LoadContacts,
    mut serve: impl FnMut(&Request) -> Input,
) -> (Result<(), Error>, Vec<usize>) {
    let before = host.requests.len();
    let result = host.run(contacts, account, |request| match is_page(request) {
        true => page(&[], 0),
        false => serve(request),
    });
    let batches = host.requests.iter().skip(before).filter(|request| !is_page(request));
    (result, batches.map(|request| requested(request).len()).collect())
}

/// Threat W1: the account is unlocked between the parts of a large page.
#[test]
fn large_page_is_added_in_parts() {
    // Shorter records would be cut: threat W3.
    let other = "x".repeat(100);
    let contact = |n| json!({ "UserName": format!("@{n}"), "ContactFlag": 3, "Other": other });
    let contacts: Vec<Value> = (0..2 * PART + 1).map(contact).collect();
    let page = json!({ "BaseResponse": { "Ret": 0 }, "MemberList": contacts }).to_string();
    let (mut flow, mut account, mut sizes) = (LoadContacts::new(), account(), vec![]);
    loop {
        match flow.poll(&mut account, NOW) {
            Ok(()) => break,
            Err(Interrupt::Send(_)) => flow.handle(ok(&page)),
            Err(Interrupt::Sleep(PAUSE)) => sizes.push(account.directory.len()),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((sizes, account.directory.len()), (vec![PART, 2 * PART], 2 * PART + 1));
}

#[test]
fn pages_are_requested_by_seq() {
    let mut account = account();
    let mut pages = VecDeque::from([page(&["@1", "@2"], 700), page(&["@3"], 90), page(&["@4"], 0)]);
    let mut host = Host::new();
    host.run(&mut LoadContacts::new(), &mut account, |_| pages.pop_front().unwrap()).unwrap();
    let seqs: Vec<_> = host.requests.iter().flat_map(requested).collect();
    assert_eq!(seqs, ["0", "700", "90"]);
    assert_eq!(account.directory.len(), 4);
}

#[test]
fn only_the_given_contacts_are_loaded() {
    let mut account = with_rooms(3);
    let mut load = LoadContacts::only([name("@@001"), name("@new")]);
    for _ in 0..2 {
        let mut host = Host::new();
        host.run(&mut load, &mut account, batch_of).unwrap();
        assert_eq!(host.requests.iter().map(requested).collect::<Vec<_>>(), [["@@001", "@new"]]);
    }
    assert_eq!(account.directory.len(), 4);
    assert!(account.directory.find(&name("@@001")).unwrap().has_all_members());
    Host::new().run(&mut LoadContacts::only([]), &mut account, |_| panic!()).unwrap();
}

/// `docs/protocol.md` §5.1: a repeated `Seq` and an endless sequence end the paging.
#[test]
fn paging_ends_on_repeated_or_endless_seq() {
    let mut host = Host::new();
    host.run(&mut LoadContacts::new(), &mut account(), |_| page(&["@1"], 5)).unwrap();
    assert_eq!(host.requests.len(), 2);

    let mut host = Host::new();
    let mut seq = 0;
    host.run(&mut LoadContacts::new(), &mut account(), |_| {
        seq += 1;
        page(&["@1"], seq)
    })
    .unwrap();
    assert_eq!(host.requests.len(), 100);
}

#[test]
fn rooms_are_loaded_fifty_per_request() {
    let mut account = with_rooms(120);
    let (result, sizes) = load(&mut account, &mut Host::new(), &mut LoadContacts::new(), batch_of);
    result.unwrap();
    assert_eq!(sizes, [50, 50, 20]);
    let room = account.directory.find(&name("@@077")).unwrap();
    assert_eq!((&*room.nick_name, room.members.len()), ("of @@077", 1));
}

#[test]
fn chats_missing_from_the_address_book_are_loaded() {
    let mut account = account();
    account.session.chat_set = vec![name("@a"), name("@stranger"), name("@@room")];
    let mut host = Host::new();
    host.run(&mut LoadContacts::new(), &mut account, |request| {
        if is_page(request) { page(&["@a", "@@saved"], 0) } else { batch_of(request) }
    })
    .unwrap();
    assert_eq!(requested(host.requests.last().unwrap()), ["@@room", "@@saved", "@stranger"]);
}

/// `docs/protocol.md` §5.2: records are matched by name, not by position.
#[test]
fn incomplete_unordered_reply_is_matched_by_name() {
    let mut account = with_rooms(120);
    let (result, sizes) =
        load(&mut account, &mut Host::new(), &mut LoadContacts::new(), |request| {
            let some: Vec<Value> = requested(request)
                .into_iter()
                .rev()
                .filter(|name| name != "@@003")
                .map(|name| json!({ "UserName": name, "NickName": name }))
                .chain([json!(null), json!({ "UserName": "" })])
                .collect();
            ok(json!({ "BaseResponse": { "Ret": 0 }, "ContactList": some }))
        });
    result.unwrap();
    assert_eq!(sizes, [50, 50, 20]);
    for room in account.directory.rooms().filter(|room| room.user_name.as_str() != "@@003") {
        assert_eq!(&*room.nick_name, room.user_name.as_str());
    }
    assert_eq!(&*account.directory.find(&name("@@003")).unwrap().nick_name, "");
}

#[test]
fn rate_limit_is_reported_and_backs_off() {
    let mut account = with_rooms(3);
    let (mut host, mut contacts) = (Host::new(), LoadContacts::new());
    let (result, _) = load(&mut account, &mut host, &mut contacts, |_| refused(1205));
    assert!(matches!(result, Err(Error::Limited { .. })));
    assert_eq!(host.slept, Duration::ZERO);
    let (result, _) = load(&mut account, &mut host, &mut contacts, |_| refused(1205));
    assert!(matches!(result, Err(Error::Limited { .. })));
    assert!(host.slept > Duration::from_secs(3), "{:?}", host.slept);
    let (result, sizes) = load(&mut account, &mut host, &mut contacts, batch_of);
    result.unwrap();
    assert_eq!(sizes, [3]);
    assert!(host.slept > Duration::from_secs(10), "{:?}", host.slept);
}

#[test]
fn load_resumes_after_failure() {
    let mut account = account();
    let mut contacts = LoadContacts::new();
    let mut host = Host::new();
    let mut served = 0;
    let result = host.run(&mut contacts, &mut account, |request| {
        served += 1;
        match (is_page(request), served) {
            (true, 1) => page(&["@1", "@@r"], 8),
            _ => broken(),
        }
    });
    assert!(matches!(result, Err(Error::Transport(_))));
    assert_eq!(account.directory.len(), 2);
    // The third failure is reported; the next request is for the same page.
    assert_eq!(host.requests.len(), 4);
    host.run(&mut contacts, &mut account, |request| {
        if is_page(request) {
            assert_eq!(requested(request), ["8"]);
            page(&["@2"], 0)
        } else {
            batch_of(request)
        }
    })
    .unwrap();
    assert_eq!(account.directory.len(), 3);
    assert_eq!(host.requests.len(), 6);
    // The flow loads everything again if it is polled after completion.
    host.run(&mut contacts, &mut account, |request| {
        if is_page(request) { page(&[], 0) } else { batch_of(request) }
    })
    .unwrap();
    assert_eq!(host.requests.len(), 8);
}

#[test]
fn two_failures_are_retried_silently() {
    let mut account = with_rooms(1);
    let mut inputs = VecDeque::from([
        broken(),
        ok("<html>502</html>"),
        page(&[], 0),
        ok("{\"BaseResp"),
        broken(),
    ]);
    let mut host = Host::new();
    host.run(&mut LoadContacts::new(), &mut account, |request| {
        inputs.pop_front().unwrap_or_else(|| batch_of(request))
    })
    .unwrap();
    assert_eq!(host.requests.len(), 6);
    assert!(host.slept < Duration::from_secs(10), "{:?}", host.slept);
}

#[test]
fn load_fails_after_session_end() {
    for at in [0, 1] {
        let mut account = with_rooms(2);
        let (mut host, mut contacts) = (Host::new(), LoadContacts::new());
        let mut served = 0;
        let result = host.run(&mut contacts, &mut account, |_| {
            served += 1;
            if served > at { refused(1101) } else { page(&[], 0) }
        });
        assert!(matches!(result, Err(Error::LoggedOut { ret: Ret::SESSION_INVALID, .. })));
        let sent = host.requests.len();
        for _ in 0..3 {
            let again = host.run(&mut contacts, &mut account, |_| panic!("unexpected request"));
            assert!(matches!(again, Err(Error::LoggedOut { .. })));
        }
        assert_eq!(host.requests.len(), sent);
    }
}

/// The skey is renewed while a request is delayed: the service may reject the old one.
#[test]
fn delayed_request_has_the_newest_skey() {
    let (mut account, mut flow, mut now) = (account(), LoadContacts::new(), NOW);
    let (mut sent, mut waits) = (0, 0);
    loop {
        match flow.poll(&mut account, now) {
            Ok(()) => break,
            Err(Interrupt::Sleep(time)) => {
                now = now.after(time);
                waits += 1;
                // No request is in flight, so this is ignored.
                flow.handle(refused(1));
                account.session.renew_skey(format!("@crypt_{waits}").parse().unwrap());
            }
            Err(Interrupt::Send(request)) => {
                let skey = account.session.auth.skey.expose();
                let query = request.http.uri().query().unwrap_or_default();
                let in_body = body(&request)["BaseRequest"]["Skey"] == *skey;
                assert!(in_body || query.contains(&skey.replace('@', "%40")), "{sent}: {query}");
                sent += 1;
                flow.handle(match sent % 4 {
                    0 if is_page(&request) => page(&["@@r", "@a"], 0),
                    0 => batch_of(&request),
                    1 => {
                        // The request is abandoned, and the skey is renewed meanwhile.
                        let skey = format!("@crypt_other{sent}");
                        account.session.renew_skey(skey.parse().unwrap());
                        continue;
                    }
                    _ => broken(),
                });
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(sent == 8 && waits >= 2, "{sent} {waits}");
}

#[test]
fn file_transfer_page_has_no_address_book() {
    let mut account = Account::from(crate::file_helper_tests::session());
    assert!(LoadContacts::new().poll(&mut account, NOW).is_ok());
    assert!(account.has_contacts());
}

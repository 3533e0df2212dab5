//! Threat S1: no output contains a credential or a cookie.

use std::any::Any;
use std::collections::BTreeSet;
use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once};

use bytes::Bytes;
use wechat_proto::Error;
use wechat_proto::UserName;
use wechat_proto::contact::{GetContacts, Ticket, VerifyUser};
use wechat_proto::media::GetIcon;
use wechat_proto::message::{Kind, SendText};
use wechat_proto::sync::{FetchBatch, SyncCheck};
use wechat_simulator::{Cut, Incoming};

use crate::sessions::story;
use crate::wire::{Bot, Place, on_all_wires};

/// All log output, except ureq's at trace, which contains credentials (SECURITY.md).
static LOG: Mutex<String> = Mutex::new(String::new());

struct Collector;

impl log::Log for Collector {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() < log::Level::Trace || !metadata.target().starts_with("ureq")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = format!("{} {} {}\n", record.level(), record.target(), record.args());
            LOG.lock().unwrap().push_str(&line);
        }
    }

    fn flush(&self) {}
}

fn collect_logs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Collector).unwrap();
        // The adapters' events arrive here too if no subscriber is set.
        log::set_max_level(log::LevelFilter::Trace);
    });
}

/// A session logs in, loads contacts, meets every kind of error and is kicked. No output contains a
/// credential or a cookie of the service.
fn output_contains_no_secrets<B: Bot + std::fmt::Debug>(place: &Place) {
    collect_logs();
    story::script(&place.simulator);
    let mut shown = Vec::new();
    let mut bot = B::login(place, |step| shown.push(format!("{step:?}"))).unwrap();
    let directory = bot.contacts().unwrap();
    shown.push(format!("{directory:?} {bot:?} {:?} {:?}", bot.session(), bot.session().device()));
    for _ in 0..3 {
        shown.push(format!("{:?}", bot.next().unwrap().unwrap()));
    }
    shown.push(format!("{:?}", bot.call(FetchBatch::new()).unwrap()));
    shown.push(format!("{:?}", bot.call(SyncCheck::new()).unwrap()));
    shown.push(format!("{:?}", bot.call(GetContacts::new())));

    let me = bot.session().me().user_name.clone();
    let fetch = GetIcon::new(me);
    shown.push(format!("{fetch:?} {:?}", bot.download(fetch.clone()).unwrap().0));
    shown.push(format!("{fetch:?} {:?}", bot.save(fetch.clone(), 1).result));

    // A friend request with a ticket is accepted.
    let (guest, ticket) = {
        let mut world = place.world();
        let guest = world.add_stranger("guest");
        let request = Incoming::friend_request(world.contact(&guest).unwrap(), "hello");
        let ticket = request.recommend.ticket.clone();
        world.deliver(request);
        (guest.parse::<UserName>().unwrap(), ticket)
    };
    shown.push(format!("{:?}", bot.call(FetchBatch::new()).unwrap()));
    loop {
        let message = bot.next().unwrap().unwrap();
        shown.push(format!("{message:?} {message:#?}"));
        if let Kind::FriendRequest(_) = message.kind {
            break;
        }
    }
    let accepted: Ticket = ticket.parse().unwrap();
    let accept = VerifyUser::accept(guest.clone(), accepted.clone());
    shown.push(format!("{accepted:?} {accept:?}"));
    let answered = bot.call(accept);
    shown.push(format!("{answered:?}"));

    let mut secrets = secrets(place);
    secrets.insert(ticket);
    let body = secrets.iter().cloned().collect::<Vec<_>>().join(" ");
    let mut errors = Vec::new();
    for malformed in [
        format!("<html>{body}</html>"),
        format!("{{\"BaseResponse\": {{\"Ret\": 0}}, \"SKey\": \"{body}"),
        format!("{{\"SKey\": \"{body}\"}}"),
        format!("\"{body}\""),
        body.clone(),
    ] {
        let words = http::Response::builder().header("content-type", "text/plain");
        let words = words.body(Bytes::from(malformed.clone())).unwrap();
        place.world().reply_with("webwxgeticon", words);
        errors.push(bot.download(fetch.clone()).err());
        let reply = http::Response::new(Bytes::from(malformed));
        let world = || place.world();
        world().reply_with("webwxsendmsg", reply.clone());
        world().reply_with("webwxsync", reply.clone());
        world().reply_with("synccheck", reply.clone());
        world().reply_with("webwxgetcontact", reply.clone());
        world().reply_with("webwxverifyuser", reply);
        let to: UserName = "filehelper".parse().unwrap();
        errors.push(bot.call(SendText::new(to, "x")).err());
        errors.push(bot.call(FetchBatch::new()).err());
        errors.push(bot.call(SyncCheck::new()).err());
        errors.push(bot.call(GetContacts::new()).err());
        errors.push(bot.call(VerifyUser::add(guest.clone(), "x")).err());
    }
    if !place.is_in_memory() {
        // Errors of the HTTP libraries are included as sources.
        place.cut("webwxsync", Cut::Reply);
        errors.push(bot.call(FetchBatch::new()).err());
        place.cut("webwxsendmsg", Cut::Reply);
        let to: UserName = "filehelper".parse().unwrap();
        errors.push(bot.call(SendText::new(to, "x")).err());
    }
    // A caller panics with all its values in the message.
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let session = bot.session();
        panic!("{session:?} {session:#?} {bot:?}")
    }));
    shown.push(panic_message(&*panicked.expect_err("no panic")));
    assert!(shown.last().unwrap().contains("wxsid"), "{shown:?}");
    place.world().phone().kick();
    errors.push(bot.call(FetchBatch::new()).err());
    assert!(errors.iter().flatten().count() >= 30);
    for error in errors.into_iter().flatten() {
        shown.push(all_forms(&error));
        let panicked = catch_unwind(AssertUnwindSafe(|| unwrapped(Err(error))));
        shown.push(panic_message(&*panicked.expect_err("no panic")));
        assert!(shown.last().unwrap().starts_with("called `Result::unwrap()`"));
    }
    shown.push(format!("{bot:?} {:?}", bot.session()));

    let log = LOG.lock().unwrap().clone();
    // The adapters do log paths, but no parameters.
    assert!(place.is_in_memory() || log.contains("/cgi-bin/mmwebwx-bin/webwxsync"), "{log}");
    for secret in &secrets {
        for text in shown.iter().chain([&log]) {
            assert!(!text.contains(secret.as_str()), "{secret} is in {text}");
        }
    }
}

/// Unwraps a result like a program that expects no error.
fn unwrapped(result: Result<(), Error>) {
    result.unwrap();
}

/// Returns the message of a panic.
fn panic_message(payload: &(dyn Any + Send)) -> String {
    payload.downcast_ref::<String>().expect("formatted message").clone()
}

/// Formats an error and its sources in all forms.
fn all_forms(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(" {cause} {cause:?}");
        source = cause.source();
    }
    text
}

/// Returns the credentials that the service issued and the cookies that it set.
fn secrets(place: &Place) -> BTreeSet<String> {
    let world = place.world();
    let account = world.account();
    let mut secrets = BTreeSet::from([
        account.sid.clone(),
        account.skey.clone(),
        account.pass_ticket.clone(),
        account.pass_ticket.replace("%2F", "/").replace("%2B", "+"),
        account.pass_ticket.replace('%', "%25"),
    ]);
    for logged in world.log() {
        let cookies = logged.request.headers().get("cookie");
        for cookie in cookies.iter().flat_map(|list| list.to_str().unwrap().split("; ")) {
            let (name, value) = cookie.split_once('=').unwrap();
            // The account number and the language are not secret.
            if !matches!(name, "wxuin" | "mm_lang" | "wxloadtime" | "wxpluginkey") {
                secrets.insert(value.to_owned());
            }
        }
        let query = logged.request.uri().query().unwrap_or_default();
        for parameter in query.split('&').filter(|parameter| parameter.starts_with("ticket=")) {
            secrets.insert(parameter["ticket=".len()..].to_owned());
        }
    }
    assert!(secrets.len() >= 8 && secrets.iter().all(|secret| secret.len() >= 8), "{secrets:?}");
    secrets
}

on_all_wires! {
    output_contains_no_secrets in crate::sessions::story::world();
}

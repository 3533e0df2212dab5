//! Bots of handlers, over both adapters.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use wechat_proto::login::{Logout, Resume};
use wechat_proto::message::Kind;
use wechat_proto::router::{Report, When};
use wechat_proto::store::SavePolicy;
use wechat_proto::{Error, Event};
use wechat_simulator::{Incoming, World};

use super::stored;
use crate::wire::{Folder, Place, open_options};

fn world() -> World {
    let mut world = World::new(29);
    world.announce_recent_chats(false);
    world.add_person("Ada");
    world.add_person("Bo");
    world
}

/// Delivers three texts of Ada and two of Bo, alternating, and a picture.
fn write(place: &Place) {
    let (ada, bo) = (place.named("Ada").to_string(), place.named("Bo").to_string());
    let mut world = place.world();
    for (from, text) in
        [(&ada, "/say 1"), (&bo, "/say 2"), (&ada, "/fail"), (&bo, "/say 3"), (&ada, "/say 4")]
    {
        world.person_writes(from, text);
    }
    world.deliver(Incoming::image(&ada, &b"x"[..]));
}

/// Records the reports of a bot.
fn note(reports: &Mutex<Vec<String>>, report: Report<'_>) {
    reports.lock().unwrap().push(match report {
        Report::Failed(message, error) => format!("{message}: {error}"),
        Report::Event(Event::Message(message)) => format!("unhandled {message}"),
        Report::Event(Event::Closed(reason)) => format!("closed: {reason}"),
        other => panic!("{other:?}"),
    });
}

/// Asserts that the sends to each person are in order, and that the session was saved after all.
fn check(place: &Place, folder: &Folder) {
    let sent = |name: &str| -> Vec<String> {
        let to = place.named(name).to_string();
        let world = place.world();
        world.sent().iter().filter(|sent| sent.to == to).map(|sent| sent.content.clone()).collect()
    };
    assert_eq!(
        (sent("Ada"), sent("Bo")),
        (vec!["1".into(), "4".into()], vec!["2".into(), "3".into()])
    );
    let session = stored(folder);
    assert!(!session.has_pending());
    assert!(matches!(session.device().closed(), Some(ret) if ret.0 == 0));
    place.assert_no_violations();
}

#[test]
fn blocking_bot_handles_in_order() {
    use wechat_transport_ureq::{Bot, Client, FileStore};

    let (place, folder) = (Place::http(world()), Folder::new());
    place.confirm_login();
    let store = FileStore::open(folder.file()).unwrap();
    let options = open_options(&place, Resume::Code, SavePolicy::EachMessage);
    let client = Client::open(store, options, |_| {}).unwrap();
    write(&place);
    let reports = Mutex::default();
    let mut said = 0;
    Bot::new(&client)
        .on(When::command("/say"), move |client, message, rest| {
            client.reply(message, rest)?;
            said += 1;
            if said == 4 {
                client.call(Logout::new())?;
            }
            Ok::<_, Error>(())
        })
        .on(When::command("/fail"), |_, _, _| Err::<(), _>("nobody to help"))
        .run(|report| note(&reports, report))
        .unwrap();
    let mut reports = reports.into_inner().unwrap();
    reports.sort();
    // The logout discards unhandled messages.
    assert_eq!(reports[0], "/fail: nobody to help");
    assert!(reports.iter().any(|report| report.starts_with("closed: the session is closed: 0")));
    check(&place, &folder);
}

#[test]
fn async_bot_handles_chats_concurrently_and_each_in_order() {
    use tokio::sync::Semaphore;
    use wechat_transport_hyper::{Bot, Client, FileStore};

    let (place, folder) = (Place::http(world()), Folder::new());
    place.confirm_login();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let reports = Mutex::default();
    let result = runtime.block_on(async {
        let store = FileStore::open(folder.file()).await?;
        let options = open_options(&place, Resume::Code, SavePolicy::EachMessage);
        let client = Client::open(store, options, |_| {}).await?;
        write(&place);
        // The first message of Ada waits for the second of Bo, which arrives later.
        let gate = Arc::new(Semaphore::new(0));
        let stop = client.clone();
        let bot = Bot::new(&client)
            .on(When::command("/say"), move |client, message, rest| {
                let (gate, stop) = (Arc::clone(&gate), stop.clone());
                async move {
                    match &*rest {
                        "1" => gate.acquire().await.unwrap().forget(),
                        "3" => gate.add_permits(1),
                        _ => {}
                    }
                    client.reply(&message, &*rest).await?;
                    if rest == "4" {
                        stop.call(Logout::new()).await?;
                    }
                    Ok::<_, Error>(())
                }
            })
            .on(When::command("/fail"), async |_, _, _| Err::<(), _>("nobody to help"));
        let run = bot.run(|report| note(&reports, report));
        tokio::time::timeout(Duration::from_secs(60), run).await.expect("chats block each other")
    });
    result.unwrap();
    let mut reports = reports.into_inner().unwrap();
    reports.sort();
    assert_eq!(reports[0], "/fail: nobody to help");
    assert!(reports.iter().any(|report| report.starts_with("closed: the session is closed: 0")));
    assert!(reports.contains(&"unhandled [图片]".to_owned()), "{reports:?}");
    check(&place, &folder);
}

/// The number of calls that fail, whether the first of them stops the bot, the number of reported
/// failures, and whether the message is not acknowledged. Handlers are called again once.
const RETRIES: [(usize, bool, usize, bool); 3] =
    [(1, false, 1, false), (9, false, 2, false), (9, true, 1, true)];

/// Delivers a message, and another one that ends the bot unless the handler of the first does.
fn write_once(place: &Place, stops: bool) {
    let ada = place.named("Ada").to_string();
    let mut world = place.world();
    world.person_writes(&ada, "ping");
    if !stops {
        world.person_writes(&ada, "end");
    }
}

#[test]
fn blocking_bot_retries_failed_handlers() {
    use wechat_transport_ureq::{Bot, Client, Transport};

    for (fails, stops, failures, is_pending) in RETRIES {
        let place = Place::http(world());
        place.confirm_login();
        let options = open_options(&place, Resume::Code, SavePolicy::Manual);
        let transport = Transport::new(options).unwrap();
        let client = Client::login(&transport, &mut place.device(), |_| {}).unwrap();
        write_once(&place, stops);
        let (mut calls, mut failed) = (0, 0);
        Bot::new(&client)
            .retries(1)
            .on(When::text("ping"), move |client, _, _| {
                calls += 1;
                if stops {
                    client.stop();
                }
                if calls > fails { Ok(()) } else { Err("not now") }
            })
            .on(When::text("end"), |client, _, _| {
                client.stop();
                Ok::<_, Error>(())
            })
            .run(|report| failed += usize::from(matches!(report, Report::Failed(..))))
            .unwrap();
        assert_eq!((failed, client.session().has_pending()), (failures, is_pending), "{fails}");
    }
}

#[test]
fn async_bot_retries_failed_handlers() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use wechat_transport_hyper::{Bot, Client, Transport};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (fails, stops, failures, is_pending) in RETRIES {
        let place = Place::http(world());
        place.confirm_login();
        let (calls, mut failed) = (AtomicUsize::new(0), 0);
        let client = runtime.block_on(async {
            let options = open_options(&place, Resume::Code, SavePolicy::Manual);
            let transport = Transport::new(options).unwrap();
            let client = Client::login(&transport, &mut place.device(), |_| {}).await.unwrap();
            write_once(&place, stops);
            let bot = Bot::new(&client).retries(1);
            let bot = bot.on(When::text("ping"), move |client, _, _| {
                let call = calls.fetch_add(1, Ordering::Relaxed) + 1;
                async move {
                    if stops {
                        client.stop();
                    }
                    if call > fails { Ok(()) } else { Err("not now") }
                }
            });
            let bot = bot.on(When::text("end"), async |client, _, _| {
                client.stop();
                Ok::<_, Error>(())
            });
            bot.run(|report| failed += usize::from(matches!(report, Report::Failed(..))))
                .await
                .unwrap();
            client
        });
        assert_eq!((failed, client.session().has_pending()), (failures, is_pending), "{fails}");
    }
}

#[test]
fn friend_request_is_handled() {
    use wechat_transport_ureq::{Bot, Client, FileStore};

    let mut world = world();
    let di = world.add_stranger("Di");
    let request = Incoming::friend_request(world.contact(&di).unwrap(), "hello");
    let (place, folder) = (Place::http(world), Folder::new());
    place.confirm_login();
    let store = FileStore::open(folder.file()).unwrap();
    let options = open_options(&place, Resume::Code, SavePolicy::EachMessage);
    let client = Client::open(store, options, |_| {}).unwrap();
    place.world().deliver(request);
    Bot::new(&client)
        .on(When::friend_request(), |client, message, _| {
            if let Kind::FriendRequest(request) = &message.kind {
                client.accept(request)?;
            }
            client.stop();
            Ok::<_, Error>(())
        })
        .run(|_| {})
        .unwrap();
    assert_eq!(place.world().verifications().len(), 1);
    place.assert_no_violations();
}

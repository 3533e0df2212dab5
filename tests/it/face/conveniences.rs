//! The conveniences of both clients.

use std::fs;

use wechat_proto::contact::{ContactKind, Recipient};
use wechat_proto::error::Chain;
use wechat_proto::login::{Credentials, Resume};
use wechat_proto::message::Kind;
use wechat_proto::room::Joining;
use wechat_proto::store::SavePolicy;
use wechat_proto::{Device, Error, Event, Hosts, UserName};
use wechat_simulator::{Incoming, Sent, World};

use super::stored;
use crate::wire::{Folder, Place, open_options};

/// Friends, two of them with the same name, rooms and a stranger.
fn world() -> World {
    let mut world = World::new(23);
    world.announce_recent_chats(false);
    world.add_special("filehelper", "文件传输助手");
    let people = ["Ada", "Bo", "Cy", "Tom", "Tom"].map(|name| world.add_person(name));
    world.add_room("Walks", &[&people[0], &people[1]]);
    let stranger = world.add_stranger("Di");
    world.add_room("Talks", &[&people[1], &stranger]);
    world
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0";

fn last(place: &Place) -> Sent {
    place.world().sent().last().unwrap().clone()
}

/// Generates the tests of an adapter. `$wait` waits for a result.
macro_rules! tests_of {
    ($module:ident, $adapter:ident, $wait:ident) => {
        mod $module {
            use $adapter::{OutgoingFile, Client, FileStore};

            use super::*;

            fn open(place: &Place, folder: &Folder) -> Result<Client, Error> {
                let store = $wait!(FileStore::open(folder.file()))?;
                let options = open_options(place, Resume::Code, SavePolicy::EachMessage);
                $wait!(Client::open(store, options, |_| {}))
            }

            fn logged_in(place: &Place) -> (Folder, Client) {
                let folder = Folder::new();
                place.confirm_login();
                let client = open(place, &folder).unwrap();
                (folder, client)
            }

            #[test]
            fn texts_and_replies_are_sent() {
                let place = Place::http(world());
                let (folder, client) = logged_in(&place);
                let (ada, bo) = (place.named("Ada").to_string(), place.named("Bo").to_string());
                let receipt = $wait!(client.send_text("ada", "by name")).unwrap();
                assert_eq!((receipt.to.as_str(), last(&place).content.as_str()), (&*ada, "by name"));
                $wait!(client.revoke(&receipt)).unwrap();
                assert!(last(&place).revoked);
                let user: UserName = bo.parse().unwrap();
                $wait!(client.send_text(&user, "by UserName")).unwrap();
                assert_eq!(last(&place).to, bo);
                $wait!(client.send_text("filehelper", "note")).unwrap();
                assert_eq!(last(&place).to, "filehelper");
                // The contacts were loaded once for all names.
                assert_eq!(place.requests("webwxgetcontact"), 1);

                let room = place.named("Walks").to_string();
                place.world().member_writes(&room, &ada, "@all hello");
                let mut events = client.events();
                let Some(Event::Message(message)) = $wait!(@next events) else { panic!() };
                $wait!(client.reply(&message, "hi")).unwrap();
                assert_eq!((last(&place).to, last(&place).content), (room.clone(), "hi".into()));
                $wait!(client.mention_reply(&message, "hi")).unwrap();
                assert_eq!(last(&place).content, "@Ada\u{2005}hi");
                $wait!(client.forward(&message, "Bo")).unwrap();
                assert_eq!((last(&place).to, last(&place).content), (bo, "@all hello".into()));
                $wait!(client.mark_read(&message)).unwrap();
                let notice = place.world().notices().last().unwrap().clone();
                assert_eq!((notice.code, notice.to), (1, room));
                $wait!(client.logout()).unwrap();
                assert!(matches!($wait!(@next events), Some(Event::Closed(_))));
                drop((events, client));
                // The logout was saved.
                assert_eq!(stored(&folder).device().closed().map(|ret| ret.0), Some(0));
                place.assert_no_violations();
            }

            #[test]
            fn unknown_and_ambiguous_names_are_errors() {
                let place = Place::http(world());
                let (_folder, client) = logged_in(&place);
                match $wait!(client.send_text("nobody", "x")) {
                    Err(Error::UnknownContact { name }) => assert_eq!(&*name, "nobody"),
                    other => panic!("{other:?}"),
                }
                let error = $wait!(client.send_text("tom", "x")).unwrap_err();
                let Error::AmbiguousContact { name, candidates } = &error else { panic!() };
                assert_eq!((&**name, candidates.len()), ("tom", 2));
                assert_eq!(candidates[0].kind, ContactKind::Person);
                assert_eq!(
                    error.to_string(),
                    "several contacts are named \"tom\": person \"Tom\", person \"Tom\""
                );
                let first = &candidates[0].user_name;
                $wait!(client.remark(first, "Tom from work")).unwrap();
                $wait!(client.send_text("Tom from work", "x")).unwrap();
                assert_eq!(last(&place).to, first.as_str());
                assert_eq!(place.world().sent().len(), 1);
                place.assert_no_violations();
            }

            #[test]
            fn file_type_follows_from_content_and_saved_name_from_the_message() {
                let place = Place::http(world());
                let (folder, client) = logged_in(&place);
                let path = |name: &str, bytes: &[u8]| {
                    let path = folder.0.join(name);
                    fs::write(&path, bytes).unwrap();
                    path
                };
                let mut steps = 0;
                let picture = path("scan", PNG);
                $wait!(client.send_file("Ada", &picture, |_| steps += 1)).unwrap();
                assert_eq!((&*last(&place).endpoint, steps), ("webwxsendmsgimg", 3));
                let original = OutgoingFile::new(&picture).as_document().named("a.png");
                $wait!(client.send_file("Ada", original, |_| {})).unwrap();
                let sent = last(&place);
                assert_eq!((&*sent.endpoint, &*sent.file.unwrap().name), ("webwxsendappmsg", "a.png"));
                let gif = path("wave.gif", b"GIF89a\x01\0\x01\0\0\0\0;");
                $wait!(client.send_file("Ada", gif, |_| {})).unwrap();
                assert_eq!(last(&place).endpoint, "webwxsendemoticon");
                let missing = $wait!(client.send_file("Ada", folder.0.join("none"), |_| {}));
                assert!(matches!(missing, Err(Error::Source(Some(_)))), "{missing:?}");
                let folder_is_none = $wait!(client.send_file("Ada", &folder.0, |_| {}));
                assert!(matches!(folder_is_none, Err(Error::Source(Some(_)))));

                let (ada, saved) = (place.named("Ada").to_string(), folder.0.join("saved"));
                fs::create_dir(&saved).unwrap();
                place.world().deliver(Incoming::file(&ada, "../报告.pdf", &b"%PDF"[..]));
                place.world().deliver(Incoming::image(&ada, PNG));
                place.world().person_writes(&ada, "text");
                let mut events = client.events();
                let Some(Event::Message(file)) = $wait!(@next events) else { panic!() };
                for name in ["_报告.pdf", "_报告 (1).pdf"] {
                    let path = $wait!(client.save(&file, &saved)).unwrap();
                    assert_eq!(path, saved.join(name));
                    assert_eq!(fs::read(&path).unwrap(), b"%PDF");
                }
                let Some(Event::Message(image)) = $wait!(@next events) else { panic!() };
                assert!(matches!(image.kind, Kind::Image(_)));
                let path = $wait!(client.save(&image, &saved)).unwrap();
                assert_eq!(fs::read(&path).unwrap(), PNG);
                let no_folder = $wait!(client.save(&file, saved.join("none")));
                let text = Chain(&no_folder.unwrap_err()).to_string();
                assert!(text.contains(&format!("{:?}: ", saved.join("none/_报告.pdf"))), "{text}");
                let Some(Event::Message(text)) = $wait!(@next events) else { panic!() };
                assert!(matches!($wait!(client.save(&text, &saved)), Err(Error::NotFetchable(_))));
                place.assert_no_violations();
            }

            #[test]
            fn contacts_and_rooms_are_changed() {
                let place = Place::http(world());
                let (_folder, client) = logged_in(&place);
                $wait!(client.pin("Ada")).unwrap();
                let flag = || {
                    let ada = place.named("Ada").to_string();
                    place.world().contact(&ada).unwrap().contact_flag & 2048
                };
                assert_eq!(flag(), 2048);
                $wait!(client.unpin("Ada")).unwrap();
                assert_eq!(flag(), 0);
                let (head, _) = $wait!(client.avatar("Ada")).unwrap();
                assert_eq!(head.content_type.as_deref(), Some("image/jpg"));

                let made = $wait!(client.create_room(["Ada", "Bo"], "Books")).unwrap();
                let room = made.room;
                $wait!(client.send_text(&room, "hello")).unwrap();
                assert_eq!($wait!(client.members(&room)).unwrap().len(), 3);
                let added = $wait!(client.add_members(&room, ["Cy"])).unwrap();
                assert!(matches!(added, Joining::Added(_)));
                $wait!(client.rename_room(&room, "Films")).unwrap();
                $wait!(client.remove_members("Films", ["cy"])).unwrap();
                let names = |room: &str| -> Vec<String> {
                    let world = place.world();
                    let members = &world.contact(room).unwrap().members;
                    members.iter().map(|member| member.user_name.clone()).collect()
                };
                assert_eq!(names(room.as_str()).len(), 3);
                $wait!(client.leave_room("Films")).unwrap();
                assert_eq!(names(room.as_str()).len(), 2);

                // A member of a room who is not a contact.
                let talks = $wait!(client.members("Talks")).unwrap();
                let di = talks.iter().find(|member| member.name() == "Di").unwrap();
                $wait!(client.add_friend(Recipient::from(di), "hello")).unwrap();
                let di = place.named("Di").to_string();
                let mut world = place.world();
                let request = Incoming::friend_request(world.contact(&di).unwrap(), "hi");
                world.deliver(request);
                drop(world);
                let mut events = client.events();
                loop {
                    match $wait!(@next events).unwrap() {
                        Event::FriendRequest { request, .. } => {
                            $wait!(client.accept(&request)).unwrap();
                            break;
                        }
                        // These are the notices about the changes of rooms.
                        Event::Changed(_) | Event::Message(_) => {}
                        other => panic!("{other:?}"),
                    }
                }
                let codes: Vec<_> =
                    place.world().verifications().iter().map(|one| one.opcode).collect();
                assert_eq!(codes, [2, 3]);
                let short = $wait!(client.create_room(["Ada"], "x"));
                assert!(matches!(short, Err(Error::Invalid(_))));
                place.assert_no_violations();
            }

            #[test]
            fn session_of_another_server_is_refused() {
                let place = Place::http(world());
                let (folder, client) = logged_in(&place);
                drop(client);
                let before = place.world().log().len();
                let refused = |device: Device| {
                    let store = $wait!(FileStore::open(folder.file())).unwrap();
                    let options = open_options(&place, Resume::Code, SavePolicy::EachMessage);
                    $wait!(Client::open(store, options.device(device), |_| {})).unwrap_err()
                };
                let own = place.device().hosts().origin(wechat_proto::hosts::Role::Api).to_string();
                assert_eq!(
                    refused(Device::new()).to_string(),
                    format!("the stored session belongs to {own}, not to https://wx.qq.com")
                );
                let other = Hosts::all("http://127.0.0.1:9".parse().unwrap());
                let error = refused(Device::new().with_hosts(other));
                assert!(matches!(error, Error::OtherServer { .. }), "{error}");
                assert_eq!(place.world().log().len(), before);
                open(&place, &folder).unwrap();
                place.assert_no_violations();
            }

            #[test]
            fn session_of_a_browser_is_imported() {
                let place = Place::http(world());
                let (folder, client) = logged_in(&place);
                let stored: serde_json::Value = serde_json::from_str(
                    &fs::read_to_string(folder.file()).unwrap(),
                )
                .unwrap();
                let session = &stored["session"];
                // The cookies that the browser would show.
                let cookies: Vec<String> = session["device"]["jar"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|cookie| {
                        let (name, text) = (&cookie[0]["name"], &cookie[1]["text"]);
                        format!("{}={}", name.as_str().unwrap(), text.as_str().unwrap())
                    })
                    .collect();
                drop(client);
                let options = open_options(&place, Resume::Code, SavePolicy::EachMessage);
                let transport = $adapter::Transport::new(options).unwrap();
                let import = |cookies: &str| {
                    let of = |name: &str| session["auth"][name].as_str().unwrap();
                    let (skey, pass_ticket) = (of("skey"), of("pass_ticket"));
                    let credentials = Credentials::from_cookies(cookies, skey, pass_ticket)?;
                    let mut device = place.device();
                    $wait!(Client::import(&transport, &mut device, cookies, credentials))
                };
                let client = import(&cookies.join("; ")).unwrap();
                $wait!(client.send_text("filehelper", "imported")).unwrap();
                assert_eq!(last(&place).content, "imported");
                assert!(matches!(import("wxuin=1; other=2"), Err(Error::Invalid(_))));
                place.assert_no_violations();
            }
        }
    };
}

macro_rules! at_once {
    (@next $events:ident) => {
        $events.next()
    };
    ($result:expr) => {
        $result
    };
}

macro_rules! in_runtime {
    (@next $events:ident) => {
        in_runtime!($events.next())
    };
    ($future:expr) => {
        RUNTIME.with(|runtime| runtime.block_on($future))
    };
}

thread_local! {
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
}

tests_of!(ureq, wechat_transport_ureq, at_once);
tests_of!(hyper, wechat_transport_hyper, in_runtime);

//! Messages between two bots in one simulation.

use std::time::Duration;

use bytes::Bytes;
use wechat_proto::UserName;
use wechat_proto::login::Logout;
use wechat_proto::media::{GetImage, ImageSize, LocalFile, Upload};
use wechat_proto::message::{Kind, RevokeMessage, SendText, SendUpload};
use wechat_proto::room::{CreateRoom, Founders, RoomMembers, UpdateRoom};
use wechat_simulator::World;

use crate::media::uploads::sha256;
use crate::wire::{Bot, Place, on_all_wires};

fn world(seed: u64) -> World {
    let mut world = World::new(seed);
    world.announce_recent_chats(false);
    world.add_person("Ada");
    world
}

fn name(name: &str) -> UserName {
    name.parse().unwrap()
}

/// Texts, a picture, a room and a revocation.
fn two_bots_talk<B: Bot>(place: &Place) {
    let other = place.with_account(world(2));
    let (there, here) = place.simulator.befriend(&other.simulator);
    let (there, here) = (name(&there), name(&here));
    let (mut one, mut two) = (B::confirmed(place), B::confirmed(&other));

    one.call(SendText::new(there.clone(), "ping <&> 😄")).unwrap();
    let message = two.next_text();
    assert_eq!((message.text(), &message.from), (Some("ping <&> 😄"), &here));
    two.call(SendText::reply(&message, "pong")).unwrap();
    let message = one.next_text();
    assert_eq!((message.text(), &message.from), (Some("pong"), &there));

    let picture: Vec<u8> =
        b"\x89PNG".iter().copied().chain((0..3 << 20).map(|n| n as u8)).collect();
    let picture = Bytes::from(picture);
    let file = LocalFile::new("a.png", picture.len() as u64).unwrap();
    let uploaded = one.upload(&mut Upload::new(there.clone(), file), &picture, |_| {}).unwrap();
    let sent = one.call(SendUpload::new(there.clone(), &uploaded)).unwrap();
    let message = two.next().unwrap().unwrap();
    assert!(matches!(message.kind, Kind::Image(_)), "{:?}", message.kind);
    let (_, found) = two.download(GetImage::new(message.id.clone(), ImageSize::Full)).unwrap();
    assert_eq!(sha256(&found), sha256(&picture));
    one.call(RevokeMessage::new(&sent)).unwrap();
    let Kind::Revoked(revoked) = two.next().unwrap().unwrap().kind else { panic!("not revoked") };
    assert_eq!(revoked.msg_id, message.id);

    let me = one.session().me().user_name.clone();
    let ada = place.world().contacts()[0].user_name.clone();
    let founders = Founders::new([there.clone(), name(&ada)], &me).unwrap();
    let room = one.call(CreateRoom::new(founders, "Readers")).unwrap();
    one.call(SendText::new(room.room.clone(), "welcome")).unwrap();
    let message = two.next_text();
    assert_eq!(message.text(), Some("welcome"));
    let there_room = message.peer().clone();
    assert_ne!(there_room, room.room, "each account has names of its own");
    let known = two.contacts().unwrap().find(&there_room).unwrap().clone();
    let mut members: Vec<String> =
        known.members.iter().map(|member| member.nick_name.to_string()).collect();
    members.sort();
    assert_eq!(
        (&*known.nick_name, members),
        ("Readers", vec!["Ada".into(), "小雨 Rain".into(), "小雨 Rain".into()])
    );
    two.call(UpdateRoom::rename(there_room.clone(), "Writers")).unwrap();
    two.call(SendText::reply(&message, "hello")).unwrap();
    assert_eq!(one.next_text().peer(), &room.room);
    let stored = place.world().contact(room.room.as_str()).unwrap().clone();
    assert_eq!(stored.nick_name, "Writers");
    one.call(UpdateRoom::remove(room.room.clone(), RoomMembers::from(there.clone()))).unwrap();
    one.call(SendText::new(room.room, "without you")).unwrap();
    one.call(SendText::new(there, "bye")).unwrap();
    assert_eq!(two.next_text().text(), Some("bye"));
    assert!(!other.simulator.world().contact(there_room.as_str()).unwrap().is_reachable());

    one.call(Logout::new()).unwrap();
    other
        .simulator
        .then(Duration::from_secs(1), |world| drop(world.person_writes("filehelper", "x")));
    assert_eq!(two.next_text().text(), Some("x"), "the other session continues");
    place.assert_no_violations();
    other.assert_no_violations();
}

on_all_wires! {
    two_bots_talk in super::world(1);
}

//! Sends, revocations and read notices, on every wire.

use std::time::Duration;

use wechat_proto::error::Ret;
use wechat_proto::media::{MediaType, Uploaded};
use wechat_proto::message::{
    EmoticonMd5, NotifyPhone, Receipt, RevokeMessage, SendEmoticon, SendText, SendUpload,
};
use wechat_proto::{Error, fuzz};
use wechat_simulator::World;

use crate::wire::{Bot, Place, on_all_wires};

const MD5: &str = "a0c4153e43c3fd2e9a2fbb9be2f4de07";

/// Returns an account with two friends, a room of them, and uploads of each kind.
pub(crate) fn world() -> World {
    let mut world = World::new(5);
    world.add_special("filehelper", "文件传输助手");
    let friends = ["朋友", "老王"].map(|name| world.add_person(name));
    world.add_room("一家人", &friends.each_ref().map(String::as_str));
    world.announce_recent_chats(false);
    for (kind, name, size) in [
        ("pic", "照片.png", 6_503),
        ("video", "v.mp4", 1_000_000),
        ("doc", "Wave.GIF", 86_235),
        ("doc", "R&D <最终> \"1\" ]]>.CSV", 1_760),
        ("doc", "big", 30 << 20),
    ] {
        world.add_upload(kind, name, size);
    }
    world
}

/// Returns the uploads of a world, in order.
pub(crate) fn uploads(world: &World) -> Vec<Uploaded> {
    let uploads = world.uploads().iter().map(|media| {
        let media_type = match media.media_type.as_str() {
            "pic" => MediaType::Picture,
            "video" => MediaType::Video,
            _ => MediaType::Document,
        };
        let keys = [&*media.aes_key, &*media.signature];
        fuzz::uploaded(media_type, &media.media_id, &media.name, media.size, keys)
    });
    uploads.collect()
}

pub(crate) fn sends<B: Bot>(place: &Place) {
    let mut bot: B = B::confirmed(place);
    let (friend, room) = (place.named("朋友"), place.named("一家人"));
    let uploads = uploads(&place.world());
    let md5: EmoticonMd5 = MD5.parse().unwrap();
    let text = "@朋友\u{2005}你好 😄 <>&\"/\\\u{2028}\n";
    let mentions = [friend.clone(), place.named("老王")];

    let mut receipts = vec![
        bot.call(SendText::new(friend.clone(), text)).unwrap(),
        bot.call(SendText::new(room.clone(), text).with_mentions(&mentions)).unwrap(),
    ];
    for upload in &uploads {
        receipts.push(bot.call(SendUpload::new(room.clone(), upload)).unwrap());
    }
    receipts.push(bot.call(SendEmoticon::known(friend.clone(), md5)).unwrap());

    let world = place.world();
    let sent = world.sent();
    let seen: Vec<_> = sent
        .iter()
        .map(|sent| (sent.endpoint.as_str(), sent.msg_type, sent.scene, sent.media_id.as_str()))
        .collect();
    let ids: Vec<&str> = world.uploads().iter().map(|media| media.media_id.as_str()).collect();
    let expected = [
        ("webwxsendmsg", 1, 0, ""),
        ("webwxsendmsg", 1, 0, ""),
        ("webwxsendmsgimg", 3, 0, ids[0]),
        ("webwxsendvideomsg", 43, 0, ids[1]),
        ("webwxsendemoticon", 47, 0, ids[2]),
        ("webwxsendappmsg", 6, 0, ids[3]),
        ("webwxsendappmsg", 6, 0, ids[4]),
        ("webwxsendemoticon", 47, 0, ""),
    ];
    assert_eq!(seen, expected);
    assert_eq!((&*sent[0].content, &*sent[1].content), (text, text));
    assert_eq!(sent[1].mentions, mentions.each_ref().map(|name| name.as_str().to_owned()));
    assert_eq!((sent[0].to.as_str(), sent[2].to.as_str()), (friend.as_str(), room.as_str()));
    let files: Vec<_> = sent.iter().filter_map(|sent| sent.file.as_ref()).collect();
    assert_eq!((&*files[0].name, files[0].size), ("R&D <最终> \"1\" ]]>.CSV", 1_760));
    assert_eq!((&*files[0].extension, &*files[1].extension), ("csv", ""));
    assert_eq!(sent[6].signature, world.uploads()[4].signature);
    assert_eq!(sent[6].signature.len(), 64);
    assert!(sent[5].signature.is_empty() && !sent[6].signature.is_empty());
    assert_eq!(sent[7].emoticon_md5, MD5);
    for (sent, receipt) in sent.iter().zip(&receipts) {
        assert_eq!(sent.msg_id, receipt.msg_id.to_string());
        assert_eq!(sent.client_msg_id, receipt.client_msg_id.unwrap().to_string());
    }
    drop(world);
    place.assert_no_violations();
}

pub(crate) fn revokes<B: Bot>(place: &Place) {
    let mut bot: B = B::confirmed(place);
    let to = place.named("朋友");
    let send = |bot: &mut B| bot.call(SendText::new(to.clone(), "x")).unwrap();
    let receipt = send(&mut bot);
    let revoked = bot.call(RevokeMessage::new(&receipt)).unwrap();
    assert_eq!(&*revoked.wording, "已撤回");
    assert_eq!(
        &*revoked.introduction,
        "你可以撤回2分钟内发送的消息(部分旧版本微信不支持这个功能)。"
    );
    assert!(place.world().sent()[0].revoked);

    // A message written on the phone has no `ClientMsgId`.
    let written = place.world().phone().writes(to.as_str(), "y");
    let own = bot.next().unwrap().unwrap();
    assert!(own.is_outgoing() && own.id == written.into());
    let receipt = Receipt::of(own.peer().clone(), own.id.clone());
    bot.call(RevokeMessage::new(&receipt)).unwrap();

    // After two minutes it is refused.
    let receipt = send(&mut bot);
    place.world().advance(Duration::from_secs(121));
    let late = bot.call(RevokeMessage::new(&receipt));
    match late.unwrap_err() {
        Error::Refused { endpoint: "webwxrevokemsg", ret: Ret::PARAMETER, message } => {
            assert_eq!(&*message, "不能撤回2分钟前的消息");
        }
        other => panic!("{other:?}"),
    }
    assert!(!place.world().sent()[1].revoked);
    place.assert_no_violations();
}

pub(crate) fn notifies<B: Bot>(place: &Place) {
    let mut bot: B = B::confirmed(place);
    let (friend, room) = (place.named("朋友"), place.named("一家人"));
    let unread = || {
        let mut world = place.world();
        [&friend, &room].map(|chat| world.phone().unread(chat.as_str()))
    };
    place.world().person_writes(friend.as_str(), "one");
    place.world().person_writes(friend.as_str(), "two");
    place.world().member_writes(room.as_str(), friend.as_str(), "three");
    bot.call(NotifyPhone::enter_chat(friend.clone())).unwrap();
    assert_eq!(unread(), [2, 1]);
    bot.call(NotifyPhone::mark_read(friend.clone())).unwrap();
    assert_eq!(unread(), [0, 1]);
    bot.call(NotifyPhone::mark_read(room.clone())).unwrap();
    bot.call(NotifyPhone::leave_chat(friend.clone())).unwrap();
    assert_eq!(unread(), [0, 0]);
    place.world().person_writes(friend.as_str(), "four");
    assert_eq!(unread(), [1, 0]);
    let world = place.world();
    let me = world.account().user_name.clone();
    let received: Vec<_> =
        world.notices().iter().map(|notice| (notice.code, notice.to.as_str())).collect();
    let (friend, room) = (friend.as_str(), room.as_str());
    assert_eq!(received, [(3, &*me), (2, friend), (1, friend), (1, room), (5, friend)]);
    drop(world);
    place.assert_no_violations();
}

on_all_wires! {
    sends in super::world();
    revokes in super::world();
    notifies in super::world();
}

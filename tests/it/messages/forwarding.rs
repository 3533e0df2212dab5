//! Forwarding of received messages: every kind, from a person and in a room, on every wire.

use wechat_proto::Message;
use wechat_proto::message::{ForwardMessage, NotForwardable};
use wechat_simulator::Incoming;

use crate::messages::sending::{MD5, named};
use crate::wire::{Bot, Place, on_all_wires};

/// Returns incoming messages with the expected forward (endpoint, `Type` and `Content`), or the
/// reason why a message cannot be forwarded.
fn arrivals(room: &str, friend: &str) -> Vec<(Incoming, Result<[String; 3], NotForwardable>)> {
    let xml =
        "&lt;msg&gt;<br/>\t&lt;img length=\"1\" aeskey=\"a&amp;amp;b\" /&gt;<br/>&lt;/msg&gt;";
    let plain = "<msg>\n\t<img length=\"1\" aeskey=\"a&amp;b\" />\n</msg>";
    let link = "&lt;msg&gt;&lt;appmsg appid=\"\"&gt;&lt;title&gt;a&lt;/title&gt;&lt;/appmsg&gt;&lt;/msg&gt;";
    let sticker =
        format!("&lt;msg&gt;&lt;emoji len=\"1\" md5=\"{MD5}\"&gt;&lt;/emoji&gt;&lt;/msg&gt;");
    let file = "&lt;msg&gt;&lt;appmsg&gt;&lt;title&gt;a &amp;amp; b.PDF&lt;/title&gt;&lt;appattach&gt;&lt;attachid&gt;old&lt;/attachid&gt;&lt;fileext&gt;PDF&lt;/fileext&gt;&lt;/appattach&gt;&lt;/appmsg&gt;&lt;/msg&gt;";
    let file_xml = "<appmsg appid='wxeb7ec651dd0aefa9' sdkver=''><title>a &amp; b.PDF</title><des></des><action></action><type>6</type><content></content><url></url><lowurl></lowurl><appattach><totallen>1760</totallen><attachid>@crypt_arrived</attachid><fileext>pdf</fileext></appattach><extinfo></extinfo></appmsg>";
    let place = "<?xml version=\"1.0\"?>\n<msg>\n\t<location x=\"22.5\" y=\"113.9\" /></msg>";
    let outcome =
        |endpoint: &str, kind: &str, content: &str| Ok([endpoint, kind, content].map(String::from));
    let kind = NotForwardable::Kind;
    let mut all = vec![
        (
            Incoming::new(friend, 1, "a<br/>b &lt;c&gt; <span class=\"emoji emoji1f604\"></span>"),
            outcome("webwxsendmsg", "1", "a\nb <c> 😄"),
        ),
        (Incoming::new(friend, 3, xml), outcome("webwxsendmsgimg", "3", plain)),
        (Incoming::new(friend, 43, xml), outcome("webwxsendvideomsg", "43", plain)),
        (Incoming::new(friend, 62, xml), outcome("webwxsendvideomsg", "62", plain)),
        (Incoming::new(friend, 47, &sticker), outcome("webwxsendemoticon", "47", "")),
        (
            Incoming { has_product_id: 1, ..Incoming::new(friend, 47, "") },
            Err(NotForwardable::Sticker),
        ),
        (
            Incoming {
                sub_msg_type: 48,
                ori_content: place.into(),
                url: "http://apis.map.qq.com/uri/v1/geocoder?coord=22.5,113.9".into(),
                ..Incoming::new(
                    friend,
                    1,
                    "湖边:<br/>/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=xxx",
                )
            },
            outcome("webwxsendmsg", "48", place),
        ),
        (
            Incoming {
                app_msg_type: 6,
                file_name: "a &amp; b.PDF".into(),
                file_size: "1760".into(),
                media_id: "@crypt_arrived".into(),
                ..Incoming::new(friend, 49, file)
            },
            outcome("webwxsendappmsg", "6", file_xml),
        ),
        (
            Incoming { app_msg_type: 5, ..Incoming::new(friend, 49, link) },
            outcome(
                "webwxsendappmsg",
                "5",
                "<msg><appmsg appid=\"\"><title>a</title></appmsg></msg>",
            ),
        ),
        (Incoming { app_msg_type: 2000, ..Incoming::new(friend, 49, link) }, Err(kind)),
        (Incoming::new(friend, 34, xml), Err(kind)),
        (Incoming::new(friend, 42, xml), Err(kind)),
        (Incoming::new(friend, 10000, "你已添加了朋友"), Err(kind)),
        (Incoming::new(friend, 10002, xml), Err(kind)),
    ];
    // The same messages in a room, written by a member.
    for at in 0..all.len() {
        let (mut incoming, outcome) = all[at].clone();
        incoming.from = room.to_owned();
        incoming.content = format!("{friend}:<br/>{}", incoming.content);
        all.push((incoming, outcome));
    }
    all
}

pub(crate) fn forwards<B: Bot>(place: &Place) {
    let mut bot: B = B::confirmed(place);
    let (friend, room) = (named(place, "朋友"), named(place, "一家人"));
    let to = named(place, "老王");
    let mut expected = Vec::new();
    for (incoming, outcome) in arrivals(room.as_str(), friend.as_str()) {
        let id = place.simulator.world().deliver(incoming);
        let message: Message = bot.next().unwrap().unwrap();
        assert_eq!(message.id.to_string(), id);
        match (ForwardMessage::new(&message, to.clone()), outcome) {
            (Ok(forward), Ok(outcome)) => {
                bot.call(forward).unwrap();
                expected.push(outcome);
            }
            (Err(error), Err(outcome)) => {
                assert_eq!(error, outcome, "{message:?}");
            }
            (found, outcome) => panic!("{message:?}: {found:?}, not {outcome:?}"),
        }
    }
    let world = place.simulator.world();
    let seen: Vec<_> = world
        .sent()
        .iter()
        .map(|sent| {
            assert_eq!(sent.scene, 2);
            assert_eq!(sent.to, to.as_str());
            assert_eq!(sent.msg_type == 47, sent.emoticon_md5 == MD5);
            [sent.endpoint.clone(), sent.msg_type.to_string(), sent.content.clone()]
        })
        .collect();
    assert_eq!(seen, expected);
    assert_eq!(seen.len(), 16);
    drop(world);
    place.assert_no_violations();
}

on_all_wires! {
    forwards in crate::messages::sending::world();
}

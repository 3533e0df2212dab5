//! Everything public that makes a call.

use wechat_proto::contact::Contact;
use wechat_proto::contact::verify::{self, Opcode, Scene, Ticket, Verification};
use wechat_proto::media::{MediaType, Uploaded};
use wechat_proto::message::{
    EmoticonMd5, Forward, Receipt, forward, reply, revoke, send_app, send_emoticon, send_image,
    send_media, send_text, send_video,
};
use wechat_proto::room::{Founders, create, update};
use wechat_proto::{
    Call, Device, Flow, Input, Interrupt, Message, Session, Timestamp, UserName, feedback, fuzz,
};
use wechat_simulator::Incoming;

use super::bot::Bot;
use super::line::Line;
use super::steps;

/// A call, whatever it answers.
pub(super) struct Any {
    pub(super) flow: Box<dyn Flow<State = Device, Output = ()>>,
    pub(super) endpoint: String,
    pub(super) text: String,
}

pub(super) struct Silent<T>(Call<T>);

impl<T> Flow for Silent<T> {
    type State = Device;
    type Output = ();

    fn poll(&mut self, device: &mut Device, now: Timestamp) -> Result<(), Interrupt> {
        self.0.poll(device, now).map(drop)
    }

    fn handle(&mut self, input: Input) {
        self.0.handle(input);
    }
}

impl<T: 'static> From<Call<T>> for Any {
    fn from(call: Call<T>) -> Self {
        let path = call.http().uri().path();
        let endpoint = path.rsplit('/').next().unwrap_or_default().to_owned();
        let text = format!("{call:?}");
        Self { flow: Box::new(Silent(call)), endpoint, text }
    }
}

/// What the calls are about.
pub(super) struct Stage {
    pub(super) bot: Bot,
    pub(super) friend: UserName,
    pub(super) stranger: UserName,
    pub(super) room: UserName,
    pub(super) room_known: Contact,
    pub(super) heard: Message,
    pub(super) receipt: Receipt,
    pub(super) ticket: Ticket,
    pub(super) uploads: [Uploaded; 4],
}

impl Stage {
    pub(super) fn new() -> Self {
        let mut bot = Bot::new(Line::new(steps::world()));
        bot.contacts();
        let (names, uploads) = {
            let mut world = bot.line.simulator.world();
            let kinds = [("pic", "a.png"), ("video", "v.mp4"), ("doc", "s.GIF"), ("doc", "f.csv")];
            kinds.iter().for_each(|(kind, name)| drop(world.add_upload(kind, name, 999)));
            let uploads: Vec<Uploaded> = world
                .uploads()
                .iter()
                .map(|media| {
                    let media_type = match &*media.media_type {
                        "pic" => MediaType::Picture,
                        "video" => MediaType::Video,
                        _ => MediaType::Document,
                    };
                    fuzz::uploaded(media_type, &media.media_id, &media.name, media.size, "")
                })
                .collect();
            let name = |nick: &str| -> UserName {
                let mut contacts = world.contacts().iter();
                contacts.find(|c| c.nick_name == nick).unwrap().user_name.parse().unwrap()
            };
            ([name("朋友 2"), name("陌生人"), name("群")], uploads)
        };
        let [friend, stranger, room] = names;
        let from = friend.clone();
        bot.happens(|world| {
            let asker = world.contact(stranger.as_str()).unwrap().clone();
            let request = Incoming::friend_request(&asker, "我是");
            vec![world.person_writes(from.as_str(), "pass it on"), world.deliver(request)]
        });
        bot.hear();
        let heard = bot.message(&bot.written[0]);
        let raw = bot.message(&bot.written[1]).raw.json().into_owned();
        let raw: serde_json::Value = serde_json::from_str(&raw).unwrap();
        let ticket = raw["RecommendInfo"]["Ticket"].as_str().unwrap().parse().unwrap();
        let receipt = bot.send(|session, id| send_text::again(session, &friend, "mine", id));
        let room_known = bot.account.directory().find(&room).unwrap().clone();
        let uploads = uploads.try_into().unwrap();
        Self { bot, friend, stranger, room, room_known, heard, receipt, ticket, uploads }
    }
}

pub(super) type Build = fn(&Stage, &mut Session, Timestamp) -> Any;

/// Everything public that makes a call which changes something: `file::function`.
pub(super) const ONCE: &[(&str, Build)] = &[
    ("message/send_text.rs::request", |s, x, now| {
        send_text::request(x, &s.friend, "x", now).into()
    }),
    ("message/send_text.rs::again", |s, x, now| {
        let id = x.next_client_msg_id(now);
        send_text::again(x, &s.friend, "x", id).into()
    }),
    ("message/send_text.rs::mention", |s, x, now| {
        send_text::mention(x, &s.room, "@x", std::slice::from_ref(&s.friend), now).into()
    }),
    ("message/send_text.rs::mention_again", |s, x, now| {
        let id = x.next_client_msg_id(now);
        send_text::mention_again(x, &s.room, "@x", std::slice::from_ref(&s.friend), id).into()
    }),
    ("message/send_image.rs::request", |s, x, now| {
        send_image::request(x, &s.friend, &s.uploads[0], now).into()
    }),
    ("message/send_image.rs::again", |s, x, now| {
        let id = x.next_client_msg_id(now);
        send_image::again(x, &s.friend, &s.uploads[0], id).into()
    }),
    ("message/send_video.rs::request", |s, x, now| {
        send_video::request(x, &s.friend, &s.uploads[1], now).into()
    }),
    ("message/send_video.rs::again", |s, x, now| {
        let id = x.next_client_msg_id(now);
        send_video::again(x, &s.friend, &s.uploads[1], id).into()
    }),
    ("message/send_emoticon.rs::request", |s, x, now| {
        send_emoticon::request(x, &s.friend, &s.uploads[2], now).into()
    }),
    ("message/send_emoticon.rs::again", |s, x, now| {
        let id = x.next_client_msg_id(now);
        send_emoticon::again(x, &s.friend, &s.uploads[2], id).into()
    }),
    ("message/send_emoticon.rs::known", |s, x, now| {
        send_emoticon::known(x, &s.friend, &md5(), now).into()
    }),
    ("message/send_emoticon.rs::known_again", |s, x, now| {
        let id = x.next_client_msg_id(now);
        send_emoticon::known_again(x, &s.friend, &md5(), id).into()
    }),
    ("message/send_app.rs::request", |s, x, now| {
        send_app::request(x, &s.friend, &s.uploads[3], now).into()
    }),
    ("message/send_app.rs::again", |s, x, now| {
        let id = x.next_client_msg_id(now);
        send_app::again(x, &s.friend, &s.uploads[3], id).into()
    }),
    ("message/send_media.rs::request", |s, x, now| {
        send_media::request(x, &s.friend, &s.uploads[1], now).into()
    }),
    ("message/send_media.rs::again", |s, x, now| {
        let id = x.next_client_msg_id(now);
        send_media::again(x, &s.friend, &s.uploads[3], id).into()
    }),
    ("message/forward.rs::request", |s, x, now| {
        forward::request(x, &s.heard, &s.friend, now).unwrap().into()
    }),
    ("message/forward.rs::again", |s, x, now| {
        let id = x.next_client_msg_id(now);
        forward::again(x, &s.heard, &s.friend, id).unwrap().into()
    }),
    ("message/forward.rs::Forward::request", |s, x, now| {
        Forward::of(&s.heard).unwrap().request(x, &s.friend, now).into()
    }),
    ("message/forward.rs::Forward::again", |s, x, now| {
        let id = x.next_client_msg_id(now);
        Forward::of(&s.heard).unwrap().again(x, &s.friend, id).into()
    }),
    ("message/reply.rs::text", |s, x, now| reply::text(x, &s.heard, "x", now).into()),
    ("message/reply.rs::mentioning", |s, x, now| {
        reply::mentioning(x, s.bot.account.directory(), &s.heard, "x", now).into()
    }),
    ("message/revoke.rs::request", |s, x, _| revoke::request(x, &s.friend, &s.receipt).into()),
    ("contact/verify.rs::add", |s, x, now| verify::add(x, &s.stranger, "x", now).into()),
    ("contact/verify.rs::accept", |s, x, now| {
        verify::accept(x, &s.stranger, &s.ticket, now).into()
    }),
    ("contact/verify.rs::request", |s, x, now| {
        let (opcode, scene) = (Opcode::SEND_REQUEST, Scene::WEB);
        let step = Verification { opcode, user: &s.stranger, ticket: None, greeting: "x", scene };
        verify::request(x, &step, now).into()
    }),
    ("room/create.rs::request", |s, x, now| {
        let me = x.me().user_name.clone();
        let members = s.room_known.members.iter().map(|member| member.user_name.clone());
        let founders = Founders::new(members.filter(|name| *name != me), &me).unwrap();
        create::request(x, &founders, "x", now).into()
    }),
    ("room/update.rs::add", |s, x, _| update::add(x, &s.room, &s.friend.clone().into()).into()),
    ("room/update.rs::invite", |s, x, _| {
        update::invite(x, &s.room, &s.friend.clone().into()).into()
    }),
    ("room/update.rs::remove", |s, x, _| {
        let me = x.me().user_name.clone();
        let mut members = s.room_known.members.iter().map(|member| member.user_name.clone());
        let member = members.find(|name| *name != me).unwrap();
        update::remove(x, &s.room, &member.into()).into()
    }),
    ("room/update.rs::rename", |s, x, _| update::rename(x, &s.room, "x").into()),
    ("room/update.rs::quit", |s, x, _| update::quit(x, &s.room).into()),
    ("feedback.rs::request", |_, x, now| feedback::request(x, "x", now).into()),
];

/// Everything public that makes a call which may be repeated.
pub(super) const AGAIN: &[&str] = &[
    "contact/batch.rs::members",
    "contact/batch.rs::request",
    "contact/list.rs::request",
    "contact/pin.rs::request",
    "contact/remark.rs::request",
    "contact/search.rs::request",
    "link.rs::request",
    "login/announce.rs::request",
    "login/init.rs::request",
    "login/logout.rs::because",
    "login/logout.rs::request",
    "login/push.rs::request",
    "login/qrcode.rs::request",
    "login/redeem.rs::request",
    "login/scan.rs::request",
    "login/uuid.rs::request",
    "media/piece.rs::request",
    "media/preview.rs::request",
    "media/probe.rs::request",
    "message/notify.rs::enter",
    "message/notify.rs::leave",
    "message/notify.rs::mark_read",
    "report.rs::before_login",
    "report.rs::request",
    "sync/check.rs::request",
    "sync/fetch.rs::request",
];

pub(super) fn md5() -> EmoticonMd5 {
    "a0c4153e43c3fd2e9a2fbb9be2f4de07".parse().unwrap()
}

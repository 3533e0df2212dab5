//! Every endpoint, classified: those that must not be repeated, and those that may be.

use wechat_proto::contact::{Contact, Opcode, Scene, Ticket, VerifyUser};
use wechat_proto::endpoint::Repeat;
use wechat_proto::feedback::SendFeedback;
use wechat_proto::media::Uploaded;
use wechat_proto::message::{
    EmoticonMd5, ForwardMessage, Receipt, RevokeMessage, SendEmoticon, SendFile, SendImage,
    SendText, SendUpload, SendVideo,
};
use wechat_proto::room::{CreateRoom, Founders, UpdateRoom};
use wechat_proto::{
    Account, Call, ClientMsgId, Endpoint, Flow, Input, Interrupt, Message, Timestamp, UserName,
};
use wechat_simulator::Incoming;

use super::bot::Bot;
use super::line::Line;
use super::steps;
use crate::messages::sending;
use crate::wire::name_of;

/// A call with its output erased.
pub(super) struct Any {
    pub(super) flow: Box<dyn Flow<State = Account, Output = ()>>,
    /// The name of its endpoint on the wire.
    pub(super) endpoint: String,
    /// The name of its endpoint's type.
    pub(super) title: &'static str,
}

struct DiscardOutput<E: Endpoint>(Call<E>);

impl<E: Endpoint> Flow for DiscardOutput<E>
where
    Account: AsMut<E::State>,
{
    type State = Account;
    type Output = ();

    fn poll(&mut self, account: &mut Account, now: Timestamp) -> Result<(), Interrupt> {
        self.0.poll(account.as_mut(), now).map(drop)
    }

    fn handle(&mut self, input: Input) {
        self.0.handle(input);
    }
}

/// Returns the name of a type, without its path.
pub(super) fn title<T>() -> &'static str {
    std::any::type_name::<T>().rsplit("::").next().unwrap_or_default()
}

/// A logged-in bot, and the parameters of the calls.
pub(super) struct Stage {
    pub(super) bot: Bot,
    pub(super) friend: UserName,
    pub(super) stranger: UserName,
    pub(super) room: UserName,
    pub(super) room_known: Contact,
    pub(super) received: Message,
    pub(super) receipt: Receipt,
    pub(super) id: ClientMsgId,
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
            (
                ["朋友 2", "陌生人", "群"].map(|nick_name| steps::name(&world, nick_name)),
                sending::uploads(&world),
            )
        };
        let [friend, stranger, room] = names;
        let from = friend.clone();
        bot.change_world(|world| {
            let asker = world.contact(stranger.as_str()).unwrap().clone();
            let request = Incoming::friend_request(&asker, "我是");
            vec![world.person_writes(from.as_str(), "pass it on"), world.deliver(request)]
        });
        bot.receive_all();
        let received = bot.message(&bot.written[0]);
        let ticket = bot.ticket(&bot.written[1]);
        let receipt = bot.send(SendText::new(friend.clone(), "mine"));
        let now = bot.line.now();
        let id = bot.account.session_mut().next_client_msg_id(now);
        let room_known = bot.account.directory().find(&room).unwrap().clone();
        let uploads = uploads.try_into().unwrap();
        Self { bot, friend, stranger, room, room_known, received, receipt, id, ticket, uploads }
    }

    fn call<E>(&self, endpoint: E) -> Any
    where
        E: Endpoint + Clone + 'static,
        Account: AsMut<E::State>,
    {
        assert_eq!(E::REPEAT, Repeat::Once);
        let name = name_of(endpoint.clone(), self.bot.account.clone(), self.bot.line.now());
        let flow = Box::new(DiscardOutput(Call::new(endpoint)));
        Any { flow, endpoint: name, title: title::<E>() }
    }

    /// Returns a member of the room other than the account.
    fn member(&self) -> UserName {
        let me = &self.bot.account.session().me().user_name;
        let mut members = self.room_known.members.iter().map(|member| &member.user_name);
        members.find(|name| *name != me).unwrap().clone()
    }

    fn founders(&self) -> Founders {
        let me = &self.bot.account.session().me().user_name;
        let members = self.room_known.members.iter().map(|member| member.user_name.clone());
        Founders::new(members.filter(|name| name != me), me).unwrap()
    }
}

pub(super) type Build = fn(&Stage) -> Any;

/// The calls that must not be repeated: one of each constructor.
pub(super) const ONCE: &[Build] = &[
    |s| s.call(SendText::new(s.friend.clone(), "x")),
    |s| s.call(SendText::new(s.room.clone(), "@x").with_mentions(std::slice::from_ref(&s.friend))),
    |s| s.call(SendText::new(s.friend.clone(), "x").with_id(s.id)),
    |s| s.call(SendText::reply(&s.received, "x")),
    |s| s.call(SendText::mention_reply(&s.received, s.bot.account.directory(), "x")),
    |s| s.call(SendImage::new(s.friend.clone(), &s.uploads[0])),
    |s| s.call(SendImage::new(s.friend.clone(), &s.uploads[0]).with_id(s.id)),
    |s| s.call(SendVideo::new(s.friend.clone(), &s.uploads[1])),
    |s| s.call(SendVideo::new(s.friend.clone(), &s.uploads[1]).with_id(s.id)),
    |s| s.call(SendEmoticon::new(s.friend.clone(), &s.uploads[2])),
    |s| s.call(SendEmoticon::known(s.friend.clone(), md5())),
    |s| s.call(SendEmoticon::known(s.friend.clone(), md5()).with_id(s.id)),
    |s| s.call(SendFile::new(s.friend.clone(), &s.uploads[3])),
    |s| s.call(SendFile::new(s.friend.clone(), &s.uploads[3]).with_id(s.id)),
    |s| s.call(SendUpload::new(s.friend.clone(), &s.uploads[1])),
    |s| s.call(SendUpload::new(s.friend.clone(), &s.uploads[3])),
    |s| s.call(SendUpload::new(s.friend.clone(), &s.uploads[3]).with_id(s.id)),
    |s| s.call(ForwardMessage::new(&s.received, s.friend.clone()).unwrap()),
    |s| s.call(ForwardMessage::new(&s.received, s.friend.clone()).unwrap().with_id(s.id)),
    |s| {
        s.call(
            ForwardMessage::new(&s.received, s.room.clone())
                .unwrap()
                .with_receiver(s.friend.clone()),
        )
    },
    |s| s.call(RevokeMessage::new(&s.receipt)),
    |s| s.call(VerifyUser::add(s.stranger.clone(), "x")),
    |s| s.call(VerifyUser::accept(s.stranger.clone(), s.ticket.clone())),
    |s| {
        let verify = VerifyUser::new(Opcode::SEND_REQUEST, s.stranger.clone());
        s.call(verify.with_greeting("x").with_scene(Scene::WEB))
    },
    |s| s.call(CreateRoom::new(s.founders(), "x")),
    |s| s.call(UpdateRoom::add(s.room.clone(), s.friend.clone().into())),
    |s| s.call(UpdateRoom::invite(s.room.clone(), s.friend.clone().into())),
    |s| s.call(UpdateRoom::remove(s.room.clone(), s.member().into())),
    |s| s.call(UpdateRoom::rename(s.room.clone(), "x")),
    |s| s.call(UpdateRoom::quit(s.room.clone())),
    |s| s.call(SendFeedback::new("x")),
];

pub(super) fn md5() -> EmoticonMd5 {
    "a0c4153e43c3fd2e9a2fbb9be2f4de07".parse().unwrap()
}

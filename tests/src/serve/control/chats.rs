//! The chats as the phone shows them.
#![allow(unused_qualifications, reason = "`utoipa::path` generates them")]

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::Query;
use http::StatusCode;
use http::header::{self, HeaderName};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::accounts::Of;
use super::answer::Failure;
use crate::message::{Incoming, Sent};
use crate::routes::login::picture;
use crate::session::Code;
use crate::wire::text::off_the_wire;
use crate::world::{Event, World};

/// The chats with messages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Chats {
    /// The chat with the newest message is the first.
    chats: Vec<ChatRecord>,
}

/// A chat with a person or in a room.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChatRecord {
    /// The `UserName` of the person or room.
    id: String,
    /// The remark, or else the name.
    name: String,
    /// Whether it is a room.
    is_room: bool,
    /// The number of all its messages.
    total: usize,
    /// The newest messages, the oldest first.
    messages: Vec<ChatMessage>,
}

/// A message in a chat.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChatMessage {
    /// `MsgId`.
    msg_id: String,
    /// The author's `UserName`; empty for notices of the service.
    author: String,
    /// The author's name; empty for notices of the service.
    author_name: String,
    /// Whether the client sent it. The account's owner also writes on the phone.
    from_client: bool,
    /// `text`, `image`, `voice`, `video`, `emoticon`, `card`, `friend_request`, `call`, `location`, `file`, `app`, `notice` or `other`.
    kind: &'static str,
    /// The text, the name of a file or the title of an app message; may be empty.
    text: String,
    /// Whether the client has received it, or has sent it.
    received: bool,
    /// Whether the client revoked it.
    revoked: bool,
    /// The world's clock when it was written, in milliseconds since the epoch.
    at: u64,
}

/// The messages to return.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Newest {
    /// The maximum number of messages of each chat. Default: 50.
    #[serde(default = "fifty")]
    limit: usize,
}

const fn fifty() -> usize {
    50
}

/// Lists the chats with messages as the phone shows them.
#[utoipa::path(get, path = "/v1/chats", params(Newest), responses((status = 200, description = "The chats.", body = Chats)))]
pub(crate) async fn chats(
    Of(simulation): Of,
    Query(Newest { limit }): Query<Newest>,
) -> Json<Chats> {
    Json(Chats { chats: ChatRecord::all(&simulation.locked(), limit) })
}

/// The QR code to return.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Chosen {
    /// The `uuid` of the QR code. Default: the newest one that no phone has scanned, or else the account's.
    uuid: Option<String>,
}

/// Returns a QR code as a picture.
#[utoipa::path(get, path = "/v1/qr-code", params(Chosen), responses(
    (status = 200, description = "The QR code.", body = Vec<u8>, content_type = "image/jpeg"),
    (status = 404, description = "There is no such QR code.", body = Failure),
))]
pub(crate) async fn qr_code(
    Of(simulation): Of,
    Query(Chosen { uuid }): Query<Chosen>,
) -> Result<([(HeaderName, &'static str); 1], Vec<u8>), Failure> {
    let unscanned = simulation.unscanned_codes();
    let own: Vec<String> = simulation.locked().codes.iter().map(|code| code.uuid.clone()).collect();
    let found = match uuid {
        Some(uuid) => unscanned.into_iter().chain(own).find(|code| *code == uuid),
        None => own.into_iter().chain(unscanned).next_back(),
    };
    let picture = found.and_then(|uuid| picture(&Code::url(&uuid))).ok_or_else(|| {
        Failure::new(StatusCode::NOT_FOUND, "there is no such QR code: clients ask for them")
    })?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg")], picture))
}

impl ChatRecord {
    fn all(world: &World, limit: usize) -> Vec<Self> {
        let mut messages: Vec<(String, ChatMessage)> = world
            .sent()
            .iter()
            .map(|sent| (sent.to.clone(), ChatMessage::sent(world, sent)))
            .chain(ChatMessage::arrived(world))
            .collect();
        // The sort is stable: an automatic answer has the time of the message that it answers.
        messages.sort_by_key(|(_, message)| message.at);
        let mut chats: Vec<Self> = Vec::new();
        for (id, message) in messages.into_iter().rev() {
            let chat = match chats.iter_mut().find(|chat| chat.id == id) {
                Some(chat) => chat,
                None => {
                    chats.push(Self::empty(world, id));
                    chats.last_mut().expect("one was added")
                }
            };
            chat.total += 1;
            if chat.messages.len() < limit {
                chat.messages.push(message);
            }
        }
        chats.iter_mut().for_each(|chat| chat.messages.reverse());
        chats
    }

    fn empty(world: &World, id: String) -> Self {
        let is_room = id.starts_with("@@");
        Self { name: shown_name(world, &id), is_room, id, total: 0, messages: Vec::new() }
    }
}

impl ChatMessage {
    fn sent(world: &World, sent: &Sent) -> Self {
        let is_app = sent.endpoint == "webwxsendappmsg";
        let kind = match sent.msg_type {
            6 if is_app => "file",
            _ if is_app => "app",
            kind => kind_of(kind, 0),
        };
        let text = match kind {
            "text" => sent.content.clone(),
            "file" => sent.file.as_ref().map(|file| file.name.clone()).unwrap_or_default(),
            _ => String::new(),
        };
        let author = world.account().user_name.clone();
        Self {
            msg_id: sent.msg_id.clone(),
            author_name: shown_name(world, &author),
            author,
            from_client: true,
            kind,
            text,
            received: true,
            revoked: sent.revoked,
            at: sent.at,
        }
    }

    /// Returns the messages of people, with their chats.
    fn arrived(world: &World) -> impl Iterator<Item = (String, Self)> {
        let sent: BTreeSet<&str> = world.sent().iter().map(|sent| &*sent.msg_id).collect();
        world.timeline.iter().enumerate().filter_map(move |(position, event)| {
            let Event::Message { message, msg_id, at, .. } = event else { return None };
            let msg_id = msg_id.to_string();
            // 51 is a notification between the account's devices; echoes repeat messages of the client.
            if message.msg_type == 51 || sent.contains(&*msg_id) {
                return None;
            }
            let me = &world.account().user_name;
            let chat = if message.from == *me { &message.to } else { &message.from };
            let kind = match message.sub_msg_type {
                48 => "location",
                _ => kind_of(message.msg_type, message.app_msg_type),
            };
            let author = if kind == "notice" { "" } else { message.said().0 };
            let record = Self {
                msg_id,
                author: author.to_owned(),
                author_name: shown_name(world, author),
                from_client: false,
                kind,
                text: shown_text(message, kind),
                received: position < world.handed,
                revoked: false,
                at: *at,
            };
            Some((chat.clone(), record))
        })
    }
}

/// Returns the remark, or else the name; the `UserName` of an unknown person.
fn shown_name(world: &World, id: &str) -> String {
    if world.person(id).is_some() { world.shown_name(id) } else { id.to_owned() }
}

fn shown_text(message: &Incoming, kind: &str) -> String {
    match kind {
        "text" => message.plain(),
        // Revocations are XML.
        "notice" if message.msg_type == 10_000 => message.plain(),
        // The address, before the path of the map.
        "location" => {
            message.plain().lines().next().unwrap_or_default().trim_end_matches(':').to_owned()
        }
        "file" | "app" => message.plain_name(),
        "card" => off_the_wire(&message.recommend.nick_name),
        "friend_request" => message.recommend.content.clone(),
        _ => String::new(),
    }
}

/// Returns the kind of a `MsgType` and an `AppMsgType` (docs/protocol.md §9.2).
const fn kind_of(msg_type: i64, app_msg_type: i64) -> &'static str {
    match (msg_type, app_msg_type) {
        (1, _) => "text",
        (3, _) => "image",
        (34, _) => "voice",
        (43 | 62, _) => "video",
        (47, _) => "emoticon",
        (42, _) => "card",
        (37, _) => "friend_request",
        (50, _) => "call",
        (48, _) => "location",
        (49, 6) => "file",
        (49, _) => "app",
        (10_000 | 10_002, _) => "notice",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::App;

    #[test]
    fn chats_list_what_the_phone_shows() {
        let mut world = World::new(1);
        let (ada, bo) = (world.add_person("Ada & co"), world.add_person("Bo"));
        world.set_contact(&bo, |contact| "Robert".clone_into(&mut contact.remark_name));
        let room = world.add_room("Readers", &[&ada, &bo]);
        let me = world.account().user_name.clone();
        let file = || Incoming::file(&ada, "a & b.txt", Bytes::from_static(b"x"));
        world.deliver(Incoming::text(&ada, "</script>:\n<img>"));
        world.deliver(Incoming { to: ada.clone(), ..Incoming::text(&me, "from the phone") });
        world.sent.push(Sent {
            endpoint: "webwxsendmsg".to_owned(),
            to: ada.clone(),
            msg_type: 1,
            content: "pong".to_owned(),
            msg_id: "7".to_owned(),
            revoked: true,
            at: world.now(),
            ..Sent::default()
        });
        // The echo of the client's message.
        world.deliver(Incoming { msg_id: Some(7), to: ada.clone(), ..Incoming::text(&me, "pong") });
        world.now += 1;
        for message in [
            file(),
            Incoming::image(&bo, Bytes::new()),
            Incoming::location(&bo, "Main St: 1", "Café", (1.0, 2.0)),
            Incoming::app(&bo, &App::link("A <link>", "", "https://a.example")),
            Incoming::system(&room, "\"Ada\" left"),
        ] {
            let from_bo = message.from == bo;
            world.deliver(if from_bo { message.in_room(&room) } else { message });
        }
        let lines = |limit| {
            let chats = ChatRecord::all(&world, limit);
            let line = |message: &ChatMessage| {
                let ChatMessage { author_name, kind, text, from_client, revoked, .. } = message;
                format!("{author_name}|{kind}|{text}|{from_client}|{revoked}")
            };
            let chat = |chat: &ChatRecord| {
                let lines: Vec<String> = chat.messages.iter().map(line).collect();
                (chat.name.clone(), chat.total, lines)
            };
            chats.iter().map(chat).collect::<Vec<_>>()
        };
        let name = off_the_wire(&world.account().nick_name);
        let texts = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
        let room = texts(&[
            "Robert|image||false|false", "Robert|location|Main St: 1|false|false",
            "Robert|app|A <link>|false|false", "|notice|\"Ada\" left|false|false",
        ]);
        let ada = texts(&[
            &format!("{name}|text|pong|true|true"),
            "Ada & co|text|</script>:\n<img>|false|false",
            &format!("{name}|text|from the phone|false|false"),
            "Ada & co|file|a & b.txt|false|false",
        ]);
        let newest = ("Ada & co".to_owned(), 4, vec![ada[3].clone()]);
        let all = [("Readers".to_owned(), 4, room), ("Ada & co".to_owned(), 4, ada)];
        assert_eq!(lines(50), all);
        assert_eq!(lines(1)[1], newest);
        assert!(lines(0).iter().all(|(_, total, lines)| *total == 4 && lines.is_empty()));
    }
}

//! Building of messages from data.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::contact::Contact;
use crate::message::Incoming;
use crate::message::app::{App, Article};
use crate::serve::content::{Content, Data, NewArticle, NewMessage, Recording};
use crate::serve::problem::Problem;
use crate::wire::text::off_the_wire;
use crate::world::World;

const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x01D\0;";
const MP3: &[u8] = b"ID3\x03\0\0\0\0\0\0";
const MP4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";
const TEXT: &[u8] = b"a sample\n";

/// Returns the bytes of a message of this kind, or a sample if there are none.
fn decoded(kind: &str, data: Option<&str>, sample: &'static [u8]) -> Result<Bytes, Problem> {
    let Some(data) = data else { return Ok(Bytes::from_static(sample)) };
    let failed = |error| Problem::at(format!("{kind}.data"), format!("not base64: {error}"));
    STANDARD.decode(data).map(Bytes::from).map_err(failed)
}

/// Returns the contact with this name or `UserName`.
///
/// # Errors
///
/// If there is none, or if several have this name.
pub(crate) fn named<'a>(world: &'a World, name: &str) -> Result<&'a Contact, Problem> {
    if let Some(contact) = world.contact(name) {
        return Ok(contact);
    }
    let has = |contact: &&Contact| {
        let names = [&contact.nick_name, &contact.remark_name];
        !name.is_empty() && names.iter().any(|found| off_the_wire(found) == name)
    };
    let found: Vec<&Contact> = world.contacts().iter().filter(has).collect();
    match *found {
        [contact] => Ok(contact),
        [] => Err(Problem::at("", format!("no person or room is named `{name}`"))),
        _ => {
            let ids: Vec<&str> = found.iter().map(|contact| &*contact.user_name).collect();
            Err(Problem::at("", format!("`{name}` names several: {}", ids.join(", "))))
        }
    }
}

impl NewMessage {
    /// Builds the message in a world.
    ///
    /// # Errors
    ///
    /// If a name is unknown or ambiguous, or a value is out of range.
    pub(crate) fn build(&self, world: &World) -> Result<Incoming, Problem> {
        let room = self.room.as_deref().map(|room| {
            let room = named(world, room).map_err(|problem| problem.within("room"))?;
            if room.is_room() { Ok(room) } else { Err(Problem::at("room", "not a room")) }
        });
        let room = room.transpose()?;
        if self.from == "me" {
            return self.written_on_phone(world, room);
        }
        if self.to.is_some() {
            return Err(Problem::at("to", "only messages from `me` have it"));
        }
        let from = named(world, &self.from).map_err(|problem| problem.within("from"))?;
        if from.is_room() {
            return Err(Problem::at("from", "a room: name the author, and the room in `room`"));
        }
        let chat = room.unwrap_or(from);
        let message = self.message.build(world, from, &chat.user_name);
        let message = message.map_err(|problem| problem.within("message"))?;
        let Some(room) = room.filter(|_| message.from == from.user_name) else {
            return Ok(message);
        };
        if !room.has_member(&from.user_name) {
            return Err(Problem::at("from", "not a member of the room"));
        }
        Ok(message.in_room(&room.user_name))
    }

    fn written_on_phone(&self, world: &World, room: Option<&Contact>) -> Result<Incoming, Problem> {
        let to =
            self.to.as_deref().map(|to| named(world, to).map_err(|problem| problem.within("to")));
        let ((Some(to), None) | (None, Some(to))) = (room, to.transpose()?) else {
            return Err(Problem::at("to", "a message from `me` needs either `to` or `room`"));
        };
        let me = world.person(&world.account().user_name).expect("the account is a person");
        let message = self.message.build(world, &me, &me.user_name);
        let message = message.map_err(|problem| problem.within("message"))?;
        Ok(Incoming { to: to.user_name.clone(), ..message })
    }
}

impl Content {
    /// Builds the message of an author; `chat` is the author or the room.
    fn build(&self, world: &World, author: &Contact, chat: &str) -> Result<Incoming, Problem> {
        let from = &*author.user_name;
        let app = |app: App| Incoming::app(from, &app);
        Ok(match self {
            Self::Text(text) => Incoming::text(from, text),
            Self::Image(Data { data }) => {
                Incoming::image(from, decoded("image", data.as_deref(), GIF)?)
            }
            Self::Voice(recording) => {
                let (time, bytes) = recording.parts(MP3, "voice")?;
                Incoming::voice(from, time, bytes)
            }
            Self::Video(recording) => {
                let (time, bytes) = recording.parts(MP4, "video")?;
                Incoming::video(from, time, bytes)
            }
            Self::ShortVideo(recording) => {
                let (time, bytes) = recording.parts(MP4, "short_video")?;
                Incoming::short_video(from, time, bytes)
            }
            Self::Emoticon(Data { data }) => {
                Incoming::emoticon(from, decoded("emoticon", data.as_deref(), GIF)?)
            }
            Self::Dice(points) if (1..=6).contains(points) => Incoming::dice(from, *points),
            Self::Dice(points) => {
                return Err(Problem::at("dice", format!("{points}, not a number from 1 to 6")));
            }
            Self::Hand(hand) => Incoming::hand(from, *hand),
            Self::ShopSticker => Incoming::shop_sticker(from),
            Self::Location { label, name, north, east } => {
                Incoming::location(from, label, name, (*north, *east))
            }
            Self::LocationLink => Incoming::location_link(from),
            Self::Card(of) => {
                Incoming::card(from, named(world, of).map_err(|error| error.within("card"))?)
            }
            Self::FriendRequest(greeting) => Incoming::friend_request(author, greeting),
            Self::PossibleFriend => Incoming::possible_friend(author),
            Self::Call => Incoming::call(from),
            Self::System(text) => Incoming::system(chat, text),
            Self::Sysmsg(xml) => Incoming::sysmsg(chat, xml),
            Self::Revocation { msg_id, shown } => Incoming::revocation(chat, msg_id, shown),
            Self::File { name, data } => {
                Incoming::file(from, name, decoded("file", data.as_deref(), TEXT)?)
            }
            Self::Link { title, description, url } => app(App::link(title, description, url)),
            Self::Music { title, singer, url, data_url } => {
                app(App::music(title, singer, url, data_url))
            }
            Self::Articles { name, articles } => {
                let articles: Vec<Article> =
                    articles.iter().map(|new| new.article(world)).collect();
                if articles.is_empty() {
                    return Err(Problem::at("articles.articles", "empty"));
                }
                app(App::articles(name, &articles))
            }
            Self::MiniProgram { title, name, app_id, page_path } => {
                app(App::mini_program(title, name, app_id, page_path))
            }
            Self::Transfer { amount, memo } => app(App::transfer(amount, memo)),
            Self::RedPacket(greeting) => app(App::red_packet(greeting)),
            Self::Quote { reply, msg_id } => {
                let quoted = world.quoted(msg_id).ok_or_else(|| {
                    Problem::at("quote.msg_id", format!("no message has the id `{msg_id}`"))
                })?;
                app(App::quote(reply, &quoted))
            }
            Self::History { title, lines } => {
                let lines: Vec<_> = lines.iter().map(|line| (&*line.name, &*line.text)).collect();
                app(App::history(title, &lines))
            }
            Self::ChannelsVideo { name, description, url } => {
                app(App::channels_video(name, description, url))
            }
            Self::App { kind, title } => app(App::new(*kind, title)),
            Self::NotSupported => Incoming::not_supported(from),
            Self::Raw { msg_type, content } => Incoming::new(from, *msg_type, content),
        })
    }
}

impl Recording {
    fn parts(&self, sample: &'static [u8], kind: &str) -> Result<(Duration, Bytes), Problem> {
        let bytes = decoded(kind, self.data.as_deref(), sample)?;
        Ok((Duration::from_millis(self.duration_ms), bytes))
    }
}

impl NewArticle {
    fn article(&self, world: &World) -> Article {
        Article {
            title: self.title.clone(),
            url: self.url.clone(),
            cover: self.cover.clone(),
            digest: self.digest.clone(),
            published: world.now() / 1000,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn build(world: &World, body: Value) -> Result<Incoming, Problem> {
        serde_json::from_value::<NewMessage>(body).expect("a message").build(world)
    }

    #[test]
    fn every_kind_has_its_type() {
        let mut world = World::new(1);
        let ada = world.add_person("Ada");
        world.add_room("Readers", &[&ada]);
        let quoted = world.person_writes(&ada, "earlier");
        let rows = [
            (json!({"text": "a"}), 1, 0),
            (json!({"image": {}}), 3, 0),
            (json!({"image": {"data": "AAEC"}}), 3, 0),
            (json!({"voice": {"duration_ms": 1500}}), 34, 0),
            (json!({"video": {"duration_ms": 1500}}), 43, 0),
            (json!({"short_video": {}}), 62, 0),
            (json!({"emoticon": {}}), 47, 0),
            (json!({"dice": 6}), 47, 0),
            (json!({"hand": "rock"}), 47, 0),
            (json!({"hand": "paper"}), 47, 0),
            (json!({"hand": "scissors"}), 47, 0),
            (json!("shop_sticker"), 47, 0),
            (json!({"location": {"label": "a", "north": 1.0, "east": 2.0}}), 1, 0),
            (json!("location_link"), 1, 0),
            (json!({"card": "Ada"}), 42, 0),
            (json!({"friend_request": "hi"}), 37, 0),
            (json!("possible_friend"), 40, 0),
            (json!("call"), 50, 0),
            (json!({"system": "a"}), 10_000, 0),
            (json!({"sysmsg": "<sysmsg/>"}), 10_002, 0),
            (json!({"revocation": {"msg_id": "1", "shown": "a"}}), 10_002, 0),
            (json!({"file": {"name": "a.txt"}}), 49, 6),
            (json!({"link": {"title": "a", "url": "https://a.example"}}), 49, 5),
            (json!({"music": {"title": "a", "singer": "b", "url": "c", "data_url": "d"}}), 49, 3),
            (json!({"articles": {"name": "a", "articles": [{"title": "b", "url": "c"}]}}), 49, 5),
            (
                json!({"mini_program": {"title": "a", "name": "b", "app_id": "wx1", "page_path": "c"}}),
                49,
                33,
            ),
            (json!({"transfer": {"amount": "0.10"}}), 49, 2000),
            (json!({"red_packet": "a"}), 49, 2001),
            (json!({"quote": {"reply": "a", "msg_id": quoted}}), 49, 57),
            (json!({"history": {"title": "a", "lines": [{"name": "b", "text": "c"}]}}), 49, 19),
            (json!({"channels_video": {"name": "a", "description": "b", "url": "c"}}), 49, 51),
            (json!({"app": {"kind": 53, "title": "a"}}), 49, 53),
            (json!("not_supported"), 49, 0),
            (json!({"raw": {"msg_type": 9999, "content": "a"}}), 9999, 0),
        ];
        for (message, msg_type, app_msg_type) in rows {
            let body = |more: Value| {
                let mut body = json!({"from": "Ada", "message": message});
                body.as_object_mut()
                    .expect("an object")
                    .extend(more.as_object().expect("one").clone());
                body
            };
            let built = build(&world, body(json!({}))).expect("a message");
            assert_eq!((built.msg_type, built.app_msg_type), (msg_type, app_msg_type), "{message}");
            let in_room = build(&world, body(json!({"room": "Readers"}))).expect("a message");
            let from = if built.from == "fmessage" { "fmessage" } else { "@@" };
            assert!(in_room.from.starts_with(from), "{message}: {}", in_room.from);
            let mine =
                build(&world, body(json!({"from": "me", "to": "Readers"}))).expect("a message");
            assert!(mine.to.starts_with("@@"), "{message}: {}", mine.to);
            world.deliver(built);
        }
    }
}

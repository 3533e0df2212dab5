//! Sharing of messages and rooms with the other accounts of the service.

use std::time::Duration;

use crate::contact::{Contact, Member};
use crate::media::Part;
use crate::message::{Incoming, Sent};
use crate::wire::text::on_the_wire;
use crate::world::outgoing::Outgoing;
use crate::world::{Event, World};

impl World {
    /// Returns the account as a contact of others.
    pub(crate) fn profile(&self) -> Contact {
        self.profile_of(&self.account.user_name).unwrap_or_default()
    }

    /// Returns a contact, or the account with its permanent id, which [`person`](Self::person) leaves empty.
    fn profile_of(&self, user_name: &str) -> Option<Contact> {
        let person = self.person(user_name)?;
        let is_own = user_name == self.account.user_name;
        let permanent =
            if is_own { self.account.permanent.clone() } else { person.permanent.clone() };
        Some(Contact { permanent, ..person })
    }

    /// Adds the account with this profile as a friend, or makes it one. Returns the `UserName`.
    pub(crate) fn add_account(&mut self, profile: &Contact) -> String {
        let name = self.known_as(profile);
        self.set_contact(&name, |contact| (contact.contact_flag, contact.sns_flag) = (3, 17));
        name
    }

    /// Returns the `UserName` of a person in this world. Adds an unknown person as a stranger.
    pub(crate) fn known_as(&mut self, profile: &Contact) -> String {
        if let Some(name) = self.by_permanent(&profile.permanent) {
            return name;
        }
        let name = self.add_stranger("");
        self.set_contact(&name, |contact| {
            *contact = Contact {
                user_name: name.clone(),
                permanent: profile.permanent.clone(),
                nick_name: profile.nick_name.clone(),
                signature: profile.signature.clone(),
                sex: profile.sex,
                attr_status: profile.attr_status,
                ..Contact::default()
            };
        });
        name
    }

    pub(crate) fn by_permanent(&self, permanent: &str) -> Option<String> {
        if self.account.permanent == permanent {
            return Some(self.account.user_name.clone());
        }
        let mut all = self.contacts().iter();
        all.find(|contact| contact.permanent == permanent).map(|contact| contact.user_name.clone())
    }

    pub(crate) fn permanent(&self, user_name: &str) -> Option<String> {
        self.profile_of(user_name).map(|person| person.permanent)
    }

    /// Returns the permanent ids of the persons in a chat, and that of the room.
    pub(crate) fn recipients(&self, chat: &str) -> (Vec<String>, Option<String>) {
        match self.contact(chat) {
            Some(room) if room.is_room() => {
                let members = room.members.iter();
                let ids = members.filter_map(|member| self.permanent(&member.user_name)).collect();
                (ids, Some(room.permanent.clone()))
            }
            Some(person) => (vec![person.permanent.clone()], None),
            None => (Vec::new(), None),
        }
    }

    /// Sends a message of the client to the other accounts in the chat.
    pub(crate) fn share_sent(&self, sent: &Sent, msg_id: u64) {
        let (recipients, room) = self.recipients(&sent.to);
        let message = Incoming { msg_id: Some(msg_id), ..self.as_incoming(sent) };
        let author = self.account.permanent.clone();
        self.send_to(&recipients, &Outgoing::Message { author, room, message: Box::new(message) });
    }

    /// Sends a message that the account's phone or a member of a room has written to the other accounts in its chat.
    pub(crate) fn share(&self, message: &Incoming) {
        let prefix = message.content.split_once(":<br/>");
        let (author, chat, content) = match prefix {
            _ if message.msg_type == 51 => return,
            _ if message.from == self.account.user_name => {
                (&*message.from, &message.to, &*message.content)
            }
            Some((speaker, said)) if message.from.starts_with("@@") => {
                (speaker, &message.from, said)
            }
            _ => return,
        };
        let (recipients, room) = self.recipients(chat);
        let Some(permanent) = self.permanent(author) else { return };
        let message = Incoming {
            from: String::new(),
            to: String::new(),
            content: content.replace(author, &permanent),
            ori_content: message.ori_content.replace(author, &permanent),
            ..message.clone()
        };
        self.send_to(
            &recipients,
            &Outgoing::Message { author: permanent, room, message: Box::new(message) },
        );
    }

    /// Revokes a message of this account at the other accounts in its chat.
    pub(crate) fn share_revocation(&self, chat: &str, msg_id: &str) {
        let (recipients, room) = self.recipients(chat);
        let author = self.account.permanent.clone();
        self.send_to(
            &recipients,
            &Outgoing::Revocation { author, room, msg_id: msg_id.to_owned() },
        );
    }

    /// Sends the state of every room to the accounts in it.
    pub(crate) fn share_rooms(&self) {
        for room in self.contacts().iter().filter(|contact| contact.is_room()) {
            self.share_room(&room.user_name, &[]);
        }
    }

    /// Sends the state of a room to the accounts in it, and to those that were in it `before`.
    pub(crate) fn share_room(&self, room: &str, before: &[Member]) {
        let Some(room) = self.contact(room).filter(|room| room.is_room()) else { return };
        let find = |member: &Member| self.profile_of(&member.user_name);
        let people: Vec<Contact> = room.members.iter().filter_map(find).collect();
        let gone = before.iter().filter_map(find);
        let recipients: Vec<String> =
            people.iter().cloned().chain(gone).map(|person| person.permanent).collect();
        self.send_to(&recipients, &Outgoing::Room { room: Box::new(room.clone()), people });
    }

    /// Returns a sent message as others receive it.
    fn as_incoming(&self, sent: &Sent) -> Incoming {
        if sent.scene == 2
            && let Some(message) = self.forwarded(sent)
        {
            return message;
        }
        // The XML of a message names its author by the permanent id.
        let me = &*self.account.permanent;
        let upload = self.upload_of(&sent.media_id);
        let kept = upload.and_then(|upload| upload.bytes.clone());
        let bytes = kept.clone().unwrap_or_default();
        let mut message = match (sent.endpoint.as_str(), sent.msg_type) {
            ("webwxsendappmsg", 6) => {
                let file = sent.file.clone().unwrap_or_default();
                let message = Incoming::file(me, &file.name, bytes);
                Incoming { file_size: file.size.to_string(), ..message }
            }
            ("webwxsendappmsg", kind) => {
                Incoming { app_msg_type: kind, ..Incoming::of_xml(me, 49, &sent.content) }
            }
            (_, 3) => Incoming::image(me, bytes),
            (_, 43) => Incoming::video(me, Duration::ZERO, bytes),
            (_, 47) if upload.is_some() => Incoming::emoticon(me, bytes),
            (_, 47) => Incoming::sticker(me, &sent.emoticon_md5, 0, (0, 0)),
            (_, kind) => Incoming::new(me, kind, &on_the_wire(&sent.content)),
        };
        if kept.is_none() {
            // The receiver's downloads are generated.
            message.attached.clear();
        }
        message
    }

    /// Returns the received message that a sent one forwards.
    fn forwarded(&self, sent: &Sent) -> Option<Incoming> {
        let kind = if sent.endpoint == "webwxsendappmsg" { 49 } else { sent.msg_type };
        let is_source = |message: &Incoming| {
            let is_kind = message.msg_type == kind || kind == 48 && message.is_place();
            let by_id = !sent.media_id.is_empty() && message.media_id == sent.media_id;
            let by_md5 =
                !sent.emoticon_md5.is_empty() && message.content.contains(&sent.emoticon_md5);
            let content = &sent.content;
            let by_content = !content.is_empty()
                && (message.plain() == *content || message.ori_content == *content);
            is_kind && (by_id || by_md5 || by_content)
        };
        let (id, source) = self.arrived().find(|(_, message)| is_source(message))?;
        let parts = [
            Part::Picture,
            Part::Thumbnail,
            Part::BigPicture,
            Part::Voice,
            Part::Video,
            Part::Map,
            Part::File,
        ];
        let planted =
            |part: Part| Some((part, self.media.get(&part.asset(&id, &source.media_id))?.clone()));
        Some(Incoming {
            content: on_the_wire(&source.plain()),
            media_id: String::new(),
            create_time: None,
            attached: parts.into_iter().filter_map(planted).collect(),
            ..source.clone()
        })
    }

    /// Applies a message or a change of another account. Messages of strangers and of unknown rooms are ignored.
    pub(crate) fn receive(&mut self, outgoing: Outgoing) {
        match outgoing {
            Outgoing::Message { author, room, message } => {
                let Some((from, room)) = self.chat(&author, room.as_deref()) else { return };
                let message = Incoming { from, to: String::new(), ..*message };
                if let Some(room) = &room {
                    self.written_into(room);
                }
                let message = match room {
                    // This account is the author if its person in another account's world wrote the message.
                    Some(room) if message.from == self.account.user_name => {
                        Incoming { to: room, ..message }
                    }
                    Some(room) => message.in_room(&room),
                    None => message,
                };
                self.deliver_here(message);
            }
            Outgoing::Revocation { author, room, msg_id } => {
                let Some((from, room)) = self.chat(&author, room.as_deref()) else { return };
                let shown = format!("\"{}\" 撤回了一条消息", self.shown_name(&from));
                let chat = room.unwrap_or(from);
                self.deliver_here(Incoming::revocation(&chat, &msg_id, &shown));
            }
            Outgoing::Room { room, people } => self.receive_room(*room, &people),
            Outgoing::RoomEvent { author, room, event } => {
                self.receive_room_event(&author, &room, &event);
            }
            Outgoing::Invitation { author, room, name } => {
                self.receive_invitation(&author, &room, &name);
            }
            Outgoing::Joining { profile, room } => self.receive_joining(&profile, &room),
            Outgoing::Request { profile, greeting } => self.receive_request(&profile, &greeting),
            Outgoing::Accepted(profile) => self.receive_acceptance(&profile),
            Outgoing::Profile(profile) => self.receive_profile(&profile),
        }
    }

    /// Returns the `UserName`s of an author and a room.
    pub(crate) fn chat(
        &self,
        author: &str,
        room: Option<&str>,
    ) -> Option<(String, Option<String>)> {
        let author = self.by_permanent(author)?;
        let room = match room {
            Some(room) => Some(self.by_permanent(room)?),
            None => None,
        };
        self.may_write_to(room.as_ref().unwrap_or(&author)).then_some((author, room))
    }

    fn receive_room(&mut self, room: Contact, people: &[Contact]) {
        let mut name_of = |name: &str| {
            let person = people.iter().find(|person| person.user_name == name)?;
            Some(self.known_as(person))
        };
        let owner = name_of(&room.owner).unwrap_or_default();
        let members = room.members.iter().filter_map(|member| {
            let user_name = name_of(&member.user_name)?;
            Some(Member { user_name, ..member.clone() })
        });
        let members: Vec<Member> = members.collect();
        let is_member = members.iter().any(|member| member.user_name == self.account.user_name);
        let name = match self.by_permanent(&room.permanent) {
            Some(name) => name,
            None if is_member => {
                let room = Contact { permanent: room.permanent, ..self.new_room("", &[]) };
                self.add(Contact { contact_flag: 0, members: Vec::new(), ..room })
            }
            None => return,
        };
        let Some(before) = self.contact(&name).cloned() else { return };
        let after = Contact { nick_name: room.nick_name, owner, members, ..before.clone() };
        let after = match is_member {
            true if self.may_write_to(&name) => after,
            true => Contact { contact_flag: 2, ..after },
            false => Contact { contact_flag: 0, saved: false, ..after },
        };
        if after == before {
            return;
        }
        self.set_contact(&name, |contact| *contact = after);
        if self.rooms.silent.contains(&name) {
            // The client does not have it yet.
        } else if is_member {
            self.report_change(&name);
        } else if before.is_reachable() {
            self.timeline.push(Event::Removed { user_name: name, contact_flag: 0 });
        }
    }
}

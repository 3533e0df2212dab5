//! Friendships, profiles and invitations between accounts of the same service, and the notices in their common rooms.

use crate::contact::rooms::Invited;
use crate::contact::{Contact, Member};
use crate::message::Incoming;
use crate::message::app::App;
use crate::wire::text::off_the_wire;
use crate::world::World;
use crate::world::outgoing::{Outgoing, RoomEvent};
use crate::world::phone::Phone;

impl World {
    /// Sends a friend request to another account.
    pub(crate) fn share_request(&self, user: &str, greeting: &str) {
        let request =
            Outgoing::Request { profile: Box::new(self.profile()), greeting: greeting.to_owned() };
        self.send_to(&self.permanent_ids(&[user]), &request);
    }

    /// Notifies another account that its friend request was accepted, and adds the notice of the new friend.
    pub(crate) fn share_acceptance(&mut self, user: &str) {
        if !self.is_account(user) {
            return;
        }
        let accepted = Outgoing::Accepted(Box::new(self.profile()));
        self.send_to(&self.permanent_ids(&[user]), &accepted);
        let notice = format!("你已添加了{}，现在可以开始聊天了。", self.shown_name(user));
        self.deliver_here(Incoming::system(user, &notice));
    }

    /// Sends the account's profile to all other accounts.
    pub(crate) fn share_profile(&self) {
        self.send_to_all(&Outgoing::Profile(Box::new(self.profile())));
    }

    /// Invites other accounts into a room.
    pub(crate) fn share_invitations(&self, room: &str, users: &[String]) {
        let Some(room) = self.contact(room) else { return };
        let invitation = Outgoing::Invitation {
            author: self.account.permanent.clone(),
            room: room.permanent.clone(),
            name: room.nick_name.clone(),
        };
        self.send_to(&self.permanent_ids(users), &invitation);
    }

    /// Delivers the notice of a change that this account has made in a room, and sends it to the other accounts in the
    /// room; that of a removal, to the removed ones.
    pub(crate) fn share_room_event(&mut self, room: &str, event: RoomEvent) {
        let (members, Some(permanent)) = self.recipients(room) else { return };
        let (recipients, notice) = match &event {
            RoomEvent::Invited(names) | RoomEvent::Removed(names) if names.is_empty() => return,
            RoomEvent::Invited(joined) => {
                (members, format!("你邀请\"{}\"加入了群聊", self.shown_names(joined)))
            }
            RoomEvent::Removed(removed) => {
                (removed.clone(), format!("你将\"{}\"移出了群聊", self.shown_names(removed)))
            }
            RoomEvent::Renamed(name) => (members, format!("你修改群名为“{}”", off_the_wire(name))),
        };
        let author = self.account.permanent.clone();
        self.send_to(&recipients, &Outgoing::RoomEvent { author, room: permanent, event });
        if !self.rooms.silent.contains(room) {
            self.deliver_here(Incoming::system(room, &notice));
        }
    }

    /// Returns the permanent ids of these users; users without one are omitted.
    pub(crate) fn permanent_ids(&self, users: &[impl AsRef<str>]) -> Vec<String> {
        users.iter().filter_map(|user| self.permanent(user.as_ref())).collect()
    }

    pub(crate) fn receive_request(&mut self, profile: &Contact, greeting: &str) {
        let name = self.known_as(profile);
        if let Some(author) = self.contact(&name).cloned() {
            self.deliver_here(Incoming::friend_request(&author, greeting));
        }
    }

    pub(crate) fn receive_acceptance(&mut self, profile: &Contact) {
        let name = self.add_account(profile);
        self.report_change(&name);
        let text = "我通过了你的朋友验证请求，现在我们可以开始聊天了";
        self.deliver_here(Incoming::system(&name, text));
    }

    /// Takes over a changed profile. Only friends are reported to the client.
    pub(crate) fn receive_profile(&mut self, profile: &Contact) {
        let Some(name) = self.by_permanent(&profile.permanent) else { return };
        self.set_contact(&name, |contact| contact.nick_name.clone_from(&profile.nick_name));
        if self.contact(&name).is_some_and(|contact| contact.contact_flag & 1 != 0) {
            self.report_change(&name);
        }
    }

    pub(crate) fn receive_invitation(&mut self, author: &str, room: &str, name: &str) {
        let Some((from, _)) = self.chat(author, None) else { return };
        let ticket = self.rng.word(22);
        let invitation = App::link(
            "邀请你加入群聊",
            &format!(
                "\"{}\"邀请你加入群聊\"{}\"，进入可查看详情。",
                self.nick_name(&from),
                off_the_wire(name)
            ),
            &format!(
                "https://support.weixin.qq.com/cgi-bin/mmsupport-bin/addchatroombyinvite?ticket={ticket}%3D%3D"
            ),
        );
        self.deliver_here(Incoming::app(&from, &invitation));
        self.rooms.invited.push(Invited { room: room.to_owned(), by: author.to_owned() });
    }

    /// Adds an account that accepts an invitation of this one.
    pub(crate) fn receive_joining(&mut self, profile: &Contact, room: &str) {
        let Some(room) = self.by_permanent(room).filter(|room| self.may_write_to(room)) else {
            return;
        };
        let name = self.known_as(profile);
        if self.contact(&room).is_none_or(|room| room.has_member(&name)) {
            return;
        }
        self.change_contact(&room, |room| room.members.push(Member::new(&name)));
        self.share_room_event(&room, RoomEvent::Invited(vec![profile.permanent.clone()]));
    }

    pub(crate) fn receive_room_event(&mut self, author: &str, room: &str, event: &RoomEvent) {
        let Some((from, Some(room))) = self.chat(author, Some(room)) else { return };
        let by = self.shown_name(&from);
        let me = &self.account.user_name;
        let notice = match event {
            RoomEvent::Renamed(name) => format!("\"{by}\"修改群名为“{}”", off_the_wire(name)),
            RoomEvent::Removed(_) => format!("你被\"{by}\"移出群聊"),
            RoomEvent::Invited(joined) if joined.contains(&self.account.permanent) => {
                let members = self.contact(&room).map(|room| &*room.members).unwrap_or_default();
                let others = members.iter().map(|member| &member.user_name);
                let others = others.filter(|name| *name != me && **name != from);
                let others: Vec<String> = others.map(|name| self.shown_name(name)).collect();
                format!("\"{by}\"邀请你加入了群聊，群聊参与人还有：{}", others.join("、"))
            }
            RoomEvent::Invited(joined) => {
                format!("\"{by}\"邀请\"{}\"加入了群聊", self.shown_names(joined))
            }
        };
        self.deliver_here(Incoming::system(&room, &notice));
    }

    /// Returns the remark of a person, or else the name, in plain text.
    pub(crate) fn shown_name(&self, user_name: &str) -> String {
        match self.person(user_name).map(|person| off_the_wire(&person.remark_name)) {
            Some(remark) if !remark.is_empty() => remark,
            _ => self.nick_name(user_name),
        }
    }

    /// Returns the shown names of persons with these permanent ids.
    fn shown_names(&self, permanent: &[String]) -> String {
        let names = permanent.iter().filter_map(|permanent| self.by_permanent(permanent));
        names.map(|name| self.shown_name(&name)).collect::<Vec<_>>().join("、")
    }

    fn nick_name(&self, user_name: &str) -> String {
        self.person(user_name).map(|person| off_the_wire(&person.nick_name)).unwrap_or_default()
    }
}

impl Phone<'_> {
    /// Accepts the newest invitation into a room that another account has sent. Returns whether there is one. The
    /// account joins when the inviting account's world is locked next, for example by a request of its client.
    pub fn accepts_invitation(&mut self) -> bool {
        let Some(Invited { room, by }) = self.world.rooms.invited.pop() else { return false };
        let joining = Outgoing::Joining { profile: Box::new(self.world.profile()), room };
        self.world.send_to(&[by], &joining);
        true
    }
}

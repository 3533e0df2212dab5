//! Common operations, in one call each.

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};

use wechat_proto::contact::{
    Contact, FindContact, Members, PinChat, Recipient, Resolve, SetRemark, VerifyUser,
};
use wechat_proto::login::Logout;
use wechat_proto::media::{FileName, GetContactPicture, GetMedia, Head, Upload, UploadProgress};
use wechat_proto::message::{
    ForwardMessage, FriendRequest, NotifyPhone, Receipt, Revocation, RevokeMessage, SendText,
    SendUpload,
};
use wechat_proto::room::{
    AddMembers, CreateRoom, CreatedRoom, Founders, Joining, RoomMembers, UpdateRoom,
};
use wechat_proto::session::Me;
use wechat_proto::store::SavePolicy;
use wechat_proto::{Error, Message, UserName};
use wechat_transport::{NewFile, OutgoingFile};

use crate::client::Client;
use crate::download::Download;

/// The size in bytes of the largest download that is saved.
const SAVED: u64 = 1 << 30;

/// Runs a short file operation on a blocking thread of the runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let result = tokio::task::spawn_blocking(work).await;
    result.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}

/// # Conveniences
///
/// A recipient is a `UserName`, a contact, a message (its chat), or a name: see [`Recipient`]. A
/// name loads all contacts once. Besides the errors of their endpoints, these functions fail with:
///
/// - [`Error::UnknownContact`] and [`Error::AmbiguousContact`] if no contact or several contacts have
///   a name;
/// - [`Error::Invalid`] if the protocol cannot represent an argument.
///
/// In both cases no request is sent. Sends, forwards, revocations, friend requests and changes of rooms
/// are never repeated: if their outcome is unknown, they fail with [`Error::Unanswered`].
/// [`Client::send_file`] and [`Client::save`] need a tokio runtime for their files.
///
/// Futures may be dropped at any point: see the cancel safety of [`Client`].
impl Client {
    /// Finds a contact: see [`Resolve`].
    pub async fn resolve(&self, to: impl Into<Recipient>) -> Result<UserName, Error> {
        self.run(&mut Resolve::new(to)).await
    }

    /// Finds the record of a contact; for a room, with its members: see [`FindContact`].
    pub async fn contact(&self, to: impl Into<Recipient>) -> Result<Contact, Error> {
        self.run(&mut FindContact::new(to)).await
    }

    /// Returns the account itself.
    pub fn me(&self) -> Me {
        self.account.lock().session().me().clone()
    }

    /// Returns whether a message mentions the account: see [`Message::mentions`]. Returns `false`
    /// if that is unknown.
    pub fn mentions_me(&self, message: &Message) -> bool {
        let account = self.account.lock();
        message.mentions(account.directory(), account.session().me()) == Some(true)
    }

    /// Sends a text.
    pub async fn send_text(
        &self,
        to: impl Into<Recipient>,
        text: impl Into<Box<str>>,
    ) -> Result<Receipt, Error> {
        self.call(SendText::new(self.resolve(to).await?, text)).await
    }

    /// Sends a text to the chat of a message. The web cannot quote the message.
    pub async fn reply(
        &self,
        message: &Message,
        text: impl Into<Box<str>>,
    ) -> Result<Receipt, Error> {
        self.call(SendText::reply(message, text)).await
    }

    /// Sends a [reply](Client::reply) that mentions the author of a message in a room.
    pub async fn mention_reply(
        &self,
        message: &Message,
        text: impl Into<Box<str>>,
    ) -> Result<Receipt, Error> {
        self.call(SendText::mention_reply(message, &self.directory(), text)).await
    }

    /// Uploads a file and sends it as its content requires: as a picture, a video, an emoticon (a
    /// GIF) or a file. [`OutgoingFile`] has options, for example to send a picture as a file.
    ///
    /// `progress` receives each step of the upload. Fails with [`Error::Source`] if the file cannot be
    /// read. To resume an upload after a failure, use [`Client::upload`].
    pub async fn send_file(
        &self,
        to: impl Into<Recipient>,
        file: impl Into<OutgoingFile>,
        progress: impl FnMut(&UploadProgress),
    ) -> Result<Receipt, Error> {
        let file = file.into();
        let (source, local) = blocking(move || file.open()).await?;
        let source = tokio::fs::File::from_std(source);
        let mut upload = Upload::new(self.resolve(to).await?, local);
        let uploaded = self.upload(&mut upload, source, progress).await?;
        self.call(SendUpload::new(upload.to().clone(), &uploaded)).await
    }

    /// Downloads the media of a message into a folder, and returns the path of the new file.
    ///
    /// Its name is safe and has the right extension ([`FileName::of_media`]); an existing file is
    /// never overwritten: the name is numbered instead. A file that cannot be downloaded whole is
    /// removed. Fails with [`Error::NotFetchable`] if the message has no media, with
    /// [`Error::TooLarge`] above 1 GiB, and with [`Error::Sink`] if the file cannot be written.
    pub async fn save(
        &self,
        message: &Message,
        folder: impl AsRef<Path>,
    ) -> Result<PathBuf, Error> {
        let (head, body) = self.download(GetMedia::new(message)?).await?;
        let (folder, name) = (folder.as_ref().to_owned(), FileName::of_media(message, &head));
        let (new, file) = blocking(move || NewFile::create(&folder, &name)).await?;
        let mut file = tokio::fs::File::from_std(file);
        body.copy_to(&head, &mut file, SAVED, |_| {}).await?;
        Ok(new.keep())
    }

    /// Downloads the picture of a contact or a room.
    pub async fn avatar(&self, of: impl Into<Recipient>) -> Result<(Head, Download), Error> {
        self.download(GetContactPicture::of(&self.contact(of).await?)?).await
    }

    /// Forwards a message. Fails with [`Error::NotForwardable`] if its kind cannot be forwarded.
    pub async fn forward(
        &self,
        message: &Message,
        to: impl Into<Recipient>,
    ) -> Result<Receipt, Error> {
        self.call(ForwardMessage::new(message, self.resolve(to).await?)?).await
    }

    /// Revokes a message that was sent less than two minutes ago.
    pub async fn revoke(&self, receipt: &Receipt) -> Result<Revocation, Error> {
        self.call(RevokeMessage::new(receipt)).await
    }

    /// Removes the unread mark of a chat on the phone.
    pub async fn mark_read(&self, chat: impl Into<Recipient>) -> Result<(), Error> {
        self.call(NotifyPhone::mark_read(self.resolve(chat).await?)).await
    }

    /// Accepts a friend request.
    pub async fn accept(&self, request: &FriendRequest) -> Result<(), Error> {
        self.call(VerifyUser::accept_request(request)?).await
    }

    /// Sends a friend request, for example to a member of a room. The service blocks these requests
    /// for many accounts.
    pub async fn add_friend(
        &self,
        user: impl Into<Recipient>,
        greeting: impl Into<Box<str>>,
    ) -> Result<(), Error> {
        self.call(VerifyUser::add(self.resolve(user).await?, greeting)).await
    }

    /// Sets the remark of a contact. An empty remark removes it.
    pub async fn remark(&self, of: impl Into<Recipient>, remark: &str) -> Result<(), Error> {
        let remark = remark.parse()?;
        self.call(SetRemark::new(self.resolve(of).await?, remark)).await
    }

    /// Pins a chat to the top of the list.
    pub async fn pin(&self, chat: impl Into<Recipient>) -> Result<(), Error> {
        self.call(PinChat::new(&self.contact(chat).await?, true)).await
    }

    /// Unpins a chat.
    pub async fn unpin(&self, chat: impl Into<Recipient>) -> Result<(), Error> {
        self.call(PinChat::new(&self.contact(chat).await?, false)).await
    }

    /// Creates a room with two or more others. The topic may be empty.
    pub async fn create_room(
        &self,
        members: impl IntoIterator<Item = impl Into<Recipient>>,
        topic: impl Into<Box<str>>,
    ) -> Result<CreatedRoom, Error> {
        let founders = Founders::new(self.resolve_all(members).await?, &self.me().user_name)?;
        self.call(CreateRoom::new(founders, topic)).await
    }

    /// Adds people to a room, or invites them if it is large: see [`AddMembers`].
    pub async fn add_members(
        &self,
        room: impl Into<Recipient>,
        members: impl IntoIterator<Item = impl Into<Recipient>>,
    ) -> Result<Joining, Error> {
        let members = RoomMembers::new(self.resolve_all(members).await?)?;
        self.run(&mut AddMembers::new(&self.contact(room).await?, members)).await
    }

    /// Removes members from a room that the account owns. Names are looked up among the members first
    /// ([`Directory::resolve_member`](wechat_proto::contact::Directory::resolve_member)).
    pub async fn remove_members(
        &self,
        room: impl Into<Recipient>,
        members: impl IntoIterator<Item = impl Into<Recipient>>,
    ) -> Result<(), Error> {
        let room = self.contact(room).await?.user_name;
        let directory = self.directory();
        let members =
            members.into_iter().map(|member| directory.resolve_member(&room, &member.into()));
        let members = RoomMembers::new(members.collect::<Result<Vec<_>, _>>()?)?;
        self.call(UpdateRoom::remove(room, members)).await.map(drop)
    }

    /// Changes the topic of a room.
    pub async fn rename_room(
        &self,
        room: impl Into<Recipient>,
        topic: impl Into<Box<str>>,
    ) -> Result<(), Error> {
        self.call(UpdateRoom::rename(self.resolve(room).await?, topic)).await.map(drop)
    }

    /// Leaves a room.
    pub async fn leave_room(&self, room: impl Into<Recipient>) -> Result<(), Error> {
        self.call(UpdateRoom::quit(self.resolve(room).await?)).await.map(drop)
    }

    /// Returns the members of a room, and looks them up if some are unknown.
    pub async fn members(&self, room: impl Into<Recipient>) -> Result<Members, Error> {
        Ok(self.contact(room).await?.members)
    }

    /// Logs out, and saves the closed session: see [`Logout`]. The events end with
    /// [`Event::Closed`](wechat_proto::Event::Closed).
    pub async fn logout(&self) -> Result<(), Error> {
        self.call(Logout::new()).await?;
        match self.save_policy() {
            SavePolicy::Manual => Ok(()),
            _ => self.save_session().await,
        }
    }

    async fn resolve_all(
        &self,
        names: impl IntoIterator<Item = impl Into<Recipient>>,
    ) -> Result<Vec<UserName>, Error> {
        let mut found = Vec::new();
        for name in names {
            found.push(self.resolve(name).await?);
        }
        Ok(found)
    }
}

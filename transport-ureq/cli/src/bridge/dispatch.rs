//! The operations of the bridge, run by the client's functions.

use std::io;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use serde_json::{Value, json};
use wechat_proto::Error;
use wechat_proto::contact::Contact;
use wechat_proto::media::{FileName, GetMedia};
use wechat_proto::message::{ForwardMessage, Kind, SendText};
use wechat_proto::room::Joining;
use wechat_transport_ureq::OutgoingFile;

use super::operation::Operation;
use super::runner::Runner;
use crate::drop::download::fetch;
use crate::exit::{Exit, Failure};
use crate::notes::folder_of;
use crate::output::text;
use crate::upload;

impl Runner {
    /// Runs an operation, and returns its result. Its `UserName`s have their login.
    ///
    /// # Errors
    ///
    /// Those of the client's function; [`Exit::Contact`] with the kind `stale_contact` for a
    /// `UserName` of an earlier login; [`Exit::Usage`] for contradictory arguments.
    pub(crate) fn run(&self, operation: &Operation) -> Result<Value, Failure> {
        let mut result = self.run_plain(operation)?;
        self.epoch.add(&mut result);
        Ok(result)
    }

    /// Runs an operation like [`run`](Self::run), but the `UserName`s of the result have no login.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run).
    pub(crate) fn run_plain(&self, operation: &Operation) -> Result<Value, Failure> {
        let client = &self.client;
        match operation {
            Operation::SendText(send) => {
                let to = self.resolve(&send.to)?;
                if send.text.is_empty() {
                    let (en, zh) = ("an empty text cannot be sent", "不能发送空文本");
                    return Err(Failure::new(Exit::Usage, en, zh));
                }
                let text = || Ok(SendText::new(to, &*send.text));
                self.send(send.key.as_deref(), text, SendText::with_id)
            }
            Operation::SendImage(file) | Operation::SendVideo(file) => {
                let outgoing = named(OutgoingFile::new(&file.path), file.name.as_deref());
                self.send_file(&file.to, &file.path, outgoing, file.key.as_deref())
            }
            Operation::SendFile(file) => {
                let outgoing = OutgoingFile::new(&file.path).as_document();
                let outgoing = named(outgoing, file.name.as_deref());
                self.send_file(&file.to, &file.path, outgoing, file.key.as_deref())
            }
            Operation::SendEmoticon(emoticon) => self.send_emoticon(emoticon),
            Operation::Forward(forward) => {
                let message = self.message(forward.msg_id.as_deref(), forward.message.as_ref())?;
                let to = self.resolve(&forward.to)?;
                let endpoint = || Ok(ForwardMessage::new(&message, to).map_err(Error::from)?);
                self.send(forward.key.as_deref(), endpoint, ForwardMessage::with_id)
            }
            Operation::Revoke(revoke) => {
                let to = revoke.to.as_deref();
                let receipt =
                    self.receipt(revoke.msg_id.as_deref(), revoke.message.as_ref(), to)?;
                let revoked = client.revoke(&receipt)?;
                Ok(json!({
                    "to": receipt.to, "msg_id": receipt.msg_id, "text": revoked.wording,
                }))
            }
            Operation::MarkRead(chat) => done(client.mark_read(self.resolve(&chat.chat)?)),
            Operation::Contacts(contacts) => {
                let directory = client.contacts()?;
                let pattern = contacts.pattern.as_deref().unwrap_or_default();
                let mut found: Vec<_> = directory.search(pattern).collect();
                found.sort_by_cached_key(|contact| (contact.sort_key(), contact.user_name.clone()));
                let found: Vec<_> =
                    found.into_iter().map(|contact| self.contact(contact)).collect();
                Ok(json!({ "contacts": found }))
            }
            Operation::Find(name) => Ok(self.contact(&client.contact(self.resolve(&name.name)?)?)),
            Operation::Members(room) => {
                let members = client.members(self.room(&room.room)?)?;
                let directory = client.directory();
                let members: Vec<_> = members
                    .iter()
                    .map(|member| {
                        let name = directory.name_of_member(member);
                        json!({ "name": name, "user": member.user_name, "member": member })
                    })
                    .collect();
                Ok(json!({ "members": members }))
            }
            Operation::SetRemark(remark) => {
                done(client.remark(self.resolve(&remark.user)?, &remark.remark))
            }
            Operation::Pin(chat) => done(client.pin(self.resolve(&chat.chat)?)),
            Operation::Unpin(chat) => done(client.unpin(self.resolve(&chat.chat)?)),
            Operation::AddFriend(add) => {
                done(client.add_friend(self.resolve(&add.user)?, &*add.greeting))
            }
            Operation::AcceptFriend(accept) => {
                let message = self.message(accept.msg_id.as_deref(), accept.message.as_ref())?;
                let Kind::FriendRequest(request) = &message.kind else {
                    let (en, zh) = ("the message is not a friend request", "该消息不是好友请求");
                    return Err(Failure::new(Exit::Usage, en, zh));
                };
                done(client.accept(request))
            }
            Operation::CreateRoom(room) => {
                let created = client.create_room(self.resolve_all(&room.members)?, &*room.topic)?;
                Ok(json!({
                    "room": created.room,
                    "topic": created.topic,
                    "members": created.members,
                    "black_list": created.black_list,
                }))
            }
            Operation::AddMembers(add) => {
                let (room, members) = (self.room(&add.room)?, self.resolve_all(&add.members)?);
                let joining = client.add_members(room, members)?;
                Ok(json!({ "invited": matches!(joining, Joining::Invited(_)) }))
            }
            Operation::RemoveMembers(remove) => {
                let room = self.room(&remove.room)?;
                let members = remove.members.iter().map(|name| self.recipient(name));
                done(client.remove_members(room, members.collect::<Result<Vec<_>, _>>()?))
            }
            Operation::RenameRoom(room) => {
                done(client.rename_room(self.room(&room.room)?, &*room.topic))
            }
            Operation::QuitRoom(room) => done(client.leave_room(self.room(&room.room)?)),
            Operation::Download(download) => {
                let message =
                    self.message(download.msg_id.as_deref(), download.message.as_ref())?;
                let media = GetMedia::new(&message).map_err(Error::from)?;
                let bar = match &self.output {
                    Some(output) => upload::bar(0, &text(&message, output.lang), output),
                    None => ProgressBar::hidden(),
                };
                let saved = save(&download.path, |file| {
                    let (head, size) = fetch(client, &media, file, LIMIT, &bar)?;
                    Ok((FileName::of_media(&message, &head), size))
                });
                bar.finish_and_clear();
                let mut saved = saved?;
                saved["msg_id"] = json!(message.id);
                Ok(saved)
            }
            Operation::Avatar(avatar) => {
                let user = self.resolve(&avatar.user)?;
                save(&avatar.path, |file| {
                    let (head, body) = client.avatar(&user)?;
                    let size = body.copy_to(&head, file, LIMIT, |_| {})?;
                    let name = format!("{}.jpg", client.directory().name_of(&user));
                    Ok((FileName::from(&*name), size))
                })
            }
            Operation::Logout(_) => done(client.logout()),
            Operation::Status(_) | Operation::Ack(_) | Operation::Events(_) => Err(Failure::new(
                Exit::Usage,
                "the operation is not possible here",
                "此处不能执行该操作",
            )),
        }
    }

    fn contact(&self, contact: &Contact) -> Value {
        let name = self.client.directory().name_of(&contact.user_name);
        json!({ "name": name, "kind": contact.kind(), "contact": contact })
    }
}

/// The size of the largest download, in bytes.
const LIMIT: u64 = 4 << 30;

fn done(result: Result<(), Error>) -> Result<Value, Failure> {
    result.map(|()| json!({})).map_err(Failure::from)
}

/// Sets the name that the receiver sees.
fn named(outgoing: OutgoingFile, name: Option<&str>) -> OutgoingFile {
    match name {
        Some(name) => outgoing.named(name),
        None => outgoing,
    }
}

/// Returns a builder of temporary files with the permissions of other new files.
fn builder<'a>() -> tempfile::Builder<'a, 'a> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "permissions are of Unix"))]
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// Writes a new file, which appears when it is complete: in a folder under the name that `write`
/// returns with the size, or the first numbered one that is free; otherwise under exactly this path.
/// Replaces no file.
fn save(
    path: &Path,
    write: impl FnOnce(&mut std::fs::File) -> Result<(FileName, u64), Error>,
) -> Result<Value, Failure> {
    let failure = |error: &io::Error| Failure::file(path, error);
    let folder = if path.is_dir() { path } else { folder_of(path) };
    let mut file = builder().tempfile_in(folder).map_err(|error| failure(&error))?;
    let (name, size) = write(file.as_file_mut()).map_err(|error| match error {
        Error::Sink(cause) => Failure::of_file(path, &cause),
        error => error.into(),
    })?;
    let names: &mut dyn Iterator<Item = PathBuf> = match path.is_dir() {
        true => &mut (0..10_000).map(|number| folder.join(name.numbered(number).as_str())),
        false => &mut std::iter::once(path.to_path_buf()),
    };
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for path in names {
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(json!({ "path": path, "size": size })),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                (file, last) = (error.file, error.error);
            }
            Err(error) => return Err(failure(&error.error)),
        }
    }
    Err(failure(&last))
}

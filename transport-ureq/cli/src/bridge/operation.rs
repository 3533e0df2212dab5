//! The operations of the bridge, in the form of requests.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An operation: `{"do":"send_text","to":"filehelper","text":"hi"}`. `docs/bridge.md` has the schema.
///
/// Contacts are named as on the command line, or by a `UserName` with its login.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Operation {
    SendText(Text),
    SendImage(File),
    SendVideo(File),
    SendFile(File),
    SendEmoticon(Emoticon),
    Forward(Forward),
    Revoke(Revoke),
    MarkRead(Chat),
    Contacts(Pattern),
    Find(Name),
    Members(Room),
    SetRemark(Remark),
    Pin(Chat),
    Unpin(Chat),
    AddFriend(Greeting),
    AcceptFriend(Reference),
    CreateRoom(NewRoom),
    AddMembers(RoomMembers),
    RemoveMembers(RoomMembers),
    RenameRoom(Topic),
    QuitRoom(Room),
    Download(Download),
    Avatar(Avatar),
    Logout(Nothing),
    Status(Nothing),
    /// Acknowledges an event.
    Ack(Seq),
    /// Subscribes this connection to the events.
    Events(Nothing),
}

/// Defines the arguments of operations. Other fields are errors.
macro_rules! arguments {
    ($($name:ident { $($field:ident: $type:ty),* $(,)? })*) => {$(
        #[derive(Clone, Debug, Default, Deserialize, Serialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $(pub(crate) $field: $type,)*
        }
    )*};
}

arguments! {
    Text { to: String, text: String, key: Option<String> }
    File { to: String, path: PathBuf, name: Option<String>, key: Option<String> }
    Emoticon { to: String, path: Option<PathBuf>, md5: Option<String>, key: Option<String> }
    Forward { msg_id: Option<String>, message: Option<Value>, to: String, key: Option<String> }
    Revoke { msg_id: Option<String>, message: Option<Value>, to: Option<String> }
    Reference { msg_id: Option<String>, message: Option<Value> }
    Download { msg_id: Option<String>, message: Option<Value>, path: PathBuf }
    Chat { chat: String }
    Pattern { pattern: Option<String> }
    Name { name: String }
    Room { room: String }
    Remark { user: String, remark: String }
    Greeting { user: String, greeting: String }
    NewRoom { members: Vec<String>, topic: String }
    RoomMembers { room: String, members: Vec<String> }
    Topic { room: String, topic: String }
    Avatar { user: String, path: PathBuf }
    Seq { seq: u64 }
    Nothing {}
}

impl Operation {
    /// Returns whether it changes something at the service, so that it must not be repeated
    /// silently.
    pub(crate) const fn is_change(&self) -> bool {
        !matches!(
            self,
            Self::Contacts(_)
                | Self::Find(_)
                | Self::Members(_)
                | Self::Download(_)
                | Self::Avatar(_)
                | Self::Status(_)
                | Self::Events(_)
        )
    }
}

//! Guides: recipes, and tables for users of other clients.

pub mod cookbook {
    #![doc = include_str!("../docs/cookbook.md")]

    #[cfg(doc)]
    use crate::*;
}

pub mod coming_from {
    #![doc = include_str!("../docs/coming-from.md")]

    #[cfg(doc)]
    use wechat_proto::contact::{
        BatchGetContacts, Change, Contact, Directory, GetContacts, Member, Members, PinChat,
        SetRemark, VerifyUser,
    };
    #[cfg(doc)]
    use wechat_proto::login::{
        CheckScan, GetQrCode, GetUuid, InitSession, Logout, Progress, PushLogin, RedeemTicket,
        Resume,
    };
    #[cfg(doc)]
    use wechat_proto::media::{GetContactPicture, GetMedia};
    #[cfg(doc)]
    use wechat_proto::message::{
        AppContent, FriendRequest, Kind, NotifyPhone, RevokeMessage, SendEmoticon, SendFile,
        SendImage, SendText, SendUpload, SendVideo, SystemEvent,
    };
    #[cfg(doc)]
    use wechat_proto::room::{CreateRoom, UpdateRoom};
    #[cfg(doc)]
    use wechat_proto::router::When;
    #[cfg(doc)]
    use wechat_proto::store::SessionStore;
    #[cfg(doc)]
    use wechat_proto::sync::{FetchBatch, SyncCheck};
    #[cfg(doc)]
    use wechat_proto::{Account, Endpoint, Entry, Message, MsgId, Session, UserName, Uuid};

    #[cfg(doc)]
    use crate::*;
}

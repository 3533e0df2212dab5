//! Guides: recipes, and tables for users of other clients.

pub mod cookbook {
    #![doc = include_str!("../docs/cookbook.md")]

    #[cfg(doc)]
    use crate::*;
}

pub mod coming_from {
    #![doc = include_str!("../docs/coming-from.md")]

    #[cfg(doc)]
    use wechat_proto::contact::{Change, Contact, Directory, Member, Members};
    #[cfg(doc)]
    use wechat_proto::login::{Progress, Resume};
    #[cfg(doc)]
    use wechat_proto::media::GetMedia;
    #[cfg(doc)]
    use wechat_proto::message::{
        AppContent, FriendRequest, Kind, SendEmoticon, SendUpload, SystemEvent,
    };
    #[cfg(doc)]
    use wechat_proto::router::When;
    #[cfg(doc)]
    use wechat_proto::store::SessionStore;
    #[cfg(doc)]
    use wechat_proto::{Account, Endpoint, Entry, Message, MsgId, Session, UserName, Uuid};

    #[cfg(doc)]
    use crate::*;
}

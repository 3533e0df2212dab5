//! What all sends have in common: `docs/protocol.md` §6.1.

use alloc::string::{String, ToString as _};

use serde::Serialize;

use crate::call::Call;
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::{ClientMsgId, MsgId, UserName};
use crate::session::Session;
use crate::text::Text;
use crate::wire::envelope::{self, BaseRequest, reply};
use crate::wire::query::Url;

/// The service took a message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Receipt {
    /// Its number for it: what a revocation names.
    pub msg_id: MsgId,
    /// The client's own number for it, if the service repeats that.
    pub client_msg_id: Option<ClientMsgId>,
}

impl Receipt {
    /// The receipt of a message whose number was kept, or that another device of this account
    /// sent: enough to take it back.
    pub const fn of(msg_id: MsgId) -> Self {
        Self { msg_id, client_msg_id: None }
    }
}

/// An endpoint that takes messages.
pub(super) struct Endpoint {
    pub(super) path: &'static str,
    /// What its query always begins with.
    pub(super) query: &'static [(&'static str, &'static str)],
    pub(super) parse: fn(&Response) -> Result<Receipt, Error>,
}

/// What sends of pictures, videos and files have in their queries.
pub(super) const ASYNC: &[(&str, &str)] = &[("fun", "async"), ("f", "json")];

/// How a message comes about.
#[derive(Clone, Copy, Serialize)]
#[serde(into = "u8")]
pub(super) enum Scene {
    New,
    Forwarded,
}

impl From<Scene> for u8 {
    fn from(scene: Scene) -> Self {
        match scene {
            Scene::New => 0,
            Scene::Forwarded => 2,
        }
    }
}

/// Sends what `kind` says: the fields that come first in `Msg`, in the official order.
pub(super) fn call<K: Serialize>(
    session: &mut Session,
    endpoint: &Endpoint,
    to: &UserName,
    id: ClientMsgId,
    scene: Scene,
    kind: K,
) -> Call<Receipt> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a, K> {
        base_request: BaseRequest,
        msg: Msg<'a, K>,
        scene: Scene,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Msg<'a, K> {
        #[serde(flatten)]
        kind: K,
        from_user_name: &'a UserName,
        to_user_name: &'a UserName,
        #[serde(rename = "LocalID")]
        local_id: &'a str,
        client_msg_id: &'a str,
    }
    let id: String = id.to_string();
    let base_request = session.base_request();
    let from_user_name = &session.me.user_name;
    let msg = Msg { kind, from_user_name, to_user_name: to, local_id: &id, client_msg_id: &id };
    let mut url = Url::new(&session.device, Role::Api, endpoint.path);
    for (name, value) in endpoint.query {
        url = url.with(name, value);
    }
    let http = url
        .with("lang", session.device.lang.as_str())
        .with("pass_ticket", session.auth.pass_ticket.expose())
        .post_json(&session.device, &Body { base_request, msg, scene });
    Call::once(http, endpoint.parse)
}

/// Reads the reply of an endpoint that takes messages.
pub(super) fn receipt(endpoint: &'static str, reply: &Response) -> Result<Receipt, Error> {
    let wire: Wire = envelope::open(endpoint, reply)?;
    Ok(Receipt { msg_id: MsgId::from(&*wire.msg_id), client_msg_id: wire.local_id.parse().ok() })
}

reply! {
    struct Wire {
        "MsgID" => msg_id: Text,
        "LocalID" => local_id: Text,
    }
}

/// What the tests of every endpoint that takes messages check of its parser.
#[cfg(test)]
pub(super) fn reads(endpoint: &str, parse: fn(&Response) -> Result<Receipt, Error>) {
    use crate::error::Ret;
    use crate::testing::{malformed, reply};

    let sent = parse(&reply(r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MsgID":"4527210051674039705","LocalID":"14766146756340722"}"#)).unwrap();
    assert_eq!(sent.msg_id.as_str(), "4527210051674039705");
    assert_eq!(sent.client_msg_id.unwrap().to_string(), "14766146756340722");
    // Peers of the service have been seen to answer with less, and with numbers.
    let bare = parse(&reply(r#"{"BaseResponse":{"Ret":0},"MsgID":12,"LocalID":"1"}"#)).unwrap();
    assert_eq!(bare, Receipt::of(MsgId::from("12")));

    let refused = |ret: i64, text: &str| {
        let body = serde_json::json!({ "BaseResponse": { "Ret": ret, "ErrMsg": text } });
        parse(&reply(&body.to_string())).unwrap_err()
    };
    let notice = "<e><ShowType>1</ShowType><Content><![CDATA[操作太频繁]]></Content></e>";
    match refused(1, notice) {
        Error::Refused { endpoint: said, ret: Ret::PARAMETER, message } => {
            assert_eq!((said, &*message), (endpoint, "操作太频繁"));
        }
        other => panic!("{other}"),
    }
    let stranger = refused(1204, "");
    assert!(matches!(stranger, Error::Refused { ret: Ret::NOT_A_CONTACT, .. }));
    assert!(matches!(refused(1205, ""), Error::Limited { endpoint: said, .. } if said == endpoint));
    assert!(matches!(refused(1101, ""), Error::LoggedOut { ret: Ret::SESSION_INVALID, .. }));
    malformed(parse, &[]);
    match parse(&reply("<html>")).unwrap_err() {
        Error::Malformed { endpoint: said, .. } => assert_eq!(said, endpoint),
        other => panic!("{other}"),
    }
}

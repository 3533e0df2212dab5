//! A single reply, message or contact, without its request.

use serde_json::Value;
use wechat_proto::Message;
use wechat_proto::bytes::Bytes;
use wechat_proto::contact::Contact;

use super::contacts;
use super::har::{Body, Exchange};
use super::mask::Masks;
use super::meaning::Meaning;
use super::messages;
use super::row::Row;
use super::state::State;

/// A text of the protocol.
pub(crate) struct Single {
    /// The endpoint, or `message`, `contact`, `records`.
    kind: &'static str,
    pub(super) text: String,
}

/// The endpoints whose replies have a field that no other has.
const FIELDS: &[(&str, &str)] = &[
    ("AddMsgList", "webwxsync"),
    ("ModContactList", "webwxsync"),
    ("DelContactList", "webwxsync"),
    ("ModChatRoomMemberList", "webwxsync"),
    ("User", "webwxinit"),
    ("Seq", "webwxgetcontact"),
    ("ContactList", "webwxbatchgetcontact"),
    ("ChatRoomName", "webwxcreatechatroom"),
    ("Introduction", "webwxrevokemsg"),
    ("SysWording", "webwxrevokemsg"),
    ("StartPos", "webwxuploadmedia"),
    ("AESKey", "webwxcheckupload"),
    ("MsgID", "webwxsendmsg"),
    ("FullURL", "webwxcheckurl"),
    ("List", "webwxsearchcontact"),
    ("MemberList", "webwxgetcontact"),
    ("BaseResponse", "webwxstatusnotify"),
    ("uuid", "webwxpushloginurl"),
];

/// The endpoints whose replies are not JSON, by a part of their text.
const TEXTS: &[(&str, &str)] = &[
    ("window.synccheck", "synccheck"),
    ("window.QRLogin", "jslogin"),
    ("window.code", "login"),
    ("<error>", "webwxnewloginpage"),
    ("&lt;error&gt;", "webwxnewloginpage"),
    ("\"AddMsgList\"", "webwxsync"),
    ("\"MemberList\"", "webwxgetcontact"),
    ("\"ContactList\"", "webwxbatchgetcontact"),
    ("\"MsgType\"", "message"),
];

impl Single {
    /// Returns the text of a JSON value, if it is of the protocol.
    pub(crate) fn of_json(text: &str, value: &Value) -> Option<Self> {
        let is_record =
            |value: &Value| value.get("MsgType").is_some() || value.get("UserName").is_some();
        if let Some(raw) = value.get("raw").filter(|raw| is_record(raw)) {
            // A line of `wechat listen --json`.
            return Self::of_json(&raw.to_string(), raw);
        }
        let of = |kind| Self { kind, text: text.to_owned() };
        if value.get("MsgType").is_some() {
            return Some(of("message"));
        }
        if value.get("UserName").is_some() {
            return Some(of("contact"));
        }
        if value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(is_record)) {
            return Some(of("records"));
        }
        let (_, kind) = FIELDS.iter().find(|(field, _)| value.get(field).is_some())?;
        let mut single = of(*kind);
        if *kind != "webwxpushloginurl" && value.get("BaseResponse").is_none() {
            // A part of a reply, such as a list alone.
            let mut value = value.clone();
            value["BaseResponse"] = serde_json::json!({ "Ret": 0 });
            single.text = value.to_string();
        }
        Some(single)
    }

    /// Returns a text that is not JSON, if it is of the protocol.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let (_, kind) = TEXTS.iter().find(|(part, _)| text.contains(part))?;
        Some(Self { kind, text: text.to_owned() })
    }

    /// Returns one row, or one for each record of a list.
    pub(super) fn rows(&self, state: &mut State, masks: &mut Masks) -> Vec<Row> {
        match self.kind {
            "message" | "contact" => vec![record(&self.text, state, masks)],
            "records" => {
                let list: Vec<Value> = serde_json::from_str(&self.text).unwrap_or_default();
                list.iter().map(|value| record(&value.to_string(), state, masks)).collect()
            }
            endpoint => {
                let exchange = Exchange {
                    url: format!("/cgi-bin/mmwebwx-bin/{endpoint}"),
                    status: 200,
                    response_body: Body::Known(Bytes::from(self.text.clone())),
                    ..Exchange::default()
                };
                vec![Row::of(&exchange, state, masks)]
            }
        }
    }
}

fn record(json: &str, state: &mut State, masks: &mut Masks) -> Row {
    let is_message = json.contains("\"MsgType\"");
    let meaning: Result<Meaning, String> = match is_message {
        true => Message::from_json(json, state.me())
            .map(|message| messages::message(&message, state))
            .map_err(|error| error.to_string()),
        false => Contact::from_json(json)
            .map(|contact| contacts::learned(vec![contact], state))
            .map_err(|error| error.to_string()),
    };
    Row::of_record(if is_message { "message" } else { "contact" }, json, meaning, masks)
}

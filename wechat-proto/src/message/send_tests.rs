//! Tests of all sends.

use super::*;
use crate::endpoint::Numbered;
use crate::error::Ret;
use crate::testing::{NOW, body, malformed, reply, session};

/// Checks the common behaviour of all sends: how they parse replies, and that they keep their id
/// until a reply confirms the message.
pub(in crate::message) fn check(
    endpoint: &str,
    mut send: impl Numbered<State = Session, Output = Receipt>,
) {
    let sent = send.parse(&reply(r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MsgID":"4527210051674039705","LocalID":"14766146756340722"}"#)).unwrap();
    assert_eq!(sent.msg_id.as_str(), "4527210051674039705");
    assert_eq!(sent.client_msg_id.unwrap().to_string(), "14766146756340722");
    // Some replies lack fields, and have numbers instead of strings.
    let bare = reply(r#"{"BaseResponse":{"Ret":0},"MsgID":12,"LocalID":"1"}"#);
    assert_eq!(send.parse(&bare).unwrap(), Receipt::of(MsgId::from("12")));

    let refused = |ret: i64, text: &str| {
        let body = serde_json::json!({ "BaseResponse": { "Ret": ret, "ErrMsg": text } });
        send.parse(&reply(&body.to_string())).unwrap_err()
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
    malformed(&send, &[]);
    match send.parse(&reply("<html>")).unwrap_err() {
        Error::Malformed { endpoint: said, .. } => assert_eq!(said, endpoint),
        other => panic!("{other}"),
    }

    let mut session = session();
    let uri = http::Uri::from_static("https://wx.qq.com/");
    let number = |request: http::Request<Body>| {
        let sent: serde_json::Value = serde_json::from_str(&body(&request)).unwrap();
        assert_eq!(sent["Msg"]["LocalID"], sent["Msg"]["ClientMsgId"]);
        sent["Msg"]["ClientMsgId"].clone()
    };
    let first = number(send.request(&mut session, NOW));
    for failed in ["", r#"{"BaseResponse":{"Ret":1}}"#] {
        send.receive(&mut session, &uri, &reply(failed), NOW).unwrap_err();
        assert_eq!(number(send.request(&mut session, NOW)), first);
    }
    send.receive(&mut session, &uri, &bare, NOW).unwrap();
    assert_ne!(number(send.request(&mut session, NOW)), first);
}

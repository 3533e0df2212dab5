//! Tests of all sends.

use super::*;
use crate::endpoint::Numbered;
use crate::media::MediaType;
use crate::message::{ForwardMessage, SendEmoticon, SendFile, SendImage, SendText, SendVideo};
use crate::testing::{NOW, body, malformed, reply, said, session, uploaded};

/// All sends parse replies in the same way, and keep their id until a reply confirms the message.
#[test]
fn all_sends_parse_replies_and_keep_their_id() {
    let to = UserName::file_helper;
    let [picture, video, gif, file] = [
        (MediaType::Picture, "p.png"),
        (MediaType::Video, "v.mp4"),
        (MediaType::Document, "wave.gif"),
        (MediaType::Document, "a.csv"),
    ]
    .map(|(media_type, name)| uploaded(media_type, name));
    check("webwxsendmsg", SendText::new(to(), "x"));
    check("webwxsendmsg", ForwardMessage::new(&said(1, "", "hi"), to()).unwrap());
    check("webwxsendmsgimg", SendImage::new(to(), &picture));
    check("webwxsendvideomsg", SendVideo::new(to(), &video));
    check("webwxsendemoticon", SendEmoticon::new(to(), &gif));
    check("webwxsendappmsg", SendFile::new(to(), &file));
}

fn check(endpoint: &str, mut send: impl Numbered<State = Session, Output = Receipt>) {
    let sent = send.parse(&reply(r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MsgID":"4527210051674039705","LocalID":"14766146756340722"}"#)).unwrap();
    assert_eq!(sent.msg_id.to_string(), "4527210051674039705");
    assert_eq!(sent.client_msg_id.unwrap().to_string(), "14766146756340722");
    let stored = serde_json::to_string(&sent).unwrap();
    assert!(stored.contains(r#""client_msg_id":"14766146756340722""#), "{stored}");
    assert_eq!(serde_json::from_str::<Receipt>(&stored).unwrap(), sent);
    // Some replies lack fields, and have numbers instead of strings.
    let bare = reply(r#"{"BaseResponse":{"Ret":0},"MsgID":12,"LocalID":"1"}"#);
    let receipt = send.parse(&bare).unwrap();
    assert_eq!(receipt, Receipt::of(receipt.to.clone(), MsgId::from("12")));

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

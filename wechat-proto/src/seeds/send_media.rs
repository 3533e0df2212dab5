//! Samples of sending pictures, emoticons and files, in the first notes only: `docs/protocol.md` §6.

use super::*;
use crate::endpoint::Endpoint as _;
use crate::ids::ClientMsgId;
use crate::media::{MediaType, Uploaded};
use crate::message::{Receipt, SendEmoticon, SendFile, SendImage};
use crate::testing::{NOW, built, reply};

/// A parameter that all of their requests lack.
const PASS_TICKET: Difference = Difference {
    what: "?pass_ticket",
    how: Added(THIRD.pass_ticket),
    why: "docs/protocol.md §6.2: in the query of every send",
};

fn number(text: &str) -> ClientMsgId {
    text.parse().unwrap()
}

fn uploaded(media_type: MediaType, file_name: &str, media_id: &str) -> Uploaded {
    Uploaded {
        media_id: media_id.into(),
        media_type,
        file_name: file_name.into(),
        size: 1760,
        keys: Default::default(),
    }
}

fn receipt(msg_id: &str, local_id: &str) -> Receipt {
    Receipt { client_msg_id: Some(number(local_id)), ..Receipt::of(msg_id.into()) }
}

#[test]
fn webwxsendemoticon_request_matches_first_notes() {
    let printed = r#"
POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendemoticon?fun=sys&lang=zh_CN
Content-Type:application/json;charset=UTF-8

	{
		"BaseRequest": {
			"Uin": 752650838,
			"Sid": "2uor+DO3JHqeS5te",
			"Skey": "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713",
			"DeviceID": "e961665475339031"
		},
		"Msg": {
			"Type": 47,
			"EmojiFlag": 2,
			"EMoticonMd5": "a0c4153e43c3fd2e9a2fbb9be2f4de07",
			"FromUserName": "@09ed9af327a6d3a72207694691225f8863ada86849607ed416ca81a32452560d",
			"ToUserName": "@13fb91d71abb4e3d530fa6a189c5ef4853a68a9ff53500764ba90e87ed2dbf42",
			"LocalID": "14766150190560991",
			"ClientMsgId": "14766150190560991"
		},
		"Scene": 0
	}"#;
    let mut session = THIRD.session(Family::Wx, SyncKey::default());
    let id = number("14766150190560991");
    let md5 = "a0c4153e43c3fd2e9a2fbb9be2f4de07".parse().unwrap();
    let call = built(SendEmoticon::known(name(FRIEND), md5).with_id(id), &mut session, NOW);
    compare(&call, printed, &[PASS_TICKET, DEVICE_ID]);

    // In their list of fields, an uploaded emoticon has `MediaId` in place of the MD5.
    let printed = printed.replace(
        "\"EMoticonMd5\": \"a0c4153e43c3fd2e9a2fbb9be2f4de07\"",
        "\"MediaId\": \"@crypt_76a3b8c1\"",
    );
    let gif = uploaded(MediaType::Document, "x.gif", "@crypt_76a3b8c1");
    let call = built(SendEmoticon::new(name(FRIEND), &gif).with_id(id), &mut session, NOW);
    compare(&call, &printed, &[PASS_TICKET, DEVICE_ID]);
}

#[test]
fn webwxsendmsgimg_request_matches_first_notes() {
    let printed = r#"
POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendmsgimg?fun=async&f=json&lang=zh_CN
Content-Type:application/json;charset=UTF-8

	{
		"BaseRequest": {
			"Uin": 752650838,
			"Sid": "2uor+DO3JHqeS5te",
			"Skey": "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713",
			"DeviceID": "e374531581999650"
		},
		"Msg": {
			"Type": 3,
			"MediaId": "@crypt_76a3b8c1",
			"FromUserName": "@09ed9af327a6d3a72207694691225f8863ada86849607ed416ca81a32452560d",
			"ToUserName": "@13fb91d71abb4e3d530fa6a189c5ef4853a68a9ff53500764ba90e87ed2dbf42",
			"LocalID": "14766158484990338",
			"ClientMsgId": "14766158484990338"
		},
		"Scene": 0
	}"#;
    let content = Difference {
        what: "Msg.Content",
        how: Added("\"\""),
        why: "docs/protocol.md §6.2: the official page has an empty one after MediaId",
    };
    let mut session = THIRD.session(Family::Wx, SyncKey::default());
    let picture = uploaded(MediaType::Picture, "x.png", "@crypt_76a3b8c1");
    let id = number("14766158484990338");
    let call = built(SendImage::new(name(FRIEND), &picture).with_id(id), &mut session, NOW);
    compare(&call, printed, &[PASS_TICKET, content, DEVICE_ID]);
}

/// The XML of the file is literally equal.
#[test]
fn webwxsendappmsg_request_matches_first_notes() {
    let printed = r#"
POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendappmsg?fun=async&f=json
Content-Type:application/json;charset=UTF-8

	{
		"BaseRequest": {
			"Uin": 752650838,
			"Sid": "2uor+DO3JHqeS5te",
			"Skey": "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713",
			"DeviceID": "e984332143788024"
		},
		"Msg": {
			"Type": 6,
			"Content": "<appmsg appid='wxeb7ec651dd0aefa9' sdkver=''><title>top10.csv</title><des></des><action></action><type>6</type><content></content><url></url><lowurl></lowurl><appattach><totallen>1760</totallen><attachid>@crypt_5c1d07ae_4f9cf2a5d8f0e2b0a6d41ab0a19a4a6b1f4a0c59b4d6eb7b2d7ce6b0a42cb35b94ad2c2ee01deba27c6e0bd4fe7ad25b1c2bca36fb08d1d9bd0a5a9a79d1b4a1b4dd6d2b90e6ffb4b0af4b7c6fe5a0d1</attachid><fileext>csv</fileext></appattach><extinfo></extinfo></appmsg>",
			"FromUserName": "@09ed9af327a6d3a72207694691225f8863ada86849607ed416ca81a32452560d",
			"ToUserName": "@@30eeaf63df54cd27d1a9dbf2120e3e481c0473daba1abb19b712bff391196641",
			"LocalID": "14767614604200494",
			"ClientMsgId": "14767614604200494"
		},
		"Scene": 0
	}"#;
    let media_id = printed.split_once("<attachid>").unwrap().1.split_once("</").unwrap().0;
    let mut session = THIRD.session(Family::Wx, SyncKey::default());
    let file = uploaded(MediaType::Document, "top10.csv", media_id);
    let id = number("14767614604200494");
    let call = built(SendFile::new(name(OTHER_ROOM), &file).with_id(id), &mut session, NOW);
    compare(&call, printed, &[LANG, PASS_TICKET, DEVICE_ID]);
}

#[test]
fn send_replies_of_first_notes_are_parsed() {
    // The three replies differ only in their ids.
    let printed = |msg_id: &str, local_id: &str| {
        let body = r#"	{
		"BaseResponse": {
			"Ret": 0,
			"ErrMsg": ""
		},
		"MsgID": "MSGID",
		"LocalID": "LOCALID"
	}"#;
        reply(&body.replace("MSGID", msg_id).replace("LOCALID", local_id))
    };
    let uploaded = crate::testing::uploaded(MediaType::Document, "x");
    let (msg_id, local_id) = ("1604548346807369725", "14766150190560991");
    let emoticon =
        SendEmoticon::new(name(FRIEND), &uploaded).parse(&printed(msg_id, local_id)).unwrap();
    assert_eq!(emoticon, receipt(msg_id, local_id));
    let (msg_id, local_id) = ("6722400141243782346", "14766158484990338");
    let picture =
        SendImage::new(name(FRIEND), &uploaded).parse(&printed(msg_id, local_id)).unwrap();
    assert_eq!(picture, receipt(msg_id, local_id));
    let (msg_id, local_id) = ("6923581840474342573", "14767614604200494");
    let file = SendFile::new(name(FRIEND), &uploaded).parse(&printed(msg_id, local_id)).unwrap();
    assert_eq!(file, receipt(msg_id, local_id));
}

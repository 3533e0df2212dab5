//! Samples of uploading a file: `docs/protocol.md` §6.7.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::*;
use crate::body::Body;
use crate::endpoint::Endpoint as _;
use crate::media::UploadPlan;
use crate::testing::form::form;
use crate::media::{LocalFile, Md5Sum, UploadPiece};
use crate::testing::{built, reply};
use crate::time::Timestamp;

/// Returns the fields of a form in their order, as JSON for the harness; a field with JSON is
/// included as an object.
fn fields_of(call: &http::Request<Body>) -> String {
    let fields: Vec<String> = form(call)
        .iter()
        .map(|part| {
            let value = match &*part.name {
                "uploadmediarequest" => part.text().to_owned(),
                _ => serde_json::to_string(part.text()).unwrap(),
            };
            format!("\"{}\":{value}", part.name)
        })
        .collect();
    format!("{{{}}}", fields.join(","))
}

/// The list that the first notes print, as JSON, with the words for values filled in.
const PRINTED: &str = r#"
POST https://file.wx.qq.com/cgi-bin/mmwebwx-bin/webwxuploadmedia?f=json
Content-Type:multipart/form-data; boundary=----WebKitFormBoundaryoWmrkW7MIGyBhlOt

{
	"id": "WU_FILE_0",
	"name": "top10.csv",
	"type": "text/csv",
	"lastModifieDate": "Tue Oct 18 2016 11:30:00 GMT+0800 (中国标准时间)",
	"size": "25929",
	"mediatype": "doc",
	"uploadmediarequest": {
		"BaseRequest": {
			"Uin": 752650838,
			"Sid": "2uor+DO3JHqeS5te",
			"Skey": "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713",
			"DeviceID": "e984332143788024"
		},
		"ClientMediaId": 1476761460420,
		"TotalLen": 25929,
		"StartPos": 0,
		"DataLen": 25929,
		"MediaType": 4
	},
	"webwx_data_ticket": "gSe5Nae4KZ",
	"pass_ticket": "undefined",
	"filename": "the bytes"
}"#;

#[test]
fn webwxuploadmedia_request_matches_first_notes() {
    let mut session = THIRD.session(Family::Wx, SyncKey::default());
    let uri = "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage".parse().unwrap();
    let line = "webwx_data_ticket=gSe5Nae4KZ; Domain=.qq.com; Path=/";
    let now = Timestamp::from_millis(1_476_761_460_420);
    let mut response = crate::flow::Response::default();
    response.headers_mut().insert("set-cookie", line.parse().unwrap());
    session.device.receive(&uri, &response, now);
    let changed = Timestamp::from_secs(1_476_761_400);
    let file = LocalFile::new("top10.csv", 25_929).unwrap().modified(changed);
    let plan = UploadPlan::new(&mut session, name(ROOM), file, Md5Sum::of(b"the bytes"), None, now);
    let call =
        built(UploadPiece::new(plan, 0, Bytes::from_static(b"the bytes")), &mut session, now);
    let of_form = |what, how, why| Difference { what, how, why };
    let later = "docs/protocol.md §6.7: the capture has it; the notes are of 2016";
    compare_form(
        &call,
        &fields_of(&call),
        PRINTED,
        &[
            of_form(
                "lastModifieDate",
                Omitted,
                "docs/protocol.md §17: lastModifieDate is one of their errors",
            ),
            of_form(
                "lastModifiedDate",
                Added("\"Tue Oct 18 2016 11:30:00 GMT+0800 (中国标准时间)\""),
                "docs/protocol.md §6.7: as WebUploader spells it",
            ),
            of_form("uploadmediarequest.UploadType", Added("2"), later),
            of_form(
                "uploadmediarequest.FromUserName",
                Added("\"@09ed9af327a6d3a72207694691225f8863ada86849607ed416ca81a32452560d\""),
                later,
            ),
            of_form(
                "uploadmediarequest.ToUserName",
                Added("\"@@7cd324e910a655b1242610ef55ea62fd1b41b6dc7ee7e06d75b6e28ba12f7f0a\""),
                later,
            ),
            of_form(
                "uploadmediarequest.FileMd5",
                Added("\"ab48e870377e5d9fbe11663949e229b0\""),
                later,
            ),
            Difference { what: "uploadmediarequest.BaseRequest.DeviceID", ..DEVICE_ID },
            of_form(
                "pass_ticket",
                Changed("\"zO498FoXR5bYJK7sxrGhi6TzpJlMsl4+dzhO6iR178dcV0zQQ/xeHlI3nvoalQC4\""),
                "docs/protocol.md §6.7: the ticket, percent-decoded",
            ),
        ],
    );

    // The part with the file is literally equal.
    let parts = form(&call);
    let file = parts.last().unwrap();
    assert_eq!(file.disposition, "form-data; name=\"filename\"; filename=\"top10.csv\"");
    assert_eq!(file.mime.as_deref(), Some("text/csv"));
    // The boundary has the same shape.
    let kind = call.headers()["content-type"].to_str().unwrap();
    let theirs = "multipart/form-data; boundary=----WebKitFormBoundaryoWmrkW7MIGyBhlOt";
    assert_eq!((kind.len(), &kind[..52]), (theirs.len(), &theirs[..52]));
    assert!(kind[52..].bytes().all(|byte| byte.is_ascii_alphanumeric()));
}

#[test]
fn webwxuploadmedia_reply_of_first_notes_is_parsed() {
    let printed = r#"{
	"BaseResponse": {
		"Ret": 0,
		"ErrMsg": ""
	}
	,
	"MediaId": "@crypt_6084141c_2d81f5a0734be96c1f0d3a8e5b72c49617e0f3ab84d29c5160be7f42a9d3c8150e6fb2741d98a3c05e7f16b4d2890ca3e5f7184b6d20c93a1e58f7b04d6c2913a5e0f8b71c46d2e93a0f5b8c71d4e6a2",
	"StartPos": 25929,
	"CDNThumbImgHeight": 0,
	"CDNThumbImgWidth": 0
}"#;
    let mut session = THIRD.session(Family::Wx, SyncKey::default());
    let (to, file) = (name(FRIEND), LocalFile::new("top10.csv", 25_929).unwrap());
    let md5 = Md5Sum::of(b"");
    let plan = UploadPlan::new(&mut session, to, file, md5, None, Timestamp::from_secs(0));
    let taken = UploadPiece::new(plan, 0, Bytes::new()).parse(&reply(printed)).unwrap();
    assert!(taken.media_id.starts_with("@crypt_6084141c_2d81") && taken.media_id.len() == 176);
    assert_eq!(taken.received, 25_929);
}

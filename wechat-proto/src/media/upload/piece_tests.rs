use alloc::format;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::media::MediaType;
use crate::testing::form::{Part, form};
use crate::testing::{
    NOW, http_of, malformed, render, rendered, reply, session as logged_in, status, with_cookies,
};

/// Returns a session with its cookies.
fn session() -> Session {
    let mut session = logged_in();
    let uri = "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage".parse().unwrap();
    let lines = [
        "webwx_data_ticket=gSe/5Nae+4KZ==; Domain=.qq.com; Path=/; Secure",
        "webwxuvid=0123; Domain=wx.qq.com; Path=/; Secure",
    ];
    session.device.receive(&uri, &with_cookies(reply(""), &lines), NOW);
    session
}

const LENGTH: u64 = UploadPlan::PIECE;

fn plan(session: &mut Session, file: LocalFile, check: Option<UploadCheck>) -> UploadPlan {
    let to = "@@9e1c".parse().unwrap();
    UploadPlan::new(session, to, file, Md5Sum::of(b"the file"), check, NOW)
}

fn check() -> UploadCheck {
    let keys = FileKeys { aes_key: "0c1d2e3f".into(), signature: "c2lnbmF0dXJl".into() };
    UploadCheck { media_id: None, keys }
}

fn file(name: &str, size: u64) -> LocalFile {
    LocalFile::new(name, size).unwrap().modified(Timestamp::from_secs(1_529_743_507))
}

/// Returns a request as text, with the parts of its form in one line each.
fn shown(piece: UploadPiece, session: &mut Session) -> String {
    let http = http_of(piece, session);
    let mut text = String::from(render(&http).split("\n\n").next().unwrap());
    for part in form(&http) {
        let mime = part.mime.as_ref().map_or(String::new(), |mime| format!(" ({mime})"));
        text += &format!("\n{}{mime}: {}", part.disposition, part.text());
    }
    text
}

#[test]
fn request_for_whole_file_is_built() {
    let mut session = session();
    let plan = plan(&mut session, file("报告 & \"终稿\".png", 8), None);
    let piece = UploadPiece::new(plan, 0, Bytes::from_static(b"the file"));
    insta::assert_snapshot!(rendered(piece, &mut session).replace('\r', ""), @r#"
    POST https://file.wx.qq.com/cgi-bin/mmwebwx-bin/webwxuploadmedia?f=json
    accept: */*
    content-type: multipart/form-data; boundary=----WebKitFormBoundaryYXAfB22SEUEGGEZo
    cookie: webwx_data_ticket=gSe/5Nae+4KZ==; webwxuvid=0123

    ------WebKitFormBoundaryYXAfB22SEUEGGEZo
    Content-Disposition: form-data; name="id"

    WU_FILE_0
    ------WebKitFormBoundaryYXAfB22SEUEGGEZo
    Content-Disposition: form-data; name="name"

    报告 & "终稿".png
    ------WebKitFormBoundaryYXAfB22SEUEGGEZo
    Content-Disposition: form-data; name="type"

    image/png
    ------WebKitFormBoundaryYXAfB22SEUEGGEZo
    Content-Disposition: form-data; name="lastModifiedDate"

    Sat Jun 23 2018 16:45:07 GMT+0800 (中国标准时间)
    ------WebKitFormBoundaryYXAfB22SEUEGGEZo
    Content-Disposition: form-data; name="size"

    8
    ------WebKitFormBoundaryYXAfB22SEUEGGEZo
    Content-Disposition: form-data; name="mediatype"

    pic
    ------WebKitFormBoundaryYXAfB22SEUEGGEZo
    Content-Disposition: form-data; name="uploadmediarequest"

    {"UploadType":2,"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"ClientMediaId":1476606163580,"TotalLen":8,"StartPos":0,"DataLen":8,"MediaType":4,"FromUserName":"@09ed9af3","ToUserName":"@@9e1c","FileMd5":"9144da26b6b58c823799dd4a8a884f26"}
    ------WebKitFormBoundaryYXAfB22SEUEGGEZo
    Content-Disposition: form-data; name="webwx_data_ticket"

    gSe/5Nae+4KZ==
    ------WebKitFormBoundaryYXAfB22SEUEGGEZo
    Content-Disposition: form-data; name="pass_ticket"

    xYZ2UYgVCw0xSwWT/lQGCIMDn9LHCGnnKxo6+8ZXXt5Z
    ------WebKitFormBoundaryYXAfB22SEUEGGEZo
    Content-Disposition: form-data; name="filename"; filename="报告 & %22终稿%22.png"
    Content-Type: image/png

    the file
    ------WebKitFormBoundaryYXAfB22SEUEGGEZo--
    "#);
}

#[test]
fn request_for_piece_of_large_file_is_built() {
    let mut session = session();
    let plan = plan(&mut session, file("终稿.zip", 26_214_401), Some(check()));
    let piece = UploadPiece::new(plan, 50, Bytes::from_static(b"the end"));
    insta::assert_snapshot!(shown(piece, &mut session), @r#"
    POST https://file.wx.qq.com/cgi-bin/mmwebwx-bin/webwxuploadmedia?f=json
    accept: */*
    content-type: multipart/form-data; boundary=----WebKitFormBoundaryYXAfB22SEUEGGEZo
    cookie: webwx_data_ticket=gSe/5Nae+4KZ==; webwxuvid=0123
    form-data; name="id": WU_FILE_0
    form-data; name="name": 终稿.zip
    form-data; name="type": application/zip
    form-data; name="lastModifiedDate": Sat Jun 23 2018 16:45:07 GMT+0800 (中国标准时间)
    form-data; name="size": 26214401
    form-data; name="chunks": 51
    form-data; name="chunk": 50
    form-data; name="mediatype": doc
    form-data; name="uploadmediarequest": {"UploadType":2,"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"ClientMediaId":1476606163580,"TotalLen":26214401,"StartPos":0,"DataLen":26214401,"MediaType":4,"FromUserName":"@09ed9af3","ToUserName":"@@9e1c","FileMd5":"9144da26b6b58c823799dd4a8a884f26","AESKey":"0c1d2e3f","Signature":"c2lnbmF0dXJl"}
    form-data; name="webwx_data_ticket": gSe/5Nae+4KZ==
    form-data; name="pass_ticket": xYZ2UYgVCw0xSwWT/lQGCIMDn9LHCGnnKxo6+8ZXXt5Z
    form-data; name="filename"; filename="终稿.zip" (application/octet-stream): the end
    "#);
}

fn names(parts: &[Part]) -> alloc::vec::Vec<&str> {
    parts.iter().map(|part| &*part.name).collect()
}

/// `docs/protocol.md` §6.7: pieces differ only in their number and their bytes.
#[test]
fn pieces_differ_in_number_and_bytes() {
    let mut session = session();
    let plan = plan(&mut session, file("a.png", 2 * LENGTH + 1), None);
    assert_eq!(plan.pieces(), 3);
    assert_eq!(
        [0, 1, 2, 3].map(|piece| plan.range(piece)),
        [0..524_288, 524_288..1_048_576, 1_048_576..1_048_577, 1_048_577..1_048_577]
    );
    let forms = [0, 1, 2].map(|piece| {
        let bytes = Bytes::from(format!("piece {piece}"));
        form(&http_of(UploadPiece::new(plan.clone(), piece, bytes), &mut session))
    });
    for (index, form) in forms.iter().enumerate() {
        assert_eq!(names(form), names(&forms[0]));
        for (part, first) in form.iter().zip(&forms[0]) {
            match &*part.name {
                "chunk" => assert_eq!(part.text(), index.to_string()),
                "filename" => {
                    assert_eq!(part.text(), format!("piece {index}"));
                    assert_eq!(part.mime.as_deref(), Some("application/octet-stream"));
                }
                _ => assert_eq!(part.bytes, first.bytes, "{}", part.name),
            }
        }
    }
}

#[test]
fn uploads_have_distinct_ids() {
    let mut session = session();
    let ids = [NOW, NOW, NOW.after(Duration::from_secs(1)), NOW].map(|now| {
        let (to, file) = (UserName::file_helper(), file("a", 1));
        let plan = UploadPlan::new(&mut session, to, file, Md5Sum::of(b"a"), None, now);
        let request: Value = serde_json::from_str(plan.plan.json(&session).expose()).unwrap();
        request["ClientMediaId"].as_u64().unwrap() - NOW.as_millis()
    });
    assert_eq!(ids, [0, 1, 1000, 1001]);
}

/// The skey may be renewed during an upload; all other fields stay the same.
#[test]
fn piece_has_the_newest_skey() {
    let mut session = session();
    let plan = plan(&mut session, file("a", 2 * LENGTH), None);
    let requests = ["@crypt_old", "@crypt_new"].map(|skey| {
        session.renew_skey(skey.parse().unwrap());
        let json = plan.plan.json(&session);
        assert!(json.expose().contains(skey));
        json.expose().replace(skey, "")
    });
    assert_eq!(requests[0], requests[1]);
}

/// Requests share the bytes of the piece without a copy.
#[test]
fn request_shares_the_bytes() {
    let mut session = session();
    let bytes = Bytes::from(alloc::vec![7; 524_288]);
    let plan = plan(&mut session, file("a.png", LENGTH), None);
    let http = http_of(UploadPiece::new(plan, 0, bytes.clone()), &mut session);
    let mut body = http.body().clone();
    bytes::Buf::advance(&mut body, http.body().len() - bytes.len() - 46);
    assert_eq!(bytes::Buf::chunk(&body).as_ptr(), bytes.as_ptr());
}

#[test]
fn debug_shows_no_secret() {
    let mut session = session();
    let plan = plan(&mut session, file("a.zip", LENGTH), Some(check()));
    let shown = format!("{plan:?} {:?}", UploadPiece::new(plan.clone(), 0, Bytes::new()));
    for secret in ["0c1d2e3f", "c2lnbmF0dXJl", "gSe/5Nae", "kByRoJSUlD7S2pif", "crypt"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

proptest! {
    /// Any values of the service, and any length, are sent in the form.
    #[test]
    fn any_ticket_signature_and_length_are_sent(
        ticket in "[!-~]{0,40}", signature in any::<String>(),
        size in prop_oneof![1..=LENGTH, 1..u64::MAX],
    ) {
        let mut session = session();
        session.auth.pass_ticket = ticket.parse().unwrap();
        let mut check = check();
        check.keys.signature = signature.clone().into();
        let file = file("a.mp4", size).as_type(MediaType::Video);
        let plan = plan(&mut session, file, Some(check));
        let parts = form(&http_of(UploadPiece::new(plan, 0, Bytes::new()), &mut session));
        let part = |name| parts.iter().find(|part| part.name == name).unwrap();
        prop_assert_eq!(part("mediatype").text(), "video");
        let decoded = percent_decode_str(&ticket).decode_utf8_lossy();
        prop_assert_eq!(part("pass_ticket").text(), &*decoded);
        prop_assert_eq!(part("size").text(), size.to_string());
        let request: Value = serde_json::from_str(part("uploadmediarequest").text()).unwrap();
        prop_assert_eq!(request["TotalLen"].as_u64(), Some(size));
        prop_assert_eq!(request["Signature"].as_str().unwrap_or_default(), &*signature);
    }
}

#[test]
fn replies_are_parsed() {
    let mut session = session();
    let plan = plan(&mut session, file("a", 2 * LENGTH), None);
    let [piece, last] = [0, 1].map(|piece| UploadPiece::new(plan.clone(), piece, Bytes::new()));

    let taken = last.parse(&reply(
        r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MediaId":"@crypt_6084","StartPos":25929,"CDNThumbImgHeight":0,"CDNThumbImgWidth":0,"EncryFileName":"a%2Epng"}"#,
    ))
    .unwrap();
    let (media_id, upload_id) = ("@crypt_6084".into(), "".into());
    assert_eq!(taken, UploadedPiece { media_id, received: 25_929, upload_id });

    // Only the reply to the last piece must have a `MediaId`.
    let between = r#"{"BaseResponse":{"Ret":0},"MediaId":"","StartPos":524288}"#;
    assert_eq!(piece.parse(&reply(between)).unwrap().received, 524_288);
    assert!(matches!(
        last.parse(&reply(between)),
        Err(Error::Malformed { endpoint: "webwxuploadmedia", expected: "JSON with a MediaId", .. })
    ));

    for piece in [piece, last] {
        malformed(&piece, &[r#"{"MediaId":"@crypt_6084"}"#]);
        for (code, transient) in [(400, false), (402, false), (413, false), (502, true)] {
            let error = piece.parse(&status(code, "<html>")).unwrap_err();
            assert_eq!(error.is_transient(), transient);
            assert!(matches!(error, Error::Status { status, .. } if status == code));
        }
    }
}

#[path = "piece_page_tests.rs"]
mod page;

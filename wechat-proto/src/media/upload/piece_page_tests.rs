//! The form of the file-transfer page: `docs/protocol.md` §15.1.

use super::*;

/// Returns an upload on the file-transfer page.
fn page_plan(size: u64, check: Option<UploadCheck>) -> (Session, UploadPlan) {
    let mut session = crate::file_helper_tests::session();
    let to = UserName::file_helper();
    let sum = Md5Sum::of(b"the file");
    let plan = UploadPlan::new(&mut session, to, file("报告.mp4", size), sum, check, NOW);
    (session, plan)
}

#[test]
fn file_transfer_page_has_its_own_form() {
    let (mut session, plan) = page_plan(LENGTH + 8, None);
    let piece = UploadPiece::new(plan, 1, Bytes::from_static(b"the file"));
    insta::assert_snapshot!(shown(piece, &mut session), @r#"
    POST https://file.wx.qq.com/cgi-bin/mmwebwx-bin/webwxuploadmedia?f=json&random=UZRI
    accept: */*
    referer: https://filehelper.weixin.qq.com/?lang=zh_CN
    mmweb_appid: wx_webfilehelper
    origin: https://filehelper.weixin.qq.com
    content-type: multipart/form-data; boundary=----WebKitFormBoundaryXAfB22SEUEGGEZoH
    form-data; name="name": 报告.mp4
    form-data; name="lastModifiedDate": Sat Jun 23 2018 16:45:07 GMT+0800 (中国标准时间)
    form-data; name="size": 524296
    form-data; name="type": video/mp4
    form-data; name="chunks": 2
    form-data; name="chunk": 1
    form-data; name="mediatype": doc
    form-data; name="uploadmediarequest": {"UploadType":2,"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"356902031041503"},"ClientMediaId":"14766061635800255","TotalLen":524296,"StartPos":0,"DataLen":524296,"MediaType":4,"FromUserName":"@09ed9af3","ToUserName":"filehelper","FileMd5":"9144da26b6b58c823799dd4a8a884f26"}
    form-data; name="webwx_data_ticket": Wq7z+Lm20/Xe
    form-data; name="pass_ticket": xYZ2UYgVCw0xSwWT%2FlQGCIMDn9LHCGnnKxo6%2B8ZXXt5Z
    form-data; name="filename"; filename="报告.mp4" (application/octet-stream): the file
    "#);
}

#[test]
fn pieces_of_a_checked_file_of_the_file_transfer_page_are_parallel() {
    let (mut session, plan) = page_plan(2 * LENGTH, Some(check()));
    let mut piece = UploadPiece::new(plan, 0, Bytes::from_static(b"the file"));
    let first = form(&piece.request(&mut session, NOW));
    assert!(!first[2].text().contains("UploadID"), "{}", first[2].text());
    let answer = r#"{"BaseResponse":{"Ret":0},"MediaId":"","UploadID":"u1"}"#;
    let uri = http::Uri::from_static("https://file.wx.qq.com/");
    piece.receive(&mut session, &uri, &reply(answer), NOW).unwrap();
    let next = UploadPiece::new(piece.plan().clone(), 1, Bytes::from_static(b"the file"));
    insta::assert_snapshot!(shown(next, &mut session), @r#"
    POST https://file.wx.qq.com/cgi-bin/mmwebwx-bin/webwxuploadmediaparallel?f=json&random=tLkT
    accept: */*
    referer: https://filehelper.weixin.qq.com/?lang=zh_CN
    mmweb_appid: wx_webfilehelper
    origin: https://filehelper.weixin.qq.com
    content-type: multipart/form-data; boundary=----WebKitFormBoundaryCRbYIp6CQYW33NgK
    form-data; name="pass_ticket": xYZ2UYgVCw0xSwWT%2FlQGCIMDn9LHCGnnKxo6%2B8ZXXt5Z
    form-data; name="webwx_data_ticket": Wq7z+Lm20/Xe
    form-data; name="UploadMediaParallelRequest": {"AESKey":"0c1d2e3f","Signature":"c2lnbmF0dXJl","FileMD5":"9144da26b6b58c823799dd4a8a884f26","TotalLen":1048576,"Chunks":2,"Name":"报告.mp4","Chunk":1,"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"356902031041503"},"UploadID":"u1"}
    form-data; name="filename"; filename="blob" (application/octet-stream): the file
    "#);

    let none = piece.parse(&reply(r#"{"BaseResponse":{"Ret":0},"MediaId":""}"#));
    assert!(matches!(
        none,
        Err(Error::Malformed {
            endpoint: "webwxuploadmediaparallel",
            expected: "JSON with an UploadID",
            ..
        })
    ));
    let failed = piece.parse(&reply(r#"{"BaseResponse":{"Ret":-1}}"#)).unwrap_err();
    assert!(failed.is_transient());
}

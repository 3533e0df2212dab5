//! The requests of the file-transfer page: `docs/protocol.md` §15.

use alloc::string::String;

use crate::login::{InitSession, Logout};
use crate::media::{GetFile, GetImage, GetVideo, GetVoice, ImageSize, MediaType};
use crate::message::{SendFile, SendImage, SendText};
use crate::sync::FetchBatch;
use crate::testing::{
    NOW, body, credentials, http_of, rendered, reply, session as web, uploaded, with_cookies,
};
use crate::{Device, Endpoint, Entry, MsgId, Session, UserName};

/// Returns a session on this page, with a `webwx_data_ticket` for its own host only.
pub(crate) fn session() -> Session {
    let mut session = web();
    session.device = session.device.with_entry(Entry::file_helper());
    let uri = http::Uri::from_static("https://filehelper.weixin.qq.com/");
    let line = "webwx_data_ticket=Wq7z+Lm20/Xe; Path=/; Secure";
    session.device.receive(&uri, &with_cookies(reply(""), &[line]), NOW);
    session
}

/// Returns the method, the URI and the body of a request, and checks its `mmweb_appid`.
fn requested<E: Endpoint>(endpoint: E, state: &mut E::State) -> String {
    let http = http_of(endpoint, state);
    assert_eq!(http.headers()["mmweb_appid"], "wx_webfilehelper");
    alloc::format!("{} {}\n{}", http.method(), http.uri(), body(&http))
}

#[test]
fn calls_have_exact_form() {
    let (mut session, to) = (session(), UserName::file_helper());
    let mut device = Device::new().with_entry(Entry::file_helper());
    insta::assert_snapshot!(requested(InitSession::new(credentials()), &mut device), @r#"
    POST https://filehelper.weixin.qq.com/cgi-bin/mmwebwx-bin/webwxinit?r=862586243&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
    {"BaseRequest":{"Uin":"752650838","Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"}}
    "#);
    insta::assert_snapshot!(rendered(FetchBatch::new(), &mut session), @r#"
    POST https://filehelper.weixin.qq.com/cgi-bin/mmwebwx-bin/webwxsync?sid=kByRoJSUlD7S2pif&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
    referer: https://filehelper.weixin.qq.com/?lang=zh_CN
    mmweb_appid: wx_webfilehelper
    origin: https://filehelper.weixin.qq.com
    cookie: webwx_data_ticket=Wq7z+Lm20/Xe

    {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"SyncKey":{"Count":2,"List":[{"Key":1,"Val":643606091},{"Key":2,"Val":643606203}]},"rr":862586243}
    "#);
    insta::assert_snapshot!(requested(SendText::new(to.clone(), "到手机"), &mut session), @r#"
    POST https://filehelper.weixin.qq.com/cgi-bin/mmwebwx-bin/webwxsendmsg?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
    {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e766593972829180"},"Msg":{"Type":1,"Content":"到手机","FromUserName":"@09ed9af3","ToUserName":"filehelper","LocalID":"14766061635800255","ClientMsgId":"14766061635800255"},"Scene":0}
    "#);
    let picture = uploaded(MediaType::Picture, "p.png");
    insta::assert_snapshot!(requested(SendImage::new(to.clone(), &picture), &mut session), @r#"
    POST https://filehelper.weixin.qq.com/cgi-bin/mmwebwx-bin/webwxsendmsgimg?fun=async&f=json&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
    {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e120204379184874"},"Msg":{"Type":3,"MediaId":"@crypt_6084141c_c73c046b","Content":"","FromUserName":"@09ed9af3","ToUserName":"filehelper","LocalID":"14766061635800330","ClientMsgId":"14766061635800330"},"Scene":0}
    "#);
    let file = uploaded(MediaType::Document, "a.pdf");
    insta::assert_snapshot!(requested(SendFile::new(to, &file), &mut session), @r#"
    POST https://filehelper.weixin.qq.com/cgi-bin/mmwebwx-bin/webwxsendappmsg?fun=async&f=json&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
    {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e423377499357806"},"Msg":{"Type":6,"Content":"<appmsg appid='wxeb7ec651dd0aefa9' sdkver=''><title>a.pdf</title><des></des><action></action><type>6</type><content></content><url></url><lowurl></lowurl><appattach><totallen>1760</totallen><attachid>@crypt_6084141c_c73c046b</attachid><fileext>pdf</fileext></appattach><extinfo></extinfo></appmsg>","FromUserName":"@09ed9af3","ToUserName":"filehelper","LocalID":"14766061635800858","ClientMsgId":"14766061635800858"},"Scene":0}
    "#);
    insta::assert_snapshot!(requested(Logout::new(), &mut session), @"
    POST https://filehelper.weixin.qq.com/cgi-bin/mmwebwx-bin/webwxlogout?redirect=1&type=0&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e
    sid=kByRoJSUlD7S2pif&uin=566148615
    ");
}

/// The data ticket of the page's own host is sent to the file host.
#[test]
fn downloads_have_exact_form() {
    let (mut session, id) = (session(), MsgId::from("6314805927140286395"));
    let big = requested(GetImage::new(id.clone(), ImageSize::Big), &mut session);
    assert!(big.ends_with("c54dc801d51e&type=big&mmweb_appid=wx_webfilehelper\n"), "{big}");
    insta::assert_snapshot!(rendered(GetImage::new(id.clone(), ImageSize::Thumbnail), &mut session), @"
    GET https://filehelper.weixin.qq.com/cgi-bin/mmwebwx-bin/webwxgetmsgimg?&MsgID=6314805927140286395&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e&type=slave&mmweb_appid=wx_webfilehelper
    accept: image/webp,image/apng,image/*,*/*;q=0.8
    referer: https://filehelper.weixin.qq.com/?lang=zh_CN
    mmweb_appid: wx_webfilehelper
    cookie: webwx_data_ticket=Wq7z+Lm20/Xe
    ");
    insta::assert_snapshot!(requested(GetVideo::new(id.clone()), &mut session), @"GET https://filehelper.weixin.qq.com/cgi-bin/mmwebwx-bin/webwxgetvideo?msgid=6314805927140286395&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e&mmweb_appid=wx_webfilehelper");
    insta::assert_snapshot!(requested(GetVoice::new(id), &mut session), @"GET https://filehelper.weixin.qq.com/cgi-bin/mmwebwx-bin/webwxgetvoice?msgid=6314805927140286395&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e&mmweb_appid=wx_webfilehelper");
    let file = GetFile::new("@09ed9af3".parse().unwrap(), "@crypt_b27f0a51_94ce").unwrap();
    let file = file.named("%E6%8A%A5%2Epdf", "报.pdf").unwrap();
    insta::assert_snapshot!(rendered(file, &mut session), @"
    GET https://file.wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetmedia?sender=%4009ed9af3&mediaid=%40crypt_b27f0a51_94ce&encryfilename=%E6%8A%A5%2Epdf&fromuser=566148615&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z&webwx_data_ticket=Wq7z%2BLm20%2FXe&sid=kByRoJSUlD7S2pif&mmweb_appid=wx_webfilehelper
    accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,image/apng,*/*;q=0.8
    referer: https://filehelper.weixin.qq.com/?lang=zh_CN
    mmweb_appid: wx_webfilehelper
    ");
}

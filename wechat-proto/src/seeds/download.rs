//! Samples of downloads of pictures, voice messages, videos and files: `docs/protocol.md` §5.4, §8.
//! The second notes have none.

use super::*;
use crate::body::Body;
use crate::ids::MsgId;
use crate::media::{
    GetContactPicture, GetFile, GetHeadImg, GetIcon, GetImage, GetVideo, GetVoice, HeadImgUrl,
    Icon, ImageSize, ReceivedFile,
};
use crate::testing::{NOW, built};

/// The ticket in their sample of files, which belongs to another login.
const DATA_TICKET: &str = "oLc0LqC45D6h87dEaL0muigd";
const FILES: Login = Login {
    pass_ticket: "qh%2BKWq4BKGER6lm%2BroGepxv4nAfGtv%2FaO8r%2FNDVnseZMF8Poh6%2FvxAq3zwUVEsTh",
    ..THIRD
};

fn session() -> Session {
    THIRD.session(Family::Wx, SyncKey::default())
}

fn same(request: &http::Request<Body>, printed: &str) {
    compare(request, printed, &[]);
}

#[test]
fn webwxgetmsgimg_request_matches_first_notes() {
    let printed = "GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetmsgimg?&MsgID=6314805927140286395&skey=%40crypt_cec4ff9f_e70deff878187c460bff94e6c4248713&type=slave";
    let message = MsgId::from("6314805927140286395");
    let fetch = built(GetImage::new(message.clone(), ImageSize::Thumbnail), &mut session(), NOW);
    same(&fetch, printed);
    // Literally equal, including its first `&`.
    assert_eq!(alloc::format!("GET {}", fetch.uri()), printed);
    // "Empty loads the original": our request omits an empty `type`.
    let printed = printed.strip_suffix("&type=slave").unwrap();
    same(&built(GetImage::new(message.clone(), ImageSize::Full), &mut session(), NOW), printed);
}

#[test]
fn webwxgeticon_request_matches_first_notes() {
    let printed = "GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgeticon?seq=640318772&username=@13fb91d71abb4e3d530fa6a189c5ef4853a68a9ff53500764ba90e87ed2dbf42&skey=@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713";
    same(
        &built(GetIcon::new(Icon::of(name(FRIEND)).seq(640_318_772)), &mut session(), NOW),
        printed,
    );
    let path = printed.strip_prefix("GET https://wx.qq.com").unwrap();
    let link: HeadImgUrl = path.parse().unwrap();
    same(&built(GetContactPicture::new(link.clone()), &mut session(), NOW), printed);
}

#[test]
fn webwxgetheadimg_request_matches_first_notes() {
    let printed = "GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetheadimg?seq=0&username=@@30eeaf63df54cd27d1a9dbf2120e3e481c0473daba1abb19b712bff391196641&skey=@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713";
    same(&built(GetHeadImg::new(name(OTHER_ROOM)), &mut session(), NOW), printed);
    let path = printed.strip_prefix("GET https://wx.qq.com").unwrap();
    let link: HeadImgUrl = path.parse().unwrap();
    same(&built(GetContactPicture::new(link.clone()), &mut session(), NOW), printed);
}

#[test]
fn webwxgetvoice_request_matches_first_notes() {
    let printed = "GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetvoice?msgid=5907263184402915768&skey=@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713";
    same(&built(GetVoice::new(MsgId::from("5907263184402915768")), &mut session(), NOW), printed);
}

#[test]
fn webwxgetvideo_request_matches_first_notes() {
    let printed = "GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetvideo?msgid=120384476519038264&skey=%40crypt_cec4ff9f_e70deff878187c460bff94e6c4248713";
    let fetch = built(GetVideo::new(MsgId::from("120384476519038264")), &mut session(), NOW);
    same(&fetch, printed);
    // The notes omit this header, which is required: `docs/protocol.md` §8.
    assert_eq!(fetch.headers()["range"], "bytes=0-");
}

#[test]
fn webwxgetmedia_request_matches_first_notes() {
    let printed = "GET https://file.wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetmedia?sender=@@30eeaf63df54cd27d1a9dbf2120e3e481c0473daba1abb19b712bff391196641&mediaid=@crypt_b27f0a51_94ce31d07a5c82fe6b1d930478ac5e21f0b7d6493e8a1c75&filename=%E6%95%B0%E6%8D%AE%E5%BA%93%E6%89%8B%E5%86%8C-MySQL%E6%80%A7%E8%83%BD.pdf&fromuser=752650838&pass_ticket=qh%252BKWq4BKGER6lm%252BroGepxv4nAfGtv%252FaO8r%252FNDVnseZMF8Poh6%252FvxAq3zwUVEsTh&webwx_data_ticket=oLc0LqC45D6h87dEaL0muigd";
    let mut session = FILES.session(Family::Wx, SyncKey::default());
    let line = alloc::format!("webwx_data_ticket={DATA_TICKET}; Domain=.qq.com; Path=/");
    let uri = http::Uri::from_static("https://wx.qq.com/");
    let mut response = crate::flow::Response::default();
    response.headers_mut().insert("set-cookie", line.parse().unwrap());
    session.device.receive(&uri, &response, NOW);
    let file = ReceivedFile::new(
        name(OTHER_ROOM),
        "@crypt_b27f0a51_94ce31d07a5c82fe6b1d930478ac5e21f0b7d6493e8a1c75",
    )
    .unwrap();
    // Messages of 2016 had only the plain name.
    let old = file.clone().named("", "数据库手册-MySQL性能.pdf").unwrap();
    same(&built(GetFile::new(old.clone()), &mut session, NOW), printed);

    let encoded = "%E6%95%B0%E6%8D%AE%E5%BA%93%E6%89%8B%E5%86%8C%2DMySQL%E6%80%A7%E8%83%BD%2Epdf";
    let differences = [
        Difference {
            what: "?filename",
            how: Omitted,
            why: "docs/protocol.md §16: encryfilename if there is one, else filename",
        },
        Difference {
            what: "?encryfilename",
            how: Added("数据库手册-MySQL性能.pdf"),
            why: "docs/protocol.md §8: the newer form",
        },
    ];
    let new = file.named(encoded, "数据库手册-MySQL性能.pdf").unwrap();
    compare(&built(GetFile::new(new.clone()), &mut session, NOW), printed, &differences);
}

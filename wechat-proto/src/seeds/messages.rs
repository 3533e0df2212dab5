//! Messages of people: `docs/protocol.md` §9.
//!
//! The first notes print the content of messages as XML; each is parsed as printed, and as the
//! service escapes it.

use alloc::string::String;
use alloc::{format, vec};
use core::time::Duration;

use super::*;
use crate::message::app::{App, Stream};
use crate::message::{
    AppContent, AppKind, Card, Emoticon, FriendRequest, Image, Kind, Location, Message,
    RecommendInfo, Video, Voice,
};
use crate::testing::message;
use crate::time::Timestamp;

/// Returns their general form of a message, with `fields` replaced.
fn message_of(msg_type: i64, fields: &[(&str, &str)], content: &str) -> Message {
    let mut record: serde_json::Value = serde_json::from_str(GENERAL).unwrap();
    let record = record.as_object_mut().unwrap();
    for (name, value) in fields {
        record.insert((*name).into(), serde_json::from_str(value).unwrap());
    }
    record.insert("MsgType".into(), msg_type.into());
    record.insert("Content".into(), content.into());
    let json = serde_json::to_string(record).unwrap();
    message(json.strip_prefix('{').and_then(|json| json.strip_suffix('}')).unwrap())
}

/// Parses a content as printed and as it is on the wire, and asserts that the results are equal.
fn kind_of(msg_type: i64, fields: &[(&str, &str)], content: &str) -> Kind {
    let message = message_of(msg_type, fields, &wire(content));
    assert_eq!((message.from.as_str(), message.is_outgoing()), (FRIEND, false));
    assert_eq!(message.sent, Timestamp::from_secs(1_454_602_196));
    assert_eq!(message_of(msg_type, fields, content).kind, message.kind);
    message.kind
}

/// Returns XML as the service writes it: escaped except for quotes, with `<br/>` as line breaks.
fn wire(xml: &str) -> String {
    let escaped = xml.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.replace('\n', "<br/>")
}

const GENERAL: &str = r#"{
    "FromUserName": "@13fb91d71abb4e3d530fa6a189c5ef4853a68a9ff53500764ba90e87ed2dbf42",
    "ToUserName": "@me",
    "Content": "",
    "StatusNotifyUserName": "",
    "ImgWidth": 0,
    "PlayLength": 0,
    "RecommendInfo": {},
    "StatusNotifyCode": 4,
    "NewMsgId": "",
    "Status": 3,
    "VoiceLength": 0,
    "ForwardFlag": 0,
    "AppMsgType": 0,
    "Ticket": "",
    "AppInfo": {},
    "Url": "",
    "ImgStatus": 1,
    "MsgType": 1,
    "ImgHeight": 0,
    "MediaId": "",
    "MsgId": "",
    "FileName": "",
    "HasProductId": 0,
    "FileSize": "",
    "CreateTime": 1454602196,
    "SubMsgType": 0
}"#;

/// "Text message", and "group message".
#[test]
fn texts_are_parsed() {
    let text = message_of(1, &[], "消息内容");
    assert_eq!((text.text(), text.peer().as_str()), (Some("消息内容"), FRIEND));
    let room = serde_json::to_string(ROOM).unwrap();
    let group = message_of(1, &[("FromUserName", &room)], "@xxx:<br/>xxx");
    assert_eq!((group.text(), group.peer().as_str()), (Some("xxx"), ROOM));
    assert_eq!(group.author().as_str(), "@xxx");
}

const PICTURE: &str = r#"<msg>
        <img length="6503" hdlength="0" />
        <commenturl></commenturl>
    </msg>"#;

/// "Picture message", and "short video message": they print the same XML for both.
#[test]
fn pictures_and_short_videos_are_parsed() {
    let Kind::Image(image) = kind_of(3, &[], PICTURE) else { panic!("no picture") };
    assert_eq!((image.length, image.hd_length), (6503, 0));
    let Image { width, height, md5, cdn_url, blob, .. } = *image;
    assert_eq!((width, height, &*md5, &*cdn_url, &*blob), (0, 0, "", "", ""));

    let Kind::Video(video) = kind_of(62, &[], PICTURE) else { panic!("no video") };
    let Video { short, length, duration, md5, .. } = *video;
    assert_eq!((short, length, duration, &*md5), (true, 6503, Duration::ZERO, ""));
}

/// "Location message": "it is a text message whose content is a link that leads to a map".
#[test]
fn locations_are_parsed() {
    let link = "http://weixin.qq.com/cgi-bin/redirectforward?args=xxx";
    let Kind::Location(place) = kind_of(1, &[], link) else { panic!("no place") };
    let Location { url, label, coordinates, image, .. } = *place;
    assert_eq!((&*url, &*label, coordinates, &*image), (link, "", None, ""));
}

/// "Card message".
#[test]
fn cards_are_parsed() {
    let info = format!(
        r#"{{"UserName": "{FRIEND}", "Province": "省", "City": "市", "Scene": 17, "QQNum": 0, "Content": "",
        "Alias": "miaoxu", "OpCode": 0, "Signature": "", "Ticket": "", "Sex": 0, "NickName": "昵称",
        "AttrStatus": 4293221, "VerifyFlag": 0}}"#
    );
    let content = r#"<?xml version="1.0"?>
    <msg bigheadimgurl="" smallheadimgurl="" username="" nickname=""  shortpy="" alias="" imagestatus="3" scene="17" province="" city="" sign="" sex="1" certflag="0" certinfo="" brandIconUrl="" brandHomeUrl="" brandSubscriptConfigUrl="" brandFlags="0" regionCode="" />"#;
    let Kind::Card(card) = kind_of(42, &[("RecommendInfo", &info)], content) else {
        panic!("no card")
    };
    let Card { info, permanent_id, image_status, cert_flag, brand_flags, region_code, .. } = *card;
    assert_eq!((image_status, cert_flag, brand_flags), (3, 0, 0));
    assert_eq!((&*permanent_id, &*region_code), ("", ""));
    let RecommendInfo { user_name, nick_name, alias, province, city, scene, attr_status, .. } =
        info.clone();
    assert_eq!(user_name, Some(name(FRIEND)));
    assert_eq!((&*nick_name, &*alias, &*province, &*city), ("昵称", "miaoxu", "省", "市"));
    assert_eq!((scene, attr_status), (17, 4_293_221));
    // The sex is missing from the record, but not from the XML.
    assert_eq!((info.sex, info.qq_num, info.op_code, info.verify_flag), (1, 0, 0, 0));
    assert_eq!((&*info.content, &*info.signature, info.ticket), ("", "", None));
}

/// "Voice message".
#[test]
fn voice_messages_are_parsed() {
    let content = r#"<msg>
        <voicemsg endflag="1" cancelflag="0" forwardflag="0" voiceformat="4" voicelength="1580" length="2026" bufid="216825389722501519" clientmsgid="49efec63a9774a65a932a4e5fcd4e923filehelper174_1454602489" fromusername="" />
    </msg>"#;
    let Kind::Voice(voice) = kind_of(34, &[], content) else { panic!("no voice") };
    let Voice { duration, length, format, complete, cancelled, buffer_id, client_msg_id, .. } =
        *voice;
    assert_eq!((duration, length, format), (Duration::from_millis(1580), 2026, 4));
    assert_eq!((complete, cancelled), (true, false));
    assert_eq!(&*buffer_id, "216825389722501519");
    assert_eq!(&*client_msg_id, "49efec63a9774a65a932a4e5fcd4e923filehelper174_1454602489");
}

/// "Animated sticker".
#[test]
fn stickers_are_parsed() {
    let content = r#"<msg>
        <emoji fromusername = "" tousername = "" type="2"
        idbuffer="media:0_0" md5="e68363487d8f0519c4e1047de403b2e7"
        len = "86235"
        productid="com.tencent.xin.emoticon.bilibili"
        androidmd5="e68363487d8f0519c4e1047de403b2e7"
        androidlen="86235"
        s60v3md5 = "e68363487d8f0519c4e1047de403b2e7"
        s60v3len="86235"
        s60v5md5 = "e68363487d8f0519c4e1047de403b2e7" s60v5len="86235"
        cdnurl = "http://emoji.qpic.cn/wx_emoji/eFygWtxcoMF8M0oCCsksMA0gplXAFQNpiaqsmOicbXl1OC4Tyx18SGsQ/"
        designerid = ""
        thumburl = "http://mmbiz.qpic.cn/mmemoticon/dx4Y70y9XctRJf6tKsy7FwWosxd4DAtItSfhKS0Czr56A70p8U5O8g/0"
        encrypturl = "http://emoji.qpic.cn/wx_emoji/UyYVK8GMlq5VnJ56a4GkKHAiaC266Y0me0KtW6JN2FAZcXiaFKccRevA/"
        aeskey= "a911cc2ec96ddb781b5ca85d24143642" >
        </emoji>         <gameext type="0" content="0" ></gameext>    </msg>"#;
    let Kind::Emoticon(sticker) = kind_of(47, &[], content) else { panic!("no sticker") };
    let Emoticon { from_shop, md5, length, kind, product_id, game, .. } = (*sticker).clone();
    assert_eq!((from_shop, length, kind, game), (false, 86_235, 2, None));
    assert_eq!(&*md5, "e68363487d8f0519c4e1047de403b2e7");
    assert_eq!(&*product_id, "com.tencent.xin.emoticon.bilibili");
    let Emoticon { cdn_url, thumb_url, encrypt_url, aes_key, designer_id, .. } = *sticker;
    assert_eq!(
        &*cdn_url,
        "http://emoji.qpic.cn/wx_emoji/eFygWtxcoMF8M0oCCsksMA0gplXAFQNpiaqsmOicbXl1OC4Tyx18SGsQ/"
    );
    assert_eq!(
        &*thumb_url,
        "http://mmbiz.qpic.cn/mmemoticon/dx4Y70y9XctRJf6tKsy7FwWosxd4DAtItSfhKS0Czr56A70p8U5O8g/0"
    );
    assert_eq!(
        &*encrypt_url,
        "http://emoji.qpic.cn/wx_emoji/UyYVK8GMlq5VnJ56a4GkKHAiaC266Y0me0KtW6JN2FAZcXiaFKccRevA/"
    );
    assert_eq!((aes_key.expose(), &*designer_id), ("a911cc2ec96ddb781b5ca85d24143642", ""));
}

/// "Ordinary link, or what an app shares".
#[test]
fn links_are_parsed() {
    let content = r#"<msg>
        <appmsg appid=""  sdkver="0">
            <title></title>
            <des></des>
            <type>5</type>
            <content></content>
            <url></url>
            <thumburl></thumburl>
        </appmsg>
        <appinfo>
            <version></version>
            <appname></appname>
        </appinfo>
    </msg>"#;
    let fields =
        [("AppMsgType", "5"), ("Url", "\"http://link.example/\""), ("FileName", "\"链接标题\"")];
    let Kind::App(app) = kind_of(49, &fields, content) else { panic!("no app message") };
    let App { kind, title, url, description, thumb_url, app_id, app_name, content, .. } = *app;
    assert_eq!((kind, content), (AppKind::LINK, AppContent::Link));
    assert_eq!((&*title, &*url), ("链接标题", "http://link.example/"));
    assert_eq!((&*description, &*thumb_url, &*app_id, &*app_name), ("", "", "", ""));
}

/// "Music".
#[test]
fn music_is_parsed() {
    let content = r#"<msg>
        <appmsg appid="wx485a97c844086dc9"  sdkver="0">
            <title></title>
            <des></des>
            <action></action>
            <type>3</type>
            <showtype>0</showtype>
            <mediatagname></mediatagname>
            <messageext></messageext>
            <messageaction></messageaction>
            <content></content>
            <contentattr>0</contentattr>
            <url></url>
            <lowurl></lowurl>
            <dataurl>
                http://ws.stream.qqmusic.qq.com/C100003i9hMt1bgui0.m4a?vkey=6867EF99F3684&amp;guid=ffffffffc104ea2964a111cf3ff3edaf&amp;fromtag=46
            </dataurl>
            <lowdataurl>
                http://ws.stream.qqmusic.qq.com/C100003i9hMt1bgui0.m4a?vkey=6867EF99F3684&amp;guid=ffffffffc104ea2964a111cf3ff3edaf&amp;fromtag=46
            </lowdataurl>
            <appattach>
                <totallen>0</totallen>
                <attachid></attachid>
                <emoticonmd5></emoticonmd5>
                <fileext></fileext>
            </appattach>
            <extinfo></extinfo>
            <sourceusername></sourceusername>
            <sourcedisplayname></sourcedisplayname>
            <commenturl></commenturl>
            <thumburl>
                http://imgcache.qq.com/music/photo/album/63/180_albumpic_143163_0.jpg
            </thumburl>
            <md5></md5>
        </appmsg>
        <fromusername></fromusername>
        <scene>0</scene>
        <appinfo>
            <version>29</version>
            <appname>摇一摇搜歌</appname>
        </appinfo>
        <commenturl></commenturl>
    </msg>"#;
    let fields = [
        ("AppMsgType", "3"),
        ("Url", "\"http://link.example/\""),
        ("FileName", "\"音乐名\""),
        ("AppInfo", r#"{"Type": 0, "AppID": "wx485a97c844086dc9"}"#),
    ];
    let Kind::App(app) = kind_of(49, &fields, content) else { panic!("no app message") };
    let App { kind, title, url, thumb_url, app_id, app_name, content, .. } = *app;
    assert_eq!((kind, &*title, &*url), (AppKind::MUSIC, "音乐名", "http://link.example/"));
    assert_eq!((&*app_id, &*app_name), ("wx485a97c844086dc9", "摇一摇搜歌"));
    assert_eq!(
        &*thumb_url,
        "http://imgcache.qq.com/music/photo/album/63/180_albumpic_143163_0.jpg"
    );
    let AppContent::Music(music) = content else { panic!("no music") };
    let Stream { data_url, low_data_url, low_url, album_url, lyric, .. } = *music;
    let stream = "http://ws.stream.qqmusic.qq.com/C100003i9hMt1bgui0.m4a?vkey=6867EF99F3684&guid=ffffffffc104ea2964a111cf3ff3edaf&fromtag=46";
    assert_eq!((&*data_url, &*low_data_url), (stream, stream));
    assert_eq!((&*low_url, &*album_url, &*lyric), ("", "", ""));
}

/// "Red packet": "Content: unknown".
#[test]
fn red_packets_are_parsed() {
    let fields = [("AppMsgType", "2001")];
    for content in ["", "未知"] {
        let Kind::App(app) = kind_of(49, &fields, content) else { panic!("no app message") };
        assert_eq!((app.kind, &*app.text), (AppKind::RED_PACKET, content));
        assert!(matches!(app.content, AppContent::RedPacket(_)));
    }
}

/// "Friend verification". Their tool encoded the printed `RecommendInfo` twice.
#[test]
fn friend_requests_are_parsed() {
    let ticket = "v2_6c4a1b9e07d25f83a6c4e1f7b0d92835c71e4a60b8f3d92517ce6a04b8d1f3e27a95c06b4d8e1f2a7350c9b6e4d8f1a2@stranger";
    let info = format!(
        r#"{{"UserName": "{FRIEND}", "NickName": "MiaoXu", "QQNum": 0, "Province": "åŒ—äº¬", "City": "朝阳",
        "Content": "我是群聊\"PHP和测试\"的MiaoXu", "Signature": "", "Alias": "miaoxu", "Scene": 14, "VerifyFlag": 0,
        "AttrStatus": 4305791, "Sex": 1, "Ticket": "{ticket}", "OpCode": 2}}"#
    );
    let content = format!(
        r#"<msg fromusername="xubingmiao889129" encryptusername="v1_07d25f83a6c4e1f7b0d92835c71e4a60@stranger" fromnickname="MiaoXu" content="验证消息内容" shortpy="MIAOXU" imagestatus="3" scene="14" country="CN" province="Beijing" city="Chaoyang" sign="" percard="1" sex="1" alias="miaoxu" weibo="http://t.qq.com/miaoxu" weibonickname="微博昵称" albumflag="3" albumstyle="0" albumbgimgid="" snsflag="17" snsbgimgid="http://mmsns.qpic.cn/mmsns/83a6c4e1f7b0d928/0" snsbgobjectid="12152681488304050449" mhash="83a6c4e1f7b0d92835c71e4a60b8f3d9" mfullhash="83a6c4e1f7b0d92835c71e4a60b8f3d9" bigheadimgurl="http://wx.qlogo.cn/mmhead/ver_1/07d25f83a6c4/0" smallheadimgurl="http://wx.qlogo.cn/mmhead/ver_1/07d25f83a6c4/132" ticket="{ticket}" opcode="2" googlecontact="" qrticket="" chatroomusername="1700004242@chatroom" sourceusername="" sourcenickname="">
  <brandlist count="0" ver="652639419"></brandlist>
</msg>"#
    );
    let kind = kind_of(37, &[("RecommendInfo", &info)], &content);
    let Kind::FriendRequest(request) = kind else { panic!("no friend request") };
    assert_eq!(request.user_name(), Some(&name(FRIEND)));
    assert_eq!(request.ticket(), ticket.parse().ok().as_ref());
    assert_eq!(request.greeting(), "我是群聊\"PHP和测试\"的MiaoXu");
    let RecommendInfo {
        nick_name, province, city, alias, scene, attr_status, sex, op_code, ..
    } = request.info.clone();
    // As received: `docs/shapes.md` S4.
    assert_eq!((&*nick_name, &*province, &*city), ("MiaoXu", "åŒ—äº¬", "朝阳"));
    assert_eq!((&*alias, scene, attr_status, sex, op_code), ("miaoxu", 14, 4_305_791, 1, 2));
    let texts = vec![
        (&request.permanent_id, "xubingmiao889129"),
        (&request.encrypted_id, "v1_07d25f83a6c4e1f7b0d92835c71e4a60@stranger"),
        (&request.short_pinyin, "MIAOXU"),
        (&request.country, "CN"),
        (&request.weibo, "http://t.qq.com/miaoxu"),
        (&request.weibo_nick_name, "微博昵称"),
        (&request.album_background_id, ""),
        (&request.sns_background_url, "http://mmsns.qpic.cn/mmsns/83a6c4e1f7b0d928/0"),
        (&request.sns_background_id, "12152681488304050449"),
        (&request.mobile_hash, "83a6c4e1f7b0d92835c71e4a60b8f3d9"),
        (&request.mobile_full_hash, "83a6c4e1f7b0d92835c71e4a60b8f3d9"),
        (&request.big_head_img_url, "http://wx.qlogo.cn/mmhead/ver_1/07d25f83a6c4/0"),
        (&request.small_head_img_url, "http://wx.qlogo.cn/mmhead/ver_1/07d25f83a6c4/132"),
        (&request.google_contact, ""),
        (&request.room_id, "1700004242@chatroom"),
        (&request.source_user_name, ""),
        (&request.source_nick_name, ""),
    ];
    for (parsed, printed) in texts {
        assert_eq!(&**parsed, printed);
    }
    let FriendRequest { image_status, personal_card, album_flag, album_style, sns_flag, .. } =
        *request;
    assert_eq!((image_status, personal_card, album_flag, album_style, sns_flag), (3, 1, 3, 0, 17));
    assert_eq!((request.brand_count, request.brand_version), (0, 652_639_419));
}

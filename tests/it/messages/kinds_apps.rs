//! App messages and service messages, and the expected results.

use serde_json::{Value, json};
use wechat_proto::media::NotFetchable;
use wechat_proto::message::NotForwardable;
use wechat_simulator::{App, Article, Attachment, Incoming, Quoted, World};

use super::cases::{By, Case, Content, FILE, GIF, NAME, key, md5, stored};

const PATH: &str = "pages/home/index.html?shop=1&from=share";

/// Builds the JSON of an app message: the common fields and those of its kind.
fn app(app: &App, id: &str, content: Value) -> Value {
    // The hint of newer kinds is not a title.
    let title = if app.title.starts_with("当前微信版本") { "" } else { &app.title };
    json!({ "app": {
        "kind": app.kind, "title": title, "description": app.description, "url": app.url,
        "thumb_url": app.thumb_url, "app_id": app.app_id, "app_name": app.app_name, "from": id,
        "source_user_name": app.source_user_name,
        "source_display_name": app.source_display_name, "content": content,
    } })
}

pub(super) fn apps(friend: &str, id: &str) -> Vec<Case> {
    let attached = Attachment {
        size: 1760,
        id: "@crypt_1".into(),
        extension: "jpg".into(),
        stored: "304c0201".into(),
        key: "62".into(),
        ..Attachment::default()
    };
    let attachment = json!({
        "length": 1760, "attach_id": "@crypt_1", "extension": "jpg", "cdn_url": "304c0201",
        "cdn_thumb_url": "304c0202", "thumb_width": 90, "thumb_height": 120, "aes_key": "62",
    });
    let mut emoji = attachment.clone();
    emoji["md5"] = json!(md5(GIF));
    let sticker = Attachment { emoticon_md5: md5(GIF), ..attached.clone() };
    let stream = json!({ "data_url": "http://s.example/a.m4a?k=1&g=2" });
    let article = |number: u64| Article {
        title: format!("第{number}条 & 其他"),
        url: format!("http://n.example/{number}?a=1&b=2"),
        cover: "http://n.example/c.jpg".into(),
        digest: "摘要".into(),
        published: 1_476_612_500 + number,
    };
    let read = |number: u64| {
        json!({
            "title": format!("第{number}条 & 其他"), "cover_url": "http://n.example/c.jpg",
            "url": format!("http://n.example/{number}?a=1&b=2"), "cover_width": 640,
            "cover_height": 320, "digest": "摘要",
            "published": (1_476_612_500 + number) * 1000,
        })
    };
    let quoted = Quoted {
        msg_type: 1,
        msg_id: "7810092927857443194".into(),
        from: "1700004242@chatroom".into(),
        speaker: "wxid_min".into(),
        name: "小敏 <&>".into(),
        at: 1_683_000_000,
        content: "三点 & 四点?".into(),
    };
    let quote = json!({ "quote": {
        "kind": 1, "id": "7810092927857443194", "from": "1700004242@chatroom",
        "speaker": "wxid_min", "name": "小敏 <&>", "sent": 1_683_000_000_000_u64,
        "text": "三点 & 四点?",
    } });
    let mini = json!({ "mini_program": {
        "user_name": "gh_12566478d436@app", "app_id": "wx07af7e375d21a08c", "page_path": PATH,
        "icon_url": "http://mmbiz.qpic.cn/i/640", "kind": 2, "version": 14,
    } });
    let page = || App::mini_program("本周新品", "某小店", "wx07af7e375d21a08c", PATH);
    let music = App {
        app_id: "wx485a97c844086dc9".into(),
        app_name: "摇一摇搜歌".into(),
        ..App::music("山歌", "阿兰", "http://m.example/?id=1&f=2", "http://s.example/a.m4a?k=1&g=2")
    };
    let link = App {
        thumb_url: "http://a.example/t.jpg?a=1&b=2".into(),
        source_user_name: "gh_0123456789ab".into(),
        source_display_name: "天气服务".into(),
        ..App::link("一篇 & \"文章\"", "讲的是<山>", "http://a.example/?x=1&y=2")
    };
    let (unit, two) = (Value::from, [article(1), article(2)]);
    let articles = App::articles("每日新闻", &two);
    let list = json!({ "articles": [read(1), read(2)] });
    let channel = App::channels_video("山水", "看山&看水", "http://f.example/v?a=1&b=2");
    let channels = json!({ "channels_video": {
        "id": "14264358459626428566", "user_name": "v2_0600@finder", "nick_name": "山水",
        "avatar_url": "https://wx.qlogo.cn/finderhead/0", "description": "看山&看水",
        "url": "http://f.example/v?a=1&b=2", "thumb_url": "http://finder.example/t",
        "width": 1080, "height": 1920, "duration_ms": 15_000,
    } });
    let channel_of = |description: &str| {
        json!({
            "user_name": "v2_0600@finder", "nick_name": "山水", "description": description,
            "avatar_url": "https://wx.qlogo.cn/finderhead/0",
        })
    };
    let mut live = channel_of("今晚看山");
    for (field, value) in [
        ("id", json!("2027777777")),
        ("thumb_url", json!("http://finder.example/c")),
        ("width", json!(1080)),
        ("height", json!(1920)),
    ] {
        live[field] = value;
    }
    let live = json!({ "channels_live": live });
    let said = [("阿兰", "在吗 & 忙吗"), ("小敏", "<在>")];
    let item = |(name, text): (&str, &str)| json!({ "kind": 1, "name": name, "time": "2023-05-01 10:00:00", "text": text });
    let history = json!({ "history": {
        "title": "聊天记录", "description": "阿兰: 在吗 & 忙吗\n小敏: <在>",
        "items": said.map(item),
    } });
    let mut all = Vec::new();
    for (what, content) in [
        (App::new(1, "三点 & 四点"), unit("text")),
        (App { attachment: Some(attached), ..App::new(2, "照片") }, json!({ "image": attachment })),
        (music.clone(), json!({ "music": stream })),
        (App { kind: 4, ..music.clone() }, json!({ "video": stream })),
        (link, unit("link")),
        (articles.clone(), list.clone()),
        (App { kind: 100_001, ..articles }, list),
        (App { kind: 7, ..App::link("一局棋", "轮到你了", "http://g.example/") }, unit("open")),
        (App { attachment: Some(sticker), ..App::new(8, "表情") }, json!({ "emoji": emoji })),
        (App::new(9, "语音提醒"), unit("voice_reminder")),
        (App::new(10, "一本书"), unit("scanned_goods")),
        (App::new(13, "一只杯子"), unit("goods")),
        (App::new(15, "表情"), unit("emoticon_share")),
        (App::new(16, "优惠券"), unit("coupon")),
        (App::history("聊天记录", &said), history.clone()),
        (App { kind: 40, ..App::history("聊天记录", &said) }, history.clone()),
        (App { title: String::new(), kind: 24, ..App::history("聊天记录", &said) }, history),
        (App { kind: 76, ..music.clone() }, json!({ "music": stream })),
        (App { kind: 92, ..music.clone() }, json!({ "music": stream })),
        (App::new(42, "阿梅"), unit("card")),
        (
            App::channels_card("山水", "看山&看水"),
            json!({ "channels_card": channel_of("看山&看水") }),
        ),
        (App::channels_live("山水", "今晚看山"), live),
        (App::announcement("八点 <集合>\n带水"), json!({ "announcement": "八点 <集合>\n带水" })),
        (page(), mini.clone()),
        (App { kind: 36, ..page() }, mini),
        (channel, channels),
        (App::new(53, "#接龙\n1. 阿兰"), unit("note")),
        (App::quote("好的 <3", &quoted), quote),
        (App::new(4711, "礼物"), unit("unknown")),
    ] {
        let case = Case::of(Incoming::app(friend, &what), app(&what, id, content));
        all.push(case.passed("webwxsendappmsg", what.kind, Content::Said));
    }
    // Kinds that cannot be forwarded.
    let transfer = json!({ "transfer": {
        "pay_sub_type": 1, "amount": "￥0.10", "memo": "午饭 & 茶", "effective_date": 1,
        "transfer_id": "100006010120230501", "transaction_id": "100005010120230501",
        "began": 1_476_612_570_000_u64, "expires": 1_476_698_970_000_u64,
    } });
    for (what, content) in [
        (App::new(17, "我发起了位置共享"), unit("live_location")),
        (App::transfer("0.10", "午饭 & 茶"), transfer),
        (App::red_packet("大吉大利"), json!({ "red_packet": { "greeting": "大吉大利" } })),
    ] {
        all.push(Case::of(Incoming::app(friend, &what), app(&what, id, content)));
    }
    let tickle = App::tickle(id, "wxid_b");
    let record = json!({ "from": id, "whom": "wxid_b", "template": format!("\"${{{id}}}\" 拍了拍 \"${{wxid_b}}\"") });
    all.push(Case::of(
        Incoming::app(friend, &tickle),
        app(&tickle, id, json!({ "tickles": [record] })),
    ));
    let uploading = Case::of(
        Incoming::uploading_file(friend, "a.xlsx", 8939),
        json!({ "app": { "kind": 74, "title": "a.xlsx", "from": id, "content": { "file": {
            "name": "a.xlsx", "length": 8939, "extension": "xlsx", "uploading": true,
            "attachment": { "length": 8939, "extension": "xlsx" },
        } } } }),
    );
    let (passed, whole) = (Err(NotForwardable::Incomplete), Err(NotFetchable::Incomplete));
    all.push(Case { passed, whole, ..uploading });
    let hint = "该类型暂不支持，请在手机上查看";
    all.push(Case::of(Incoming::unsupported(friend), json!({ "unsupported": hint })));
    all.push(Case::of(
        Incoming::not_supported(friend),
        json!({ "app": { "text": hint, "content": "unknown" } }),
    ));
    let file = Case::of(Incoming::file(friend, NAME, FILE), file(id));
    all.push(file.passed("webwxsendappmsg", 6, Content::File).fetches(FILE));
    all
}

/// Returns the JSON of the file message.
pub(super) fn file(id: &str) -> Value {
    json!({ "app": {
        "kind": 6, "title": NAME, "from": id,
        "content": { "file": {
            "name": NAME, "length": FILE.len(), "extension": "pdf", "media_id": "MEDIAID",
            "encry_file_name": "%E9%A2%84%E7%AE%97%20%26%20%3C%E6%9C%80%E7%BB%88%3E%5Fv2%2EPDF",
            "attachment": {
                "length": FILE.len(), "extension": "pdf", "cdn_url": stored(FILE, 1),
                "attach_id": format!("@crypt_{}", md5(FILE)), "cdn_thumb_url": "304c0202",
                "thumb_width": 90, "thumb_height": 120, "aes_key": key(FILE),
            },
        } },
    } })
}

pub(super) fn services(world: &World, friend: &str, id: &str) -> Vec<Case> {
    let me = world.account().user_name.clone();
    let call = "收到一条视频/语音聊天消息，请在手机上查看";
    let changed = "&lt;voipinvitemsg&gt;&lt;status&gt;4&lt;/status&gt;&lt;invitetype&gt;1&lt;/invitetype&gt;&lt;/voipinvitemsg&gt;&lt;voiplocalinfo&gt;&lt;duration&gt;147&lt;/duration&gt;&lt;/voiplocalinfo&gt;";
    let invites = "&lt;voipinvitemsg&gt;&lt;status&gt;2&lt;/status&gt;&lt;invitetype&gt;0&lt;/invitetype&gt;&lt;/voipinvitemsg&gt;";
    let entered = Incoming {
        to: friend.to_owned(),
        status_notify_code: 2,
        status_notify_user_name: friend.to_owned(),
        ..Incoming::new(
            &me,
            51,
            "&lt;msg&gt;<br/>&lt;op id='2'&gt;<br/>&lt;username&gt;x&lt;/username&gt;<br/>&lt;/op&gt;<br/>&lt;/msg&gt;",
        )
    };
    let added = "你已添加了林晓，现在可以开始聊天了。";
    let tickle = format!(
        "<sysmsg type=\"pat\">\n<pat>\n<fromusername>{id}</fromusername>\n<pattedusername>wxid_b</pattedusername>\n<template><![CDATA[\"${{{id}}}\" 拍了拍我]]></template>\n</pat>\n</sysmsg>"
    );
    let news = "&lt;mmreader&gt;<br/>&lt;category type=\"20\" count=\"1\"&gt;<br/>&lt;name&gt;&lt;![CDATA[每日新闻]]&gt;&lt;/name&gt;<br/>&lt;newitem&gt;<br/>&lt;title&gt;&lt;![CDATA[要闻]]&gt;&lt;/title&gt;<br/>&lt;/newitem&gt;<br/>&lt;/category&gt;<br/>&lt;/mmreader&gt;";
    let gone = "\"林晓 😄\" 撤回了一条消息";
    vec![
        Case::of(Incoming::call(friend), json!({ "voip": { "step": "message", "text": call } })),
        Case::of(
            Incoming::new(friend, 52, changed),
            json!({ "voip": { "step": "notify", "by": "voice", "duration_ms": 147_000 } }),
        ),
        Case::of(
            Incoming::new(friend, 53, invites),
            json!({ "voip": { "step": "invite", "by": "video" } }),
        ),
        Case::of(
            Incoming::revocation(friend, "17", gone),
            json!({ "revoked": {
                "msg_id": "17", "new_msg_id": "17", "old_msg_id": "1661500000", "session": id,
                "text": gone, "by": { "named": "林晓 😄" },
            } }),
        ),
        Case::of(
            Incoming {
                app_msg_type: 2001, ..Incoming::text(friend, "收到红包，请在手机上查看")
            },
            json!({ "app": { "kind": 2001, "text": "收到红包，请在手机上查看", "content": { "red_packet": {} } } }),
        ),
        Case::of(Incoming::new(friend, 4711, "x"), json!({ "unknown": { "msg_type": 4711 } })),
        Case::of(
            Incoming::new(friend, 34, "no voice"),
            json!({ "unreadable": { "msg_type": 34, "reason": "not a voice message" } }),
        ),
        Case::of(
            Incoming::system(friend, added),
            json!({ "system": { "text": added, "event": { "friend_added": { "name": "林晓" } } } }),
        )
        .by(By::Service),
        Case::of(
            Incoming::new(friend, 9999, "位置共享已经结束"),
            json!({ "system": { "text": "位置共享已经结束", "event": "live_location_ended" } }),
        )
        .by(By::Service),
        Case::of(
            Incoming::sysmsg(friend, &tickle),
            json!({ "sys_msg": { "tickle": {
                "from": id, "whom": "wxid_b", "template": format!("\"${{{id}}}\" 拍了拍我"),
            } } }),
        )
        .by(By::Service),
        Case::of(
            entered,
            json!({ "status": { "code": 2, "user_names": [friend], "permanent_ids": ["x"], "paired": true } }),
        )
        .by(By::Other),
        Case::of(
            Incoming::new("newsapp", 1, news),
            json!({ "news": { "title": "每日新闻", "articles": [{ "title": "要闻" }] } }),
        )
        .by(By::Other),
    ]
}

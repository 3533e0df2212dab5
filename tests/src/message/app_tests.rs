use super::*;
use crate::World;

#[test]
fn quotation_matches_the_delivered_message() {
    let mut world = World::new(1);
    let friend = world.add_person("A & <b>");
    let room = world.add_room("R", &[&friend]);
    let permanent = |world: &World, name: &str| world.contact(name).expect("one").permanent.clone();
    let (ada, chat) = (permanent(&world, &friend), permanent(&world, &room));
    for (said, from) in [
        (Incoming::text(&friend, "1 < 2\n😄"), &ada),
        (Incoming::text(&friend, "1 < 2\n😄").in_room(&room), &chat),
    ] {
        let id = world.deliver(said);
        let quoted = world.quoted(&id).expect("it");
        let expected = Quoted {
            msg_type: 1,
            msg_id: id,
            from: from.clone(),
            speaker: ada.clone(),
            name: "A & <b>".to_owned(),
            at: 1_700_000_000,
            content: "1 < 2\n😄".to_owned(),
        };
        assert_eq!(quoted, expected);
        let reply = Incoming::app(&friend, &App::quote("yes & no", &quoted));
        for part in [
            "&lt;title&gt;yes &amp;amp; no&lt;/title&gt;",
            "&lt;displayname&gt;A &amp;amp; &amp;lt;b&amp;gt;&lt;/displayname&gt;",
            "&lt;content&gt;1 &amp;lt; 2<br/><span class=\"emoji emoji1f604\"></span>&lt;/content&gt;",
            "&lt;createtime&gt;1700000000&lt;/createtime&gt;",
        ] {
            assert!(reply.content.contains(part), "{part}: {}", reply.content);
        }
    }
    assert_eq!(world.quoted("1"), None);
}

const HINT: &str = "<title>当前微信版本不支持展示该内容，请升级至最新版本。</title>";

#[test]
fn each_kind_has_its_xml_elements() {
    let article = |number: u64| Article {
        title: format!("T{number}"),
        url: format!("http://a.example/?n={number}&x=1"),
        published: number,
        ..Article::default()
    };
    for (app, kind, parts) in [
        (App::music("a", "b", "c", "d&e"), 3, ["<des>b</des>", "<dataurl>d&amp;e</dataurl>"]),
        (
            App::articles("N", &[article(1), article(2)]),
            5,
            ["count=\"2\"", "<url><![CDATA[http://a.example/?n=2&amp;x=1]]></url>"],
        ),
        (
            App::mini_program("a", "b", "wx1", "p?x=1&y"),
            33,
            ["[CDATA[p?x=1&y]]", "<appid>wx1</appid>"],
        ),
        (App::transfer("0.10", "m"), 2000, ["[CDATA[￥0.10]]", "<pay_memo><![CDATA[m]]>"]),
        (App::red_packet("g"), 2001, ["微信红包", "<receivertitle><![CDATA[g]]>"]),
        (
            App::history("t", &[("n", "x & y"), ("o", "z")]),
            19,
            ["<des>n: x &amp; y\no: z</des>", "<datadesc>x &amp; y</datadesc>"],
        ),
        (
            App::channels_live("n", "d"),
            63,
            ["<finderLive>\n<finderLiveID>", "<nickname>n</nickname>"],
        ),
        (App::channels_card("n", "d"), 50, ["<nickname>n</nickname>", "<auth_job>d</auth_job>"]),
        (App::announcement("a & b"), 87, ["<textannouncement>a &amp; b</textannouncement>", HINT]),
        (App::tickle("a", "b"), 62, ["<fromUser>a</fromUser>", "[\"${a}\" 拍了拍 \"${b}\"]"]),
        (App::channels_video("n", "d", "u"), 51, ["<nickname>n</nickname>", "<url>u</url>"]),
    ] {
        let xml = app.xml("@a");
        let number = format!("<type>{kind}</type>");
        for part in parts.into_iter().chain([&*number, "<fromusername>@a</fromusername>"]) {
            assert!(xml.contains(part), "{part}: {xml}");
        }
        let said = Incoming::app("@a", &app);
        assert_eq!((said.msg_type, said.app_msg_type), (49, kind));
        assert_eq!(said.plain(), xml);
    }
}

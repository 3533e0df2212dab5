use alloc::format;

use super::*;
use crate::device::Lang;
use crate::message::Kind;
use crate::testing::said;

fn read(fields: &str, content: &str) -> Option<Location> {
    match said(48, fields, content).kind {
        Kind::Location(place) => Some(*place),
        Kind::Unreadable { reason: "not a location", .. } => None,
        other => panic!("{other:?}"),
    }
}

const AT: Option<Coordinates> = Some(Coordinates { latitude: 22.5, longitude: 113.9 });
const ORI: &str = "<?xml version=\\\"1.0\\\"?>\\n<msg>\\n\\t<location x=\\\"22.5\\\" y=\\\"113.9\\\" scale=\\\"16\\\" label=\\\"深圳 &amp; 南山\\\" maptype=\\\"0\\\" poiname=\\\"海 &quot;边&quot;\\\" poiid=\\\"p7\\\" />\\n</msg>\\n";
const LINK: &str = "/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=xxx&amp;msgid=741398718084560243&amp;pictype=location";

#[test]
fn partial_content_is_parsed() {
    // The label contains the separator, and the coordinates are in the URL.
    let place = read(
        r#""Url":"http://apis.map.qq.com/uri/v1/geocoder?a=1&amp;coord=22.5%2C113.9""#,
        &format!("a:<br/>b:<br/>{LINK}"),
    )
    .unwrap();
    assert_eq!((&*place.label, place.coordinates), ("a:\nb", AT));
    assert!(place.image.ends_with("&pictype=location"));
    // The content is the XML.
    let place =
        read("", "&lt;msg&gt;&lt;location x=\"22.5\" y=\"113.9\" label=\"L\"/&gt;&lt;/msg&gt;");
    assert_eq!(place, Some(Location { label: "L".into(), coordinates: AT, ..Location::default() }));
    // The label looks like XML, and another field contains XML. The link after the label is used
    // nevertheless.
    let fields = format!("\"OriContent\":\"{ORI}\"");
    let place = read(&fields, &format!("&lt;8&gt; 号:<br/>{LINK}")).unwrap();
    assert_eq!(&*place.label, "深圳 & 南山");
    assert!(place.image.ends_with("&pictype=location"));
    // Both fields contain XML.
    let place = read(&fields, "&lt;msg&gt;&lt;location label=\"L\"/&gt;&lt;/msg&gt;").unwrap();
    assert_eq!((&*place.label, &*place.image), ("深圳 & 南山", ""));
    // The content is a label without a link.
    assert_eq!(&*read("", "深圳:<br/>").unwrap().label, "深圳");
    assert_eq!(&*read("", "深圳").unwrap().label, "深圳");
    for empty in ["", "<br/>", ":<br/>"] {
        assert_eq!(read("", empty), None, "{empty}");
    }
    // XML is not a label.
    let nowhere = read("", "&lt;msg&gt;&lt;location/&gt;&lt;/msg&gt;");
    assert_eq!(nowhere, Some(Location::default()));
}

/// Phones write the word for a location as the name of a place without a name.
#[test]
fn placeholder_is_not_a_name() {
    for (name, label, zh) in [
        ("海边", "某市某路1号", "[位置] 海边"),
        ("[位置]", "某市某路1号", "[位置] 某市某路1号"),
        ("[Location]", "某市某路1号", "[位置] 某市某路1号"),
        ("[位置]", "", "[位置] http://apis.map.qq.com/uri/v1/geocoder?coord=22,113"),
    ] {
        let ori = format!("<msg><location label='{label}' poiname='{name}'/></msg>");
        let url = "http://apis.map.qq.com/uri/v1/geocoder?coord=22,113";
        let place = said(48, &format!(r#""OriContent":"{ori}","Url":"{url}""#), "");
        assert_eq!(place.preview(&Lang::ZH_CN), zh, "{name}, {label}");
    }
}

#[test]
fn invalid_coordinates_are_ignored() {
    for (x, y) in [("91", "0"), ("0", "-181"), ("NaN", "1"), ("inf", "1"), ("", "1"), ("1,5", "1")]
    {
        let ori = format!(r#""OriContent":"<msg><location x='{x}' y='{y}'/></msg>""#);
        assert_eq!(read(&ori, "").unwrap().coordinates, None, "{x}, {y}");
    }
    for url in
        ["http://m/?coord=1", "http://m/coord=1,2", "http://m/?coord=x,y", "http://m/?xcoord=1,2"]
    {
        assert_eq!(Coordinates::of_url(url), None, "{url}");
    }
}

/// The form of 2016 is a text that is a link.
#[test]
fn links_of_2016_are_parsed() {
    let link = "http://weixin.qq.com/cgi-bin/redirectforward?args=x%2By&amp;z=1";
    for sub in ["0", "48"] {
        let message = said(1, &format!("\"SubMsgType\":{sub}"), link);
        let Kind::Location(place) = message.kind else { panic!("{:?}", message.kind) };
        let url = "http://weixin.qq.com/cgi-bin/redirectforward?args=x%2By&z=1".into();
        assert_eq!(*place, Location { url, ..Location::default() });
    }
    let more = format!("look: {link}");
    let behind = format!("{link} here");
    let below = format!("{link}<br/>here");
    for text in [
        &*more,
        &behind,
        &below,
        "http://weixin.qq.com/",
        "http://evil.example/cgi-bin/redirectforward?args=x",
    ] {
        assert!(said(1, "", text).text().is_some(), "{text}");
    }
}

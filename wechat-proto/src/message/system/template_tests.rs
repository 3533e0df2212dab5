use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::*;

/// A link: name, kind, members (id and name), and the XML that follows.
pub(super) type Written<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);

pub(super) fn template(text: &str, links: &[Written<'_>]) -> String {
    let links: String = links
        .iter()
        .map(|(name, kind, members, rest)| {
            let members: String = members
                .iter()
                .map(|(id, name)| format!("<member>\n<username><![CDATA[{id}]]></username>\n<nickname><![CDATA[{name}]]></nickname>\n</member>\n"))
                .collect();
            let hidden = if kind.starts_with("link_revoke") { " hidden=\"1\"" } else { "" };
            format!("<link name=\"{name}\" type=\"{kind}\"{hidden}>\n<memberlist>\n{members}</memberlist>\n{rest}</link>\n")
        })
        .collect();
    wire(&format!(
        "<sysmsg type=\"sysmsgtemplate\">\n<sysmsgtemplate>\n<content_template type=\"tmpl_type_profile\">\n<plain><![CDATA[]]></plain>\n<template><![CDATA[{text}]]></template>\n<link_list>\n{links}</link_list>\n</content_template>\n</sysmsgtemplate>\n</sysmsg>\n"
    ))
}

pub(super) fn read_template(content: &str) -> Template {
    match sysmsg(content) {
        SysMsg::Template(template) => template,
        other => panic!("{other:?}"),
    }
}

/// The wordings of templates that `corpus/messages` does not have.
#[test]
fn template_events_have_people() {
    let one = |name: &str| Person::Named(name.into());
    for (text, event) in [
        (
            "你被\"$username$\"移出群聊",
            SystemEvent::Removed { by: one("林晓"), who: vec![Person::Me] },
        ),
        (
            "\"$username$\"修改群名为“$remark$”",
            SystemEvent::Renamed { by: one("林晓"), topic: "a、b, c".into() },
        ),
        (
            "你已添加了$username$，现在可以开始聊天了。",
            SystemEvent::FriendAdded { name: Some("林晓".into()) },
        ),
    ] {
        let username = ("username", "link_profile", &[("wxid_a", "林晓")][..], "");
        let remark = ("remark", "link_profile", &[("", "a、b, c")][..], "");
        let read = read_template(&template(text, &[username, remark]));
        assert_eq!(read.event, Some(event), "{text}");
        assert!(!read.text.contains('$'), "{}", read.text);
    }
}

#[test]
fn unusual_templates_are_bounded() {
    let plain = read_template(
        &template("", &[]).replace("plain&gt;&lt;![CDATA[", "plain&gt;&lt;![CDATA[words"),
    );
    assert_eq!((&*plain.text, &*plain.template), ("words", ""));
    let members: &[_] = &[("wxid_a", "$b$")];
    let read = read_template(&template(
        "$5 for $a$ and $a$, $c$, $",
        &[
            ("a", "link_profile", members, ""),
            ("b", "link_profile", &[("", "no")], ""),
            ("d", "link_new", &[], "<title>x</title>"),
        ],
    ));
    // Unknown placeholders remain, names are not expanded, values are not repeated.
    assert_eq!(&*read.text, "$5 for $b$ and , $c$, $");
    assert_eq!(read.event, None);
    // Threat M2.
    let members: Vec<(String, String)> =
        (0..1000).map(|n| (format!("wxid_{n}"), "x".into())).collect();
    let members: Vec<(&str, &str)> = members.iter().map(|(id, name)| (&**id, &**name)).collect();
    let separator = format!("<separator>{}</separator>", "-".repeat(10_000));
    let places = "$n$、".repeat(1000);
    let text = format!("\"$n$\"邀请你加入了群聊，群聊参与人还有：{places}$o$");
    let read = read_template(&template(&text, &[("n", "link_profile", &members, &separator)]));
    let Some(SystemEvent::Invited { others, .. }) = read.event else { panic!() };
    assert_eq!((others.len(), read.text.chars().filter(|c| *c == '-').count()), (1001, 0));
    let members: &[_] = &[("wxid_a", "$b$")];
    let many: Vec<_> = (0..100).map(|_| ("n", "link_profile", members, "")).collect();
    let read = read_template(&template(&"$n$".repeat(10_000), &many));
    assert_eq!((read.links.len(), &*read.text), (32, "$b$"));
}

//! Masks of names and texts in a HAR file.

use std::collections::BTreeMap;

use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesCData, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};
use serde_json::{Map, Value};
use wechat_proto::text::{decode, encode};

use super::har::{Body, Exchange};
use super::mask::own_mask;
use super::secrets::{Kind, is_value, of_name, scan};

/// Replaces the names and texts of people in all entries, equal ones by equal masks (`__text-1__`).
///
/// Ids, numbers and the structure of JSON and XML are kept. Other bodies are removed, except those
/// of the login, and so are file names in URLs and headers.
pub(super) fn mask(document: &mut Value) {
    let mut texts = Texts::default();
    let entries = document.pointer_mut("/log/entries").and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten() {
        let Ok(exchange) = Exchange::read(entry) else { continue };
        let sent = texts.body(&exchange.request_body);
        replace(entry.pointer_mut("/request/postData"), &["mimeType"], sent);
        let received = match &exchange.response_body {
            Body::Known(body) => texts.body(body),
            Body::Missing(_) => None,
        };
        replace(entry.pointer_mut("/response/content"), &["mimeType", "size"], received);
        if let Some(Value::String(url)) = entry.pointer_mut("/request/url") {
            let parts: Vec<_> = url.split_inclusive(['?', '&']).collect();
            *url = parts.into_iter().filter(|part| !is_file_name(part)).collect();
        }
        for list in ["/request/queryString", "/response/headers"] {
            if let Some(Value::Array(pairs)) = entry.pointer_mut(list) {
                pairs.retain(|pair| !pair["name"].as_str().is_none_or(is_file_name));
            }
        }
    }
}

/// Keeps these fields of a body, and replaces its text.
fn replace(body: Option<&mut Value>, kept: &[&str], text: Option<String>) {
    if let Some(Value::Object(fields)) = body {
        fields.retain(|name, _| kept.contains(&&**name));
        fields.extend(text.map(|text| ("text".to_owned(), text.into())));
    }
}

/// Returns whether a parameter or a header has the name of a file.
fn is_file_name(pair: &str) -> bool {
    let pair = pair.to_ascii_lowercase();
    ["filename", "encryfilename", "content-disposition"].iter().any(|name| pair.starts_with(name))
}

/// The numbers of the masked texts.
#[derive(Default)]
struct Texts(BTreeMap<String, usize>);

/// The names of fields, elements and attributes that are masked even if they have no letters, in
/// lower case.
const TEXTS: &[&str] = &[
    "des", "digest", "feedesc", "keyword", "label", "pay_memo", "pyinitial", "pyquanpin",
    "remarkpyinitial", "remarkpyquanpin", "signature", "text", "title", "topic", "x", "y",
];
/// The ends of further such names.
const TEXT_ENDS: &[&str] = &["content", "name"];
/// The names of values of the protocol.
const KEPT: &[&str] = &["deviceid", "errmsg", "lang", "type"];
/// Contacts that every account has.
const BUILT_IN: &[&str] = &["filehelper", "fmessage", "newsapp", "weixin"];
/// The beginnings of XML in messages.
const XML: &[&str] = &["<msg", "<sysmsg", "<appmsg", "<op", "<?xml"];

impl Texts {
    /// Returns a body with masked texts; `None` if its texts cannot be found.
    fn body(&mut self, body: &[u8]) -> Option<String> {
        let body = str::from_utf8(body).ok()?;
        if body.starts_with("window.") {
            // The picture of the account is the last value.
            return body.split("window.userAvatar").next().map(str::to_owned);
        }
        if body.is_empty() || body.starts_with("<error>") {
            return Some(body.to_owned());
        }
        let mut fields: Map<_, _> = serde_json::from_str(body).ok()?;
        fields.iter_mut().for_each(|(name, value)| self.json(name, value));
        Some(Value::Object(fields).to_string())
    }

    fn json(&mut self, name: &str, value: &mut Value) {
        match value {
            Value::String(text) if name.ends_with("Content") => *text = self.content(text),
            Value::String(text) => *text = self.value(name, text),
            Value::Array(list) => list.iter_mut().for_each(|value| self.json(name, value)),
            Value::Object(fields) => {
                fields.iter_mut().for_each(|(name, value)| self.json(name, value));
            }
            _ => {}
        }
    }

    /// Masks the content of a message: a text or XML, in rooms with its author.
    fn content(&mut self, content: &str) -> String {
        let (author, content) = match content.split_once(":<br/>") {
            Some((author, content)) if is_id(author) => (format!("{author}:<br/>"), content),
            _ => (String::new(), content),
        };
        let decoded = decode(content.into());
        let is_xml = XML.iter().any(|start| decoded.trim_start().starts_with(start));
        let xml = if is_xml { self.xml(&decoded) } else { None };
        author + &xml.map_or_else(|| self.value("content", content), |xml| encode(&xml))
    }

    /// Masks the texts and attributes of XML; returns `None` if it is malformed.
    fn xml(&mut self, xml: &str) -> Option<String> {
        let (mut reader, mut writer) = (Reader::from_str(xml), Writer::new(Vec::new()));
        let mut element = String::new();
        loop {
            let event = match reader.read_event().ok()? {
                Event::Start(start) => {
                    start.name().0.clone_into(&mut element);
                    Event::Start(self.attributes(&start)?)
                }
                Event::Empty(start) => Event::Empty(self.attributes(&start)?),
                Event::Text(text) => {
                    Event::Text(BytesText::from_escaped(self.value(&element, &text)))
                }
                Event::CData(text) => Event::CData(BytesCData::new(self.value(&element, &text))),
                Event::End(end) => Event::End(end),
                Event::Eof => return String::from_utf8(writer.into_inner()).ok(),
                // Comments and escaped characters of a text are left out.
                _ => continue,
            };
            writer.write_event(event).ok()?;
        }
    }

    fn attributes(&mut self, start: &BytesStart<'_>) -> Option<BytesStart<'static>> {
        let mut masked = BytesStart::new(start.name().0.to_owned());
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            let value = self.value(attribute.key.0, &attribute.value);
            masked.push_attribute(Attribute { key: attribute.key, value: value.into() });
        }
        Some(masked)
    }

    /// Masks a value, unless it is an id or a number, or is known by its name as a secret or a value
    /// of the protocol.
    fn value(&mut self, name: &str, text: &str) -> String {
        let name = name.to_ascii_lowercase();
        let is_text = TEXTS.contains(&&*name)
            || TEXT_ENDS.iter().any(|end| name.ends_with(end))
            || text.contains(char::is_alphabetic);
        let is_secret = of_name(&name).is_some_and(|kind| is_value(text.as_bytes(), kind));
        let is_kept = KEPT.contains(&&*name) || is_secret;
        let is_masked = is_text && !is_kept && !text.split(',').all(is_id);
        if !is_masked || text.trim().is_empty() || own_mask(text.as_bytes()).is_some() {
            return text.to_owned();
        }
        let next = self.0.len() + 1;
        format!("__text-{}__", self.0.entry(text.to_owned()).or_insert(next))
    }
}

/// Returns whether a text is the id of a person or a room, which copies replace, or of a built-in
/// contact.
fn is_id(text: &str) -> bool {
    let found = scan(text.as_bytes());
    let is_whole = matches!(&*found, [(place, Kind::Id(_))] if *place == (0..text.len()));
    is_whole || BUILT_IN.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_keep_their_structure() {
        let author = "@0123456789abcdef";
        for (content, masked) in [
            ("hi", "__text-1__"),
            ("1234", "__text-1__"),
            ("@ada hi", "__text-1__"),
            ("&lt;b&gt;hi", "__text-1__"),
            ("&lt;msg&gt;hi&lt;/b&gt;", "__text-2__"),
            (
                "&lt;msg&gt;<br/>&lt;appmsg appid=\"\" n='Ada'&gt;&lt;title&gt;12&lt;/title&gt;&lt;type&gt;6&lt;/type&gt;\
                 &lt;des&gt;&lt;![CDATA[a &lt;b&gt; c]]&gt;&lt;/des&gt;&lt;/appmsg&gt;&lt;!--Ada--&gt;&lt;/msg&gt;",
                "&lt;msg&gt;\n&lt;appmsg appid=\"\" n=\"__text-1__\"&gt;&lt;title&gt;__text-2__&lt;/title&gt;&lt;type&gt;6&lt;/type&gt;\
                 &lt;des&gt;&lt;![CDATA[__text-3__]]&gt;&lt;/des&gt;&lt;/appmsg&gt;&lt;/msg&gt;",
            ),
            (
                "&lt;sysmsg type=\"revokemsg\"&gt;&lt;replacemsg&gt;a &amp;amp; b&lt;/replacemsg&gt;&lt;/sysmsg&gt;",
                "&lt;sysmsg type=\"revokemsg\"&gt;&lt;replacemsg&gt;__text-1____text-2__&lt;/replacemsg&gt;&lt;/sysmsg&gt;",
            ),
        ] {
            assert_eq!(Texts::default().content(content), masked, "{content}");
            let content = format!("{author}:<br/>{content}");
            assert_eq!(Texts::default().content(&content), format!("{author}:<br/>{masked}"));
        }
    }

    #[test]
    fn bodies_keep_ids_and_numbers() {
        let body = r#"{"List":[{"UserName":"@0123456789abcdef","NickName":"007","City":"Bath","Sex":1,"MsgId":"7"},
            {"UserName":"ada1815","Names":"@@0123456789abcdef,weixin","KeyWord":"007","Skey":"@crypt_1"}]}"#;
        let masked = r#"{"List":[{"City":"__text-1__","MsgId":"7","NickName":"__text-2__","Sex":1,"UserName":"@0123456789abcdef"},{"KeyWord":"__text-2__","Names":"@@0123456789abcdef,weixin","Skey":"@crypt_1","UserName":"__text-3__"}]}"#;
        let mut texts = Texts::default();
        assert_eq!(texts.body(body.as_bytes()).as_deref(), Some(masked));
        assert_eq!(texts.body(masked.as_bytes()).as_deref(), Some(masked));
        assert_eq!(
            texts.body(b"window.code=201;window.userAvatar = 'x';").as_deref(),
            Some("window.code=201;")
        );
        for other in [&b"{\"NickName\":\"Ada\"Ada\"}"[..], b"--b\r\nname=\"filename\"", b"\xff\xd8"]
        {
            assert_eq!(texts.body(other), None);
        }
    }
}

//! The positions of secrets and personal ids in a text.

use std::ops::Range;

/// The kind of a masked value: the part of the mask before the number.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Kind {
    /// A secret, masked in every place.
    Secret(&'static str),
    /// A personal value, masked only beside its name, because it may be a common word.
    Private(&'static str),
    /// The number of an account, replaced by another number.
    Uin,
    /// The id of a person or a room, replaced by another id of the same form.
    Id(Form),
}

/// The form of an id.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Form {
    /// `@` and hex digits.
    Person,
    /// `@@` and hex digits.
    Room,
    /// `wxid_` and letters.
    PermanentPerson,
    /// Digits and `@chatroom`.
    PermanentRoom,
}

/// The names of fields, parameters, cookies, elements and attributes with masked values, in lower
/// case. Of `docs/protocol.md`: §1.4, §1.7, §3, §6.7, §9.
const NAMES: &[(&str, Kind)] = &[
    ("aeskey", Kind::Secret("aeskey")),
    ("alias", Kind::Private("alias")),
    ("antispamticket", Kind::Secret("ticket")),
    ("authkey", Kind::Secret("authkey")),
    ("bindemail", Kind::Private("email")),
    ("bindmobile", Kind::Private("mobile")),
    ("binduin", Kind::Uin),
    ("cdnthumbaeskey", Kind::Secret("aeskey")),
    ("encryptusername", Kind::Secret("stranger")),
    ("extspam", Kind::Secret("extspam")),
    ("fromuser", Kind::Uin),
    ("last_wxuin", Kind::Uin),
    ("owneruin", Kind::Uin),
    ("pass_ticket", Kind::Secret("pass-ticket")),
    ("qrticket", Kind::Secret("ticket")),
    ("sid", Kind::Secret("sid")),
    ("skey", Kind::Secret("skey")),
    ("ticket", Kind::Secret("ticket")),
    ("uin", Kind::Uin),
    ("uuid", Kind::Secret("uuid")),
    ("verifyuserticket", Kind::Secret("ticket")),
    ("webwx_auth_ticket", Kind::Secret("auth-ticket")),
    ("webwx_data_ticket", Kind::Secret("data-ticket")),
    ("webwxuvid", Kind::Secret("uvid")),
    ("wxsid", Kind::Secret("sid")),
    ("wxuin", Kind::Uin),
];

/// `Signature` is a token in these, and the motto of a person elsewhere.
const SIGNED: &[&str] = &["aeskey", "uploadmediarequest", "uploadmediaparallelrequest"];

/// Headers with a masked value, in lower case.
const HEADERS: &[&str] = &["authorization", "extspam", "proxy-authorization"];

/// Cookies of the page without secrets: settings and times.
const OPEN_COOKIES: &[&str] = &[
    "login_frequency", "mm_lang", "mm_wx_notify_state", "mm_wx_sound_state", "refreshtimes",
    "wxloadtime", "wxpluginkey",
];

/// Returns the kind of the value of a parameter or a field; `None` if it is not masked.
pub(super) fn of_name(name: &str) -> Option<Kind> {
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, kind)| *kind)
}

/// Returns the kind of the value of a header other than cookies; `None` if it is not masked.
pub(super) fn of_header(name: &str) -> Option<Kind> {
    let name = name.to_ascii_lowercase();
    let is_secret = HEADERS.contains(&&*name)
        || ["token", "secret", "api-key"].iter().any(|part| name.contains(part));
    is_secret.then_some(Kind::Secret("header"))
}

/// Returns the kind of the value of a cookie. Unknown cookies are secrets.
pub(super) fn of_cookie(name: &str) -> Option<Kind> {
    let is_open = OPEN_COOKIES.contains(&&*name.to_ascii_lowercase());
    (!is_open).then(|| of_name(name).unwrap_or(Kind::Secret("cookie")))
}

/// Returns the name of each cookie, and the position of its value, in a `Cookie` or `Set-Cookie`
/// header.
pub(super) fn cookies<'a>(header: &str, value: &'a str) -> Vec<(&'a str, Range<usize>)> {
    let (separator, only_first) = match header.to_ascii_lowercase().as_str() {
        "cookie" => (';', false),
        // Firefox joins several headers with line breaks.
        "set-cookie" => ('\n', true),
        _ => return Vec::new(),
    };
    let (mut found, mut start) = (Vec::new(), 0);
    for pair in value.split(separator) {
        let end = pair.find(';').filter(|_| only_first).unwrap_or(pair.len());
        if let Some((name, value)) = pair[..end].split_once('=') {
            let at = start + name.len() + 1;
            found.push((name.trim(), at..at + value.trim_end().len()));
        }
        start += pair.len() + 1;
    }
    found
}

/// Returns the masked values in a text without escapes, in any order.
pub(super) fn scan(text: &[u8]) -> Vec<(Range<usize>, Kind)> {
    let mut found = Vec::new();
    let mut signed = None;
    let mut at = 0;
    while at < text.len() {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if is_word(&text[at]) {
            let length = text[at..].iter().take_while(|byte| is_word(byte)).count();
            let word = at..at + length;
            let kind = match str::from_utf8(&text[word.clone()]) {
                Ok(name) if name.eq_ignore_ascii_case("signature") => signed
                    .get_or_insert_with(|| SIGNED.iter().any(|name| contains_name(text, name)))
                    .then_some(Kind::Secret("signature")),
                Ok(name) => of_name(name),
                Err(_) => None,
            };
            if let Some(kind) = kind
                && let Some(value) = value_of(text, &word)
                && is_value(&text[value.clone()], kind)
            {
                found.push((value, kind));
            }
            if let Some(uuid) = uuid(text, &word) {
                found.push((uuid, Kind::Secret("uuid")));
            }
            if let Some((id, form)) = permanent_id(text, &word) {
                found.push((id, Kind::Id(form)));
            }
            at = word.end;
        } else {
            if text[at] == b'@'
                && (at == 0 || text[at - 1] != b'@')
                && let Some((id, form)) = user_name(text, at)
            {
                found.push((id, Kind::Id(form)));
            }
            at += 1;
        }
    }
    found
}

/// Returns the id of a login that follows this word: `/qrcode/…`, `weixin.qq.com/l/…`.
fn uuid(text: &[u8], word: &Range<usize>) -> Option<Range<usize>> {
    let before = match &text[word.clone()] {
        b"qrcode" => &b"/"[..],
        b"l" => b"weixin.qq.com/",
        _ => return None,
    };
    let is_path = text[..word.start].ends_with(before) && text.get(word.end) == Some(&b'/');
    let is_uuid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte);
    let start = word.end + 1;
    (is_path && text.get(start).is_some_and(|byte| is_uuid(*byte)))
        .then(|| start..until(text, start, |byte| !is_uuid(byte)))
}

/// Returns the value that belongs to a name.
fn value_of(text: &[u8], name: &Range<usize>) -> Option<Range<usize>> {
    let before = |back: usize| name.start.checked_sub(back).map_or(b' ', |at| text[at]);
    let quote = text.get(name.end).copied().filter(|byte| matches!(byte, b'"' | b'\''));
    if before(1) == b'<' && text.get(name.end) == Some(&b'>') {
        let start = name.end + 1;
        let cdata = b"<![CDATA[";
        let (start, end) = match text[start..].starts_with(cdata) {
            true => (start + cdata.len(), b']'),
            false => (start, b'<'),
        };
        return Some(start..until(text, start, |byte| byte == end));
    }
    let mut at = name.end + usize::from(quote.is_some());
    if quote.is_some() && before(2) == b'=' {
        // A part of a form: `name="skey"`, a blank line, the value.
        let breaks = text[at..].iter().take_while(|byte| b"\r\n".contains(byte)).count();
        if breaks >= 2 {
            at += breaks;
            return Some(at..until(text, at, |byte| byte == b'\r' || byte == b'\n'));
        }
    }
    let spaces =
        |at: usize| at + text[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    at = spaces(at);
    let is_pair = match text.get(at)? {
        b'=' => true,
        // Unquoted words before a colon may be prose.
        b':' => quote.is_some(),
        _ => false,
    };
    if !is_pair {
        return None;
    }
    let start = spaces(at + 1);
    match *text.get(start)? {
        quote @ (b'"' | b'\'') => Some(start + 1..until(text, start + 1, |byte| byte == quote)),
        // `"BindMobile":{"Buff":"…"}`
        b'{' if text[start..].starts_with(b"{\"Buff\":\"") => {
            let start = start + 9;
            Some(start..until(text, start, |byte| byte == b'"'))
        }
        _ if start > at + 1 && text[at] == b'=' => None,
        _ => Some(
            start..until(text, start, |byte| {
                b"&;,\"'<>{}[]()\\".contains(&byte) || byte.is_ascii_whitespace()
            }),
        ),
    }
}

fn until(text: &[u8], start: usize, is_end: impl Fn(u8) -> bool) -> usize {
    start + text[start..].iter().take_while(|byte| !is_end(**byte)).count()
}

/// Returns whether this kind can have such a value.
pub(super) fn is_value(value: &[u8], kind: Kind) -> bool {
    match kind {
        Kind::Uin => value.len() >= 5 && value.iter().all(u8::is_ascii_digit),
        _ => !value.is_empty() && !matches!(value, b"undefined" | b"null" | b"true" | b"false"),
    }
}

/// Returns the `UserName` that starts with the `@` at this position.
fn user_name(text: &[u8], at: usize) -> Option<(Range<usize>, Form)> {
    let form = if text.get(at + 1) == Some(&b'@') { Form::Room } else { Form::Person };
    let start = at + 1 + usize::from(form == Form::Room);
    let digits = text[start..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let next = text.get(start + digits).is_some_and(u8::is_ascii_alphanumeric);
    (digits >= 16 && !next).then_some((at..start + digits, form))
}

/// Returns the permanent id that starts with this word.
fn permanent_id(text: &[u8], word: &Range<usize>) -> Option<(Range<usize>, Form)> {
    let bytes = &text[word.clone()];
    if bytes.len() >= 10 && bytes.starts_with(b"wxid_") {
        return Some((word.clone(), Form::PermanentPerson));
    }
    let suffix = b"@chatroom";
    let is_room = bytes.len() >= 5
        && bytes.iter().all(u8::is_ascii_digit)
        && text[word.end..].starts_with(suffix);
    is_room.then(|| (word.start..word.end + suffix.len(), Form::PermanentRoom))
}

fn contains_name(text: &[u8], name: &str) -> bool {
    text.windows(name.len()).any(|window| window.eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, Kind)> {
        let mut found = scan(text.as_bytes());
        found.sort_by_key(|(range, _)| range.start);
        found.into_iter().map(|(range, kind)| (&text[range], kind)).collect()
    }

    #[test]
    fn secrets_are_found_in_every_encoding() {
        let skey = Kind::Secret("skey");
        for text in [
            r#"{"Skey":"@crypt_1"}"#,
            r#"{ "SKey" : "@crypt_1" , "x": 1}"#,
            "/webwxsync?a=b&skey=@crypt_1&lang=zh_CN",
            "<error><skey>@crypt_1</skey></error>",
            "<skey><![CDATA[@crypt_1]]></skey>",
            "<a skey='@crypt_1'/>",
            "name=\"skey\"\r\n\r\n@crypt_1\r\n--x",
            "window.skey = \"@crypt_1\";",
        ] {
            assert_eq!(found(text), [("@crypt_1", skey)], "{text}");
        }
        for text in ["my skey: @crypt_1", "skeyless=1", r#"{"Skey":""}"#, "uin=0", "<skey/>"] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn kind_follows_from_the_name() {
        assert_eq!(found(r#""Uin":3566148615,"#), [("3566148615", Kind::Uin)]);
        assert_eq!(found(r#""BindMobile":{"Buff":"138"}"#), [("138", Kind::Private("mobile"))]);
        assert_eq!(found(r#""Signature":"my motto""#), []);
        let keys = [("k", Kind::Secret("aeskey")), ("s", Kind::Secret("signature"))];
        assert_eq!(found(r#""AESKey":"k","Signature":"s""#), keys);
        assert_eq!(
            found("https://login.weixin.qq.com/l/Ab-_==?x"),
            [("Ab-_==", Kind::Secret("uuid"))]
        );
        assert_eq!(of_cookie("anything"), Some(Kind::Secret("cookie")));
        assert_eq!((of_cookie("mm_lang"), of_cookie("wxuin")), (None, Some(Kind::Uin)));
        // The value is a time in seconds, which a sync key contains too.
        assert_eq!((of_cookie("wxpluginkey"), of_name("wxpluginkey")), (None, None));
        assert_eq!(of_header("X-CSRF-Token"), Some(Kind::Secret("header")));
    }

    #[test]
    fn ids_are_found_by_their_form() {
        let person = "@0123456789abcdef";
        let room = "@@0123456789abcdef0";
        let text =
            format!("{person}:<br/>hi {room},wxid_abc123 12345@chatroom @crypt_0 a@b.example");
        assert_eq!(
            found(&text),
            [
                (person, Kind::Id(Form::Person)),
                (room, Kind::Id(Form::Room)),
                ("wxid_abc123", Kind::Id(Form::PermanentPerson)),
                ("12345@chatroom", Kind::Id(Form::PermanentRoom)),
            ]
        );
    }
}

//! Whether a request is what the service expects: everything that is wrong with it is told, not only the first thing.

use std::fmt;

use serde_json::{Value, value::RawValue};

use crate::form::Form;
use crate::request::{Decoded, Param, encode, ordered};
use crate::routes::Route;
use crate::session::Session;
use crate::world::World;

/// How far a request's clock may be from the world's, in milliseconds.
const CLOCK: i64 = 600_000;

/// Something that the official page would not have sent.
///
/// Whether the real service would refuse it is another question: see the [crate's documentation](crate).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Violation {
    /// The call, such as `webwxsync`.
    pub endpoint: String,
    /// What is wrong, naming the parameter, field, header or cookie.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.endpoint, self.what)
    }
}

/// A complaint, and the code that the service answers to it, where a source tells one.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) ret: Option<i64>,
}

/// What a value of a query, a form or a JSON string must be.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    Is(String),
    OneOf(Vec<String>),
    /// The clock in milliseconds.
    Millis,
    /// `~Date.now()`: the clock in milliseconds, cut to 32 bits, all of them turned over (docs/protocol.md §1.2).
    NotMillis,
    /// Any whole number.
    Integer,
    /// `zh_CN`, `en_US`.
    Lang,
    /// `e` and 15 digits, new for every request (docs/protocol.md §1.4).
    Device,
}

impl Rule {
    pub(crate) fn is(text: impl Into<String>) -> Self {
        Self::Is(text.into())
    }
}

/// One look at one request, by the rules of one form.
pub(crate) struct Check<'a> {
    pub(crate) world: &'a World,
    pub(crate) request: &'a Decoded,
    pub(crate) form: Form,
    pub(crate) found: Vec<Finding>,
    /// The request's own `DeviceID`, for the session to remember.
    pub(crate) device: Option<String>,
}

impl<'a> Check<'a> {
    pub(crate) fn new(world: &'a World, request: &'a Decoded, form: Form, route: &Route) -> Self {
        let mut check = Self { world, request, form, found: Vec::new(), device: None };
        check.method(route);
        check.hosts(route);
        check.headers(route);
        if form != Form::NotesB {
            check.cookies();
        }
        if route.session && world.session.is_none() {
            check.wrong("there is no session: nobody has logged in");
        } else {
            (route.check)(&mut check);
        }
        check
    }

    pub(crate) fn wrong(&mut self, what: impl Into<String>) {
        self.found.push(Finding { what: what.into(), ret: None });
    }

    pub(crate) fn wrong_as(&mut self, ret: i64, what: impl Into<String>) {
        self.found.push(Finding { what: what.into(), ret: Some(ret) });
    }

    pub(crate) fn is_official(&self) -> bool {
        self.form == Form::Official
    }

    /// The session, for routes that need one.
    pub(crate) fn session(&self) -> Option<&'a Session> {
        self.world.session.as_ref()
    }

    /// The session's key, and the one before it as long as the client may not have heard of the change.
    pub(crate) fn skey(&self) -> Rule {
        Rule::OneOf(
            self.session().map(|session| session.skeys(self.world.concurrent)).unwrap_or_default(),
        )
    }

    pub(crate) fn sid(&self) -> Rule {
        Rule::is(self.world.account.sid.clone())
    }

    pub(crate) fn uin(&self) -> Rule {
        Rule::is(self.world.account.uin.to_string())
    }

    /// `lang` and `pass_ticket`, which go with nearly every call after the login.
    pub(crate) fn lang(&self) -> Rule {
        Rule::is(self.world.lang.clone())
    }

    pub(crate) fn pass_ticket(&self) -> Rule {
        Rule::is(self.world.account.pass_ticket.clone())
    }

    /// What is wrong with a value, if anything.
    pub(crate) fn judge(&self, rule: &Rule, value: &str) -> Option<String> {
        let now = self.world.now() as i64;
        let number = value.parse::<i64>().ok().filter(|number| number.to_string() == value);
        match rule {
            Rule::Is(expected) if value == expected => None,
            Rule::Is(expected) => Some(format!("is `{value}`, not `{expected}`")),
            Rule::OneOf(expected) if expected.iter().any(|expected| expected == value) => None,
            Rule::OneOf(expected) => {
                Some(format!("is `{value}`, not one of `{}`", expected.join("`, `")))
            }
            Rule::Integer => number.is_none().then(|| format!("is `{value}`, not a whole number")),
            Rule::Millis => match number {
                Some(_) if !self.world.punctual => None,
                Some(number) if number.abs_diff(now) <= CLOCK as u64 => None,
                _ => Some(format!(
                    "is `{value}`, not the clock in milliseconds, which is near {now} in this world"
                )),
            },
            Rule::NotMillis => {
                let near = |number: i64| {
                    i32::try_from(number).is_ok_and(|number| {
                        i64::from((!number).wrapping_sub(now as i32)).abs() <= CLOCK
                    })
                };
                match number {
                    Some(_) if !self.world.punctual => None,
                    Some(number) if near(number) => None,
                    _ => Some(format!(
                        "is `{value}`, not ~{now} (this world's clock) in 32 bits, which is near {}",
                        !(now as i32)
                    )),
                }
            }
            Rule::Lang => {
                let bytes = value.as_bytes();
                let ok = bytes.len() == 5
                    && bytes[..2].iter().all(u8::is_ascii_lowercase)
                    && bytes[2] == b'_'
                    && bytes[3..].iter().all(u8::is_ascii_uppercase);
                (!ok).then(|| format!("is `{value}`, not a language such as zh_CN"))
            }
            Rule::Device => self.judge_device(value),
        }
    }

    fn judge_device(&self, value: &str) -> Option<String> {
        let digits = value.strip_prefix('e').unwrap_or_default();
        if digits.len() != 15 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Some(format!("is `{value}`, not `e` and 15 digits"));
        }
        let before = self.session().and_then(|session| session.devices.get(value));
        // The very same request once more is a retry, not a reuse.
        (self.is_official() && before.is_some_and(|before| *before != self.request.fingerprint))
            .then(|| format!("is `{value}`, which another request had already"))
    }

    /// Checks the query: these parameters, each once, and no other.
    pub(crate) fn query(&mut self, must: &[(&str, Rule)], may: &[(&str, Rule)]) {
        let params = self.request.query.clone();
        self.params("query parameter", &params, must, may);
    }

    /// The same however the values are encoded.
    pub(crate) fn spelled(&mut self, must: &[(&str, Rule)], may: &[(&str, Rule)]) {
        let params = self.request.query.clone();
        self.pairs("query parameter", &params, must, may, false);
    }

    /// The same for the pairs of a query or of a form.
    pub(crate) fn params(
        &mut self,
        what: &str,
        params: &[Param],
        must: &[(&str, Rule)],
        may: &[(&str, Rule)],
    ) {
        self.pairs(what, params, must, may, self.is_official());
    }

    fn pairs(
        &mut self,
        what: &str,
        params: &[Param],
        must: &[(&str, Rule)],
        may: &[(&str, Rule)],
        spelling: bool,
    ) {
        for (name, rule) in must.iter().chain(may) {
            let mut found = params.iter().filter(|param| param.name == *name);
            match found.next() {
                None if may.iter().any(|(may, _)| may == name) => {}
                None => self.wrong(format!("{what} `{name}` is missing")),
                Some(param) => {
                    if let Some(complaint) = self.judge(rule, &param.value) {
                        self.wrong(format!("{what} `{name}` {complaint}"));
                    }
                    if spelling && encode(&param.value) != param.raw {
                        self.wrong(format!(
                            "{what} `{name}` is written `{}`, not as encodeURIComponent does",
                            param.raw
                        ));
                    }
                    if matches!(rule, Rule::Device) {
                        self.device = Some(param.value.clone());
                    }
                }
            }
            if found.next().is_some() {
                self.wrong(format!("{what} `{name}` comes twice"));
            }
        }
        for param in params {
            if !must.iter().chain(may).any(|(name, _)| *name == param.name) {
                self.wrong(format!("{what} `{}` is not known here", param.name));
            }
        }
    }

    /// The body as an object of exactly these keys in this order.
    pub(crate) fn body(&mut self, keys: &[&str]) -> Fields {
        let text = String::from_utf8_lossy(&self.request.body).into_owned();
        if serde_json::from_str::<Value>(&text).is_err() {
            self.wrong_as(
                1200,
                format!("the body is not JSON: `{}`", text.chars().take(60).collect::<String>()),
            );
            return Fields::default();
        }
        self.object("", &text, keys)
    }

    /// An object of exactly these keys in this order.
    pub(crate) fn object(&mut self, at: &str, text: &str, keys: &[&str]) -> Fields {
        let shown =
            if at.is_empty() { "the body".to_owned() } else { format!("JSON field `{at}`") };
        let Some(fields) = ordered(text) else {
            self.wrong(format!("{shown} is not an object"));
            return Fields::default();
        };
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        let path =
            |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        for key in keys {
            match names.iter().filter(|name| *name == key).count() {
                0 => self.wrong(format!("JSON field `{}` is missing", path(key))),
                1 => {}
                _ => self.wrong(format!("JSON field `{}` comes twice", path(key))),
            }
        }
        for name in &names {
            if !keys.contains(name) {
                self.wrong(format!("JSON field `{}` is not known here", path(name)));
            }
        }
        let known: Vec<&&str> = names.iter().filter(|name| keys.contains(*name)).collect();
        let expected: Vec<&&str> = keys.iter().filter(|key| names.contains(*key)).collect();
        if known.len() == expected.len() && known != expected {
            self.wrong(format!("{shown} has its keys in the order {names:?}, not {keys:?}"));
        }
        Fields { at: at.to_owned(), fields }
    }

    /// An object inside of another.
    pub(crate) fn inner(&mut self, fields: &Fields, key: &str, keys: &[&str]) -> Fields {
        match fields.get(key) {
            Some(raw) => self.object(&fields.path(key), raw.get(), keys),
            // That it is missing is told already.
            None => Fields::default(),
        }
    }

    /// A JSON string that obeys a rule.
    pub(crate) fn text(&mut self, fields: &Fields, key: &str, rule: &Rule) -> Option<String> {
        let raw = fields.get(key)?.get();
        let path = fields.path(key);
        let Ok(text) = serde_json::from_str::<String>(raw) else {
            self.wrong(format!("JSON field `{path}` is {raw}, not a string"));
            return None;
        };
        self.escapes(&path, raw, &text);
        if let Some(complaint) = self.judge(rule, &text) {
            self.wrong(format!("JSON field `{path}` {complaint}"));
        }
        if matches!(rule, Rule::Device) {
            self.device = Some(text.clone());
        }
        Some(text)
    }

    /// A JSON string with any content.
    pub(crate) fn free(&mut self, fields: &Fields, key: &str) -> Option<String> {
        let raw = fields.get(key)?.get();
        let path = fields.path(key);
        let Ok(text) = serde_json::from_str::<String>(raw) else {
            self.wrong(format!("JSON field `{path}` is {raw}, not a string"));
            return None;
        };
        self.escapes(&path, raw, &text);
        Some(text)
    }

    /// What is escaped without need shows up in the chat as it is (docs/protocol.md §1.3).
    fn escapes(&mut self, path: &str, raw: &str, text: &str) {
        if self.is_official() && serde_json::to_string(text).is_ok_and(|plain| plain != raw) {
            self.wrong(format!("JSON field `{path}` is escaped where UTF-8 will do: {raw}"));
        }
    }

    /// A JSON whole number that obeys a rule.
    pub(crate) fn number(&mut self, fields: &Fields, key: &str, rule: &Rule) -> Option<i64> {
        let raw = fields.get(key)?.get();
        let path = fields.path(key);
        let Ok(number) = serde_json::from_str::<i64>(raw) else {
            self.wrong(format!("JSON field `{path}` is {raw}, not a whole number"));
            return None;
        };
        if let Some(complaint) = self.judge(rule, raw) {
            self.wrong(format!("JSON field `{path}` {complaint}"));
        }
        Some(number)
    }

    /// `Count`: how long the `List` beside it is.
    pub(crate) fn count(&mut self, fields: &Fields, length: usize) {
        let path = fields.path("Count");
        if let Some(count) = self.number(fields, "Count", &Rule::Integer)
            && usize::try_from(count) != Ok(length)
        {
            self.wrong(format!(
                "JSON field `{path}` is {count}, but the `List` has {length} items"
            ));
        }
    }

    /// `BaseRequest`: the number as text in the first call, as a number in all others (docs/protocol.md §1.4).
    pub(crate) fn base_request(&mut self, body: &Fields, first: bool) {
        let base = self.inner(body, "BaseRequest", &["Uin", "Sid", "Skey", "DeviceID"]);
        let is_text = base.get("Uin").is_some_and(|raw| raw.get().starts_with('"'));
        let uin = self.uin();
        // The two notes are not of one mind about it.
        if first && (self.is_official() || is_text) || self.form == Form::NotesB && is_text {
            self.text(&base, "Uin", &uin);
        } else {
            self.number(&base, "Uin", &uin);
        }
        let (sid, skey) = (self.sid(), self.skey());
        self.text(&base, "Sid", &sid);
        self.text(&base, "Skey", &skey);
        self.text(&base, "DeviceID", &Rule::Device);
    }
}

/// The fields of a JSON object, in their order.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    at: String,
    fields: Vec<(String, Box<RawValue>)>,
}

impl Fields {
    pub(crate) fn get(&self, key: &str) -> Option<&RawValue> {
        self.fields.iter().find(|(name, _)| name == key).map(|(_, raw)| &**raw)
    }

    pub(crate) fn path(&self, key: &str) -> String {
        if self.at.is_empty() { key.to_owned() } else { format!("{}.{key}", self.at) }
    }
}

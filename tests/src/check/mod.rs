//! Checks of requests. All findings about a request are reported, not only the first one.

mod body;
pub(crate) mod differences;
pub(crate) mod headers;
pub(crate) mod route;

use crate::check::differences::{Difference, QUERY, REQUEST};
use crate::session::Session;
use crate::violation::{Fault, Mode, Violation};
use crate::wire::request::{Decoded, Param, encode, is_same};
use crate::world::World;

pub(crate) use self::body::Fields;

/// The maximum difference between a request's clock and the world's, in milliseconds.
const CLOCK: i64 = 600_000;

/// A rule for a value in a query, a form or a JSON string.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    Is(String),
    OneOf(Vec<String>),
    /// The clock in milliseconds.
    Millis,
    /// `~Date.now()`: the clock in milliseconds, truncated to 32 bits and inverted (docs/protocol.md §1.2).
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

    pub(crate) fn one_of(texts: &[&str]) -> Self {
        Self::OneOf(texts.iter().map(ToString::to_string).collect())
    }
}

/// A violation before it is recorded.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) difference: &'static Difference,
    /// The code with which the service answers it, if not that of the difference.
    pub(crate) ret: Option<i64>,
}

impl Finding {
    /// Returns the code of a refusal by the service.
    pub(crate) fn code(&self) -> i64 {
        self.ret.unwrap_or(self.difference.ret)
    }

    pub(crate) fn recorded(&self, endpoint: &str) -> Violation {
        let Difference { id, grade, source, .. } = *self.difference;
        Violation {
            endpoint: endpoint.to_owned(),
            what: self.what.clone(),
            grade,
            difference: id,
            source,
        }
    }
}

/// A check of one request.
pub(crate) struct Check<'a> {
    pub(crate) world: &'a World,
    pub(crate) request: &'a Decoded,
    pub(crate) found: Vec<Finding>,
    call: &'static str,
    /// The request's `DeviceID`, to be recorded in the session.
    pub(crate) device: Option<String>,
}

impl<'a> Check<'a> {
    pub(crate) const fn new(world: &'a World, request: &'a Decoded, call: &'static str) -> Self {
        Self { world, request, found: Vec::new(), call, device: None }
    }

    /// Records a fault of a named part of the request.
    pub(crate) fn found(
        &mut self,
        fault: Fault,
        place: &str,
        name: &str,
        complaint: impl std::fmt::Display,
    ) {
        let difference = Difference::find(self.call, place, name, fault);
        let what = match place {
            REQUEST => complaint.to_string(),
            _ => format!("{place} `{name}` {complaint}"),
        };
        self.found.push(Finding { what, difference, ret: None });
    }

    /// Records a fault that the service refuses.
    pub(crate) fn wrong(&mut self, what: impl Into<String>) {
        let difference = Difference::find("", "other", "", Fault::Other);
        self.found.push(Finding { what: what.into(), difference, ret: None });
    }

    /// Records a fault that the service refuses with this code.
    pub(crate) fn wrong_as(&mut self, ret: i64, what: impl Into<String>) {
        self.wrong(what);
        self.refused_as(ret);
    }

    /// Sets the code with which the service refuses the last fault.
    pub(crate) fn refused_as(&mut self, ret: i64) {
        if let Some(found) = self.found.last_mut() {
            found.ret = Some(ret);
        }
    }

    pub(crate) fn is_page(&self) -> bool {
        self.world.mode == Mode::Page
    }

    /// Returns the session, for routes that need one.
    pub(crate) fn session(&self) -> Option<&'a Session> {
        self.world.session.as_ref()
    }

    /// Returns the session's key, and the previous one while the client may not have received the new one.
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

    /// Returns `lang`, a parameter of nearly every call after the login, with its rule.
    pub(crate) fn lang(&self) -> (&'static str, Rule) {
        ("lang", Rule::is(self.world.lang.clone()))
    }

    /// Returns the parameter that the file-transfer page adds to `synccheck` and to downloads.
    pub(crate) fn page_param(&self) -> Option<(&'static str, Rule)> {
        let entry_page = &self.world.entry_page;
        entry_page.is_file_helper().then(|| ("mmweb_appid", Rule::is(entry_page.appid())))
    }

    /// Returns `pass_ticket`, likewise.
    pub(crate) fn pass_ticket(&self) -> (&'static str, Rule) {
        ("pass_ticket", Rule::is(self.world.account.pass_ticket.clone()))
    }

    /// Checks that the session is initialised, as nearly every call needs.
    pub(crate) fn initialised(&mut self) {
        if self.session().is_some_and(|session| !session.initialised) {
            self.found(Fault::Other, REQUEST, "init", "precedes webwxinit");
        }
    }

    /// Returns a description of the fault of a value, if any.
    pub(crate) fn judge(&self, rule: &Rule, value: &str) -> Option<(Fault, String)> {
        let complaint = self.complaint(rule, value)?;
        let is_earlier =
            |session: &Session| session.skeys_before.iter().any(|(key, _)| key == value);
        let fault = match rule {
            _ if value.is_empty() => Fault::Empty,
            Rule::OneOf(_) if self.session().is_some_and(is_earlier) => Fault::Earlier,
            Rule::Is(_) | Rule::OneOf(_) => Fault::Value,
            _ => Fault::Form,
        };
        Some((fault, complaint))
    }

    fn complaint(&self, rule: &Rule, value: &str) -> Option<String> {
        let now = self.world.now() as i64;
        let number = value.parse::<i64>().ok().filter(|number| number.to_string() == value);
        let is_near = |number: i64| number.abs_diff(now) <= CLOCK as u64;
        let is_inverse = |number: i64| {
            let inverse = i32::try_from(number).map(|number| (!number).wrapping_sub(now as i32));
            inverse.is_ok_and(|distance| i64::from(distance).abs() <= CLOCK)
        };
        match rule {
            Rule::Is(expected) if value == expected => None,
            Rule::Is(expected) => Some(format!("is `{value}`, not `{expected}`")),
            Rule::OneOf(expected) if expected.iter().any(|expected| expected == value) => None,
            Rule::OneOf(expected) => {
                Some(format!("is `{value}`, not one of `{}`", expected.join("`, `")))
            }
            Rule::Integer => number.is_none().then(|| format!("is `{value}`, not a whole number")),
            Rule::Millis | Rule::NotMillis if number.is_some() && !self.world.punctual => None,
            Rule::Millis if number.is_some_and(is_near) => None,
            Rule::Millis => Some(format!(
                "is `{value}`, not the clock in milliseconds, which is near {now} in this world"
            )),
            Rule::NotMillis if number.is_some_and(is_inverse) => None,
            Rule::NotMillis => Some(format!(
                "is `{value}`, not ~{now} (this world's clock) in 32 bits, which is near {}",
                !(now as i32)
            )),
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
        // In uploads of the file-transfer page, the value has no `e`: docs/protocol.md §15.1.
        let bare = self.world.entry_page.is_file_helper()
            && self.request.path.contains("/webwxuploadmedia");
        let start = if bare { "" } else { "e" };
        let digits = value.strip_prefix(start).unwrap_or_default();
        if digits.len() != 15 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Some(format!("is `{value}`, not `{start}` and 15 digits"));
        }
        let before = self.session().and_then(|session| session.devices.get(value));
        // The identical request is a retry, not a reuse.
        before
            .is_some_and(|before| *before != self.request.fingerprint)
            .then(|| format!("is `{value}`, which another request has used"))
    }

    /// Checks that the query has these parameters, each once, and no others.
    pub(crate) fn query(&mut self, must: &[(&str, Rule)], may: &[(&str, Rule)]) {
        let params = self.request.query.clone();
        self.params(QUERY, &params, must, may);
    }

    /// Checks the query like [`query`](Self::query), with any encoding of the values.
    pub(crate) fn spelled(&mut self, must: &[(&str, Rule)], may: &[(&str, Rule)]) {
        let params = self.request.query.clone();
        self.pairs(QUERY, &params, must, may, false);
    }

    /// Checks the pairs of a query or a form like [`query`](Self::query).
    pub(crate) fn params(
        &mut self,
        what: &str,
        params: &[Param],
        must: &[(&str, Rule)],
        may: &[(&str, Rule)],
    ) {
        self.pairs(what, params, must, may, true);
    }

    fn pairs(
        &mut self,
        what: &str,
        params: &[Param],
        must: &[(&str, Rule)],
        may: &[(&str, Rule)],
        spelling: bool,
    ) {
        let named = |param: &Param, name: &str| is_same(&param.name, name);
        for (name, rule) in must.iter().chain(may) {
            let mut found = params.iter().filter(|param| named(param, name));
            let Some(param) = found.next() else {
                if !may.iter().any(|(may, _)| may == name) {
                    self.found(Fault::Missing, what, name, "is missing");
                }
                continue;
            };
            if param.name != *name {
                let complaint = format_args!("is missing: it is spelt `{}`", param.name);
                self.found(Fault::Name, what, name, complaint);
            }
            if let Some((fault, complaint)) = self.judge(rule, &param.value) {
                self.found(fault, what, name, complaint);
            }
            // The page does not encode these two (docs/protocol.md §1.2).
            let is_raw =
                self.is_page() && self.call == "webwxsync" && matches!(*name, "sid" | "skey");
            let written = if is_raw { param.value.clone() } else { encode(&param.value) };
            if spelling && written != param.raw {
                let complaint =
                    format_args!("is written `{}`, not as by encodeURIComponent", param.raw);
                self.found(Fault::Encoding, what, name, complaint);
            }
            if matches!(rule, Rule::Device) {
                self.device = Some(param.value.clone());
            }
            if found.next().is_some() {
                self.found(Fault::Repeated, what, name, "is repeated");
            }
        }
        for param in params {
            if !must.iter().chain(may).any(|(name, _)| named(param, name)) {
                self.found(Fault::Unknown, what, &param.name, "is unknown");
            }
        }
    }
}

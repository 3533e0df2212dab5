//! Handling of a request.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::header::SET_COOKIE;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Request, StatusCode};

use crate::check::differences::{Difference, REQUEST};
use crate::check::route::Route;
use crate::check::{Check, Finding};
use crate::routes::refusal::refusal;
use crate::routes::{login, sync, synccheck};
use crate::session::jar::Jar;
use crate::violation::{Fault, Grade, Mode};
use crate::wire::reply::{self, Answer, Reply};
use crate::wire::request::Decoded;
use crate::world::World;
use crate::world::log::Logged;

/// The names of credentials, in lower case.
const CREDENTIALS: [&str; 8] =
    ["skey", "sid", "wxsid", "pass_ticket", "webwx_data_ticket", "ticket", "aeskey", "signature"];
/// The header with the reasons for a refusal. `wechat-proto` reports them if the service is on this
/// machine.
const REASON: HeaderName = HeaderName::from_static("x-wechat-simulator");

impl World {
    /// Logs, checks and answers a request.
    pub fn handle(&mut self, request: &Request<Bytes>) -> Answer {
        let (found, sent) = (self.violations.len(), self.sent.len());
        let answer = self.answer(request);
        if let Some(logged) = self.log.last_mut() {
            logged.violations = found..self.violations.len();
        }
        if let Answer::Reply(reply) = &answer {
            self.record_status(request, reply.status());
        }
        self.answer_messages(sent);
        self.with_headers(answer)
    }

    /// Records the status of the reply to the latest request of this address.
    pub(crate) fn record_status(&mut self, request: &Request<Bytes>, status: StatusCode) {
        // Unlike whole addresses, these are fast to compare: there may be thousands of held polls.
        let target = request.uri().path_and_query().map(PathAndQuery::as_str);
        let is_same = |logged: &&mut Logged| {
            logged.request.uri().path_and_query().map(PathAndQuery::as_str) == target
        };
        if let Some(logged) = self.log.iter_mut().rev().find(is_same) {
            logged.status = Some(status);
        }
    }

    fn answer(&mut self, request: &Request<Bytes>) -> Answer {
        let decoded = Decoded::new(request);
        let route = Route::of(&decoded.path);
        let endpoint = route.map_or(decoded.path.as_str(), |route| route.name).to_owned();
        self.log.push(Logged {
            endpoint: endpoint.clone(),
            at: self.now,
            request: request.clone(),
            status: None,
            violations: 0..0,
        });
        let Some(route) = route else {
            if self.mode != Mode::Library && is_page(&decoded.path) {
                return Answer::Reply(reply::page(self.now, 200, "WeChat"));
            }
            let finding = Finding {
                what: format!("there is no such path: {}", decoded.path),
                difference: Difference::find(&endpoint, REQUEST, "path", Fault::Unknown),
                ret: None,
            };
            self.violations.push(finding.recorded(&endpoint));
            return Answer::Reply(reply::page(self.now, 404, "404 Not Found"));
        };
        if route.session {
            if self.is_former(&decoded) {
                return Answer::Reply(refusal(route.name, self.now, 1101, ""));
            }
            self.prove(&decoded);
        }
        // A login without any cookie comes from a new browser, or from one whose cookies were deleted.
        if route.name == "jslogin" && decoded.header("cookie") == Err(0) {
            self.jar = Jar::default();
        }
        let mut check = Check::new(self, &decoded, route.name);
        check.run(route);
        let Check { found: findings, device, .. } = check;
        let is_fatal = |finding: &&Finding| {
            self.mode != Mode::Service || finding.difference.grade == Grade::Fatal
        };
        let fatal: Vec<&Finding> = findings.iter().filter(is_fatal).collect();
        let refused = (!fatal.is_empty()).then(|| self.answer_to_faults(route, &fatal));
        self.violations.extend(findings.iter().map(|finding| finding.recorded(&endpoint)));
        if refused.is_none() {
            self.note(&decoded, route, device);
        }
        if let Some((_, reply)) = take(&mut self.replies, |(name, _)| *name == endpoint) {
            return Answer::Reply(reply);
        }
        if let Some(reply) = refused {
            return Answer::Reply(reply);
        }
        if let Some((_, ret, message)) = take(&mut self.refusals, |(name, ..)| *name == endpoint) {
            return Answer::Reply(refusal(&endpoint, self.now, ret, &message));
        }
        // The page logs out of an ended session too: docs/protocol.md §13.
        if route.session
            && route.name != "webwxlogout"
            && let Some(ret) = self.session.as_ref().and_then(|session| session.ended)
        {
            return Answer::Reply(refusal(&endpoint, self.now, ret, ""));
        }
        (route.act)(self, &decoded)
    }

    /// Handles a held long poll again, without logging or checking it again.
    pub fn ask_again(&mut self, request: &Request<Bytes>) -> Answer {
        let decoded = Decoded::new(request);
        let answer = match Route::of(&decoded.path).map(|route| route.name) {
            Some("synccheck") => synccheck::watch(self, &decoded),
            _ => login::watch(self, &decoded),
        };
        self.with_headers(answer)
    }

    /// Adds the headers of every reply.
    fn with_headers(&self, mut answer: Answer) -> Answer {
        let (Answer::Reply(reply) | Answer::Hold(reply)) = &mut answer;
        for name in self.headers.keys() {
            if name == SET_COOKIE || !reply.headers().contains_key(name) {
                for value in self.headers.get_all(name) {
                    reply.headers_mut().append(name, value.clone());
                }
            }
        }
        answer
    }

    /// Returns whether the request belongs to a session that a later login has ended.
    fn is_former(&self, request: &Decoded) -> bool {
        let cookies = request.cookies();
        let cookie =
            cookies.iter().find(|(name, _)| name == "wxsid").map(|(_, value)| value.as_str());
        let of_body = request.text("/BaseRequest/Sid");
        let sids = [request.get("sid"), &of_body, cookie.unwrap_or_default()];
        self.former.iter().any(|former| sids.contains(&former.as_str()))
    }

    /// Updates the jar with the answers that the request proves its client has received.
    fn prove(&mut self, request: &Decoded) {
        let Some(session) = &mut self.session else { return };
        let by_check = session.by_check_key(request.get("synckey"));
        let used = by_check.or_else(|| session.by_sync_key(&sync::key_of(&request.json)));
        if used.is_some_and(|used| used < session.proven) {
            self.jar.restore();
        }
        session.proven = session.proven.max(used.unwrap_or(0));
        if session.proven >= session.cookies_pair {
            self.jar.settle();
        }
    }

    /// Records the values against which later requests are checked.
    fn note(&mut self, request: &Decoded, route: &Route, device: Option<String>) {
        if let Some((session, device)) = self.session.as_mut().zip(device) {
            session.devices.insert(device, request.fingerprint);
        }
        if self.user_agent.is_none() || route.name == "jslogin" {
            self.user_agent = request.header("user-agent").ok();
        }
        match route.name {
            "login" => {
                let uuid = request.get("uuid");
                if let Some(code) = self.codes.iter_mut().find(|code| code.uuid == uuid) {
                    code.polled = true;
                }
            }
            "webwxinit" => {
                if let Some(session) = &mut self.session {
                    session.initialised = true;
                }
            }
            _ => {}
        }
    }

    /// Refuses a request. A header has the reasons: not every reply of the service has a place for them.
    fn answer_to_faults(&self, route: &Route, findings: &[&Finding]) -> Reply {
        let reasons = reasons(findings);
        let mut reply = match self.mode {
            // The service answers with the code of the first finding.
            Mode::Service => refusal(route.name, self.now, findings[0].code(), &reasons),
            Mode::Page | Mode::Library => self.strict_refusal(route, findings),
        };
        let reasons = reasons.replace(|c: char| c.is_control(), " ");
        if let Ok(reasons) = HeaderValue::from_bytes(reasons.as_bytes()) {
            reply.headers_mut().insert(REASON, reasons);
        }
        reply
    }

    fn strict_refusal(&self, route: &Route, findings: &[&Finding]) -> Reply {
        let codes: BTreeSet<Option<i64>> = findings.iter().map(|finding| finding.ret).collect();
        if codes.contains(&Some(1203)) {
            return refusal(route.name, self.now, 1203, "check ticket failed");
        }
        match codes.first() {
            Some(Some(ret)) if codes.len() == 1 => refusal(route.name, self.now, *ret, ""),
            _ => reply::complaint(self.now, findings.iter().map(|finding| finding.what.as_str())),
        }
    }
}

/// Joins the reasons for a refusal, without the values of credentials, which would become part of the errors and logs of
/// the client.
fn reasons(findings: &[&Finding]) -> String {
    let reason = |finding: &&Finding| {
        let name = finding.what.split('`').nth(1).unwrap_or_default();
        let name = name.rsplit('.').next().unwrap_or_default().to_lowercase();
        if !CREDENTIALS.contains(&&*name) {
            return finding.what.clone();
        }
        // After the name, every second part is a value.
        let parts = finding.what.split('`').enumerate();
        let parts = parts.map(|(n, part)| if n % 2 == 1 && n > 1 { "…" } else { part });
        parts.collect::<Vec<_>>().join("`")
    };
    findings.iter().map(reason).collect::<Vec<_>>().join("; ")
}

/// Returns whether a person sees this page in a browser: it is the entry page, or the page of a QR
/// code on a phone.
fn is_page(path: &str) -> bool {
    let uuid = path.strip_prefix("/l/");
    path == "/" || uuid.is_some_and(|uuid| !uuid.is_empty() && !uuid.contains('/'))
}

/// Removes and returns the first match of a list.
fn take<T>(list: &mut Vec<T>, found: impl Fn(&T) -> bool) -> Option<T> {
    list.iter().position(found).map(|index| list.remove(index))
}

#[cfg(test)]
#[path = "service_mode_tests.rs"]
mod tests;

//! Method, host, headers and cookies of a request (docs/protocol.md §1.1, §1.3, §1.7).

use http::Method;

use crate::check::Check;
use crate::check::differences::{COOKIE, HEADER, REQUEST};
use crate::check::route::Route;
use crate::violation::Fault;
use crate::wire::request::Decoded;
use crate::world::World;
use crate::world::entry_page::EntryPage;
use crate::world::layout::{
    ALL_HOSTS, QRCODE_HOST, Role, entry_of, file_host, login_host, push_host,
};

/// The code for a video that is not requested as a range: status 200 and an empty body.
pub(crate) const NO_RANGE: i64 = 206;

impl World {
    /// Returns the API origin of the open page: the entry until the redirect, the shard afterwards.
    pub(crate) fn page_origin(&self) -> String {
        if self.redirected || self.layout.one_host().is_some() {
            self.layout.shard_origin()
        } else {
            format!("https://{}", self.entry)
        }
    }

    /// Returns the origin of the page that requests a QR code: the host of the request determines the entry.
    pub(crate) fn entry_origin(&self, request: &Decoded) -> String {
        if self.layout.one_host().is_some() {
            return self.layout.shard_origin();
        }
        let entries = self.entry_page.entries();
        let entry = request.host().and_then(|host| entry_of(&host, entries));
        format!("https://{}", entry.unwrap_or(entries[0]))
    }

    fn hosts(&self, route: &Route) -> Vec<String> {
        if let Some(host) = self.layout.one_host() {
            return vec![host.to_owned()];
        }
        let shard = self.layout.shard_host().to_owned();
        match route.role {
            _ if route.name == "webwxpushloginurl" => vec![login_host(&shard), shard],
            _ if route.name == "webwxstatreport" => {
                vec![self.page_origin().replace("https://", "")]
            }
            Role::Login if route.name == "jslogin" => {
                self.entry_page.entries().iter().map(|entry| login_host(entry)).collect()
            }
            Role::Login => vec![login_host(&self.entry)],
            Role::Qrcode => vec![QRCODE_HOST.to_owned()],
            Role::Api => vec![shard],
            Role::File => vec![file_host(&shard)],
            Role::Push => vec![push_host(&shard)],
        }
    }
}

/// The `Accept-Encoding` of browsers (docs/protocol.md §1.3).
const ENCODINGS: &str = "gzip, deflate, br";

/// Headers that browsers may add.
const BROWSER: [&str; 7] = [
    "accept-language", "cache-control", "dnt", "if-modified-since", "pragma", "priority",
    "upgrade-insecure-requests",
];

/// The cookies that the page sets itself (docs/protocol.md §1.7).
const OF_PAGE: [&str; 5] =
    ["login_frequency", "last_wxuin", "MM_WX_NOTIFY_STATE", "MM_WX_SOUND_STATE", "refreshTimes"];

impl Check<'_> {
    /// Checks all parts of the request.
    pub(crate) fn run(&mut self, route: &Route) {
        self.method(route);
        self.hosts(route);
        self.headers(route);
        self.cookies();
        if route.session && self.world.session.is_none() {
            let complaint = "there is no session: the client is not logged in";
            self.found(Fault::Missing, REQUEST, "session", complaint);
        } else {
            (route.check)(self);
        }
    }

    fn method(&mut self, route: &Route) {
        let expected = if route.post { Method::POST } else { Method::GET };
        if self.request.method != expected {
            let complaint = format_args!("method is {}, not {expected}", self.request.method);
            self.found(Fault::Value, REQUEST, "method", complaint);
        }
    }

    fn hosts(&mut self, route: &Route) {
        let hosts = self.world.hosts(route);
        match self.request.host() {
            None => self.wrong("header `host` is missing or repeated"),
            Some(host) if !hosts.contains(&host) => {
                // The login works on every login host, and `synccheck` on an older host (docs/protocol.md §1.1).
                let is_login = matches!(route.role, Role::Login | Role::Qrcode)
                    || route.name == "webwxpushloginurl";
                let fault = match &*host {
                    host if is_login && host.starts_with("login.") && ALL_HOSTS.contains(&host) => {
                        Fault::Name
                    }
                    "webpush2.weixin.qq.com" if route.role == Role::Push => Fault::Name,
                    _ => Fault::Value,
                };
                let complaint =
                    format_args!("is `{host}`; this is served by `{}`", hosts.join("`, `"));
                self.found(fault, HEADER, "host", complaint);
            }
            Some(host) => {
                if self.request.authority.as_ref().is_some_and(|authority| *authority != host) {
                    self.wrong(format!(
                        "header `host` is `{host}`, but the address is at {:?}",
                        self.request.authority
                    ));
                }
            }
        }
        let scheme = self.world.layout.scheme();
        if self.request.scheme.as_ref().is_some_and(|found| found != scheme) {
            self.wrong(format!("the address begins with {:?}, not {scheme}", self.request.scheme));
        }
    }

    fn headers(&mut self, route: &Route) {
        let page = match route.name {
            "jslogin" => self.world.entry_origin(self.request),
            // This call precedes the code and uses the shard of the earlier login.
            "webwxpushloginurl" => self.world.layout.shard_origin(),
            // The answer with the redirect may have been lost, so the page with the code polls again.
            "login" if self.world.layout.one_host().is_none() => {
                format!("https://{}", self.world.entry)
            }
            _ => self.world.page_origin(),
        };
        let lang = match route.name {
            "jslogin" => self.request.get("lang"),
            _ => &self.world.lang,
        };
        let browser = self.is_page();
        let encodings = match browser {
            true => ENCODINGS,
            false if route.ranged => "identity",
            false => "gzip",
        };
        let mut expected = vec![
            ("accept", route.accept.to_owned()),
            ("accept-encoding", encodings.to_owned()),
            ("referer", format!("{page}/?lang={lang}")),
        ];
        match &self.world.entry_page {
            EntryPage::Web => {}
            EntryPage::Desktop { client_version, extspam } => {
                // Only this call has these headers: docs/protocol.md §3.6.
                if route.name == "webwxnewloginpage" {
                    expected[2].1 = format!("{page}/?&lang={lang}&target=t");
                    expected.push(("client-version", client_version.clone()));
                    expected.push(("extspam", extspam.clone()));
                }
            }
            entry_page @ EntryPage::FileHelper => {
                expected.push(("mmweb_appid", entry_page.appid().to_owned()));
            }
        }
        if route.post {
            expected.push(("origin", page));
            expected.push(("content-type", self.content_type(route)));
            expected.push(("content-length", self.request.body.len().to_string()));
        } else if !self.request.body.is_empty() {
            self.found(Fault::Other, REQUEST, "body", "a GET request has a body");
        }
        if route.ranged {
            expected.push(("range", "bytes=0-".to_owned()));
        }
        for (name, expected) in &expected {
            match self.request.header(name) {
                Ok(found) if found == *expected => {}
                // Set by `Device::with_compression`.
                Ok(found) if !browser && *name == "accept-encoding" && found == "identity" => {}
                Ok(found) if browser && self.is_of_browser(route, name, &found, expected) => {}
                Ok(found) => {
                    let complaint = format_args!("is `{found}`, not `{expected}`");
                    self.found(Fault::Value, HEADER, name, complaint);
                }
                Err(0) => {
                    self.found(Fault::Missing, HEADER, name, "is missing");
                    if *name == "range" && route.name == "webwxgetvideo" {
                        self.refused_as(NO_RANGE);
                    }
                }
                Err(count) => {
                    self.found(Fault::Repeated, HEADER, name, format_args!("occurs {count} times"));
                }
            }
        }
        if browser && self.request.header("accept-language").is_err() {
            self.found(Fault::Missing, HEADER, "accept-language", "is missing or repeated");
        }
        self.user_agent(route);
        let names: Vec<String> = self.request.headers.keys().map(ToString::to_string).collect();
        for name in names {
            let known = matches!(name.as_str(), "host" | "user-agent" | "cookie")
                || expected.iter().any(|(expected, _)| *expected == name)
                || browser && (BROWSER.contains(&&*name) || name.starts_with("sec-"));
            let tolerated = name == "connection"
                && self
                    .request
                    .header("connection")
                    .is_ok_and(|value| value.eq_ignore_ascii_case("keep-alive"));
            if !known && !tolerated {
                self.found(Fault::Unknown, HEADER, &name, "is not sent by the page");
            }
        }
    }

    /// Returns whether a browser may send this value: browsers differ, and so do their versions.
    fn is_of_browser(&self, route: &Route, name: &str, found: &str, expected: &str) -> bool {
        let is_logout = route.name == "webwxlogout";
        match name {
            "accept" if route.accept.starts_with("image/") => {
                found.starts_with("image/") && found.ends_with("*/*;q=0.8")
            }
            // The page submits a form to log out.
            "accept" if is_logout || route.accept.starts_with("text/html") => {
                found.starts_with("text/html,application/xhtml+xml,")
                    && found.ends_with("*/*;q=0.8")
            }
            "accept-encoding" => found == format!("{expected}, zstd"),
            // To other origins, newer browsers send only the origin of the page.
            "referer" => {
                let origin = expected.split('?').next().unwrap_or_default();
                let host = self.request.host().unwrap_or_default();
                found == origin && !origin.ends_with(&format!("//{host}/"))
            }
            _ => false,
        }
    }

    /// Returns the expected content type. Any boundary of a multipart form in Chrome's format is accepted.
    fn content_type(&self, route: &Route) -> String {
        let expected = route.content_type.to_owned();
        let found = self.request.header("content-type").unwrap_or_default();
        match found.strip_prefix(route.content_type) {
            Some(rest)
                if route.content_type.starts_with("multipart/")
                    && rest.len() == 16
                    && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
            {
                found
            }
            _ => expected,
        }
    }

    /// Checks `user-agent`: that of a browser, the same for the whole session.
    fn user_agent(&mut self, route: &Route) {
        let Ok(agent) = self.request.header("user-agent") else {
            let complaint = "is missing or repeated";
            return self.found(Fault::Missing, HEADER, "user-agent", complaint);
        };
        // A complete browser string ends with `Product/1.2.3` or a comment in parentheses.
        let version = agent.rsplit_once('/').map_or("", |(_, version)| version);
        let whole = version.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !version.is_empty();
        if !agent.starts_with("Mozilla/5.0 (") || !whole && !agent.ends_with(')') {
            let complaint = format_args!("is `{agent}`, not a browser's");
            self.found(Fault::Value, HEADER, "user-agent", complaint);
        }
        if let Some(first) = &self.world.user_agent
            && *first != agent
            && route.name != "jslogin"
        {
            let complaint = format_args!("is `{agent}`, was `{first}` before");
            self.found(Fault::Value, HEADER, "user-agent", complaint);
        }
    }

    /// Checks that exactly the due cookies are sent. Otherwise the session is invalid, with code 1102 of §12.
    fn cookies(&mut self) {
        if self.request.header("cookie").is_err_and(|count| count > 1) {
            self.found(Fault::Repeated, HEADER, "cookie", "is repeated");
        }
        let host = self.request.host().unwrap_or_default();
        let scope = if self.world.layout.one_host().is_some() { None } else { Some(host.as_str()) };
        let jar =
            if self.world.concurrent { self.world.jar.unsettled() } else { self.world.jar.clone() };
        // Cookie expiry depends on the clock.
        let punctual = self.world.punctual;
        let mut sent = self.request.cookies();
        if self.is_page() {
            sent.retain(|(name, _)| !OF_PAGE.contains(&&**name));
        }
        let complaints = jar.complaints(&sent, scope, self.world.now(), punctual);
        for (fault, name, complaint) in complaints {
            // The page uploads without cookies (docs/protocol.md §6.7).
            let is_upload = self.request.path.ends_with("/webwxuploadmedia");
            if self.is_page() && is_upload && fault == Fault::Missing {
                continue;
            }
            self.found(fault, COOKIE, &name, complaint);
            self.refused_as(1102);
        }
    }
}

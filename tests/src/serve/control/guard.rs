//! Checks of every request to the control API, and the form of its errors.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::ParameterIn;

use super::answer::Failure;
use super::body::plain;
use super::page;
use crate::wire::request::params;

/// The conditions of access.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) address: SocketAddr,
    pub(crate) token: Option<String>,
}

impl Guard {
    /// Refuses requests of web pages: those with a foreign `Origin`, and those whose foreign host name resolves to this server.
    fn refusal(&self, path: &str, headers: &HeaderMap) -> Option<Failure> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let host = text(header::HOST).unwrap_or_default();
        let failure = |status, what: String| Some(Failure::new(status, what));
        if let Some(token) = &self.token {
            // With a token, any host is accepted, because other machines may use another name for this one. The files
            // of the page need no token, because they contain no data.
            let is_page = page::FILES.iter().any(|file| file.path == path);
            if !is_page && text(header::AUTHORIZATION) != Some(&*format!("Bearer {token}")) {
                let what = "the header `Authorization: Bearer TOKEN` with the control token is missing or wrong";
                return failure(StatusCode::UNAUTHORIZED, what.to_owned());
            }
        } else if !self.is_own(host) {
            return failure(
                StatusCode::FORBIDDEN,
                format!("the header `Host` is `{host}`, not this server's"),
            );
        }
        match text(header::ORIGIN) {
            Some(origin) if origin != format!("http://{host}") => failure(
                StatusCode::FORBIDDEN,
                format!("the header `Origin` is `{origin}`, not this server's"),
            ),
            _ => None,
        }
    }

    fn is_own(&self, host: &str) -> bool {
        let port = self.address.port();
        let is_loopback = |host: &SocketAddr| host.ip().is_loopback() && host.port() == port;
        host == format!("localhost:{port}")
            || host.parse().is_ok_and(|host: SocketAddr| is_loopback(&host) || host == self.address)
            // HTTP clients leave out the default port.
            || port == 80 && (host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()))
    }
}

pub(crate) async fn check(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    match guard.refusal(request.uri().path(), request.headers()) {
        Some(failure) => failure.into_response(),
        None => next.run(request).await,
    }
}

/// The names of the query parameters of each path.
pub(crate) type QueryNames = BTreeMap<String, BTreeSet<String>>;

/// Returns the names of the query parameters in a description.
pub(crate) fn query_names(description: &OpenApi) -> QueryNames {
    let names = |(path, item): (&String, &utoipa::openapi::PathItem)| {
        let calls = [&item.get, &item.post, &item.patch, &item.delete];
        let parameters = calls.into_iter().flatten().flat_map(|call| call.parameters.iter());
        let parameters = parameters.flatten().filter_map(|parameter| match parameter {
            utoipa::openapi::RefOr::T(found) => Some(found),
            utoipa::openapi::RefOr::Ref(_) => None,
        });
        let of_query = parameters.filter(|found| found.parameter_in == ParameterIn::Query);
        (path.clone(), of_query.map(|found| found.name.clone()).collect())
    };
    description.paths.paths.iter().map(names).collect()
}

/// Refuses unknown query parameters: a misspelt `account` would concern the first account.
pub(crate) async fn check_query(
    State(names): State<Arc<QueryNames>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let known = path.and_then(|path| names.get(path));
    let query = params(request.uri().query().unwrap_or_default());
    let is_unknown = |name: &String| known.is_some_and(|known| !known.contains(name));
    match query.into_iter().map(|param| param.name).find(is_unknown) {
        None => next.run(request).await,
        Some(path) => {
            let known = known.into_iter().flatten().map(String::as_str).collect::<Vec<_>>();
            let expected =
                if known.is_empty() { "none" } else { &format!("`{}`", known.join("`, `")) };
            let reason = format!("unknown query parameter `{path}`, expected {expected}");
            Failure { path, ..Failure::new(StatusCode::BAD_REQUEST, reason) }.into_response()
        }
    }
}

/// Converts the HTTP library's errors to the JSON form of all other errors.
pub(crate) async fn errors_as_json(response: Response) -> Response {
    let status = response.status();
    let json =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if json || !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let body = to_bytes(response.into_body(), 1 << 16).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&body);
    let (path, reason) = match text.strip_prefix("Failed to deserialize query string: ") {
        Some(of_query) => of_query.split_once(": ").unwrap_or(("", of_query)),
        None => ("", text.strip_prefix("Invalid URL: ").unwrap_or(&text)),
    };
    let reason = match reason {
        "" if status == StatusCode::METHOD_NOT_ALLOWED => {
            "this path has other methods: see the header `Allow`".to_owned()
        }
        "" => status.canonical_reason().unwrap_or_default().to_owned(),
        "invalid digit found in string" => "not a whole number that is not negative".to_owned(),
        reason => match reason.strip_prefix("Cannot parse ").and_then(|of| of.split_once(" to a "))
        {
            Some((found, "`usize`" | "`u64`")) => {
                format!("{found} is not a whole number that is not negative")
            }
            _ => plain(reason),
        },
    };
    Failure { path: path.to_owned(), ..Failure::new(status, reason) }.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_web_pages_are_refused() {
        let address = |text: &str| text.parse().expect("an address");
        let local = Guard { address: address("127.0.0.1:7382"), token: None };
        let token = Some("secret".to_owned());
        let open = Guard { address: address("0.0.0.0:7382"), token };
        type Row<'a> = (&'a Guard, &'a str, &'a str, &'a str, &'a str, Option<u16>);
        let rows: [Row<'_>; 13] = [
            (&local, "/v1/state", "127.0.0.1:7382", "", "", None),
            (&local, "/v1/state", "localhost:7382", "", "", None),
            (&local, "/v1/state", "[::1]:7382", "", "", None),
            (&local, "/v1/state", "localhost:7382", "http://localhost:7382", "", None),
            (&local, "/v1/state", "localhost:7382", "http://localhost:8000", "", Some(403)),
            (&local, "/v1/state", "localhost:7382", "null", "", Some(403)),
            (&local, "/v1/state", "127.0.0.1:80", "", "", Some(403)),
            (&local, "/v1/state", "evil.example:7382", "http://evil.example:7382", "", Some(403)),
            (&local, "/", "evil.example:7382", "", "", Some(403)),
            (&open, "/", "machine:7382", "", "", None),
            (&open, "/v1/state", "machine:7382", "", "Bearer secret", None),
            (&open, "/v1/state", "machine:7382", "", "Bearer other", Some(401)),
            (&open, "/v1/state", "machine:7382", "http://evil.example", "Bearer secret", Some(403)),
        ];
        for (guard, path, host, origin, authorization, expected) in rows {
            let mut headers = HeaderMap::new();
            for (name, value) in
                [("host", host), ("origin", origin), ("authorization", authorization)]
            {
                if !value.is_empty() {
                    headers.insert(name, value.parse().expect("a value"));
                }
            }
            let found = guard.refusal(path, &headers).map(|failure| failure.status.as_u16());
            assert_eq!(found, expected, "{path} {host} {origin} {authorization}");
        }
    }
}

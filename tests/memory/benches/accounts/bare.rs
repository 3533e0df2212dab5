//! The HTTP client alone, with the same requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use http::Request;
use tokio::task::JoinHandle;

use crate::shared::Result;
use crate::shared::bare::{self, Bare};
use crate::shared::recorded::{Recorded, number_after};

/// Polls and fetches like an account, on one client for all of them.
pub(crate) fn start(
    recorded: &Recorded,
    accounts: usize,
    received: &Arc<AtomicU64>,
) -> Vec<JoinHandle<()>> {
    let client = bare::client();
    let start = |number: usize| {
        let uin = recorded.uin + number as i64;
        let of = |name| rewritten(&recorded.exchanges[name].0, &recorded.uin, &uin);
        let (check, fetch) = (of("synccheck"), of("webwxsync"));
        let account = Account { client: client.clone(), key: recorded.key, check, fetch };
        let received = Arc::clone(received);
        tokio::spawn(async move {
            if let Err(error) = account.run(&received).await {
                eprintln!("{error}");
            }
        })
    };
    (0..accounts).map(start).collect()
}

struct Account {
    client: Bare,
    key: u64,
    check: Request<Bytes>,
    fetch: Request<Bytes>,
}

impl Account {
    async fn run(mut self, received: &AtomicU64) -> Result<()> {
        let first = self.key;
        loop {
            let (check, fetch) = (&self.check, &self.fetch);
            let check =
                rewritten(check, &format!("synckey=1_{first}"), &format!("synckey=1_{}", self.key));
            let reply = self.exchange(check).await?;
            if !reply.contains("selector:\"2\"") {
                continue;
            }
            let fetch =
                rewritten(fetch, &format!("\"Val\":{first}"), &format!("\"Val\":{}", self.key));
            let reply = self.exchange(fetch).await?;
            received.fetch_add(number_after(&reply, "\"AddMsgCount\"").unwrap_or(0), Relaxed);
            self.key = reply
                .split_once("\"SyncKey\"")
                .and_then(|(_, rest)| number_after(rest, "\"Val\""))
                .ok_or("no key")?;
        }
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<String> {
        let body = bare::exchange(&self.client, request).await?;
        Ok(String::from_utf8(body.to_vec())?)
    }
}

/// Returns a request with another value in its URL, cookies and body, of the same length.
fn rewritten(request: &Request<Bytes>, from: &impl ToString, to: &impl ToString) -> Request<Bytes> {
    let (from, to) = (from.to_string(), to.to_string());
    let mut request = request.clone();
    let uri = request.uri().to_string().replace(&from, &to);
    *request.uri_mut() = uri.parse().expect("digits replace digits");
    if let Some(cookie) = request.headers_mut().get_mut("cookie") {
        let text = cookie.to_str().expect("text").replace(&from, &to);
        *cookie = text.parse().expect("digits replace digits");
    }
    let body = String::from_utf8_lossy(request.body()).replace(&from, &to);
    *request.body_mut() = body.into();
    request
}

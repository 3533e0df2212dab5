//! The HTTP library of the async adapter alone.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

use crate::shared::Result;

pub(crate) type Bare = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn client() -> Bare {
    Client::builder(TokioExecutor::new()).build(HttpConnector::new())
}

/// Sends a request, and returns the body of its reply.
pub(crate) async fn exchange(client: &Bare, request: Request<Bytes>) -> Result<Bytes> {
    let reply = client.request(request.map(Full::new)).await?;
    Ok(reply.into_body().collect().await?.to_bytes())
}

//! The service that sends requests.

use std::future::{Future, poll_fn};
use std::pin::Pin;

use bytes::{Buf as _, Bytes};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use tower_service::Service;

use crate::BoxError;
use crate::body::RequestBody;
use crate::connect::Connector;

/// A reply with a streamed body.
pub(crate) type Reply = http::Response<UnsyncBoxBody<Bytes, BoxError>>;

/// A type-erased service.
pub(crate) trait Exchange: Send + Sync {
    fn exchange(
        &self,
        request: http::Request<RequestBody>,
    ) -> Pin<Box<dyn Future<Output = Result<Reply, BoxError>> + Send>>;

    /// Returns a handle that shows whether the request has a connection, or `None` if the service
    /// does not report this. Call it before [`exchange`](Self::exchange).
    fn watch(&self, request: &mut http::Request<RequestBody>) -> Option<CaptureConnection> {
        let _ = request;
        None
    }
}

/// The default client, which reports connections.
pub(crate) struct DefaultClient(pub(crate) Served<Client<Connector, RequestBody>>);

impl Exchange for DefaultClient {
    fn exchange(
        &self,
        request: http::Request<RequestBody>,
    ) -> Pin<Box<dyn Future<Output = Result<Reply, BoxError>> + Send>> {
        self.0.exchange(request)
    }

    fn watch(&self, request: &mut http::Request<RequestBody>) -> Option<CaptureConnection> {
        Some(capture_connection(request))
    }
}

/// A [`Service`] as an [`Exchange`].
pub(crate) struct Served<S>(pub(crate) S);

impl<S, B> Exchange for Served<S>
where
    S: Service<http::Request<RequestBody>, Response = http::Response<B>>,
    S: Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn exchange(
        &self,
        request: http::Request<RequestBody>,
    ) -> Pin<Box<dyn Future<Output = Result<Reply, BoxError>> + Send>> {
        let mut service = self.0.clone();
        Box::pin(async move {
            poll_fn(|context| service.poll_ready(context)).await.map_err(Into::into)?;
            let reply = service.call(request).await.map_err(Into::into)?;
            // Does not copy the data of a body of `Bytes`.
            let body = |body: B| {
                body.map_frame(|frame| {
                    frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))
                })
                .map_err(Into::into)
                .boxed_unsync()
            };
            Ok(reply.map(body))
        })
    }
}

//! The ports of the simulated service: plain HTTP, HTTPS, and the proxy.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::uri::Scheme;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::server;
use crate::server::payload::Payload;
use crate::server::service::Service;
use crate::world::layout::ALL_HOSTS;

/// The proxy: connects clients with the simulated hosts, and with nothing else.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) acceptor: TlsAcceptor,
    /// The service at the true hosts.
    pub(crate) service: Service,
}

impl Proxy {
    /// Serves connections until it is dropped.
    pub(crate) async fn accept(self, listener: TcpListener) {
        let proxy = Arc::new(self);
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            tokio::spawn(Arc::clone(&proxy).serve(stream));
        }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let answer = service_fn(move |request| {
            let proxy = Arc::clone(&self);
            async move { proxy.answer(request).await }
        });
        let http = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), answer);
        let _ = http.with_upgrades().await;
    }

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Payload>> {
        let uri = request.uri();
        let is_simulated =
            uri.host().is_some_and(|host| ALL_HOSTS.contains(&&*host.to_ascii_lowercase()))
                && uri.port_u16().unwrap_or(443) == 443;
        let is_connect = request.method() == Method::CONNECT;
        if !is_simulated || !is_connect && uri.scheme() != Some(&Scheme::HTTPS) {
            let text = format!(
                "this proxy leads only to the simulated hosts over HTTPS, not to {}\n",
                target(uri)
            );
            let reply =
                Response::builder().status(403).header("content-type", "text/plain; charset=utf-8");
            let reply = reply.header("content-length", text.len()).body(Bytes::from(text));
            return Ok(Payload::of(reply.expect("the headers are valid")));
        }
        if !is_connect {
            return self.service.answer(request).await;
        }
        let proxy = self.clone();
        tokio::spawn(async move {
            if let Ok(stream) = hyper::upgrade::on(request).await
                && let Ok(stream) = proxy.acceptor.accept(TokioIo::new(stream)).await
            {
                server::serve(stream, proxy.service).await;
            }
        });
        Ok(Payload::of(Response::new(Bytes::new())))
    }
}

/// Returns the part of an address that names its host.
fn target(uri: &http::Uri) -> String {
    let scheme = uri.scheme_str().map(|scheme| format!("{scheme}://")).unwrap_or_default();
    format!("{scheme}{}", uri.authority().map_or("itself", |authority| authority.as_str()))
}

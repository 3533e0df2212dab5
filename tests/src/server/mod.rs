//! A server for the simulator on the loopback interface.

mod compression;
pub(crate) mod injection;
pub(crate) mod payload;
pub(crate) mod service;
pub(crate) mod tls;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::server::injection::{Cut, Effect, Injection};
use crate::server::service::{Hosts, Service};
use crate::simulator::Simulator;
use crate::world::layout::Layout;

/// A server on its own thread. It stops when it is dropped. It serves all accounts of the simulator's service, also
/// those that are [added](Simulator::add_account) later.
///
/// # Clock
///
/// **The world has its own clock, which starts in November 2023**, unless [`Server::real_time`] makes it follow the
/// system clock. Requests contain the client's clock, which must be within ten minutes of the world's: a client on the
/// system clock gets status 400 from the first call (`jslogin`) on, with the reason in the page and in
/// [`World::violations`]. Either call [`Server::real_time`] before the client starts, or let the client use the world's
/// clock ([`Simulator::now`]), which makes runs reproducible.
///
/// [`World::violations`]: crate::World::violations
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    ca: Option<Vec<u8>>,
    service: Service,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server of plain HTTP with every role at one origin: the world's layout becomes [`Layout::One`].
    ///
    /// **Also call [`Server::real_time`] if the client uses the system clock**; see [above](Server#clock).
    ///
    /// # Errors
    ///
    /// If the listener, the runtime or the thread cannot be created.
    pub fn http(simulator: &Simulator) -> io::Result<Self> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let origin = format!("http://{}", listener.local_addr()?);
        let layout = Layout::One { origin };
        simulator.group().set_layout(layout.clone());
        for account in simulator.accounts() {
            account.world().layout(layout.clone());
        }
        Self::start(simulator, listener, None, None)
    }

    /// Starts a server of HTTPS with a certificate for every true host name. The layout is not changed.
    ///
    /// The client must trust [`Server::ca_der`] and resolve each of those names to [`Server::addr`]. See
    /// [above](Server#clock) for its clock.
    ///
    /// # Errors
    ///
    /// If the certificate, the listener, the runtime or the thread cannot be created.
    pub fn tls(simulator: &Simulator) -> io::Result<Self> {
        let identity = tls::Identity::new().map_err(io::Error::other)?;
        let acceptor = TlsAcceptor::from(Arc::new(identity.config));
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Self::start(simulator, listener, Some(acceptor), Some(identity.ca))
    }

    fn start(
        simulator: &Simulator,
        listener: StdListener,
        acceptor: Option<TlsAcceptor>,
        ca: Option<Vec<u8>>,
    ) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, stopped) = oneshot::channel();
        let service = Service::new(simulator, Hosts::OfWorld);
        let served = service.clone();
        let thread =
            thread::Builder::new().name("wechat-simulator".to_owned()).spawn(move || {
                runtime.block_on(async move {
                    tokio::select! {
                        _ = stopped => {}
                        () = accept(listener, acceptor, served) => {}
                    }
                });
            })?;
        Ok(Self { addr, ca, service, stop: Some(stop), thread: Some(thread) })
    }

    /// Returns the address on which it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the origin of the address: scheme, host and port.
    pub fn origin(&self) -> String {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addr)
    }

    /// Returns the certificate of the authority to trust, in DER, if the server speaks TLS.
    pub fn ca_der(&self) -> Option<&[u8]> {
        self.ca.as_deref()
    }

    /// Sets the real time for which a long poll is held when the script has no more steps. Default: 25 seconds.
    pub fn hold(&self, time: Duration) {
        self.service.timing.hold.store(time.as_millis() as u64, Ordering::Relaxed);
    }

    /// Cuts the next exchange of an endpoint, such as `webwxuploadmedia`, once. Several cuts apply to successive
    /// exchanges in order.
    pub fn cut(&self, endpoint: &str, cut: Cut) {
        self.inject(Injection::new(endpoint, Effect::Cut(cut)));
    }

    /// Injects a fault. Several faults of one endpoint apply to successive exchanges in order.
    pub fn inject(&self, injection: Injection) {
        self.service.injections.add(injection);
    }

    /// Makes the world's clock follow the system clock, and the steps of the script wait in real time. Otherwise, steps
    /// advance only the world's clock, as in memory, and clients must use [the world's clock](Server#clock).
    pub fn real_time(&self) {
        self.service.timing.real.store(true, Ordering::Relaxed);
        self.service.follow_clock();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Dropping the sender stops the thread, if it is still running.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Serves connections until it is dropped.
pub(crate) async fn accept(listener: StdListener, acceptor: Option<TlsAcceptor>, service: Service) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::spawn(connection(stream, acceptor.clone(), service.clone()));
    }
}

async fn connection(stream: TcpStream, acceptor: Option<TlsAcceptor>, service: Service) {
    // Errors of a connection, such as a disconnected client, are ignored.
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => serve(stream, service).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, service).await;
            }
        }
    }
}

pub(crate) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, service: Service) {
    let answer = service_fn(move |request| {
        let service = service.clone();
        async move { service.answer(request).await }
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), answer);
    let _ = http.await;
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;

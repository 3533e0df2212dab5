//! Connections whose operations respect the deadline.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::time::Duration as Limit;
use ureq::unversioned::transport::{
    Buffers, ChainedConnector, ConnectProxyConnector, ConnectionDetails, Connector as Connect,
    Either, NextTimeout, TcpConnector, Transport,
};
use wechat_proto::error::{Failure, FailureKind, Sent};

use crate::deadline;
use crate::drive::Shutdown;
use crate::resolve::list;
use crate::tls::Tls;

/// A proxy if configured, otherwise TCP; then TLS.
type Chain = ChainedConnector<(), ChainedConnector<(), ConnectProxyConnector, Tcp>, Tls>;

/// Opens connections, and converts ureq's errors to [`Failure`]s with [`Sent::No`]: nothing has been
/// sent yet.
#[derive(Debug)]
pub(crate) struct Connector(Chain);

impl Connector {
    /// Returns a connector, which the shutdown signal cancels if there is one.
    pub(crate) fn new(tls: Arc<ClientConfig>, shutdown: Option<Arc<Shutdown>>) -> Self {
        Self(ConnectProxyConnector::default().chain(Tcp(shutdown)).chain(Tls::new(tls)))
    }
}

impl Connect for Connector {
    type Out = Limited<<Chain as Connect>::Out>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: list(&details.addrs),
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: limited(details.timeout)
                .map_err(|error| connect_failure(FailureKind::Timeout, error))?,
            current_time: Arc::clone(&details.current_time),
            run_connector: Arc::clone(&details.run_connector),
            register_shutdown: Arc::clone(&details.register_shutdown),
        };
        match self.0.connect(&details, None) {
            Ok(transport) => Ok(transport.map(Limited)),
            Err(error) => Err(connect_failure(FailureKind::Connect, error)),
        }
    }
}

/// TCP with cancellable connection attempts. Those of the system are not cancellable, so they run on
/// a separate thread. Shutting the agent down closes an open connection.
#[derive(Debug)]
pub(crate) struct Tcp(Option<Arc<Shutdown>>);

/// A TCP connection of ureq.
type TcpTransport = <TcpConnector as Connect<()>>::Out;

impl<In: Transport> Connect<In> for Tcp {
    type Out = Either<In, TcpTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        if let Some(transport) = chained {
            return Ok(Some(Either::A(transport)));
        }
        let Some(shutdown) = &self.0 else {
            return Ok(TcpConnector::default().connect(details, None::<()>)?.map(Either::B));
        };
        let (uri, config) = (details.uri.clone(), details.config.clone());
        let (addrs, now, timeout) = (list(&details.addrs), details.now, details.timeout);
        let request_level = details.request_level;
        let current_time = Arc::clone(&details.current_time);
        let run_connector = Arc::clone(&details.run_connector);
        let register_shutdown = Arc::clone(&details.register_shutdown);
        let connected = shutdown.unless_signalled(move || {
            let details = ConnectionDetails {
                uri: &uri,
                addrs,
                config: &config,
                request_level,
                // Unused: the addresses are known.
                resolver: &DefaultResolver::default(),
                now,
                timeout,
                current_time,
                run_connector,
                register_shutdown,
            };
            TcpConnector::default().connect(&details, None::<()>)
        });
        Ok(connected.unwrap_or_else(|| Err(cancelled()))?.map(Either::B))
    }
}

/// Returns the error of an operation that was cancelled before anything was sent.
pub(crate) fn cancelled() -> ureq::Error {
    ureq::Error::Other(Box::new(Failure::new(FailureKind::Cancelled, Sent::No)))
}

/// Converts an error of connecting to a [`Failure`] inside a ureq error.
///
/// The failure is of `kind` unless the error is more specific.
pub(crate) fn connect_failure(kind: FailureKind, error: ureq::Error) -> ureq::Error {
    let failure = match error {
        ureq::Error::Other(source) if source.is::<Failure>() => return ureq::Error::Other(source),
        ureq::Error::Timeout(_) => Failure::new(FailureKind::Timeout, Sent::No),
        ureq::Error::HostNotFound => Failure::new(FailureKind::Resolve, Sent::No),
        // ureq reports the proxy's status only as text; a test checks it.
        ureq::Error::ConnectProxyFailed(reason) if reason.contains("responded 407") => {
            Failure::new(FailureKind::ProxyAuthorization, Sent::No)
        }
        ureq::Error::ConnectProxyFailed(_) => Failure::new(FailureKind::Proxy, Sent::No),
        ureq::Error::Io(source) if source.kind() == io::ErrorKind::NotConnected => {
            Failure::new(FailureKind::Cancelled, Sent::No)
        }
        ureq::Error::Io(source) => Failure::new(kind, Sent::No).because(source),
        _ => Failure::new(kind, Sent::No),
    };
    ureq::Error::Other(Box::new(failure))
}

/// Limits the timeout of a step to the remaining time of the deadline.
pub(crate) fn limited(mut timeout: NextTimeout) -> Result<NextTimeout, ureq::Error> {
    match deadline::remaining() {
        None => {}
        Some(Duration::ZERO) => return Err(ureq::Error::Timeout(ureq::Timeout::Global)),
        Some(remaining) => {
            timeout.after = timeout.after.min(Limit::from(remaining));
            timeout.reason = ureq::Timeout::Global;
        }
    }
    Ok(timeout)
}

/// A connection whose waits end at the deadline.
#[derive(Debug)]
pub(crate) struct Limited<T>(T);

impl<T: Transport> Transport for Limited<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.0.transmit_output(amount, limited(timeout)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.0.await_input(limited(timeout)?)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}

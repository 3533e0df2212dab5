//! Connections: made within the deadline, and used within it.

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

/// A proxy if there is one, else TCP; then TLS.
type Chain = ChainedConnector<(), ChainedConnector<(), ConnectProxyConnector, Tcp>, Tls>;

/// Makes connections, and tells ureq's errors of doing so as [`Failure`]s: what happens here
/// happens before anything is sent.
#[derive(Debug)]
pub(crate) struct Connector(Chain);

impl Connector {
    /// With a shutdown that ends whatever it is at, where there is one.
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
                .map_err(|error| unconnected(FailureKind::Timeout, error))?,
            current_time: Arc::clone(&details.current_time),
            run_connector: Arc::clone(&details.run_connector),
            register_shutdown: Arc::clone(&details.register_shutdown),
        };
        match self.0.connect(&details, None) {
            Ok(transport) => Ok(transport.map(Limited)),
            Err(error) => Err(unconnected(FailureKind::Connect, error)),
        }
    }
}

/// TCP whose connecting can be given up. The system's cannot, so that it is left to a thread; from
/// then on, shutting the agent down breaks the connection.
#[derive(Debug)]
pub(crate) struct Tcp(Option<Arc<Shutdown>>);

/// A TCP connection, as ureq makes it.
type Dialled = <TcpConnector as Connect<()>>::Out;

impl<In: Transport> Connect<In> for Tcp {
    type Out = Either<In, Dialled>;

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
        let connected = shutdown.unless_given(move || {
            let details = ConnectionDetails {
                uri: &uri,
                addrs,
                config: &config,
                request_level,
                // The addresses are there.
                resolver: &DefaultResolver::default(),
                now,
                timeout,
                current_time,
                run_connector,
                register_shutdown,
            };
            TcpConnector::default().connect(&details, None::<()>)
        });
        Ok(connected.unwrap_or_else(|| Err(given_up()))?.map(Either::B))
    }
}

/// The error of what was given up before anything was sent.
pub(crate) fn given_up() -> ureq::Error {
    ureq::Error::Other(Box::new(Failure::new(FailureKind::Cancelled, Sent::No)))
}

/// An error from before there was a connection, as ureq carries it through.
///
/// It is of `kind` unless it tells better itself.
pub(crate) fn unconnected(kind: FailureKind, error: ureq::Error) -> ureq::Error {
    let failure = match error {
        ureq::Error::Other(source) if source.is::<Failure>() => return ureq::Error::Other(source),
        ureq::Error::Timeout(_) => Failure::new(FailureKind::Timeout, Sent::No),
        ureq::Error::HostNotFound => Failure::new(FailureKind::Resolve, Sent::No),
        // ureq has the proxy's status only as text; a test watches it.
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

/// The time limit of a step, cut down to what is left of the deadline.
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

/// A connection whose every wait ends at the deadline.
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

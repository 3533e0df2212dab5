//! Connections: made within the deadline, and used within it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use ureq::unversioned::transport::time::Duration as Limit;
use ureq::unversioned::transport::{
    Buffers, ChainedConnector, ConnectProxyConnector, ConnectionDetails, Connector as Connect,
    NextTimeout, TcpConnector, Transport,
};
use wechat_proto::error::{Failure, FailureKind, Sent};

use crate::deadline;
use crate::resolve::list;
use crate::tls::Tls;

/// A proxy if there is one, else TCP; then TLS.
type Chain = ChainedConnector<(), ChainedConnector<(), ConnectProxyConnector, TcpConnector>, Tls>;

/// Makes connections, and tells ureq's errors of doing so as [`Failure`]s: what happens here
/// happens before anything is sent.
#[derive(Debug)]
pub(crate) struct Connector(Chain);

impl Connector {
    pub(crate) fn new(tls: Arc<ClientConfig>) -> Self {
        Self(ConnectProxyConnector::default().chain(TcpConnector::default()).chain(Tls::new(tls)))
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

/// An error from before there was a connection, as ureq carries it through.
///
/// It is of `kind` unless it tells better itself.
pub(crate) fn unconnected(kind: FailureKind, error: ureq::Error) -> ureq::Error {
    let failure = match error {
        ureq::Error::Other(source) if source.is::<Failure>() => return ureq::Error::Other(source),
        ureq::Error::Timeout(_) => Failure::new(FailureKind::Timeout, Sent::No),
        ureq::Error::HostNotFound => Failure::new(FailureKind::Resolve, Sent::No),
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

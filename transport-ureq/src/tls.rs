//! TLS with rustls and an explicit crypto provider.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use ureq::unversioned::transport::time::{Duration as Limit, Instant as Moment};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector as Connect, Either, LazyBuffers, NextTimeout, Transport,
    TransportAdapter,
};
use wechat_proto::error::{Failure, FailureKind, Sent};

/// Returns a TLS configuration that trusts Mozilla's roots and these.
pub(crate) fn config(roots: &[Vec<u8>]) -> Result<Arc<ClientConfig>, Failure> {
    let failure =
        |error: rustls::Error| Failure::new(FailureKind::Certificate, Sent::No).because(error);
    let mut store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for root in roots {
        store.add(root.clone().into()).map_err(failure)?;
    }
    // Explicit, because a process with two providers has no default.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(failure)?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Encrypts connections to https origins.
///
/// ureq's own connector accepts either the default roots or custom ones, not both.
pub(crate) struct Tls(Arc<ClientConfig>);

impl Tls {
    pub(crate) const fn new(config: Arc<ClientConfig>) -> Self {
        Self(config)
    }
}

impl<In: Transport> Connect<In> for Tls {
    type Out = Either<In, Encrypted>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else { return Ok(None) };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let host = details.uri.host().unwrap_or_default();
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|error| handshake_failure(io::Error::other(error)))?;
        let connection = ClientConnection::new(Arc::clone(&self.0), name)
            .map_err(|error| handshake_failure(io::Error::other(error)))?;
        let socket = TransportAdapter::new(transport.boxed(), Arc::clone(&details.current_time));
        let mut stream = StreamOwned::new(connection, socket);
        stream.sock.set_timeout(time_left(details));
        stream.conn.complete_io(&mut stream.sock).map_err(handshake_failure)?;
        let (input, output) =
            (details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(Encrypted { stream, buffers: LazyBuffers::new(input, output) })))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// Returns the remaining time to connect after TCP.
fn time_left(details: &ConnectionDetails<'_>) -> NextTimeout {
    let mut timeout = details.timeout;
    if let (Limit::Exact(limit), Moment::Exact(start), Moment::Exact(now)) =
        (timeout.after, details.now, (details.current_time)())
    {
        timeout.after = limit.saturating_sub(now.saturating_duration_since(start)).into();
    }
    timeout
}

/// Converts an error of the handshake to a [`Failure`] inside a ureq error.
fn handshake_failure(error: io::Error) -> ureq::Error {
    let error = match ureq::Error::from(error) {
        ureq::Error::Io(error) => error,
        timeout => return timeout,
    };
    let cause = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    let kind = match cause {
        Some(rustls::Error::InvalidCertificate(_)) => FailureKind::Certificate,
        _ => FailureKind::Tls,
    };
    let failure = Failure::new(kind, Sent::No).because(error);
    ureq::Error::Other(Box::new(failure))
}

/// An encrypted connection.
pub(crate) struct Encrypted {
    stream: StreamOwned<ClientConnection, TransportAdapter>,
    buffers: LazyBuffers,
}

impl Transport for Encrypted {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        self.stream.write_all(&self.buffers.output()[..amount])?;
        // `write_all` hides errors of buffered bytes; `flush` returns them.
        self.stream.flush()?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encrypted")
    }
}

//! Connections: TCP, a proxy if there is one, and TLS, with the stage of each failure.

use std::sync::Arc;

use rustls::crypto::ring;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::{
    ChainedConnector, ConnectProxyConnector, ConnectionDetails, Connector as Connect,
    RustlsConnector, TcpConnector, Transport,
};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;
use wechat_proto::Error;
use wechat_proto::error::FailureKind;
use wechat_transport::Options;

use crate::failure::stage_failure;

/// Returns a TLS configuration that trusts Mozilla's roots and those of the options.
pub(crate) fn tls_config(options: &Options) -> Result<TlsConfig, Error> {
    let roots = options.root_certificates()?;
    let roots = if roots.is_empty() {
        RootCerts::WebPki
    } else {
        let roots = roots.iter().chain(TLS_SERVER_ROOT_CERTS);
        roots.map(|root| Certificate::from_der(root).to_owned()).collect::<Vec<_>>().into()
    };
    // Explicit, because a process with two providers has no default.
    let provider = Arc::new(ring::default_provider());
    Ok(TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build())
}

type Chain = ChainedConnector<(), ChainedConnector<(), ConnectProxyConnector, TcpConnector>, Tls>;

/// Opens connections, and converts ureq's errors to the failures of their stages.
#[derive(Debug)]
pub(crate) struct Connector {
    chain: Chain,
    /// Whether every connection goes through a proxy.
    proxied: bool,
}

impl Connector {
    /// Returns a connector. `tls` is shared by all agents of a transport: it caches the configuration.
    pub(crate) fn new(tls: Arc<RustlsConnector>, proxied: bool) -> Self {
        let chain = ConnectProxyConnector::default().chain(TcpConnector::default()).chain(Tls(tls));
        Self { chain, proxied }
    }
}

impl Connect for Connector {
    type Out = <Chain as Connect>::Out;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let kind = if self.proxied { FailureKind::Proxy } else { FailureKind::Connect };
        self.chain.connect(details, None).map_err(|error| stage_failure(error, kind))
    }
}

/// Encrypts connections to https origins.
#[derive(Debug)]
pub(crate) struct Tls(Arc<RustlsConnector>);

impl<In: Transport> Connect<In> for Tls {
    type Out = <RustlsConnector as Connect<In>>::Out;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: details.resolver.empty(),
            config: details.config,
            // Every request sets its time limits; ureq would parse the roots again for each of them.
            request_level: false,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: Arc::clone(&details.current_time),
            run_connector: Arc::clone(&details.run_connector),
            register_shutdown: Arc::clone(&details.register_shutdown),
        };
        self.0.connect(&details, chained).map_err(|error| stage_failure(error, FailureKind::Tls))
    }
}

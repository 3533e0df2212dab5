//! Encrypted connections, if the feature `rustls` is enabled.

use std::sync::Arc;

#[cfg(feature = "rustls")]
use rustls::crypto::ring;
#[cfg(feature = "rustls")]
use ureq::tls::{Certificate, RootCerts, TlsConfig};
#[cfg(feature = "rustls")]
use ureq::unversioned::transport::RustlsConnector;
use ureq::unversioned::transport::{ConnectionDetails, Connector, Transport};
#[cfg(feature = "rustls")]
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;
#[cfg(feature = "rustls")]
use wechat_proto::Error;
use wechat_proto::error::FailureKind;
#[cfg(feature = "rustls")]
use wechat_transport::Options;

use crate::failure::stage_failure;
#[cfg(feature = "rustls")]
use crate::resolve::with_addresses;

/// The connector of all agents of a transport, which caches the configuration.
#[cfg(feature = "rustls")]
pub(crate) type Shared = Arc<RustlsConnector>;
#[cfg(feature = "rustls")]
type Encrypted<In> = <RustlsConnector as Connector<In>>::Out;

#[cfg(not(feature = "rustls"))]
pub(crate) type Shared = Arc<()>;
#[cfg(not(feature = "rustls"))]
type Encrypted<In> = In;

/// A connector that encrypts connections to https origins. A connection that breaks before it is
/// encrypted fails with this kind.
#[derive(Debug)]
pub(crate) struct Tls(
    #[cfg_attr(not(feature = "rustls"), expect(dead_code, reason = "nothing is encrypted"))]
    pub(crate) Shared,
    pub(crate) FailureKind,
);

impl<In: Transport> Connector<In> for Tls {
    type Out = Encrypted<In>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        #[cfg(feature = "rustls")]
        let result = self.0.connect(&with_addresses(details, details.resolver.empty()), chained);
        #[cfg(not(feature = "rustls"))]
        let result = match details.needs_tls() {
            true => Err(std::io::Error::other("the feature `rustls` is disabled").into()),
            false => Ok(chained),
        };
        let stage = if cfg!(feature = "rustls") { self.1 } else { FailureKind::Tls };
        result.map_err(|error| stage_failure(error, stage, details.uri))
    }
}

/// Returns a TLS configuration that trusts Mozilla's roots and those of the options, or the operating
/// system's.
#[cfg(feature = "rustls")]
pub(crate) fn config(options: &Options) -> Result<TlsConfig, Error> {
    let roots = options.root_certificates()?;
    let roots = if roots.is_empty() {
        RootCerts::WebPki
    } else {
        let roots = roots.iter().chain(TLS_SERVER_ROOT_CERTS);
        roots.map(|root| Certificate::from_der(root).to_owned()).collect::<Vec<_>>().into()
    };
    #[cfg(feature = "platform-verifier")]
    let roots = match options.uses_platform_verifier() {
        true => RootCerts::PlatformVerifier,
        false => roots,
    };
    // Explicit, because a process with two providers has no default.
    let provider = Arc::new(ring::default_provider());
    let tls = TlsConfig::builder().root_certs(roots);
    Ok(tls.unversioned_rustls_crypto_provider(provider).build())
}

#[cfg(test)]
mod tests {
    use wechat_proto::Device;
    use wechat_proto::error::Chain;
    use wechat_proto::login::GetUuid;
    use wechat_simulator::{Server, Simulator, World};
    use wechat_transport::Options;

    use crate::Transport;

    /// Returns the text of the failure of a request to the simulator over TLS.
    fn refused(options: Options) -> String {
        let server = Server::tls(&Simulator::new(World::new(1))).unwrap();
        let options = options.resolve_only().resolve("login.wx.qq.com", server.addr());
        let transport = Transport::new(options).unwrap();
        let error = transport.call(GetUuid::new(), &mut Device::new()).unwrap_err();
        Chain(&error).to_string()
    }

    #[cfg(feature = "platform-verifier")]
    #[test]
    fn operating_system_refuses_an_unknown_authority() {
        let text = refused(Options::default().platform_verifier());
        assert!(
            text.contains("is not trusted (the request was not sent): login.wx.qq.com:443: "),
            "{text}"
        );
    }

    #[test]
    fn unknown_authority_is_refused() {
        let expected = match cfg!(feature = "rustls") {
            true => {
                "the exchange failed: the server's certificate is not trusted (the request was not sent): \
                 login.wx.qq.com:443: invalid peer certificate: UnknownIssuer"
            }
            // The request is not sent unencrypted.
            false => {
                "the exchange failed: the TLS handshake failed (the request was not sent): \
                 login.wx.qq.com:443: the feature `rustls` is disabled"
            }
        };
        assert_eq!(refused(Options::default()), expected);
    }
}

//! Encrypted connections, if the feature `rustls` is enabled.

#[cfg(feature = "rustls")]
use std::sync::Arc;

use http::Uri;
#[cfg(feature = "rustls")]
use hyper_rustls::{HttpsConnectorBuilder, MaybeHttpsStream};
#[cfg(feature = "rustls")]
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tower::ServiceExt as _;
use wechat_proto::Error;
use wechat_proto::error::FailureKind;
#[cfg(any(feature = "platform-verifier", not(feature = "rustls")))]
use wechat_proto::error::{Failure, Sent};
use wechat_transport::Options;

use crate::connect::{Connector, Stream};
#[cfg(feature = "rustls")]
use crate::failure::tls_failure;

/// A connection that is encrypted if its origin is https.
#[cfg(feature = "rustls")]
pub(crate) type Encrypted = MaybeHttpsStream<Stream>;
#[cfg(not(feature = "rustls"))]
pub(crate) type Encrypted = Stream;

/// Returns a connector that encrypts connections to https origins.
#[cfg(feature = "rustls")]
pub(crate) fn encrypting(
    connector: Connector<Stream>,
    options: &Options,
) -> Result<Connector<Encrypted>, Error> {
    // The kind of a connection that breaks before it is encrypted.
    let stage = match options.proxy_url()? {
        Some(_) => FailureKind::Proxy,
        None => FailureKind::Tls,
    };
    let builder = HttpsConnectorBuilder::new().with_tls_config(config(options)?);
    let connector = builder.https_or_http().enable_http1().wrap_connector(connector);
    Ok(Connector::new(tower::service_fn(move |uri: Uri| {
        let connecting = connector.clone().oneshot(uri.clone());
        async move { connecting.await.map_err(|error| tls_failure(error, stage, &uri)) }
    })))
}

/// Returns a connector that refuses https origins.
#[cfg(not(feature = "rustls"))]
pub(crate) fn encrypting(
    connector: Connector<Stream>,
    _: &Options,
) -> Result<Connector<Encrypted>, Error> {
    Ok(Connector::new(tower::service_fn(move |uri: Uri| {
        let connector = connector.clone();
        async move {
            if uri.scheme_str() == Some("https") {
                let missing = std::io::Error::other("the feature `rustls` is disabled");
                let missing = wechat_transport::at_host(&uri, Some(missing));
                return Err(Failure::new(FailureKind::Tls, Sent::No).because(missing));
            }
            connector.oneshot(uri).await
        }
    })))
}

/// Returns a TLS configuration that trusts Mozilla's roots and those of the options, or the operating
/// system's.
#[cfg(feature = "rustls")]
fn config(options: &Options) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(options.root_certificates()?);
    // The provider is explicit, because a process with two providers has no default.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions");
    #[cfg(feature = "platform-verifier")]
    if options.uses_platform_verifier() {
        use rustls_platform_verifier::BuilderVerifierExt as _;
        let config = config.with_platform_verifier();
        let failure = Failure::new(FailureKind::Certificate, Sent::No);
        let config = config.map_err(|error| Error::Transport(failure.because(error)))?;
        return Ok(config.with_no_client_auth());
    }
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use wechat_proto::Device;
    use wechat_proto::error::Chain;
    use wechat_proto::login::GetUuid;
    use wechat_simulator::{Server, Simulator, World};

    use super::*;
    use crate::Transport;

    /// Returns the text of the failure of a request to the simulator over TLS.
    async fn refused(options: Options) -> String {
        let server = Server::tls(&Simulator::new(World::new(1))).unwrap();
        let options = options.resolve_only().resolve("login.wx.qq.com", server.addr());
        let transport = Transport::new(options).unwrap();
        let error = transport.call(GetUuid::new(), &mut Device::new()).await.unwrap_err();
        Chain(&error).to_string()
    }

    #[cfg(feature = "platform-verifier")]
    #[tokio::test]
    async fn operating_system_refuses_an_unknown_authority() {
        let text = refused(Options::default().platform_verifier()).await;
        assert!(
            text.contains("is not trusted (the request was not sent): login.wx.qq.com:443: "),
            "{text}"
        );
    }

    #[tokio::test]
    async fn unknown_authority_is_refused() {
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
        assert_eq!(refused(Options::default()).await, expected);
    }
}

//! Encrypted connections, if the feature `rustls` is enabled.

use ureq::unversioned::transport::{ConnectionDetails, Connector as Connect, Transport};
use wechat_proto::error::FailureKind;

use crate::failure::stage_failure;

#[cfg(not(feature = "rustls"))]
pub(crate) use self::disabled::{Out, Shared, config, kind};
#[cfg(feature = "rustls")]
pub(crate) use self::enabled::{Out, Shared, config, kind};

/// Encrypts connections to https origins. A connection that breaks before is a failure of this kind.
#[derive(Debug)]
pub(crate) struct Tls(pub(crate) Shared, pub(crate) FailureKind);

impl<In: Transport> Connect<In> for Tls {
    type Out = Out<In>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        self.0.connect(details, chained).map_err(|error| stage_failure(error, self.1))
    }
}

#[cfg(feature = "rustls")]
mod enabled {
    use std::io;
    use std::sync::Arc;

    use rustls::crypto::ring;
    use ureq::config::ConfigBuilder;
    use ureq::tls::{Certificate, RootCerts, TlsConfig};
    use ureq::typestate::AgentScope;
    use ureq::unversioned::transport::{ConnectionDetails, Connector, RustlsConnector, Transport};
    use webpki_root_certs::TLS_SERVER_ROOT_CERTS;
    use wechat_proto::Error;
    use wechat_proto::error::FailureKind;
    use wechat_transport::Options;

    use crate::connect::with;

    pub(crate) type Out<In> = <RustlsConnector as Connector<In>>::Out;

    /// The connector of all agents of a transport.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct Shared(Arc<RustlsConnector>);

    impl Shared {
        pub(super) fn connect<In: Transport>(
            &self,
            details: &ConnectionDetails<'_>,
            chained: Option<In>,
        ) -> Result<Option<Out<In>>, ureq::Error> {
            self.0.connect(&with(details, details.resolver.empty()), chained)
        }
    }

    /// Sets a TLS configuration that trusts Mozilla's roots and those of the options, or the
    /// operating system's.
    pub(crate) fn config(
        builder: ConfigBuilder<AgentScope>,
        options: &Options,
    ) -> Result<ConfigBuilder<AgentScope>, Error> {
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
        Ok(builder.tls_config(tls.unversioned_rustls_crypto_provider(provider).build()))
    }

    /// Returns the kind of a TLS error. A message that is not TLS comes from a proxy, if there is one:
    /// of kind `stage`.
    pub(crate) fn kind(error: &io::Error, stage: FailureKind) -> Option<FailureKind> {
        match error.get_ref()?.downcast_ref()? {
            rustls::Error::InvalidCertificate(_) => Some(FailureKind::Certificate),
            rustls::Error::InvalidMessage(_) => Some(stage),
            _ => Some(FailureKind::Tls),
        }
    }
}

#[cfg(not(feature = "rustls"))]
mod disabled {
    use std::io;

    use ureq::config::ConfigBuilder;
    use ureq::typestate::AgentScope;
    use ureq::unversioned::transport::{ConnectionDetails, Transport};
    use wechat_proto::Error;
    use wechat_proto::error::{Failure, FailureKind, Sent};
    use wechat_transport::Options;

    pub(crate) type Out<In> = In;

    #[derive(Clone, Debug, Default)]
    pub(crate) struct Shared(());

    impl Shared {
        pub(super) fn connect<In: Transport>(
            &self,
            details: &ConnectionDetails<'_>,
            chained: Option<In>,
        ) -> Result<Option<In>, ureq::Error> {
            if details.needs_tls() {
                let missing = io::Error::other("the feature `rustls` is disabled");
                let failure = Failure::new(FailureKind::Tls, Sent::No).because(missing);
                return Err(ureq::Error::Other(failure.into()));
            }
            Ok(chained)
        }
    }

    pub(crate) fn config(
        builder: ConfigBuilder<AgentScope>,
        _: &Options,
    ) -> Result<ConfigBuilder<AgentScope>, Error> {
        Ok(builder)
    }

    pub(crate) fn kind(_: &io::Error, _: FailureKind) -> Option<FailureKind> {
        None
    }
}

#[cfg(test)]
mod tests {
    use wechat_proto::error::FailureKind;
    use wechat_proto::login::GetUuid;
    use wechat_proto::{Device, Error};
    use wechat_simulator::{Server, Simulator, World};
    use wechat_transport::Options;

    use crate::Transport;

    /// Returns the kind of failure of a request to the simulator over TLS.
    fn refused(options: Options) -> FailureKind {
        let server = Server::tls(&Simulator::new(World::new(1))).unwrap();
        let options = options.resolve_only().resolve("login.wx.qq.com", server.addr());
        let transport = Transport::new(options).unwrap();
        match transport.call(GetUuid::new(), &mut Device::new()) {
            Err(Error::Transport(failure)) => failure.kind,
            other => panic!("{other:?}"),
        }
    }

    #[cfg(feature = "platform-verifier")]
    #[test]
    fn operating_system_refuses_an_unknown_authority() {
        assert_eq!(refused(Options::default().platform_verifier()), FailureKind::Certificate);
    }

    #[test]
    fn unknown_authority_is_refused() {
        let expected = match cfg!(feature = "rustls") {
            true => FailureKind::Certificate,
            // Nothing is sent in the clear.
            false => FailureKind::Tls,
        };
        assert_eq!(refused(Options::default()), expected);
    }
}

//! TLS with rustls and an explicit crypto provider.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use wechat_proto::error::{Failure, FailureKind, Sent};

/// Returns a TLS configuration that trusts Mozilla's roots and these.
pub(crate) fn config(roots: &[Vec<u8>]) -> Result<ClientConfig, Failure> {
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
    Ok(config)
}

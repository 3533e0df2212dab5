//! A certificate for the true host names, issued by a generated authority.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::world::layout::ALL_HOSTS;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The server's TLS configuration and its authority.
pub(crate) struct Identity {
    pub(crate) config: ServerConfig,
    /// The authority's certificate.
    pub(crate) ca: Vec<u8>,
}

/// The name of the authority.
pub(crate) const AUTHORITY: &str = "wechat-simulator authority";

/// Returns the parameters of the authority's certificate.
pub(crate) fn authority() -> Result<CertificateParams, Error> {
    let mut ca = CertificateParams::new(Vec::<String>::new())?;
    ca.distinguished_name.push(DnType::CommonName, AUTHORITY);
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(ca)
}

/// Makes a certificate valid from yesterday on for this time.
pub(crate) fn limit(certificate: &mut CertificateParams, lifetime: Duration) -> Result<(), Error> {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let yesterday = epoch + SystemTime::now().duration_since(UNIX_EPOCH)? - DAY;
    (certificate.not_before, certificate.not_after) = (yesterday, yesterday + lifetime);
    Ok(())
}

impl Identity {
    pub(crate) fn new() -> Result<Self, Error> {
        let ca_key = KeyPair::generate()?;
        let ca = authority()?;
        let ca_der = ca.self_signed(&ca_key)?.der().to_vec();
        Self::issued_by(&Issuer::new(ca, ca_key), ca_der)
    }

    /// Issues a certificate by the authority with the certificate `ca`.
    pub(crate) fn issued_by(issuer: &Issuer<'_, KeyPair>, ca: Vec<u8>) -> Result<Self, Error> {
        let key = KeyPair::generate()?;
        let names: Vec<String> = ALL_HOSTS.iter().map(|&host| host.to_owned()).collect();
        let mut leaf = CertificateParams::new(names)?;
        leaf.distinguished_name.push(DnType::CommonName, "wx.qq.com");
        // Some clients refuse a server's certificate of a longer lifetime.
        limit(&mut leaf, 397 * DAY)?;
        let leaf = leaf.signed_by(&key, issuer)?;

        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], secret)?;
        Ok(Self { config, ca })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

    use super::*;
    use crate::{Server, Simulator, World};

    #[test]
    fn certificate_covers_every_real_host_name() {
        let simulator = Simulator::new(World::new(1));
        let server = Server::tls(&simulator).expect("a server");
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(server.ca_der().expect("an authority")))
            .expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let config = Arc::new(config);
        let ask = |name: &'static str| {
            let mut socket = TcpStream::connect(server.addr())?;
            let name = ServerName::try_from(name).expect("a name");
            let mut tls = ClientConnection::new(Arc::clone(&config), name).expect("a client");
            let mut stream = Stream::new(&mut tls, &mut socket);
            stream.write_all(b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n")?;
            let mut start = [0; 12];
            stream.read_exact(&mut start).map(|()| start)
        };
        for name in ALL_HOSTS {
            assert_eq!(&ask(name).expect("a reply"), b"HTTP/1.1 404");
        }
        assert!(ask("wx3.qq.com").is_err());
    }
}

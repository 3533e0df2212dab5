//! The certificate authority in a folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    CertificateParams, CidrSubnet, ExtendedKeyUsagePurpose, GeneralSubtree, Issuer, KeyPair,
    NameConstraints, PublicKeyData as _,
};
use x509_parser::prelude::{FromDer as _, ParsedExtension, X509Certificate};

use crate::server::tls::{AUTHORITY, DAY, Identity, authority, limit};
use crate::world::layout::ALL_HOSTS;

/// The server's TLS configuration, and the file of the certificate to trust.
pub(crate) struct Trusted {
    pub(crate) identity: Identity,
    pub(crate) certificate: PathBuf,
}

/// Opens the authority of a folder, or creates it.
///
/// # Errors
///
/// A one-line message, if the authority in the folder is not this command's, expired or incomplete, or if others can
/// read its key.
pub(crate) fn open(folder: &Path) -> Result<Trusted, String> {
    let failed = |what: &dyn std::fmt::Display| format!("--ca-dir {}: {what}", folder.display());
    fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let (certificate, key) = (folder.join("ca.pem"), folder.join("ca-key.pem"));
    let identity = match (certificate.exists(), key.exists()) {
        (false, false) => create(&certificate, &key).map_err(|error| failed(&error)),
        (true, true) => load(&certificate, &key).map_err(|error| failed(&error)),
        (true, false) => Err(failed(&"ca.pem has no ca-key.pem beside it")),
        (false, true) => Err(failed(&"ca-key.pem has no ca.pem beside it")),
    };
    let hint = "; remove both files to create a new authority";
    Ok(Trusted { identity: identity.map_err(|error| error + hint)?, certificate })
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Returns the parameters of a constrained authority with this lifetime, counted from yesterday.
fn parameters(lifetime: Duration) -> Result<CertificateParams, Error> {
    let mut parameters = authority()?;
    limit(&mut parameters, lifetime)?;
    let permitted = ALL_HOSTS.iter().map(|&host| GeneralSubtree::DnsName(host.to_owned()));
    parameters.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted.collect(),
        // A constraint applies only to names of its own type.
        excluded_subtrees: vec![
            GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])),
            GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])),
        ],
    });
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(parameters)
}

fn create(certificate: &Path, key: &Path) -> Result<Identity, Error> {
    let pair = KeyPair::generate()?;
    let ca = parameters(3650 * DAY)?;
    let signed = ca.self_signed(&pair)?;
    secret_file(key)?.write_all(pair.serialize_pem().as_bytes())?;
    File::create_new(certificate)?.write_all(signed.pem().as_bytes())?;
    Identity::issued_by(&Issuer::new(ca, pair), signed.der().to_vec())
}

/// Creates a file that only its owner can read.
fn secret_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn load(certificate: &Path, key: &Path) -> Result<Identity, Error> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(key)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(format!("ca-key.pem has the mode {mode:o}, not 600").into());
        }
    }
    let pair = KeyPair::from_pem(&fs::read_to_string(key)?)
        .map_err(|error| format!("ca-key.pem is not a private key: {error}"))?;
    let text = fs::read(certificate)?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(&text)
        .map_err(|error| format!("ca.pem is not a certificate in PEM: {error}"))?;
    let (_, found) = X509Certificate::from_der(&pem.contents)
        .map_err(|error| format!("ca.pem is not a certificate: {error}"))?;
    if !is_ours(&found, &pair) {
        return Err("ca.pem is not an authority of this command with the key in ca-key.pem".into());
    }
    let validity = found.validity();
    if !validity.is_valid() {
        let (start, end) = (validity.not_before, validity.not_after);
        return Err(format!("ca.pem is valid only from {start} to {end}").into());
    }
    let issuer = Issuer::from_ca_cert_der(&pem.contents.as_slice().into(), pair)?;
    Identity::issued_by(&issuer, pem.contents)
}

/// Returns whether it is a certificate of this authority and key, constrained to exactly the simulated hosts.
fn is_ours(found: &X509Certificate<'_>, pair: &KeyPair) -> bool {
    use x509_parser::extensions::GeneralName;

    let name = found.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    let permitted =
        found.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::NameConstraints(constraints) => {
                constraints.permitted_subtrees.as_ref()
            }
            _ => None,
        });
    let hosts = permitted.into_iter().flatten().map(|subtree| match subtree.base {
        GeneralName::DNSName(host) => host,
        _ => "",
    });
    name == Some(AUTHORITY)
        && found.public_key().raw == pair.subject_public_key_info()
        && hosts.eq(ALL_HOSTS.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("wechat-simulator-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn authority_is_created_once() {
        let folder = folder("once");
        let first = open(&folder).expect("created");
        let second = open(&folder).expect("opened");
        assert_eq!(first.identity.ca, second.identity.ca);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let key = fs::metadata(folder.join("ca-key.pem")).expect("a key");
            assert_eq!(key.permissions().mode() & 0o777, 0o600);
        }
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn authority_is_trusted_for_simulated_hosts_only() {
        use std::sync::Arc;

        use rustls::client::WebPkiServerVerifier;
        use rustls::client::danger::ServerCertVerifier as _;
        use rustls::crypto::ring;
        use rustls::pki_types::{ServerName, UnixTime};

        let (pair, ca) = (KeyPair::generate().expect("a key"), parameters(DAY * 2).expect("valid"));
        let mut roots = rustls::RootCertStore::empty();
        roots.add(ca.self_signed(&pair).expect("signed").der().clone()).expect("a root");
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.build().expect("a verifier");
        let issuer = Issuer::new(ca, pair);
        let key = KeyPair::generate().expect("a key");
        for (name, trusted) in [
            ("wx.qq.com", true),
            ("web2.wechat.com", true),
            ("qq.com", false),
            ("example.com", false),
            ("127.0.0.1", false),
            ("::1", false),
        ] {
            let leaf = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
            let leaf = leaf.signed_by(&key, &issuer).expect("signed");
            let server = ServerName::try_from(name).expect("a name");
            let now = UnixTime::now();
            let found = verifier.verify_server_cert(leaf.der(), &[], &server, &[], now);
            assert_eq!(found.is_ok(), trusted, "{name}: {found:?}");
        }
    }

    #[test]
    fn unusable_authority_is_an_error() {
        let other_key = |folder: &Path| {
            let pair = KeyPair::generate().expect("a key");
            fs::write(folder.join("ca-key.pem"), pair.serialize_pem()).expect("written");
        };
        let replace = |folder: &Path, ca: CertificateParams| {
            let pair = fs::read_to_string(folder.join("ca-key.pem")).expect("a key");
            let pair = KeyPair::from_pem(&pair).expect("a key");
            let signed = ca.self_signed(&pair).expect("signed");
            fs::write(folder.join("ca.pem"), signed.pem()).expect("written");
        };
        type Harm<'a> = &'a dyn Fn(&Path);
        let rows: [(&str, Harm<'_>, &str); 6] = [
            (
                "no key",
                &|at| fs::remove_file(at.join("ca-key.pem")).expect("removed"),
                "no ca-key.pem",
            ),
            (
                "not a certificate",
                &|at| fs::write(at.join("ca.pem"), "x").expect("written"),
                "not a cert",
            ),
            ("another key", &other_key, "not an authority of this command"),
            (
                "unconstrained",
                &|at| replace(at, authority().expect("parameters")),
                "not an authority of this command",
            ),
            (
                "expired",
                &|at| {
                    let ca = parameters(Duration::from_secs(60)).expect("parameters");
                    replace(at, ca);
                },
                "is valid only from",
            ),
            (
                "readable key",
                &|at| {
                    #[cfg(unix)]
                    fs::set_permissions(
                        at.join("ca-key.pem"),
                        std::os::unix::fs::PermissionsExt::from_mode(0o644),
                    )
                    .expect("changed");
                },
                if cfg!(unix) { "has the mode 644" } else { "" },
            ),
        ];
        for (label, harm, expected) in rows {
            let folder = folder(&label.replace(' ', "-"));
            open(&folder).expect("created");
            harm(&folder);
            let error = open(&folder).err().unwrap_or_default();
            assert!(error.contains(expected) && error.lines().count() <= 1, "{label}: {error}");
            fs::remove_dir_all(folder).expect("removed");
        }
    }
}

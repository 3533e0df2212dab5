//! Threat N2: on both adapters, a server with an invalid certificate receives nothing of a session.
//!
//! Each case is a server at a real host name whose certificate has one fault; without a fault, it
//! receives the request.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};
use wechat_proto::error::{FailureKind, Sent};
use wechat_proto::hosts::Family;
use wechat_proto::sync::FetchBatch;
use wechat_proto::{Error, Hosts};

use super::with_hosts;
use crate::sessions::entries;
use crate::wire::{Bot, Hyper, Place, Ureq};

/// A name of the service that no other test here uses.
const NAME: &str = "wx8.qq.com";

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    None,
    Expired,
    NotYetValid,
    SelfSigned,
    OtherName,
    UnknownAuthority,
}

/// Starts a server with such a certificate; returns the decrypted bytes that it receives.
fn serve(place: &Place, fault: Fault) -> Arc<Mutex<Vec<u8>>> {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    if fault != Fault::UnknownAuthority {
        place.trust(ca.self_signed(&ca_key).unwrap().der().to_vec());
    }
    let name = if fault == Fault::OtherName { "wx8.qq.com.evil.test" } else { NAME };
    let mut leaf = CertificateParams::new(vec![name.into()]).unwrap();
    match fault {
        Fault::Expired => leaf.not_after = date_time_ymd(2024, 1, 1),
        Fault::NotYetValid => leaf.not_before = date_time_ymd(4000, 1, 1),
        _ => {}
    }
    let key = KeyPair::generate().unwrap();
    let leaf = match fault {
        Fault::SelfSigned => leaf.self_signed(&key).unwrap(),
        _ => leaf.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap(),
    };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    place.resolve(NAME, listener.local_addr().unwrap());
    let received = Arc::<Mutex<Vec<u8>>>::default();
    let kept = Arc::clone(&received);
    thread::spawn(move || {
        for mut socket in listener.incoming().map_while(Result::ok) {
            let _ = socket.set_read_timeout(Some(Duration::from_secs(10)));
            let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = Stream::new(&mut tls, &mut socket);
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).unwrap_or_default();
            kept.lock().unwrap().extend_from_slice(&bytes[..length]);
            let _ = stream.write_all(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n");
        }
    });
    received
}

fn invalid_certificates_are_refused<B: Bot>() {
    for fault in [
        Fault::None,
        Fault::Expired,
        Fault::NotYetValid,
        Fault::SelfSigned,
        Fault::OtherName,
        Fault::UnknownAuthority,
    ] {
        let place = Place::tls(entries::world());
        let session = with_hosts(&B::confirmed(&place).session(), &Hosts::new(Family::Wx8));
        let received = serve(&place, fault);
        let error = B::resume(&place, session).call(FetchBatch::new()).unwrap_err();
        let received = received.lock().unwrap().clone();
        if fault == Fault::None {
            assert!(received.starts_with(b"POST /cgi-bin/mmwebwx-bin/webwxsync?"), "{error:?}");
            assert!(matches!(error, Error::Status { status: 500, .. }), "{error:?}");
            continue;
        }
        assert!(received.is_empty(), "{fault:?}");
        let Error::Transport(failure) = error else { panic!("{fault:?} {error:?}") };
        assert_eq!((failure.kind, failure.sent), (FailureKind::Certificate, Sent::No), "{fault:?}");
    }
}

#[test]
fn invalid_certificates_are_refused_over_ureq() {
    invalid_certificates_are_refused::<Ureq>();
}

#[test]
fn invalid_certificates_are_refused_over_hyper() {
    invalid_certificates_are_refused::<Hyper>();
}

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::World;

/// Sends a request and returns the bytes received until the end of the connection or a pause.
fn ask(chaos: &Chaos, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(chaos.listener.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let request = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello");
    stream.write_all(request.as_bytes()).unwrap();
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    // Some replies never end.
    let until = Instant::now() + Duration::from_secs(5);
    while bytes.len() < 1 << 17
        && Instant::now() < until
        && let Ok(read @ 1..) = stream.read(&mut buffer)
    {
        bytes.extend_from_slice(&buffer[..read]);
    }
    bytes
}

fn place(seed: u64) -> (Simulator, Server, Chaos) {
    let simulator = Simulator::new(World::new(1));
    let server = Server::http(&simulator).unwrap();
    let chaos = Chaos::new(&simulator, &server, seed).unwrap();
    (simulator, server, chaos)
}

#[test]
fn proxy_without_faults_forwards_unchanged() {
    let (simulator, _server, chaos) = place(1);
    let text = String::from_utf8(ask(&chaos, "/nothing")).unwrap();
    assert!(text.starts_with("HTTP/1.1 404 Not Found\r\n"), "{text}");
    assert_eq!(simulator.world().log().len(), 1);
    let passed = chaos.passed();
    assert_eq!((passed.len(), &*passed[0].endpoint, passed[0].fault), (1, "nothing", None));
    assert_eq!(passed[0].request, b"hello");
}

/// Each fault has its own effect, and with all but two, the request reaches the world.
#[test]
fn each_fault_has_its_own_effect() {
    thread::scope(|scope| {
        for fault in Fault::ALL {
            scope.spawn(move || check_effect(fault));
        }
    });
}

fn check_effect(fault: Fault) {
    let (simulator, _server, chaos) = place(2);
    let good = ask(&chaos, "/x");
    chaos.order("x", fault);
    let before = simulator.world().log().len();
    let bytes = ask(&chaos, "/x");
    let text = String::from_utf8_lossy(&bytes);
    let has = |what: &str| text.to_ascii_lowercase().contains(what);
    let seen = match fault {
        Fault::CutRequest | Fault::LoseRequest | Fault::Stall => bytes.is_empty(),
        Fault::Delay | Fault::Drip | Fault::CloseIdle => bytes == good,
        Fault::Reset | Fault::Truncate => good.starts_with(&bytes) && bytes != good,
        Fault::SlowHead => !has("\r\n\r\n"),
        Fault::Twice => bytes == [&good[..], &good].concat(),
        Fault::Endless => bytes.len() >= 1 << 17,
        Fault::Huge => has("content-length: 9007199254740992"),
        Fault::LengthShort | Fault::LengthLong => bytes != good && has("content-length: "),
        Fault::Encoded => has("content-encoding: gzip"),
        Fault::Gateway => text.starts_with("HTTP/1.1 502 "),
        Fault::Informational => text.starts_with("HTTP/1.1 100 ") && has("\r\nhttp/1.1 404 "),
        Fault::Trailers => has("0\r\nset-cookie: wxuin=1;"),
        Fault::Extensions => has(";ext=\"a;b\";c\r\n"),
        Fault::LfOnly => !has("\r\n\r\n") && has("\n\n"),
        Fault::LengthAndChunks => has("content-length: ") && has("chunked"),
    };
    assert!(seen, "{fault:?}: {text}");
    let received = simulator.world().log().len() - before;
    let lost = matches!(fault, Fault::CutRequest | Fault::LoseRequest);
    assert_eq!(received, usize::from(!lost), "{fault:?}");
}

/// The seed determines the sequence. It has faults of every kind, but never in two successive
/// exchanges.
#[test]
fn faults_are_determined_by_the_seed() {
    let choices = |seed| {
        let (_simulator, _server, chaos) = place(seed);
        chaos.storm();
        let head = wire::Head { endpoint: "x".to_owned(), length: 1, total: 1 };
        let choices: Vec<_> = (0..100).map(|_| chaos.shared.choose(&head).1).collect();
        chaos.calm();
        assert_eq!(chaos.shared.choose(&head).1, None);
        assert!(format!("{chaos:?}").starts_with(&format!("chaos of seed {seed}, 101 exchanges")));
        choices
    };
    let seen = choices(7);
    assert_eq!(seen, choices(7));
    assert_ne!(seen, choices(8));
    assert!(seen.windows(2).all(|two| two[0].is_none() || two[1].is_none()));
    assert_eq!(seen.iter().flatten().collect::<BTreeSet<_>>().len(), Fault::ALL.len());
}

//! Measures the memory of an upload of 200 MB: `cargo bench -p wechat-simulator --bench
//! upload_memory`.
//!
//! The service is a child process that counts, hashes and discards the data. The file is generated
//! while it is read. Each adapter runs in its own process and reports its peak memory (`VmHWM`)
//! after the login and after the upload. `main` fails if the difference exceeds 16 MB.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use std::{env, fs};

use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use wechat_proto::media::{LocalFile, Upload, UploadProgress};
use wechat_proto::{Device, Hosts, UserName};
use wechat_simulator::{Server, Simulator, World};

/// The length of the file.
const LENGTH: u64 = 200 << 20;
/// The maximum increase by an upload, in KB.
const LIMIT: u64 = 16 << 10;

fn main() {
    match env::args().nth(1).as_deref() {
        Some("serve") => serve(),
        Some("ureq") => blocking(&env::args().nth(2).unwrap()),
        Some("hyper") => asynchronous(&env::args().nth(2).unwrap()),
        _ => {
            let results = ["ureq", "hyper"].map(measure);
            assert!(
                results.iter().all(|added| *added <= LIMIT),
                "more than {LIMIT} KB: {results:?}"
            );
        }
    }
}

/// A source of pseudo-random bytes derived from their position.
#[derive(Default)]
struct Generated {
    at: u64,
}

fn fill(bytes: &mut [u8], start: u64) {
    for (at, byte) in (start..).zip(bytes) {
        *byte = (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8;
    }
}

impl Read for Generated {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(LENGTH.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = bytes.len().min(left);
        fill(&mut bytes[..count], self.at);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Generated {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Start(at) => self.at = at,
            _ => return Err(io::ErrorKind::Unsupported.into()),
        }
        Ok(self.at)
    }
}

impl AsyncRead for Generated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = self.read(buffer.initialize_unfilled())?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for Generated {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        self.seek(to).map(drop)
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.at))
    }
}

/// Runs an adapter in a process against a service in another; returns the memory that its upload
/// added.
fn measure(adapter: &str) -> u64 {
    let this = env::current_exe().unwrap();
    let mut service = Service(
        Command::new(&this)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(service.0.stdout.take().unwrap()).lines();
    let origin = lines.next().unwrap().unwrap();
    let output = Command::new(&this).args([adapter, &origin]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [before, after, millis] = numbers[..] else { panic!("{text}") };
    // The service prints the received bytes when its input is closed.
    drop(service.0.stdin.take());
    let arrived = lines.next().unwrap().unwrap();
    let (mut sum, mut piece) = (Sha256::new(), vec![0; 1 << 20]);
    for start in (0..LENGTH).step_by(piece.len()) {
        fill(&mut piece, start);
        sum.update(&piece);
    }
    let expected: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(arrived, format!("{LENGTH} {expected} 0"), "length, SHA-256, violations");
    let added = after - before;
    println!(
        "{adapter}: {before} KB once logged in, {after} KB after {} MB in {:.1} s: {added} KB more",
        LENGTH >> 20,
        Duration::from_millis(millis).as_secs_f64()
    );
    added
}

struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve() {
    let simulator = Simulator::new(World::new(3));
    let soon = Duration::from_millis(10);
    simulator.then(soon, |world| world.phone().scan());
    simulator.then(soon, |world| world.phone().confirm());
    simulator.world().keep_uploads(0);
    let server = Server::http(&simulator).unwrap();
    server.real_time();
    println!("{}", server.origin());
    io::copy(&mut io::stdin(), &mut io::sink()).unwrap();
    let world = simulator.world();
    let file = &world.uploads()[0];
    println!("{} {} {}", file.size, file.sha256, world.violations().len());
}

/// Returns the peak memory of this process since the last call, in KB.
fn most() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    // Resets the peak to the current memory.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Returns the current memory of this process, in KB.
fn idle() -> u64 {
    most();
    most()
}

fn device(origin: &str) -> Device {
    Device::new().with_hosts(Hosts::all(origin.parse().unwrap()))
}

fn upload() -> Upload {
    Upload::new(UserName::file_helper(), LocalFile::new("made-up.bin", LENGTH).unwrap())
}

fn count(pieces: &mut u64) -> impl FnMut(&UploadProgress) + '_ {
    |progress| *pieces += u64::from(matches!(progress, UploadProgress::Sent { .. }))
}

fn report(before: u64, start: Instant, pieces: u64) {
    assert_eq!(pieces, LENGTH.div_ceil(524_288));
    println!("{before} {} {}", most(), start.elapsed().as_millis());
}

fn blocking(origin: &str) {
    let mut device = device(origin);
    let transport = wechat_transport_ureq::Transport::new(Default::default()).unwrap();
    let client = wechat_transport_ureq::Client::login(&transport, &mut device, |_| {}).unwrap();
    let (before, start, mut pieces) = (idle(), Instant::now(), 0);
    client.upload(&mut upload(), Generated::default(), count(&mut pieces)).unwrap();
    report(before, start, pieces);
}

fn asynchronous(origin: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut device = device(origin);
        let transport = wechat_transport_hyper::Transport::new(Default::default()).unwrap();
        let client =
            wechat_transport_hyper::Client::login(&transport, &mut device, |_| {}).await.unwrap();
        let (before, start, mut pieces) = (idle(), Instant::now(), 0);
        client.upload(&mut upload(), Generated::default(), count(&mut pieces)).await.unwrap();
        report(before, start, pieces);
    });
}

//! A worker process, as the test sees it.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::step::Point;
use super::{step, worker};
use crate::cluster;

/// The time after which a worker is considered stuck.
const STUCK: Duration = Duration::from_secs(60);

/// The settings of a worker.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) lease: Duration,
    /// The number of accounts that it claims at most.
    pub(crate) limit: usize,
    /// The point at which it stops itself.
    pub(crate) stop: Option<Point>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { lease: Duration::from_secs(1), limit: 1000, stop: None }
    }
}

/// A worker process, killed when dropped.
pub(crate) struct Process {
    child: Child,
    output: Receiver<String>,
    /// The lines that were read.
    lines: Vec<String>,
}

impl Process {
    /// Starts a worker of this name on a database and a service.
    pub(crate) fn worker(name: &str, database: &str, server: &str, settings: Settings) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["failover::worker_process", "--exact", "--nocapture", "--test-threads=1"])
            .env(worker::DATABASE, format!("{database} application_name={name}"))
            .env(worker::SERVER, server)
            .env(worker::NAME, name)
            .env(worker::LEASE, settings.lease.as_millis().to_string())
            .env(worker::LIMIT, settings.limit.to_string());
        if let Some(stop) = settings.stop {
            command.env(step::STOP, stop.to_string());
        }
        Self::start(command)
    }

    /// Starts the example `fleet`, or reports a skipped test if it was not built.
    pub(crate) fn fleet(name: &str, database: &str, server: &str, lease: u64) -> Option<Self> {
        // target/debug/deps/failover-0123456789abcdef
        let program = env::current_exe().unwrap();
        let program = program.ancestors().nth(2).unwrap().join("examples/fleet");
        if !program.exists() {
            cluster::find::skip(
                "the example `fleet` is not built; `cargo test` without `--test` builds it",
            );
            return None;
        }
        let mut command = Command::new(program);
        command
            .env("FLEET_DATABASE", format!("{database} application_name={name}"))
            .env("FLEET_SERVER", server)
            .env("FLEET_NAME", name)
            .env("FLEET_LEASE", lease.to_string())
            .env("FLEET_KEY", worker::KEY.map(|byte| format!("{byte:02x}")).concat());
        Some(Self::start(command))
    }

    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, output) = channel();
        let pipe = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in pipe.lines().map_while(Result::ok).filter(|line| !line.is_empty()) {
                // The receiver is gone once the test has ended.
                drop(sender.send(line));
            }
        });
        Self { child, output, lines: Vec::new() }
    }

    /// Waits for a number of lines with this text, counted from the start.
    pub(crate) fn wait_for(&mut self, count: usize, text: &str) {
        let end = Instant::now() + STUCK;
        loop {
            if self.read().iter().filter(|line| line.contains(text)).count() >= count {
                return;
            }
            match self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.lines.push(line),
                Err(error) => {
                    panic!("{error}: fewer than {count} lines with {text:?} in {:#?}", self.lines)
                }
            }
        }
    }

    /// Reads the lines that it has printed until now.
    pub(crate) fn read(&mut self) -> &[String] {
        self.lines.extend(self.output.try_iter());
        &self.lines
    }

    /// Waits until it has claimed this number of accounts, counted from the start.
    pub(crate) fn wait_for_claims(&mut self, count: usize) {
        self.wait_for(count, "claimed ");
    }

    /// Stops the process by SIGSTOP.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Continues a stopped process.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Sends SIGKILL and waits for the process.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Requests the shutdown of `fleet`.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Requests the shutdown, and waits for the process.
    pub(crate) fn shut_down(&mut self) {
        drop(self.child.stdin.take());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
        self.lines.extend(self.output.iter());
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{:#?}", self.read());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Numbers drawn from a seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Returns a number below this one.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

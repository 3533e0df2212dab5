//! A run of messages during which a bot is killed and resumed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use wechat_proto::{Device, Hosts};
use wechat_simulator::{Layout, Mode, Server, Simulator, World};
use wechat_transport_ureq::{Client, Options, Transport};

use crate::bot::{self, Store, StoreMode};
use crate::gate::{Event, Gate};
use crate::sweep;

use crate::script::{End, script};

/// The number of messages in a sync response.
const PER_SYNC: usize = 10;
/// The number of messages in a sync response for bots that receive a batch more often before its
/// key advances: the simulator refuses a key that is 200 responses old.
const PER_SYNC_REPEATED: usize = 4;

/// A run of messages, and the bot that receives them.
pub(crate) struct Scenario {
    adapter: &'static str,
    store: Store,
    simulator: Simulator,
    gate: Gate,
    _server: Server,
    events: Receiver<Event>,
    sender: Sender<Event>,
    /// The written messages, as lines of the ledger.
    written: Arc<Mutex<Vec<String>>>,
    messages: usize,
    kills: Kills,
}

/// The steps at which processes are killed.
#[derive(Clone, Copy, Debug)]
enum Kills {
    /// The process is killed at the first step at which none was killed before.
    EveryStep,
    /// The process is killed at one of the first [`STEPS`] steps after a message was handled.
    BetweenBatches,
}

/// The number of steps from one batch to the next: a poll, and three for each of lookup, check and
/// fetch.
const STEPS: usize = 10;

impl Scenario {
    /// Creates a run whose bot is logged in and has stored its session.
    pub(crate) fn new(adapter: &'static str, mode: StoreMode, messages: usize) -> Self {
        let mut world = World::new(41);
        world.announce_recent_chats(false);
        world.messages_per_sync(match mode {
            StoreMode::Unacknowledged | StoreMode::OutOfOrder => PER_SYNC_REPEATED,
            _ => PER_SYNC,
        });
        let friends: Vec<String> =
            ["Ada", "Bo", "Cai", "Dee", "Eli"].map(|name| world.add_person(name)).into();
        let members: Vec<&str> = friends.iter().map(String::as_str).collect();
        let rooms = [world.add_room("Walks", &members), world.add_room("Books", &members[..3])];
        if matches!(mode, StoreMode::Interval) {
            // A bot that is killed between two saves loses new cookies, which only this library sends
            // back without exception.
            world.set_mode(Mode::Service);
        }
        let simulator = Simulator::new(world);
        let written = Arc::new(Mutex::new(Vec::new()));
        simulator.then(Duration::ZERO, |world| world.phone().scan());
        simulator.then(Duration::ZERO, |world| world.phone().confirm());

        let server = Server::http(&simulator).unwrap();
        let (sender, events) = channel();
        let gate = Gate::new(server.addr(), sender.clone()).unwrap();
        simulator.world().layout(Layout::One { origin: gate.origin() });
        server.real_time();
        // Long polls of dead processes end quickly.
        server.hold(Duration::from_millis(100));

        let store = Store { folder: new_folder(), mode };
        let mut device = Device::new().with_hosts(Hosts::all(gate.origin().parse().unwrap()));
        let transport = Transport::new(Options::default()).unwrap();
        let client = Client::login(&transport, &mut device, |_| {}).unwrap();
        script(&simulator, messages, &written, &friends, &rooms);
        store.write(&client.session(), "");
        End::new(simulator.clone(), store.clone(), messages).wait();
        Self {
            adapter,
            store,
            simulator,
            gate,
            _server: server,
            events,
            sender,
            written,
            messages,
            kills: Kills::EveryStep,
        }
    }

    /// Kills the bot between batches.
    pub(crate) const fn between_batches(mut self) -> Self {
        self.kills = Kills::BetweenBatches;
        self
    }

    /// Kills the bot at each step once, until the run is complete.
    pub(crate) fn run(self) {
        let start = Instant::now();
        let mut killed = BTreeSet::new();
        let mut starts = vec![0];
        while !self.run_process(starts.len(), &mut killed) {
            starts.push(self.ledger().len());
            assert!(starts.len() < 40 * self.messages, "the bot makes no progress");
        }
        self.check(&starts);
        let mut kinds = BTreeMap::<&str, usize>::new();
        for label in &killed {
            *kinds.entry(label.split_once(": ").unwrap().1).or_default() += 1;
        }
        println!(
            "{} {:?} {:?}: {} messages, {} kills in {:.1} s: {kinds:?}",
            self.adapter,
            self.store.mode,
            self.kills,
            self.messages,
            killed.len(),
            start.elapsed().as_secs_f64()
        );
        let mut required = vec!["poll", "response ", "request webwxsync"];
        // A bot that is killed within a batch resumes with a fetch, until no message is new.
        if !matches!(self.store.mode, StoreMode::EachBatch) {
            required.push("request synccheck");
        }
        match self.kills {
            Kills::EveryStep => {
                required.push("received");
                if self.store.mode.policy().is_none() {
                    required.extend(["stored", "renamed"]);
                }
                required.extend((!self.store.mode.is_one_file()).then_some("effect written"));
                // Only this mode receives a batch again whose last message was handled.
                required.extend(
                    matches!(self.store.mode, StoreMode::Unacknowledged)
                        .then_some("request webwxbatchgetcontact"),
                );
            }
            Kills::BetweenBatches => required.push("request webwxbatchgetcontact"),
        }
        for kind in required {
            assert!(kinds.contains_key(kind), "never killed at step {kind:?}");
        }
    }

    /// Runs one process up to a step at which none was killed before, or to the end; returns
    /// whether the run is complete.
    fn run_process(&self, process: usize, killed: &mut BTreeSet<String>) -> bool {
        let before = self.ledger().len();
        let mut bot = self.spawn(process, false);
        // A step is identified by the preceding message and the number of steps since.
        let (mut place, mut since) = (format!("start {before}"), 0);
        // Each start receives the incomplete batch again. If messages are handled out of order, it
        // stays incomplete for long.
        let is_every_start =
            sweep::is_complete() && !matches!(self.store.mode, StoreMode::OutOfOrder);
        let spared = !(before.is_multiple_of(10) || is_every_start);
        // The number of steps since a message was handled and stored.
        let (mut handled, mut handling) = (None, false);
        loop {
            let Ok(event) = self.events.recv_timeout(Duration::from_secs(30)) else {
                panic!("process {process} is stuck: {place}, {since}");
            };
            if event.process != process {
                continue;
            }
            let Some(what) = event.what else {
                let status = bot.0.wait().unwrap();
                assert!(status.success(), "{status}: see its message above");
                return true;
            };
            let (kind, number) =
                what.split_once("received ").map_or((&*what, ""), |(_, n)| ("received", n));
            if kind == "received" {
                (place, since) = (format!("after {number}"), 0);
            }
            since += 1;
            let label = format!("{place}, {since}: {kind}");
            let is_last = match self.kills {
                Kills::EveryStep => {
                    let starting = spared && place.starts_with("start");
                    !starting && killed.insert(label)
                }
                Kills::BetweenBatches => {
                    // Kills once at each kind of step, and otherwise after a changing number of
                    // steps since a message.
                    let is_new = handled.is_some() && !killed.iter().any(|at| at.ends_with(kind));
                    let is_last = is_new || handled == Some(process % STEPS);
                    if is_last {
                        killed.insert(label);
                    }
                    is_last
                }
            };
            if is_last {
                bot.kill();
                return false;
            }
            handling |= kind == "received";
            handled = handled.map(|steps| steps + 1);
            if handling && kind == "renamed" {
                (handled, handling) = (Some(0), false);
            }
            match event.go {
                Some(go) => drop(go.send(())),
                None => bot.0.stdin.as_mut().unwrap().write_all(b".").unwrap(),
            }
        }
    }

    /// Kills the bot at moments drawn from a seed, until the run is complete.
    pub(crate) fn run_with_random_kills(self, seed: u64) {
        let mut starts = vec![0];
        let mut random = seed;
        loop {
            let mut bot = self.spawn(0, true);
            // The maximum lifetime grows, because bots on a slow machine might otherwise never make
            // progress.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let most = 12_000 + 200 * starts.len() as u64;
            let life = Duration::from_micros((random >> 33) % most);
            let end = Instant::now() + life;
            while Instant::now() < end && bot.0.try_wait().unwrap().is_none() {
                thread::sleep(Duration::from_micros(100));
            }
            if let Some(status) = bot.0.try_wait().unwrap() {
                assert!(status.success(), "{status}: see its message above");
                break;
            }
            bot.kill();
            starts.push(self.ledger().len());
            assert!(starts.len() < 10_000, "the bot makes no progress");
        }
        println!("{}: {} kills at random moments, seed {seed}", self.adapter, starts.len() - 1);
        self.check(&starts);
    }

    /// Returns the bot's ledger, one line per message.
    fn ledger(&self) -> Vec<String> {
        self.store.ledger_text().split_inclusive('\n').map(str::to_owned).collect()
    }

    /// Compares the ledgers. `starts` contains the length of the bot's ledger at the start of each
    /// process.
    fn check(&self, starts: &[usize]) {
        let world = self.simulator.world();
        let mut violations = world.violations().to_vec();
        violations.retain(|violation| {
            !matches!(self.store.mode, StoreMode::Interval) || violation.difference != "cookies"
        });
        assert_eq!(violations, []);
        for endpoint in ["jslogin", "webwxnewloginpage", "webwxinit"] {
            let requests = world.log().iter().filter(|logged| logged.endpoint == endpoint).count();
            assert_eq!(requests, 1, "{endpoint}: more than one login");
        }
        let written = self.written.lock().unwrap();
        assert_eq!(written.len(), self.messages);
        let ledger = self.ledger();
        let repeats = match self.store.mode {
            StoreMode::Together | StoreMode::Manual => {
                assert_eq!(ledger, *written, "each exactly once, and in order");
                return;
            }
            StoreMode::OutOfOrder => {
                let [mut ledger, mut written] = [ledger, written.clone()];
                ledger.sort_unstable();
                written.sort_unstable();
                assert_eq!(ledger, written, "each exactly once");
                return;
            }
            StoreMode::After | StoreMode::EachMessage => 1,
            StoreMode::Unacknowledged => 2,
            StoreMode::EachBatch => PER_SYNC,
            StoreMode::Interval => self.messages,
        };
        // Each process continues at the end of the previous one or a few messages earlier, and
        // skips none.
        let (mut next, mut last, mut most) = (0, 0, 0);
        let ends = starts.iter().copied().skip(1).chain([ledger.len()]);
        for (&start, end) in starts.iter().zip(ends) {
            let Some(first) = ledger[start..end].first() else { continue };
            let from = written.iter().position(|line| line == first).expect("unknown message");
            assert!(from <= next && next - from <= repeats, "{from} follows {next}");
            most = most.max(next - from);
            assert_eq!(ledger[start..end], written[from..from + end - start]);
            next = from + end - start;
            last = last.max(next);
        }
        assert_eq!(last, self.messages, "messages lost");
        println!("at most {most} repeated after a kill");
    }

    fn spawn(&self, process: usize, free: bool) -> Process {
        self.gate.assign_to(process, &self.events);
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["bot_process", "--exact", "--nocapture", "--test-threads=1"])
            .env(bot::ADAPTER, self.adapter)
            .env(bot::STORE, format!("{:?}", self.store.mode))
            .env(bot::FOLDER, &self.store.folder)
            .stdin(Stdio::piped())
            .stdout(if free { Stdio::null() } else { Stdio::piped() });
        if free {
            command.env(bot::FREE, "1");
        }
        let mut child = command.spawn().unwrap();
        if let Some(pipe) = child.stdout.take() {
            let events = self.sender.clone();
            thread::spawn(move || {
                let lines = BufReader::new(pipe).lines().map_while(Result::ok);
                for what in lines.filter_map(|line| Some(line.strip_prefix('@')?.to_owned())) {
                    // The receiver is gone once the run has ended.
                    drop(events.send(Event { process, what: Some(what), go: None }));
                }
                drop(events.send(Event { process, what: None, go: None }));
            });
        }
        Process(child)
    }
}

impl Drop for Scenario {
    fn drop(&mut self) {
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.store.folder);
        }
    }
}

/// The process of a bot, killed when dropped.
struct Process(Child);

impl Process {
    /// Sends SIGKILL and waits for the process.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Creates an empty folder.
fn new_folder() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("wechat-kills-{}-{number}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    folder
}

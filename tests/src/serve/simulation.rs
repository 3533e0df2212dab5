//! The running simulation, shared by all ports.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::sleep;

use crate::lock::lock;
use crate::serve::args::{Clock, Serve};
use crate::serve::population::{NewPerson, NewRoom};
use crate::serve::scenario::{PhoneAction, Scenario};
use crate::server::injection::Injection;
use crate::server::service::{Hosts, Service};
use crate::session::Stage;
use crate::simulator::Simulator;
use crate::violation::Mode;
use crate::world::World;

/// The start of the fixed clock: 18 May 2033, in milliseconds. Cookies that expire later are valid for every client.
const FIXED: u64 = 2_000_000_000_000;

/// The time between the phone's actions.
const PACE: Duration = Duration::from_millis(200);

/// A simulator, with the scenario to which it can be reset.
#[derive(Debug)]
pub(crate) struct Simulation {
    pub(crate) simulator: Simulator,
    pub(crate) service: Service,
    scenario: Scenario,
    mode: Mode,
    snapshots: Mutex<BTreeMap<String, Snapshot>>,
}

/// The state of a simulation at some time.
#[derive(Clone, Debug)]
struct Snapshot {
    /// Those of all accounts.
    worlds: Vec<World>,
    /// The number of steps of each account's script that had not run.
    steps: Vec<usize>,
    faults: Vec<Injection>,
}

/// The maximum number of snapshots.
const MOST_SNAPSHOTS: usize = 32;

impl Simulation {
    /// Creates the world that the options describe.
    ///
    /// # Errors
    ///
    /// If the world file cannot be used.
    pub(crate) fn new(options: &Serve) -> Result<Self, String> {
        let mut scenario = match &options.script {
            Some(file) => Scenario::read(file)?,
            None => {
                let demo = options.contacts.is_none() && options.rooms.is_none();
                Scenario { demo, ..Scenario::default() }
            }
        };
        scenario.seed = options.seed.or(scenario.seed);
        scenario.entry = options.entry.unwrap_or(scenario.entry);
        generate(&mut scenario, options);
        if let Some(problem) = scenario.build().1.first() {
            return Err(format!("--contacts and --rooms: {problem}"));
        }
        let simulator = Simulator::new(World::new(0));
        for _ in &scenario.accounts {
            let _ = simulator.add_account(World::new(0));
        }
        let service = Service::new(&simulator, Hosts::True);
        service.timing.real.store(options.clock == Clock::Real, Ordering::Relaxed);
        let simulation =
            Self { simulator, service, scenario, mode: options.mode, snapshots: Mutex::default() };
        simulation.reset();
        Ok(simulation)
    }

    /// Restores the initial world, script and faults. Held polls end.
    pub(crate) fn reset(&self) {
        let (worlds, _) = self.scenario.build();
        let prepared = worlds.into_iter().map(|mut world| {
            world.set_mode(self.mode);
            if !self.service.timing.real.load(Ordering::Relaxed) {
                world.set_now(FIXED);
                world.ignore_clocks();
            }
            world
        });
        let worlds: Vec<World> = prepared.collect();
        let faults = self.scenario.faults.iter().filter_map(|fault| fault.build().ok()).collect();
        self.replace(Snapshot { steps: vec![usize::MAX; worlds.len()], worlds, faults });
        for account in self.simulator.accounts() {
            account.locked().share_rooms();
        }
    }

    fn replace(&self, Snapshot { worlds, steps, faults }: Snapshot) {
        *self.service.injections.lock() = faults;
        Simulator::reset_all(&self.simulator.accounts(), worlds);
        self.simulator.forget_codes();
        self.service.follow_clock();
        self.scenario.start(&self.simulator, &steps);
    }

    fn snapshots(&self) -> MutexGuard<'_, BTreeMap<String, Snapshot>> {
        lock(&self.snapshots)
    }

    pub(crate) fn snapshot_names(&self) -> Vec<String> {
        self.snapshots().keys().cloned().collect()
    }

    /// Takes a snapshot. QR codes that belong to no account are left out.
    ///
    /// # Errors
    ///
    /// If there are too many.
    pub(crate) fn take_snapshot(&self, name: String) -> Result<(), String> {
        let mut snapshots = self.snapshots();
        if snapshots.len() >= MOST_SNAPSHOTS && !snapshots.contains_key(&name) {
            return Err(format!("there are {MOST_SNAPSHOTS} snapshots: delete one first"));
        }
        let faults = self.service.injections.lock().clone();
        let (worlds, steps) = Simulator::copy_all(&self.simulator.accounts());
        snapshots.insert(name, Snapshot { worlds, steps, faults });
        Ok(())
    }

    /// Restores a snapshot. Returns whether there is one of this name. A client that has been logged in since then stays
    /// logged in.
    pub(crate) fn restore_snapshot(&self, name: &str) -> bool {
        let found = self.snapshots().get(name).cloned();
        found.map(|snapshot| self.replace(snapshot)).is_some()
    }

    /// Deletes a snapshot. Returns whether there is one of this name.
    pub(crate) fn delete_snapshot(&self, name: &str) -> bool {
        self.snapshots().remove(name).is_some()
    }

    /// Scans and confirms every QR code, and confirms every push login. With several accounts, the first one without a
    /// session scans the code.
    pub(crate) async fn confirm_logins(&self) {
        loop {
            let changed = self.simulator.changed().notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let Some((account, action)) = self.next_action() else {
                changed.await;
                continue;
            };
            sleep(PACE).await;
            action.run(&mut account.world());
        }
    }

    fn next_action(&self) -> Option<(Simulator, PhoneAction)> {
        let accounts = self.simulator.accounts();
        for account in &accounts {
            let code = account.locked().codes.last().cloned();
            match code {
                Some(code) if code.stage == Stage::Shown && code.polled && !code.pushed => {
                    return Some((account.clone(), PhoneAction::Scan));
                }
                Some(code)
                    if code.stage == Stage::Scanned
                        || code.pushed && code.stage == Stage::Shown =>
                {
                    return Some((account.clone(), PhoneAction::Confirm));
                }
                _ => {}
            }
        }
        if self.simulator.unscanned_codes().is_empty() {
            return None;
        }
        let is_free = |account: &&Simulator| {
            let world = account.locked();
            world.session.as_ref().is_none_or(|session| session.ended.is_some())
        };
        let account = accounts.iter().find(is_free).or(accounts.first())?;
        Some((account.clone(), PhoneAction::Scan))
    }
}

/// Adds the generated people and rooms.
fn generate(scenario: &mut Scenario, options: &Serve) {
    // With `--rooms` alone, people are generated as members.
    let needed = if options.rooms.is_some() && scenario.people.is_empty() { 12 } else { 0 };
    let friends: Vec<String> =
        (1..=options.contacts.unwrap_or(needed)).map(|number| format!("Friend {number}")).collect();
    for name in &friends {
        scenario.people.push(NewPerson { name: name.clone(), ..NewPerson::default() });
    }
    let members: Vec<String> = match &*friends {
        [] => scenario.people.iter().map(|person| person.name.clone()).collect(),
        _ => friends,
    };
    for number in 0..options.rooms.unwrap_or(0) {
        // Each room has up to ten members, starting with another one.
        let members =
            members.iter().cycle().skip(number).take(members.len().min(10)).cloned().collect();
        scenario.rooms.push(NewRoom {
            name: format!("Room {}", number + 1),
            members,
            saved: false,
        });
    }
}

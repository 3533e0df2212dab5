//! The running simulation, shared by all ports.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::sleep;

use crate::findings::Mode;
use crate::serve::args::{Clock, Serve};
use crate::serve::population::{NewPerson, NewRoom};
use crate::serve::scenario::Scenario;
use crate::service::{Hosts, Service};
use crate::session::Stage;
use crate::simulator::{Simulator, WorldGuard};
use crate::world::World;

/// The start of the fixed clock: 18 May 2033, in milliseconds. Cookies that expire later are valid for every client.
const FIXED: u64 = 2_000_000_000_000;

/// The time between the phone's actions.
const PACE: Duration = Duration::from_millis(200);

/// A world with its origin, to which it can be reset.
#[derive(Debug)]
pub(crate) struct Simulation {
    pub(crate) simulator: Simulator,
    pub(crate) service: Service,
    scenario: Scenario,
    mode: Mode,
}

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
        generate(&mut scenario, options);
        if let Some(problem) = scenario.build().1.first() {
            return Err(format!("--contacts and --rooms: {problem}"));
        }
        let simulator = Simulator::new(World::new(0));
        let service = Service {
            simulator: simulator.clone(),
            timing: Arc::default(),
            injections: Arc::default(),
            hosts: Hosts::True,
            evaluations: Arc::default(),
        };
        service.timing.real.store(options.clock == Clock::Real, Ordering::Relaxed);
        let simulation = Self { simulator, service, scenario, mode: options.mode.into() };
        simulation.reset();
        Ok(simulation)
    }

    /// Restores the initial world, script and faults. Held polls end.
    pub(crate) fn reset(&self) {
        let (mut world, _) = self.scenario.build();
        world.set_mode(self.mode);
        if !self.service.timing.real.load(Ordering::Relaxed) {
            world.set_now(FIXED);
            world.ignore_clocks();
        }
        let faults = self.scenario.faults.iter().filter_map(|fault| fault.build().ok());
        *self.service.injections.lock() = faults.collect();
        self.simulator.reset(world);
        self.service.follow_clock();
        self.scenario.start(&self.simulator);
    }

    pub(crate) fn world(&self) -> WorldGuard<'_> {
        self.simulator.world()
    }

    /// Scans and confirms every QR code, and confirms every push login.
    pub(crate) async fn confirm_logins(&self) {
        loop {
            let changed = self.simulator.changed().notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let code = self.simulator.locked().codes.last().cloned();
            match code {
                Some(code) if code.stage == Stage::Shown && code.polled && !code.pushed => {
                    sleep(PACE).await;
                    self.world().phone().scan();
                }
                Some(code)
                    if code.stage == Stage::Scanned
                        || code.pushed && code.stage == Stage::Shown =>
                {
                    sleep(PACE).await;
                    self.world().phone().confirm();
                }
                _ => changed.await,
            }
        }
    }
}

/// Adds the generated people and rooms.
fn generate(scenario: &mut Scenario, options: &Serve) {
    // Rooms alone get members, too.
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

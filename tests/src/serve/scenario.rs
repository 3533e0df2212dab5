//! A world as data: people, rooms, reactions, faults and a script, in TOML.

use std::fs;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use serde::Deserialize;
use toml::de::{DeTable, DeValue};
use utoipa::ToSchema;

use crate::contact::Contact;
use crate::message::reaction::Reaction;
use crate::serve::build::named;
use crate::serve::content::NewMessage;
use crate::serve::fault::NewFault;
use crate::serve::population::{NewPerson, NewRoom};
use crate::serve::problem::Problem;
use crate::simulator::Simulator;
use crate::wire::text::name_on_the_wire;
use crate::world::World;
use crate::world::entry_page::EntryPage;

/// A world file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Scenario {
    /// The seed of ids.
    pub(crate) seed: Option<u64>,
    /// The account's name.
    pub(crate) account: Option<String>,
    /// The page on which its client logs in.
    pub(crate) entry: Entry,
    /// Whether the demonstration's people and rooms are present.
    pub(crate) demo: bool,
    pub(crate) people: Vec<NewPerson>,
    pub(crate) rooms: Vec<NewRoom>,
    pub(crate) reactions: Vec<NewReaction>,
    pub(crate) faults: Vec<NewFault>,
    pub(crate) script: Vec<Step>,
    /// Further accounts: world files without `seed`, `faults` and `accounts`. All accounts are friends.
    pub(crate) accounts: Vec<Self>,
}

/// A page on which clients log in.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Entry {
    /// `wx.qq.com` and its sister hosts.
    #[default]
    Web,
    /// The file-transfer page, `filehelper.weixin.qq.com`.
    Filehelper,
}

/// An automatic answer to each message of the client that meets all given conditions.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReaction {
    /// The recipient of the client's message: a name or a `UserName`.
    pub(crate) to: Option<String>,
    /// The exact content.
    pub(crate) equals: Option<String>,
    /// A part of the content.
    pub(crate) contains: Option<String>,
    /// The answer.
    pub(crate) answer: NewMessage,
}

/// A step of the script, with exactly one event. It happens when a long poll waits and the time has passed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// The time after the previous step, in milliseconds.
    #[serde(default)]
    pub(crate) after_ms: u64,
    phone: Option<PhoneAction>,
    end: Option<EndCode>,
    message: Option<NewMessage>,
}

/// An action on the phone while it shows a QR code or asks to confirm a login.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PhoneAction {
    /// Scans the code.
    Scan,
    /// Confirms the login.
    Confirm,
    /// Cancels the login.
    Cancel,
    /// Lets the code expire.
    Expire,
    /// Lets the login fail with an error of the service.
    Break,
}

/// The code with which a session ends.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(try_from = "i64")]
#[schema(value_type = i64)]
pub(crate) struct EndCode(i64);

impl TryFrom<i64> for EndCode {
    type Error = String;

    fn try_from(code: i64) -> Result<Self, String> {
        match code {
            1100..=1102 => Ok(Self(code)),
            _ => Err(format!("{code}, not 1100, 1101 or 1102")),
        }
    }
}

impl PhoneAction {
    pub(crate) fn run(self, world: &mut World) {
        let mut phone = world.phone();
        match self {
            Self::Scan => phone.scan(),
            Self::Confirm => phone.confirm(),
            Self::Cancel => phone.cancel(),
            Self::Expire => phone.expire(),
            Self::Break => phone.break_login(),
        }
    }
}

impl EndCode {
    pub(crate) fn run(self, world: &mut World) {
        let mut phone = world.phone();
        match self.0 {
            1100 => phone.log_out(),
            1101 => phone.kick(),
            _ => phone.restrict(),
        }
    }
}

impl NewReaction {
    /// Builds the reaction in a world.
    pub(crate) fn build(&self, world: &World) -> Result<Reaction, Problem> {
        let answer = self.answer.build(world).map_err(|problem| problem.within("answer"))?;
        let to = self.to.as_deref().map(|to| named(world, to)).transpose();
        let to = to.map_err(|problem| problem.within("to"))?;
        let mut reaction = Reaction::new(answer);
        reaction.to = to.map(|contact| contact.user_name.clone());
        reaction.content.clone_from(&self.equals);
        reaction.part.clone_from(&self.contains);
        Ok(reaction)
    }
}

impl Step {
    fn check(&self, world: &World) -> Result<(), Problem> {
        let events = [self.phone.is_some(), self.end.is_some(), self.message.is_some()];
        if events.iter().filter(|there| **there).count() != 1 {
            return Err(Problem::at("", "a step has exactly one of `phone`, `end` and `message`"));
        }
        let message = self.message.as_ref().map(|message| message.build(world)).transpose();
        message.map(drop).map_err(|problem| problem.within("message"))
    }

    fn run(&self, world: &mut World) {
        if let Some(action) = self.phone {
            action.run(world);
        }
        if let Some(code) = self.end {
            code.run(world);
        }
        // A person may have been renamed since the check: then there is no message.
        if let Some(Ok(message)) = self.message.as_ref().map(|message| message.build(world)) {
            world.deliver(message);
        }
    }
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// One line per problem: file, line, path, reason.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let named =
            |line: usize, problem: &Problem| format!("{}:{line}: {problem}", file.display());
        let text =
            fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let scenario = parse(&text).map_err(|(line, problem)| named(line, &problem))?;
        let (_, problems) = scenario.build();
        if problems.is_empty() {
            return Ok(scenario);
        }
        let lines: Vec<String> =
            problems.iter().map(|problem| named(line_of(&text, &problem.path), problem)).collect();
        Err(lines.join("\n"))
    }

    /// Creates the worlds of all accounts, without the values that have problems, and returns the problems.
    pub(crate) fn build(&self) -> (Vec<World>, Vec<Problem>) {
        let mut problems = Vec::new();
        let all: Vec<(String, &Self)> = self.all().collect();
        let mut worlds = Vec::new();
        for (index, (path, scenario)) in all.iter().enumerate() {
            let seed = self.seed.unwrap_or(2_011).wrapping_add(index as u64);
            let (world, mut found) = scenario.build_people(seed);
            if index > 0 {
                let mut names = all[..index].iter().map(|(_, other)| &other.account);
                if scenario.account.is_none() || names.any(|name| *name == scenario.account) {
                    found.push(Problem::at("account", "each account needs a name of its own"));
                }
                let Self { seed, faults, accounts, .. } = scenario;
                if seed.is_some() || !faults.is_empty() || !accounts.is_empty() {
                    let reason = "`accounts`, `faults` and `seed` belong at the top of the file";
                    found.push(Problem::at("", reason));
                }
            }
            problems.extend(found.into_iter().map(|problem| problem.within(path)));
            worlds.push(world);
        }
        // All accounts are friends of each other.
        let profiles: Vec<Contact> = worlds.iter().map(World::profile).collect();
        for (index, world) in worlds.iter_mut().enumerate() {
            for (other, profile) in profiles.iter().enumerate() {
                if other != index {
                    world.add_account(profile);
                }
            }
        }
        for ((path, scenario), world) in all.iter().zip(&mut worlds) {
            let found = scenario.build_rest(world);
            problems.extend(found.into_iter().map(|problem| problem.within(path)));
        }
        (worlds, problems)
    }

    /// Returns the scenario of each account, with its path in the file.
    fn all(&self) -> impl Iterator<Item = (String, &Self)> {
        let path = |index| format!("accounts[{index}]");
        let others = self.accounts.iter().enumerate().map(move |(index, one)| (path(index), one));
        std::iter::once((String::new(), self)).chain(others)
    }

    fn build_people(&self, seed: u64) -> (World, Vec<Problem>) {
        let mut world = World::new(seed);
        if self.demo {
            world = world.with_demo();
        } else {
            world.add_special("filehelper", "文件传输助手");
        }
        if self.entry == Entry::Filehelper {
            world.entry_page(EntryPage::FileHelper);
        }
        if let Some(name) = &self.account {
            world.account.nick_name = name_on_the_wire(name);
        }
        let mut problems = Problems::default();
        for (index, person) in self.people.iter().enumerate() {
            problems.note("people", index, person.add(&mut world).map(drop));
        }
        (world, problems.0)
    }

    fn build_rest(&self, world: &mut World) -> Vec<Problem> {
        let mut problems = Problems::default();
        for (index, room) in self.rooms.iter().enumerate() {
            problems.note("rooms", index, room.add(world).map(drop));
        }
        for (index, reaction) in self.reactions.iter().enumerate() {
            let reaction = reaction.build(world).map(|reaction| world.react(reaction));
            problems.note("reactions", index, reaction);
        }
        for (index, fault) in self.faults.iter().enumerate() {
            problems.note("faults", index, fault.build().map(drop));
        }
        for (index, step) in self.script.iter().enumerate() {
            problems.note("script", index, step.check(world));
        }
        problems.0
    }

    /// Appends the last steps of each account's script, up to this number.
    pub(crate) fn start(&self, simulator: &Simulator, steps: &[usize]) {
        for (((_, scenario), account), left) in self.all().zip(simulator.accounts()).zip(steps) {
            let script = &scenario.script;
            for step in script[script.len().saturating_sub(*left)..].iter().cloned() {
                account.then(Duration::from_millis(step.after_ms), move |world| step.run(world));
            }
        }
    }
}

#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn note(&mut self, list: &str, index: usize, result: Result<(), Problem>) {
        self.0.extend(result.err().map(|problem| problem.within(&format!("{list}[{index}]"))));
    }
}

/// Checks a world file, and prints its size.
pub(crate) fn check(file: &Path) -> Result<(), String> {
    let found = Scenario::read(file)?;
    let sum = |count: fn(&Scenario) -> usize| found.all().map(|(_, one)| count(one)).sum::<usize>();
    println!(
        "{}: accounts: {}, people: {}, rooms: {}, reactions: {}, faults: {}, steps: {}",
        file.display(),
        found.all().count(),
        sum(|one| one.people.len()),
        sum(|one| one.rooms.len()),
        sum(|one| one.reactions.len()),
        sum(|one| one.faults.len()),
        sum(|one| one.script.len())
    );
    Ok(())
}

fn parse(text: &str) -> Result<Scenario, (usize, Problem)> {
    let failed = |error: &toml::de::Error, path: String| {
        let line =
            error.span().map_or_else(|| line_of(text, &path), |span| line_at(text, span.start));
        (line, Problem::at(path, error.message().trim_end().replace('\n', ", ")))
    };
    let document =
        toml::Deserializer::parse(text).map_err(|error| failed(&error, String::new()))?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let path = error.path().to_string();
        failed(error.inner(), if path == "." { String::new() } else { path })
    })
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// Returns the line of the value at a path, or of the nearest enclosing value.
fn line_of(text: &str, path: &str) -> usize {
    let Ok(table) = DeTable::parse(text) else { return 1 };
    let mut line = 1;
    let mut value = DeValue::Table(table.into_inner());
    for key in path.split(['.', '[', ']']).filter(|key| !key.is_empty()) {
        let next = match &value {
            DeValue::Table(table) => table.get(key).cloned(),
            DeValue::Array(items) => {
                key.parse().ok().and_then(|index: usize| items.get(index).cloned())
            }
            _ => None,
        };
        let Some(next) = next else { break };
        line = line_at(text, next.span().start);
        value = next.into_inner();
    }
    line
}

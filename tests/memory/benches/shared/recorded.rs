//! Exchanges with each endpoint, recorded in memory from the simulator.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::Request;
use wechat_proto::Call;
use wechat_proto::contact::LoadContacts;
use wechat_proto::flow::Response;
use wechat_proto::message::SendText;
use wechat_proto::sync::Inbox;
use wechat_simulator::{Layout, Simulator, World};

use crate::shared::{Result, open, run};

const TEXT: &str = "An ordinary text: 你好 & <hello>";

/// The last exchange with each endpoint, and the values in it that differ between accounts.
pub(crate) struct Recorded {
    pub(crate) exchanges: BTreeMap<String, (Request<Bytes>, Response)>,
    pub(crate) uin: i64,
    /// The first `webwxsync`, whose reply sets more cookies than later ones.
    pub(crate) first: (Request<Bytes>, Response),
    /// The first counter of the first sync key.
    pub(crate) key: u64,
    /// The id of the message.
    pub(crate) message: String,
}

/// Logs in, loads this number of contacts, and echoes a message, in memory.
pub(crate) fn record(origin: &str, contacts: usize) -> Result<Recorded> {
    let mut world = World::new(5);
    world.set_now(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64);
    world.layout(Layout::One { origin: origin.to_owned() });
    world.contacts_per_page(contacts);
    let simulator = Simulator::new(world);
    let mut exchanges = Vec::new();
    let mut account = open(&simulator, origin, &mut exchanges)?;
    // Added now, so that the reply of the login has no contacts.
    let names = (0..contacts).map(|number| format!("Contact 联系人 {number}"));
    let friends: Vec<_> = names.map(|name| simulator.world().add_person(&name)).collect();
    let friend = friends[1].clone();
    run(&simulator, &mut LoadContacts::new(), &mut account, &mut exchanges)?;
    simulator.then(Duration::ZERO, move |world| drop(world.person_writes(&friend, TEXT)));
    let mut inbox = Inbox::new();
    let (message, mut echo) = loop {
        let message = run(&simulator, &mut inbox, &mut account, &mut exchanges)?;
        if let Some(text) = message.text() {
            let echo = Call::new(SendText::reply(&message, text));
            break (message.id.to_string(), echo);
        }
    };
    run(&simulator, &mut echo, account.session_mut(), &mut exchanges)?;
    if !simulator.world().violations().is_empty() {
        return Err(format!("{:?}", simulator.world().violations()).into());
    }
    let first = exchanges.iter().find(|(request, _)| request.uri().path().ends_with("webwxsync"));
    let first = first.ok_or("no webwxsync")?.clone();
    let exchanges =
        exchanges.into_iter().map(|exchange| (endpoint(exchange.0.uri().path()), exchange));
    let exchanges: BTreeMap<_, _> = exchanges.collect();
    let (_, init) = &exchanges["webwxinit"];
    let key = number_after(std::str::from_utf8(init.body())?, "\"Val\"").ok_or("no key")?;
    let uin = account.session().me().uin;
    Ok(Recorded { exchanges, uin, first, key, message })
}

pub(crate) fn endpoint(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Returns the first number after a text.
pub(crate) fn number_after(text: &str, before: &str) -> Option<u64> {
    let (_, rest) = text.split_once(before)?;
    let rest = &rest[rest.find(|c: char| c.is_ascii_digit())?..];
    rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
}

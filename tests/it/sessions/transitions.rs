//! The main scenario with endpoints and state transitions alone, without `Login`, `Inbox` or
//! `Call`, as an embedder with a custom event loop writes it.

use wechat_proto::contact::{BatchGetContacts, GetContacts};
use wechat_proto::login::{
    Announce, CheckScan, GetQrCode, GetUuid, InitSession, Logout, Redeemed, Scan,
};
use wechat_proto::message::SendText;
use wechat_proto::sync::{Check, FetchBatch, SyncCheck};
use wechat_proto::{Account, Body, Device, Endpoint, Error, Message, Timestamp, UserName};
use wechat_simulator::Simulator;

use crate::sessions::story::{self, Observed};

/// A host that provides the clock and exchanges requests.
struct Host(Simulator);

impl Host {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now())
    }

    /// Builds a request, exchanges it, and receives the response.
    fn call<E: Endpoint>(&self, mut endpoint: E, state: &mut E::State) -> Result<E::Output, Error> {
        self.call_again(&mut endpoint, state)
    }

    /// Calls an endpoint like [`Host::call`], but keeps it for further calls.
    fn call_again<E: Endpoint>(
        &self,
        endpoint: &mut E,
        state: &mut E::State,
    ) -> Result<E::Output, Error> {
        let request = endpoint.request(state, self.now());
        let uri = request.uri().clone();
        let response = self.0.respond(&request.map(Body::into_bytes));
        endpoint.receive(state, &uri, &response, self.now())
    }
}

/// Logs in with a QR code.
fn log_in(host: &Host, progress: &mut Vec<String>) -> Result<Account, Error> {
    let mut device = Device::new().with_seed([7; 32]);
    let uuid = host.call(GetUuid::new(), &mut device)?;
    assert!(!host.call(GetQrCode::new(uuid.clone()), &mut device)?.is_empty());
    progress.push(format!("code {}", uuid.url()));
    let mut scan = CheckScan::new(uuid);
    let redirect = loop {
        match host.call_again(&mut scan, &mut device)? {
            Scan::Confirmed { redirect } => break redirect,
            Scan::Scanned { avatar } => {
                progress.push(format!("scanned, picture: {}", avatar.is_some()));
            }
            Scan::Pending => {}
            other => panic!("{other:?}"),
        }
    };
    let ticket = device.enter(redirect)?;
    let credentials = match host.call(ticket, &mut device)? {
        Redeemed::Credentials(credentials) => credentials,
        other => panic!("{other:?}"),
    };
    let init = host.call(InitSession::new(credentials.clone()), &mut device)?;
    let mut account = Account::open(device, credentials, init, host.now());
    host.call(Announce::new(), account.session_mut())?;
    Ok(account)
}

/// Loads the address book, then the rooms that it does not contain.
fn load_contacts(host: &Host, account: &mut Account) -> Result<(), Error> {
    let mut seq = 0;
    loop {
        let page = host.call(GetContacts::from_seq(seq), account.session_mut())?;
        account.learn(page.contacts);
        seq = page.next;
        if seq == 0 {
            break;
        }
    }
    let is_room = |name: &&UserName| name.as_str().starts_with("@@");
    let rooms: Vec<_> = account.session().chat_set().iter().filter(is_room).cloned().collect();
    for names in rooms.chunks(BatchGetContacts::MOST) {
        let contacts = host.call(BatchGetContacts::new(names), account.session_mut())?;
        account.learn(contacts);
    }
    Ok(())
}

/// Waits for new messages and receives one batch.
fn receive(host: &Host, account: &mut Account) -> Result<Vec<Message>, Error> {
    loop {
        if let Check::Quiet = host.call(SyncCheck::new(), account.session_mut())? {
            continue;
        }
        let batch = host.call(FetchBatch::new(), account.session_mut())?;
        return Ok(account.apply(batch).messages);
    }
}

/// Runs the same bot as `story`.
fn run_bot(host: &Host) -> Result<Observed, Error> {
    let mut progress = Vec::new();
    let mut account = log_in(host, &mut progress)?;
    progress.push(format!("logged in as {:?}", account.session().me().nick_name));
    load_contacts(host, &mut account)?;
    let directory = account.directory().clone();
    let (mut received, mut answered) = (Vec::new(), Vec::new());
    while account.close_reason().is_none() {
        let before = account.session().to_json();
        let messages = receive(host, &mut account)?;
        for message in &messages {
            if let Some(text) = message.text() {
                received.push(text.to_owned());
                if received.len() <= 200 && received.len().is_multiple_of(4) {
                    let (to, answer) = (message.peer().clone(), format!("回答 {text}"));
                    host.call(SendText::new(to.clone(), &*answer), account.session_mut())?;
                    answered.push((to, answer));
                }
            }
        }
        // The order does not matter: the stored sync key advances with the last one.
        for message in messages.iter().rev() {
            account.session_mut().acknowledge(message);
        }
        assert_ne!(account.session().to_json(), before);
        if received.len() == 225 {
            host.call(Logout::new(), account.session_mut())?;
        }
    }
    assert!(account.has_logged_out());
    Ok(Observed { progress, directory, received, answered })
}

#[test]
fn main_scenario_passes_without_flows() {
    let host = Host(Simulator::new(story::world()));
    story::script(&host.0);
    let observed = run_bot(&host).unwrap();
    story::check(&observed, &host.0.world());
}

//! Takes orders exactly once, and keeps them and the session in one SQLite database.
//!
//! Each order, the id of its confirmation and the session are written in one transaction: a bot that
//! is killed at any moment has all of them or none, and receives the message again. Confirmations
//! are sent after the commit under the stored id, so that the service recognises a repetition.

use std::error::Error as StdError;

use rehearsal::{rehearsal, scenes};
use rusqlite::{Connection, OptionalExtension as _, params};
use wechat_proto::error::{StorageFailure, StorageKind};
use wechat_proto::login::Resume;
use wechat_proto::message::SendText;
use wechat_proto::store::SessionStore;
use wechat_proto::{ClientMsgId, Message, Session, UserName};
use wechat_transport_ureq::{Client, Error, Event, Options, Transport, qr};

const SCHEMA: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA locking_mode = EXCLUSIVE;
    CREATE TABLE IF NOT EXISTS session (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS orders (
        number INTEGER PRIMARY KEY, chat TEXT NOT NULL, item TEXT NOT NULL,
        reply TEXT NOT NULL, sent INTEGER NOT NULL DEFAULT 0);";

fn main() -> Result<(), Box<dyn StdError>> {
    let options = rehearsal(Options::default(), scenes::orders);
    let mut device = options.new_device();
    let transport = Transport::new(options)?;
    let database = Connection::open("orders.db")?;
    database.execute_batch(SCHEMA)?;
    let mut store = Database(database);
    let client = Client::open_with(&transport, &mut store, Resume::Code, &mut device, qr::print)?;
    let Database(mut database) = store;
    confirm(&client, &database)?;
    for event in client.events().manual() {
        match event {
            Event::Message(message) => {
                take(&client, &mut database, &message)?;
                confirm(&client, &database)?;
            }
            Event::Trouble(error) => eprintln!("retrying after: {error}"),
            Event::Closed(reason) => {
                save(&database, &client.session())?;
                return Err(reason.into());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes the order of a message, if it is one, together with the session in which the message is
/// acknowledged.
fn take(
    client: &Client,
    database: &mut Connection,
    message: &Message,
) -> Result<(), Box<dyn StdError>> {
    client.acknowledge(message)?;
    let transaction = database.transaction()?;
    if let Some(item) = message.text().and_then(|text| text.strip_prefix("order ")) {
        let reply = client.next_client_msg_id();
        transaction.execute(
            "INSERT INTO orders (chat, item, reply) VALUES (?1, ?2, ?3)",
            params![message.peer().as_str(), item, reply.to_string()],
        )?;
    }
    save(&transaction, &client.session())?;
    transaction.commit()?;
    Ok(())
}

/// Sends the confirmations that were not sent yet.
fn confirm(client: &Client, database: &Connection) -> Result<(), Box<dyn StdError>> {
    let mut pending =
        database.prepare("SELECT number, chat, item, reply FROM orders WHERE sent = 0")?;
    let mut rows = pending.query([])?;
    while let Some(row) = rows.next()? {
        let (number, item): (i64, String) = (row.get(0)?, row.get(2)?);
        let chat: UserName = row.get::<_, String>(1)?.parse()?;
        let id: ClientMsgId = row.get::<_, String>(3)?.parse()?;
        let text = format!("order {number}: {item}");
        match client.call(SendText::new(chat, text).with_id(id)) {
            // The send is repeated after the next message, or at the next start.
            Err(error) if error.is_transient() => eprintln!("not confirmed yet: {error}"),
            result => {
                if let Err(error) = result {
                    eprintln!("not confirmed: {error}");
                }
                database.execute("UPDATE orders SET sent = 1 WHERE number = ?1", [number])?;
            }
        }
    }
    Ok(())
}

fn save(database: &Connection, session: &Session) -> rusqlite::Result<usize> {
    let json = session.to_json();
    database.execute("INSERT OR REPLACE INTO session (id, json) VALUES (1, ?1)", [json])
}

/// The session in the database.
struct Database(Connection);

fn failed(kind: StorageKind) -> impl Fn(rusqlite::Error) -> Error {
    move |error| StorageFailure::new(kind).at("orders.db").because(error).into()
}

impl SessionStore for Database {
    fn load(&mut self) -> Result<Option<Session>, Error> {
        let row = self.0.query_row("SELECT json FROM session", [], |row| row.get::<_, String>(0));
        let json = row.optional().map_err(failed(StorageKind::Read))?;
        json.map(|json| Session::from_json(&json)).transpose()
    }

    fn save(&mut self, session: &Session) -> Result<(), Error> {
        save(&self.0, session).map(drop).map_err(failed(StorageKind::Write))
    }

    fn remove(&mut self) -> Result<(), Error> {
        let removed = self.0.execute("DELETE FROM session", []);
        removed.map(drop).map_err(failed(StorageKind::Remove))
    }
}

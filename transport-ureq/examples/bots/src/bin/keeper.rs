//! Accepts friend requests, welcomes new members of rooms, and answers mentions.
//!
//! The session is saved after each message. A keeper that was killed resumes without a code, and
//! handles the messages that arrived meanwhile.

use rehearsal::{rehearsal, scenes};
use wechat_proto::contact::Change;
use wechat_transport_ureq::{Client, Error, Event, FileStore, Options, qr};

fn main() -> Result<(), Error> {
    let options = rehearsal(Options::default(), scenes::keeper);
    let client = Client::open(FileStore::open("keeper.session")?, options, qr::print)?;
    // New members are reported only for rooms whose members are known.
    client.contacts()?;
    for event in client.events() {
        if let Err(error) = handle(&client, event) {
            eprintln!("not handled: {error}");
        }
    }
    Ok(())
}

fn handle(client: &Client, event: Event) -> Result<(), Error> {
    match event {
        Event::FriendRequest { request, .. } => client.accept(&request)?,
        Event::Changed(Change::MembersJoined { user_name, members }) => {
            for member in members {
                client.send_text(&user_name, format!("Welcome, {}!", member.name()))?;
            }
        }
        Event::Message(message) if client.mentions_me(&message) => {
            client.mention_reply(&message, "at your service")?;
        }
        Event::Trouble(error) => eprintln!("retrying after: {error}"),
        Event::Closed(reason) => eprintln!("{reason}"),
        _ => {}
    }
    Ok(())
}

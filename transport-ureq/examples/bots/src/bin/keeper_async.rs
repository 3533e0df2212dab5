//! Accepts friend requests, welcomes new members of rooms, and answers mentions.
//!
//! The session is saved after each message. A keeper that was killed resumes without a code, and
//! handles the messages that arrived meanwhile.

use rehearsal::{rehearsal, scenes};
use wechat_proto::contact::Change;
use wechat_transport_hyper::{Client, Error, Event, FileStore, Options, qr};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let options = rehearsal(Options::default(), scenes::keeper);
    let client = Client::open(FileStore::open("keeper.session").await?, options, qr::print).await?;
    // New members are reported only for rooms whose members are known.
    client.contacts().await?;
    let mut events = client.events();
    while let Some(event) = events.next().await {
        if let Err(error) = handle(&client, event).await {
            eprintln!("not handled: {error}");
        }
    }
    Ok(())
}

async fn handle(client: &Client, event: Event) -> Result<(), Error> {
    match event {
        Event::FriendRequest { request, .. } => client.accept(&request).await?,
        Event::Changed(Change::MembersJoined { user_name, members }) => {
            for member in members {
                client.send_text(&user_name, format!("Welcome, {}!", member.name())).await?;
            }
        }
        Event::Message(message) if client.mentions_me(&message) => {
            client.mention_reply(&message, "at your service").await?;
        }
        Event::Trouble(error) => eprintln!("retrying after: {error}"),
        Event::Closed(reason) => eprintln!("{reason}"),
        _ => {}
    }
    Ok(())
}

//! Exchanges files with the account's own phone, over the file-transfer page.
//!
//! Files from the phone are saved in `shared/`. If the phone sends a text, the file of that name in
//! `shared/` is sent back. As far as is known, any account may use this page.

use std::path::Path;

use rehearsal::{rehearsal, scenes};
use wechat_proto::message::Receipt;
use wechat_proto::{Entry, Message};
use wechat_transport_hyper::{Client, Error, Event, FileStore, Options, qr};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all("shared")?;
    let options = Options::default().entry(Entry::file_helper());
    let options = rehearsal(options, scenes::file_helper);
    let client = Client::open(FileStore::open("phone.session").await?, options, qr::print).await?;
    let mut sent: Vec<Receipt> = Vec::new();
    let mut events = client.events();
    while let Some(event) = events.next().await {
        match event {
            // The service may return the bot's own messages.
            Event::Message(message) if !sent.iter().any(|one| one.is_echo(&message)) => {
                match answer(&client, &message).await {
                    Ok(receipt) => sent.extend(receipt),
                    Err(error) => sent.push(client.reply(&message, error.to_string()).await?),
                }
            }
            Event::Closed(reason) => return Err(reason.into()),
            _ => {}
        }
    }
    Ok(())
}

async fn answer(client: &Client, message: &Message) -> Result<Option<Receipt>, Error> {
    if let Some(name) = message.text().and_then(|text| Path::new(text).file_name()) {
        return client.send_file(message, Path::new("shared").join(name), |_| {}).await.map(Some);
    }
    match client.save(message, "shared").await {
        Ok(path) => client.reply(message, format!("saved {}", path.display())).await.map(Some),
        Err(Error::NotFetchable(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

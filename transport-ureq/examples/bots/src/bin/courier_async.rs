//! Saves the pictures, videos and files that friends send, and forwards them to the phone.
//!
//! Ctrl-C ends it after the current message. The next start resumes the session without a code, and
//! forwards the messages that arrived meanwhile.

use std::error::Error as StdError;

use rehearsal::{rehearsal, scenes};
use wechat_proto::Message;
use wechat_transport_hyper::{Client, Error, Event, FileStore, Options, qr};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn StdError>> {
    std::fs::create_dir_all("media")?;
    let options = rehearsal(Options::default(), scenes::courier);
    let store = FileStore::open("courier.session").await?;
    let client = Client::open(store, options, qr::print).await?;
    let stopped = client.clone();
    tokio::spawn(async move { tokio::signal::ctrl_c().await.map(|()| stopped.stop()) });
    let mut events = client.events();
    while let Some(event) = events.next().await {
        match event {
            Event::Message(message) if !message.is_outgoing() => {
                if let Err(error) = forward(&client, &message).await {
                    eprintln!("not forwarded: {error}");
                }
            }
            Event::Trouble(error) => eprintln!("retrying after: {error}"),
            Event::Closed(Error::Stopped) => println!("Stopped; the next start continues."),
            Event::Closed(reason) => return Err(reason.into()),
            _ => {}
        }
    }
    Ok(())
}

async fn forward(client: &Client, message: &Message) -> Result<(), Error> {
    let path = match client.save(message, "media").await {
        Err(Error::NotFetchable(_)) => return Ok(()),
        saved => saved?,
    };
    let print = |step: &_| println!("{}: {step:?}", path.display());
    client.send_file("filehelper", &path, print).await?;
    Ok(())
}

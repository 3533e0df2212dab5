//! Saves the pictures, videos and files that friends send, and forwards them to the phone.
//!
//! Ctrl-C ends it after the current message. The next start resumes the session without a code, and
//! forwards the messages that arrived meanwhile.

use std::error::Error as StdError;

use rehearsal::{rehearsal, scenes};
use wechat_proto::Message;
use wechat_transport_ureq::{Client, Error, Event, FileStore, Options, qr};

fn main() -> Result<(), Box<dyn StdError>> {
    std::fs::create_dir_all("media")?;
    let options = rehearsal(Options::default(), scenes::courier);
    let client = Client::open(FileStore::open("courier.session")?, options, qr::print)?;
    let stopped = client.clone();
    ctrlc::set_handler(move || stopped.stop())?;
    for event in client.events() {
        match event {
            Event::Message(message) if !message.is_outgoing() => {
                if let Err(error) = forward(&client, &message) {
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

fn forward(client: &Client, message: &Message) -> Result<(), Error> {
    let path = match client.save(message, "media") {
        Err(Error::NotFetchable(_)) => return Ok(()),
        saved => saved?,
    };
    client.send_file("filehelper", &path, |step| println!("{}: {step:?}", path.display()))?;
    Ok(())
}

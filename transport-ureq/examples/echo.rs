//! A bot that replies to every text with the same text.
//!
//! `cargo run -p wechat-transport-ureq --example echo` runs it on a simulated service, where
//! friends write for a few seconds. With `--live` it connects to the real service: scan the code
//! with your phone. The session is stored in `echo.session`, and the next start resumes it without a
//! code.

use std::path::PathBuf;
use std::process::ExitCode;

use wechat_proto::error::Ret;
use wechat_proto::login::Progress;
use wechat_proto::{Device, Event, Hosts};
use wechat_simulator::Demo;
use wechat_transport::qr::{self, Background};
use wechat_transport_ureq::{Client, Error, FileStore, Options};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let live = std::env::args().any(|argument| argument == "--live");
    let demo = (!live).then(Demo::start);
    let mut options = Options::default();
    let mut folder = PathBuf::new();
    if let Some(demo) = &demo {
        println!("This is a simulated service: nothing has to be scanned, its phone does that.");
        println!("(--live connects to the real one.)\n");
        options = options.device(Device::new().with_hosts(Hosts::all(demo.origin().parse()?)));
        // The simulator keeps no state between runs, so the session is temporary.
        folder = std::env::temp_dir().join(format!("echo-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
    }

    let store = FileStore::open(folder.join("echo.session"))?;
    let client = Client::open(store, options, show)?;

    let contacts = client.contacts()?;
    println!("{} contacts, {} of them rooms\n", contacts.len(), contacts.rooms().count());

    // Requesting the next event acknowledges the message and saves the session.
    for event in client.events() {
        match event {
            // Messages typed on the account's phone also arrive.
            Event::Message(message) if !message.is_outgoing() => {
                let Some(text) = message.text() else { continue };
                println!("{}: {text}", contacts.author_name(&message));
                match client.reply(&message, text) {
                    Ok(_) => println!("  answered {}", contacts.name_of(message.peer())),
                    Err(error) => println!("  not answered: {error}"),
                }
            }
            Event::Trouble(error) => println!("retrying after: {error}"),
            Event::Closed(Error::LoggedOut { ret: Ret::NO_SESSION, .. }) => {
                println!("the session is closed: the phone has logged this device out");
            }
            Event::Closed(reason) => println!("{reason}"),
            _ => {}
        }
    }
    if demo.is_some() {
        std::fs::remove_dir_all(folder)?;
        println!(
            "\nThat was all: your first WeChat bot has answered everybody. Have fun with your own!"
        );
    }
    Ok(())
}

/// Prints the steps of the login.
fn show(progress: &Progress) {
    if let Progress::Code { uuid } = progress {
        println!("{}", qr::text(uuid, Background::Dark));
    }
    println!("{progress}");
}

//! A bot that replies to every text with the same text, on tokio.
//!
//! `cargo run -p wechat-transport-hyper --example echo_async` runs it on a simulated service, where
//! friends write for a few seconds. With `--live` it connects to the real service: scan the code
//! with your phone. The session is stored in `echo.session`, and the next start resumes it without a
//! code.

use std::path::PathBuf;
use std::process::ExitCode;

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use wechat_proto::login::{Progress, Resume};
use wechat_proto::message::SendText;
use wechat_proto::store::AsyncSessionStore as _;
use wechat_proto::{Device, Error, Hosts};
use wechat_simulator::Demo;
use wechat_transport_hyper::{Client, FileStore, Options, Transport};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let live = std::env::args().any(|argument| argument == "--live");
    let demo = (!live).then(Demo::start);
    let mut device = Device::new();
    let mut folder = PathBuf::new();
    if let Some(demo) = &demo {
        println!("Connected to a simulated service (--live uses the real one).\n");
        device = device.with_hosts(Hosts::all(demo.origin().parse()?));
        // The simulator keeps no state between runs, so the session is temporary.
        folder = std::env::temp_dir().join(format!("echo-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
    }

    let mut store = FileStore::open(folder.join("echo.session")).await?;
    let transport = Transport::new(Options::default())?;
    let client = Client::open(&transport, &mut store, Resume::Code, &mut device, show).await?;
    println!("logged in as {}", client.session().me().nick_name);

    let contacts = client.contacts().await?;
    println!("{} contacts, {} of them rooms\n", contacts.len(), contacts.rooms().count());

    let mut messages = client.messages();
    while let Some(message) = messages.next().await {
        let message = match message {
            Ok(message) => message,
            Err(Error::LoggedOut { ret, .. }) => {
                println!("the session is closed: {ret}");
                // Store how it ended: a dropped session must not be followed by another login.
                store.save(&client.session()).await?;
                break;
            }
            Err(error) if error.is_transient() => {
                println!("retrying after: {error}");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        // Messages typed on the account's phone also arrive.
        let Some(text) = message.text().filter(|_| !message.is_outgoing()) else { continue };
        println!("{}: {text}", contacts.author_name(&message));
        let name = contacts.name_of(message.peer());
        match client.call(SendText::reply(&message, text)).await {
            Ok(_) => println!("  answered {name}"),
            Err(error) => println!("  not answered: {error}"),
        }
        // The message was handled and must not be delivered again.
        let mut session = client.session();
        session.acknowledge(&message);
        store.save(&session).await?;
    }
    if demo.is_some() {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// Prints the steps of the login.
fn show(progress: Progress) {
    match progress {
        Progress::Code { uuid } => println!("{}\nscan {}", picture(&uuid.url()), uuid.url()),
        Progress::Scanned { .. } => println!("scanned; now confirm on the phone"),
        Progress::Cancelled => println!("cancelled on the phone; another code follows"),
        Progress::ConfirmOnPhone { .. } => println!("confirm the login on the phone"),
        Progress::Over { ret, .. } => println!("the stored session is closed: {ret}"),
        _ => {}
    }
}

/// Renders a QR code in characters.
fn picture(text: &str) -> String {
    let code = QrCode::new(text).expect("the URL fits in a QR code");
    code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build()
}

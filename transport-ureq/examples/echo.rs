//! A bot that answers every text with the same text.
//!
//! `cargo run -p wechat-transport-ureq --example echo` plays it against a simulated service, in
//! which friends write for a few seconds. With `--live` it talks to the real one: scan the code
//! with your phone. The session is stored in `echo.session`: started again, it resumes that one,
//! without a code.

use std::path::PathBuf;
use std::process::ExitCode;

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use wechat_proto::login::{Progress, Resume};
use wechat_proto::message::SendText;
use wechat_proto::store::SessionStore as _;
use wechat_proto::{Device, Error, Hosts};
use wechat_simulator::Demo;
use wechat_transport_ureq::{Client, FileStore, Options, Transport};

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
    let mut device = Device::new();
    let mut folder = PathBuf::new();
    if let Some(demo) = &demo {
        println!("A simulated service answers (--live talks to the real one).\n");
        device = device.with_hosts(Hosts::all(demo.origin().parse()?));
        // Its service forgets everything: so does this.
        folder = std::env::temp_dir().join(format!("echo-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
    }

    let mut store = FileStore::open(folder.join("echo.session"))?;
    let transport = Transport::new(Options::default())?;
    let client = Client::open(&transport, &mut store, Resume::Code, &mut device, show)?;
    println!("logged in as {}", client.session().me().nick_name);

    let contacts = client.contacts()?;
    println!("{} contacts, {} of them rooms\n", contacts.len(), contacts.rooms().count());

    for message in client.messages() {
        let message = match message {
            Ok(message) => message,
            Err(Error::LoggedOut { ret, .. }) => {
                println!("the session is closed: {ret}");
                // How it ended counts, too: a session that is dropped is not followed by another.
                store.save(&client.session())?;
                break;
            }
            Err(error) if error.is_transient() => {
                println!("going on after: {error}");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        // Messages that the account writes on its phone arrive, too.
        let Some(text) = message.text().filter(|_| !message.is_outgoing()) else { continue };
        println!("{}: {text}", contacts.author_name(&message));
        let name = contacts.name_of(message.peer());
        match client.call(SendText::reply(&message, text)) {
            Ok(_) => println!("  answered {name}"),
            Err(error) => println!("  not answered: {error}"),
        }
        // The message had its effect: it is not to be delivered again.
        let mut session = client.session();
        session.acknowledge(&message);
        store.save(&session)?;
    }
    if demo.is_some() {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// Shows what to do on the phone.
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

/// A QR code in characters.
fn picture(text: &str) -> String {
    let code = QrCode::new(text).expect("a short text fits");
    code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build()
}

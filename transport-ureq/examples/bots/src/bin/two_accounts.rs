//! Two accounts in one process, on shared connections: messages to the account of a shop are forwarded
//! to the phone of its owner.

use std::thread;

use rehearsal::{rehearsal, scenes};
use wechat_proto::login::Resume;
use wechat_transport_ureq::{Client, Error, Event, FileStore, Options, Transport, qr};

fn main() -> Result<(), Error> {
    let options = rehearsal(Options::default(), scenes::two_accounts);
    let device = options.new_device();
    let transport = Transport::new(options)?;
    let open = |name: &str| -> Result<Client, Error> {
        println!("The account of the {name}:");
        let mut store = FileStore::open(format!("{name}.session"))?;
        let device = &mut device.clone();
        let client = Client::open_with(&transport, &mut store, Resume::Code, device, qr::print)?;
        Ok(client.with_store(store))
    };
    let (owner, shop) = (open("owner")?, open("shop")?);
    thread::scope(|scope| {
        // Keeps the session of the owner alive.
        scope.spawn(|| owner.events().for_each(|event| report("owner", event)));
        for event in shop.events() {
            match event {
                Event::Message(message) if !message.is_outgoing() => {
                    let author = shop.directory().author_name(&message);
                    if let Err(error) =
                        owner.send_text("filehelper", format!("{author}: {message}"))
                    {
                        eprintln!("not passed on: {error}");
                    }
                }
                event => report("shop", event),
            }
        }
        owner.stop();
    });
    Ok(())
}

fn report(name: &str, event: Event) {
    match event {
        Event::Trouble(error) | Event::Closed(error) => eprintln!("{name}: {error}"),
        _ => {}
    }
}

//! Forwards the messages of each of two rooms to the other one.

use rehearsal::{rehearsal, scenes};
use wechat_proto::Message;
use wechat_proto::router::When;
use wechat_transport_ureq::{Bot, Client, Error, FileStore, Options, qr};

const ROOMS: [&str; 2] = ["Book club", "周末爬山 & 烧烤"];

fn main() -> Result<(), Error> {
    let options = rehearsal(Options::default(), scenes::relay);
    let client = Client::open(FileStore::open("relay.session")?, options, qr::print)?;
    client.contacts()?;
    let [one, other] = ROOMS;
    Bot::new(&client)
        .on(When::any().in_chat(one), |client, message, _| pass(client, message, other))
        .on(When::any().in_chat(other), |client, message, _| pass(client, message, one))
        .run(|report| eprintln!("{report}"))
}

fn pass(client: &Client, message: &Message, to: &str) -> Result<(), Error> {
    let author = client.directory().author_name(message);
    match message.text() {
        Some(text) => client.send_text(to, format!("{author}: {text}")).map(drop),
        None => client.forward(message, to).map(drop),
    }
}

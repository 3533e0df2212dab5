//! Forwards the messages of each of two rooms to the other one.

use rehearsal::{rehearsal, scenes};
use wechat_proto::Message;
use wechat_proto::router::When;
use wechat_transport_hyper::{Bot, Client, Error, FileStore, Options, qr};

const ROOMS: [&str; 2] = ["Book club", "周末爬山 & 烧烤"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let options = rehearsal(Options::default(), scenes::relay);
    let client = Client::open(FileStore::open("relay.session").await?, options, qr::print).await?;
    client.contacts().await?;
    let [one, other] = ROOMS;
    Bot::new(&client)
        .on(When::any().in_chat(one), move |client, message, _| pass(client, message, other))
        .on(When::any().in_chat(other), move |client, message, _| pass(client, message, one))
        .run(|report| eprintln!("{report}"))
        .await
}

async fn pass(client: Client, message: Message, to: &str) -> Result<(), Error> {
    let author = client.directory().author_name(&message);
    match message.text() {
        Some(text) => client.send_text(to, format!("{author}: {text}")).await.map(drop),
        None => client.forward(&message, to).await.map(drop),
    }
}

//! Replies to every text with the same text. Chats are handled concurrently.

use rehearsal::{rehearsal, scenes};
use wechat_proto::router::When;
use wechat_transport_hyper::{Bot, Client, Error, FileStore, Options, qr};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let options = rehearsal(Options::default(), scenes::echo);
    let client = Client::open(FileStore::open("echo.session").await?, options, qr::print).await?;
    let echo = async |client: Client, message, text| client.reply(&message, text).await;
    Bot::new(&client).on(When::text("*"), echo).run(|report| eprintln!("{report}")).await
}

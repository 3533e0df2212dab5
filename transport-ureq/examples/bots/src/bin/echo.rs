//! Replies to every text with the same text.

use rehearsal::{rehearsal, scenes};
use wechat_proto::router::When;
use wechat_transport_ureq::{Bot, Client, Error, FileStore, Options, qr};

fn main() -> Result<(), Error> {
    let options = rehearsal(Options::default(), scenes::echo);
    let client = Client::open(FileStore::open("echo.session")?, options, qr::print)?;
    Bot::new(&client)
        .on(When::text("*"), |client, message, text| client.reply(message, text))
        .run(|report| eprintln!("{report}"))
}

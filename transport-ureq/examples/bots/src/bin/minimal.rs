//! Sends one text to the account's own phone.

use rehearsal::{rehearsal, scenes};
use wechat_transport_ureq::{Client, Error, FileStore, Options, qr};

fn main() -> Result<(), Error> {
    let options = rehearsal(Options::default(), scenes::minimal);
    let client = Client::open(FileStore::open("minimal.session")?, options, qr::print)?;
    client.send_text("filehelper", "hello from Rust")?;
    Ok(())
}

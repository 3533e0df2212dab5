//! A bot with a test, which counts the letters of messages.
//!
//! `cargo run` runs it on a simulated service, `cargo test` tests it; neither needs an account.

use rehearsal::{rehearsal, scenes};
use wechat_proto::router::When;
use wechat_transport_ureq::{Bot, Client, Error, FileStore, Options, qr};

fn main() -> Result<(), Error> {
    let options = rehearsal(Options::default(), scenes::count);
    let client = Client::open(FileStore::open("count.session")?, options, qr::print)?;
    run(&client)
}

/// Answers `/count` with the number of letters after it, until the session ends.
fn run(client: &Client) -> Result<(), Error> {
    Bot::new(client)
        .on(When::command("/count"), |client, message, rest| client.reply(message, answer(rest)))
        .run(|report| eprintln!("{report}"))
}

fn answer(text: &str) -> String {
    match text.chars().filter(|letter| letter.is_alphabetic()).count() {
        1 => "1 letter".into(),
        count => format!("{count} letters"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wechat_proto::{Device, Hosts};
    use wechat_simulator::{Server, Simulator, World};
    use wechat_transport_ureq::Transport;

    use super::*;

    #[test]
    fn letters_are_counted() {
        assert_eq!(answer(""), "0 letters");
        assert_eq!(answer("a1!"), "1 letter");
        assert_eq!(answer("你好 you"), "5 letters");
    }

    #[test]
    fn friends_receive_the_count() {
        // The phone scans, confirms, and logs the bot out at the end.
        let mut world = World::demo();
        let ada = world.add_person("Ada");
        let simulator = Simulator::new(world);
        let soon = Duration::from_millis(20);
        simulator.then(soon, |world| world.phone().scan());
        simulator.then(soon, |world| world.phone().confirm());
        for text in ["/count tea", "hello", "/COUNT  你好"] {
            let ada = ada.clone();
            simulator.then(soon, move |world| drop(world.person_writes(&ada, text)));
        }
        simulator.then(soon, |world| world.phone().log_out());
        let server = Server::http(&simulator).unwrap();
        server.real_time();

        let hosts = Hosts::all(server.origin().parse().unwrap());
        let transport = Transport::new(Options::default()).unwrap();
        let client =
            Client::login(&transport, &mut Device::new().with_hosts(hosts), |_| {}).unwrap();
        assert!(matches!(run(&client), Err(Error::LoggedOut { .. })));

        let world = simulator.world();
        assert!(world.violations().is_empty(), "{:#?}", world.violations());
        let sent: Vec<_> = world.sent().iter().map(|one| (&*one.to, &*one.content)).collect();
        assert_eq!(sent, [(&*ada, "3 letters"), (&*ada, "2 letters")]);
    }
}

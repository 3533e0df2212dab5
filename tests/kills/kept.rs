//! Bots whose client saves the session in a `FileStore`.

use std::thread;
use std::time::Duration;

use wechat_proto::store::{AsyncSessionStore as _, SavePolicy, SessionStore as _};
use wechat_proto::{Error, Message};

use super::{Store, clock, line_of, step};

/// The interval of saves, much longer than a message takes.
pub(crate) const INTERVAL: Duration = Duration::from_millis(20);

pub(crate) fn blocking(store: &Store, policy: SavePolicy) -> Result<(), Error> {
    use wechat_transport_ureq::{Client, FileStore, Options, Transport};

    let mut file = FileStore::open(store.session())?;
    let session = file.load()?.unwrap();
    let transport = Transport::new(Options::default().clock(clock()).save(policy))?;
    let client = Client::resume(&transport, session)?.with_store(file);
    if policy == SavePolicy::Manual {
        let client = client.clone();
        thread::spawn(move || {
            loop {
                thread::sleep(INTERVAL);
                client.save_session().unwrap();
            }
        });
    }
    client.messages().try_for_each(|message| {
        handle(store, &message?);
        Ok(())
    })
}

pub(crate) fn asynchronous(store: &Store, policy: SavePolicy) -> Result<(), Error> {
    use wechat_transport_hyper::{Client, FileStore, Options, Transport};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut file = FileStore::open(store.session()).await?;
        let session = file.load().await?.unwrap();
        let transport = Transport::new(Options::default().clock(clock()).save(policy))?;
        let client = Client::resume(&transport, session)?.with_store(file);
        if policy == SavePolicy::Manual {
            let client = client.clone();
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(INTERVAL).await;
                    client.save_session().await.unwrap();
                }
            });
        }
        let mut messages = client.messages();
        while let Some(message) = messages.next().await {
            handle(store, &message?);
        }
        Ok(())
    })
}

/// Writes the effect of a message, which the client acknowledges afterwards.
fn handle(store: &Store, message: &Message) {
    step(&format!("received {}", message.id));
    store.append(&line_of(message));
}

//! `wechat bridge`: the session for programs in any language, and for other commands.
//!
//! ```text
//! stdin, stdout ─┐                     ┌─ Runner ─ client
//! socket ────────┼─ Request ─ Service ─┤
//! HTTP ──────────┘                     └─ Hub ─ events
//! ```

mod dispatch;
pub(crate) mod holder;
mod http;
mod hub;
mod keys;
mod lines;
mod local;
pub(crate) mod message_line;
pub(crate) mod names;
pub(crate) mod operation;
mod recent;
pub(crate) mod runner;
mod sends;
pub(crate) mod service;
pub(crate) mod socket;
mod stdio;

use std::sync::Arc;

use serde_json::json;
use wechat_proto::Event;
use wechat_proto::login::{Progress, Resume};
use wechat_transport_ureq::Client;

use crate::args::{Bridge, Global};
use crate::client;
use crate::commands::listen;
use crate::drop::ledger::Ledger;
use crate::exit::{Exit, Failure};
use crate::output::{Output, print};
use crate::profile::Profile;
use crate::signals;

use self::service::{Service, is_notice};

/// Offers the session on standard input and output, or over HTTP, until it ends.
pub(crate) fn run(global: &Global, bridge: &Bridge, output: &Output) -> Result<Exit, Failure> {
    let profile = Profile::any(global)?;
    let held = profile.hold("bridge", output)?;
    let service = Service::open(&profile.path, "bridge", output)?;
    match bridge.listen {
        Some(address) => http::serve(&service, address, bridge)?,
        None => stdio::serve(&service),
    }
    let emit = |line: &str| match bridge.listen {
        Some(_) => Ok(()),
        None => print(line),
    };
    let progress = |kind: &str, fields| emit(&service.hub.publish(kind, fields)?);
    let client = client::open_profile_with(global, &profile, held, Resume::Code, output, |step| {
        match (step, client::describe(step)) {
            (Progress::Closed { ret, .. }, _) => {
                progress("ended", json!({ "reason": "session_ended", "ret": ret.0 }))
            }
            (_, Some((kind, fields, _))) => progress(kind, fields),
            _ => Ok(()),
        }
    });
    let client = client.inspect_err(|failure| {
        let fields = json!({ "reason": "login_failed", "error": output.error(failure) });
        // The failure itself is returned.
        let _ = progress("ended", fields);
        service.finish();
    })?;
    let result = events(&service, &client, &profile, bridge.auto_ack, emit);
    service.finish();
    client.save_session()?;
    stdio::failed().map_or(result, Err)
}

fn events(
    service: &Arc<Service>,
    client: &Client,
    profile: &Profile,
    auto_ack: bool,
    emit: impl Fn(&str) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    signals::stop_on_signal(client)?;
    service.begin(client, &profile.path, Ledger::open(&profile.path)?)?;
    socket::listen(service, &profile.path)?;
    let me = client.me();
    let fields =
        json!({ "user": me.user_name, "name": me.nick_name, "entry": profile.entry.name() });
    emit(&service.hub.publish("logged_in", fields)?)?;
    service.announce();
    for event in client.events().manual() {
        let message = event.message();
        if let Some(notice) = message.filter(|message| is_notice(message)) {
            client.acknowledge(notice)?;
            continue;
        }
        let line = service.event(&event, true)?;
        if let Some(line) = &line {
            emit(line)?;
        }
        if let Some(message) = message.filter(|_| auto_ack || line.is_none()) {
            client.acknowledge(message)?;
            service.hub.forget(message);
        }
        if let Event::Closed(error) = event {
            return listen::closed(&error, profile);
        }
    }
    Ok(Exit::Done)
}

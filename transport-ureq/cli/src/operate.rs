//! Single operations with the stored session.

use serde_json::Value;
use wechat_proto::hosts::Role;
use wechat_proto::store::SessionStore as _;
use wechat_proto::{Account, Error};
use wechat_transport_ureq::Client;

use crate::args::Global;
use crate::bridge::holder::NotDone;
use crate::bridge::operation::Operation;
use crate::bridge::runner::Runner;
use crate::client;
use crate::exit::Failure;
use crate::output::Output;
use crate::profile::{Access, Profile};

/// Runs one operation with the stored session: in the process that holds it, or in this process if no
/// other one does. No message is acknowledged, so that the next `listen` receives all of them.
///
/// # Errors
///
/// [`Exit::LoginNeeded`](crate::exit::Exit::LoginNeeded) if there is no session, or if it has ended.
/// Those of the operation.
pub(crate) fn operate(
    global: &Global,
    command: &str,
    operation: &Operation,
    output: &Output,
) -> Result<Value, Failure> {
    let profile = Profile::any(global)?;
    let run = || {
        if !profile.path.exists() {
            return Err(Failure::no_session());
        }
        let mut held = loop {
            match profile.access(command, output)? {
                Access::Held(held) => break held,
                Access::Shared(mut holder) => match holder.request(operation) {
                    Ok(value) => return Ok(value),
                    Err(NotDone::Failed(failure)) => return Err(failure),
                    Err(NotDone::NotBegun) => {}
                },
            }
        };
        let session = held.load()?.ok_or_else(Failure::no_session)?;
        let stored = session.device().hosts().origin(Role::Api);
        if let Some(expected) = global.server.as_ref().filter(|expected| *expected != stored) {
            let (stored, expected) = (stored.as_str().into(), expected.as_str().into());
            return Err(Error::OtherServer { stored, expected }.into());
        }
        if let Some(error) = Account::from(session.clone()).close_reason() {
            return Err(error.into());
        }
        let client = Client::resume(&client::transport(global)?, session)?.with_store(held);
        let runner = Runner::new(client.clone(), &profile.path, Some(*output));
        let result = runner.run_plain(operation);
        let stored = client.save_session();
        // A failure of the command takes precedence over one of the store.
        result.and_then(|value| stored.map(|()| value).map_err(Failure::from))
    };
    run().map_err(|failure| profile.advise(failure))
}

//! Flows that run in memory, against a simulator.

use bytes::{Buf as _, Bytes};
use http::Request;
use wechat_proto::flow::Response;
use wechat_proto::login::{Login, Progress};
use wechat_proto::{Account, Device, Flow, Hosts, Input, Interrupt, Timestamp};
use wechat_simulator::Simulator;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
pub(crate) type Exchanges = Vec<(Request<Bytes>, Response)>;

/// Logs in without compression, and records the exchanges.
pub(crate) fn open(
    simulator: &Simulator,
    origin: &str,
    exchanges: &mut Exchanges,
) -> Result<Account> {
    simulator.then(std::time::Duration::ZERO, |world| world.phone().scan());
    simulator.then(std::time::Duration::ZERO, |world| world.phone().confirm());
    let hosts = Hosts::all(origin.parse()?);
    let mut device = Device::new().with_hosts(hosts).with_compression(false);
    let mut login = Login::new();
    loop {
        if let Progress::LoggedIn(account) = run(simulator, &mut login, &mut device, exchanges)? {
            return Ok(*account);
        }
    }
}

/// Runs a flow to its next output, and records its exchanges.
pub(crate) fn run<F: Flow>(
    simulator: &Simulator,
    flow: &mut F,
    state: &mut F::State,
    exchanges: &mut Exchanges,
) -> Result<F::Output> {
    loop {
        match flow.poll(state, Timestamp::from_millis(simulator.now())) {
            Ok(output) => return Ok(output),
            Err(Interrupt::Send(request)) => {
                let request = request.http.map(|mut body| body.copy_to_bytes(body.remaining()));
                let reply = simulator.respond(&request);
                exchanges.push((request, reply.clone()));
                flow.handle(Input::Reply(Ok(reply)));
            }
            Err(Interrupt::Sleep(time)) => simulator.world().advance(time),
            Err(other) => return Err(format!("{other:?}").into()),
        }
    }
}

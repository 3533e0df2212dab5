//! The shared parts of the benchmarks: exchanges recorded in memory from a simulator, a server that
//! replays them, and the HTTP library alone.

pub(crate) mod bare;
pub(crate) mod process;
pub(crate) mod recorded;
pub(crate) mod service;

use std::process::ExitCode;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http::Request;
use rustix::time::{ClockId, clock_gettime};
use wechat_proto::flow::Response;
use wechat_proto::login::{Login, Progress};
use wechat_proto::{Account, Device, Flow, Hosts, Input, Interrupt, Timestamp};
use wechat_simulator::Simulator;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Result<T, E = BoxError> = std::result::Result<T, E>;
pub(crate) type Exchanges = Vec<(Request<Bytes>, Response)>;

/// Prints an error, and returns the exit code.
pub(crate) fn exit(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the CPU time of this process, in user and system mode.
pub(crate) fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Logs in without compression, and records the exchanges.
pub(crate) fn open(
    simulator: &Simulator,
    origin: &str,
    exchanges: &mut Exchanges,
) -> Result<Account> {
    simulator.then(Duration::ZERO, |world| world.phone().scan());
    simulator.then(Duration::ZERO, |world| world.phone().confirm());
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

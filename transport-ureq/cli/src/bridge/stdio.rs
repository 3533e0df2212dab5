//! The bridge on standard input and output.

use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;

use serde_json::json;

use super::lines;
use super::operation::Operation;
use super::service::{Request, Service};
use crate::exit::{Exit, Failure};
use crate::output::print;

/// The number of requests that are read ahead.
const QUEUE: usize = 64;

/// The failure of standard input or output.
static FAILED: OnceLock<Failure> = OnceLock::new();

/// Returns the failure of standard input or output that ended the bridge.
pub(super) fn failed() -> Option<Failure> {
    FAILED.get().cloned()
}

/// Serves the requests of standard input in their order, acknowledgements at once. The end of the
/// input stops the client after the last reply.
pub(super) fn serve(service: &Arc<Service>) {
    let (sender, requests) = sync_channel(QUEUE);
    let worker = Arc::clone(service);
    thread::spawn(move || work(&worker, &requests));
    let service = Arc::clone(service);
    thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        loop {
            let request = match lines::read(&mut stdin) {
                Ok(Some(line)) => Request::parse(&line),
                Ok(None) => return,
                Err(error) => {
                    let _ = FAILED.set(Failure::stdin(error));
                    return;
                }
            };
            if matches!(request.operation, Ok(Operation::Ack(_))) {
                reply(&service, &request);
            } else if sender.send(request).is_err() {
                return;
            }
        }
    });
}

fn work(service: &Service, requests: &Receiver<Request>) {
    for request in requests {
        reply(service, &request);
    }
    match service.runner() {
        Some(runner) => {
            service.hub.release();
            runner.client.stop();
        }
        // The input has ended before the login was complete.
        None => {
            // Held until the exit, so that no other event follows.
            let _stdout = io::stdout().lock();
            let ended = service.hub.publish("ended", json!({ "reason": "stopped" }));
            let failed = ended.and_then(|line| print(&line)).err();
            let failure = FAILED.get().cloned().or(failed);
            std::process::exit(failure.map_or(Exit::Done, |failure| failure.exit) as i32)
        }
    }
}

fn reply(service: &Service, request: &Request) {
    let _writing = service.writing();
    if request.operation.is_ok() {
        service.wait_announced();
    }
    // There is no reply if the process is ending.
    let Some(line) = service.serve(request, true, || true) else { return };
    if let Err(failure) = print(&line) {
        let _ = FAILED.set(failure);
        service.hub.release();
        service.wait().client.stop();
    }
}

//! Checks that interrupts are served one at a time and in order.

use std::time::Duration;

use serde_json::json;
use wechat_proto::error::{FailureKind, Sent};
use wechat_proto::{Device, Error};

use super::opened::{Bench, body, failed, get, replied, reply, session};
use super::probe::Step;
use super::report::{Seen, holds, same};
use super::{Deviation, Probe, Script, Source};

const PAUSE: Duration = Duration::from_millis(60);

pub(super) fn interrupts_are_served_in_order(bench: &Bench) -> Seen {
    let good = Script::replying(reply("ok"));
    let odd = Script::replying("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 2\r\n\r\nno");
    let coded = Script::replying("HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\n");
    let send = |server| Step::Send(Box::new(get(server)));
    let client = bench.client()?;
    let probe =
        client.run([send(&good), Step::Sleep(PAUSE), send(&coded), send(&odd), send(&good)])?;
    let [first, second, third, last]: [_; 4] = probe
        .replies
        .try_into()
        .map_err(|replies| Deviation::new("four replies", format!("{replies:?}")))?;
    body(Ok(first), "ok")?;
    failed(Ok(second), FailureKind::Encoding, Sent::Maybe)?;
    same!(replied(Ok(third))?.status().as_u16(), 502);
    body(Ok(last), "ok")?;
    same!((good.requests().len(), coded.requests().len(), odd.requests().len()), (2, 1, 1));
    Ok(())
}

pub(super) fn sleep_takes_its_duration(bench: &Bench) -> Seen {
    bench.client()?.run([Step::Sleep(PAUSE), Step::Sleep(PAUSE)]).map(drop)
}

/// The driver returns the flow's error, and the flow can be run again.
pub(super) fn failing_flow_ends_the_run(bench: &Bench) -> Seen {
    let client = bench.client()?;
    let mut probe = Probe::new([Step::Fail, Step::Sleep(PAUSE)]);
    let result = client.run_once(&mut probe);
    let expected = "a run that returns the flow's error";
    holds!(matches!(result, Err(Error::Stopped)), expected, "it returned {result:?}");
    holds!(!probe.done, "no poll after an error", "a poll");
    let again = client.run_once(&mut probe);
    holds!(again.is_ok() && probe.done, "a second run to the output", "it returned {again:?}");
    same!(probe.fault, None);
    Ok(())
}

pub(super) fn a_source_is_read(bench: &Bench) -> Seen {
    let client = bench.client()?;
    let source = || Source::holding(b"0123456789");
    for (range, expected) in
        [(0..10, "0123456789"), (3..5, "34"), (8..20, "89"), (10..11, ""), (40..50, ""), (5..5, "")]
    {
        same!(replied(client.read(range, source()))?, expected);
    }
    same!(replied(client.read(0..u64::MAX, source()))?.len(), 10);
    failed(client.read(0..10, Source::failing()), FailureKind::Source, Sent::No)
}

/// Checks two transports with the same session, and a device without entropy.
pub(super) fn entropy_is_mixed_in(bench: &Bench) -> Seen {
    let unmixed = [json!(Device::new()), json!(session().into_device())];
    let device = || Ok(bench.client()?.run([])?.device);
    let (first, second) = (device()?, device()?);
    let expected = "devices with random bytes";
    holds!(first.is_some() && first != second, expected, "two equal devices");
    let is_unmixed =
        |device: &Option<_>| device.as_ref().is_some_and(|device| unmixed.contains(device));
    holds!(!is_unmixed(&first) && !is_unmixed(&second), expected, "a device without them");
    Ok(())
}

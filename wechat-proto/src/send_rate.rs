//! An optional limit of the rate of sends.

use core::time::Duration;

use crate::time::Timestamp;

/// A limit of the rate of requests that change something for others: sends, forwards, revocations,
/// friend requests, and changes of rooms ([`Repeat::Once`](crate::endpoint::Repeat::Once)).
///
/// A token bucket: a number of requests at once, then one in each interval.
///
/// ```
/// use std::time::Duration;
/// use wechat_proto::{Device, device::SendRate};
///
/// let mut device = Device::new();
/// device.limit_sends(Some(SendRate::new(5, Duration::from_secs(2))));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SendRate {
    burst: u32,
    interval: Duration,
}

/// The longest interval.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl SendRate {
    /// Returns a limit of `burst` requests at once, at least one, and then one in each interval, of at
    /// most a day.
    pub fn new(burst: u32, interval: Duration) -> Self {
        Self { burst: burst.max(1), interval: interval.min(LONGEST) }
    }
}

/// The requests that may be sent, as the time at which the bucket is full again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    rate: SendRate,
    full: Timestamp,
}

impl Bucket {
    pub(crate) fn new(rate: SendRate) -> Self {
        Self { rate, full: Timestamp::default() }
    }

    /// Takes a token, or returns how long to wait for one.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<Duration> {
        let capacity = self.rate.interval.saturating_mul(self.rate.burst);
        // A clock that was set back does not prolong the wait.
        self.full = self.full.max(now).min(now.after(capacity));
        let after = self.full.after(self.rate.interval);
        match after.since(now).checked_sub(capacity) {
            None | Some(Duration::ZERO) => {
                self.full = after;
                None
            }
            wait => wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::SendText;
    use crate::testing::{Host, account, ok};
    use crate::{Call, Device, UserName};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn bucket_allows_a_burst_and_then_one_per_interval() {
        let mut bucket = Bucket::new(SendRate::new(3, 2 * SECOND));
        let at = Timestamp::from_secs;
        for _ in 0..3 {
            assert_eq!(bucket.take(at(100)), None);
        }
        assert_eq!(bucket.take(at(100)), Some(2 * SECOND));
        assert_eq!(bucket.take(at(101)), Some(SECOND));
        assert_eq!(bucket.take(at(102)), None);
        assert_eq!(bucket.take(at(102)), Some(2 * SECOND));
        // The bucket fills again in unused time, up to the burst.
        assert_eq!([bucket.take(at(900)), bucket.take(at(900)), bucket.take(at(900))], [None; 3]);
        assert_eq!(bucket.take(at(900)), Some(2 * SECOND));
        // The clock was set back.
        assert_eq!(bucket.take(at(5)), Some(2 * SECOND));
        assert_eq!(bucket.take(at(7)), None);
    }

    /// Calls wait for their turn; queries do not.
    #[test]
    fn sends_are_delayed_by_the_rate() {
        let (mut host, mut account) = (Host::new(), account());
        let serve = |_: &crate::flow::Request| ok(r#"{"BaseResponse":{"Ret":0}}"#);
        let mut send = |account: &mut crate::Account| {
            let before = host.slept;
            let mut call = Call::new(SendText::new(UserName::file_helper(), "x"));
            host.run(&mut call, &mut account.session, serve).unwrap();
            let read = crate::message::NotifyPhone::mark_read(UserName::file_helper());
            host.run(&mut Call::new(read), &mut account.session, serve).unwrap();
            host.slept - before
        };
        assert_eq!([send(&mut account), send(&mut account)], [Duration::ZERO; 2]);
        let device: &mut Device = account.as_mut();
        device.limit_sends(Some(SendRate::new(1, 10 * SECOND)));
        assert_eq!(send(&mut account), Duration::ZERO);
        let waits = [send(&mut account), send(&mut account)];
        assert!(waits.iter().all(|wait| (9 * SECOND..=10 * SECOND).contains(wait)), "{waits:?}");
        let device: &mut Device = account.as_mut();
        device.limit_sends(None);
        assert_eq!(send(&mut account), Duration::ZERO);
    }
}

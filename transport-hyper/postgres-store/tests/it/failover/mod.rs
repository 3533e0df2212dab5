//! Workers that are killed, stopped and cut off from PostgreSQL while they run accounts.
//!
//! A worker is a process: this test binary, run for the single test `worker_process`. For each message, it writes a row to a
//! table and queues an answer, in the transaction that stores the session; then it sends the answer. The accounts are on a
//! simulator in the process of the test.
//!
//! At the end, the ledgers are compared: each message has one row, in order and never written by an earlier lease than the
//! row before; each answer was delivered once; each answer that was sent more than once (as the same `ClientMsgId`) has as
//! many attempts in the outbox.
//!
//! With `WECHAT_SWEEP=all`, a worker is stopped at 100 points instead of five, there are 100 failovers in a row instead of
//! three, two workers take 50 turns instead of four, and 1,000 accounts are moved:
//! `WECHAT_SWEEP=all cargo test -p wechat-postgres-store -- --nocapture --test-threads=1` prints the ledgers.

mod connection;
mod kills;
mod ledger;
mod place;
mod process;
mod restarts;
mod step;
mod stops;
mod worker;

/// The worker process of the other tests. Without their environment variables, it does nothing.
#[test]
fn worker_process() {
    worker::run();
}

/// Returns whether everything is requested, which takes seven minutes.
fn is_complete() -> bool {
    std::env::var("WECHAT_SWEEP").is_ok_and(|value| value == "all")
}

//! The comparison of the messages that the accounts received with the rows and the answers of the workers.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use super::place::{Account, Place};

/// The result of a run in which nothing was lost or done twice.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The messages, each of which has one row and one delivered answer.
    messages: usize,
    /// The answers that a worker began to send more than once, though the service received them once.
    begun_again: usize,
    /// The `ClientMsgId`s of the answers that the service received more than once, with the number of requests.
    pub(crate) excess: Vec<(String, usize)>,
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { messages, begun_again, excess } = self;
        write!(
            f,
            "{messages} messages, each with one row and one answer; {begun_again} answers begun again; "
        )?;
        write!(f, "{} received more than once {excess:?}", excess.len())
    }
}

impl AddAssign for Ledger {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.begun_again += other.begun_again;
        self.excess.extend(other.excess);
    }
}

impl Place {
    /// Compares the ledgers.
    ///
    /// # Panics
    ///
    /// If they differ.
    pub(crate) fn check(&self) -> Ledger {
        let mut ledger = Ledger::default();
        for account in &self.accounts {
            self.check_rows(account);
            self.check_answers(account, &mut ledger);
        }
        ledger
    }

    /// Each message has one row, in order, and no row was written by an earlier lease than the row before. In fact,
    /// only the last worker that had claimed the account wrote to it.
    fn check_rows(&self, account: &Account) {
        let rows = "SELECT msg_id, token FROM fleet_event WHERE account = $1 ORDER BY id";
        let rows = self.query(rows, &[&account.name]);
        let messages: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(messages, account.written, "{}", account.name);
        let tokens: Vec<i64> = rows.iter().map(|row| row.get(1)).collect();
        assert!(tokens.is_sorted(), "{}: {tokens:?}", account.name);

        let writes = "SELECT what, worker, id FROM audit WHERE account = $1 ORDER BY id";
        let mut holder = String::new();
        for row in self.query(writes, &[&account.name]) {
            let (what, worker): (&str, &str) = (row.get(0), row.get(1));
            if what == "claim" {
                holder = worker.to_owned();
            }
            assert_eq!(worker, holder, "write {} to {}", row.get::<_, i64>(2), account.name);
        }
    }

    /// Each message has one answer, in one row of the outbox, with as many attempts as the service received requests or more.
    fn check_answers(&self, account: &Account, ledger: &mut Ledger) {
        let world = account.simulator.world();
        assert_eq!(world.violations(), [], "{}", account.name);
        let logins =
            world.log().iter().filter(|logged| logged.endpoint == "webwxnewloginpage").count();
        assert_eq!(logins, 1, "{}: a second login", account.name);
        let contents: Vec<&str> = world.sent().iter().map(|sent| &*sent.content).collect();
        let expected: Vec<String> =
            (0..account.written.len()).map(|number| format!("number {number}")).collect();
        assert_eq!(contents, expected, "{}", account.name);

        let rows =
            "SELECT client_msg_id, cause, state, attempts FROM wechat_outbox WHERE account = $1";
        let rows = self.query(rows, &[&account.name]);
        let rows: BTreeMap<&str, (&str, &str, i32)> =
            rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2), row.get(3)))).collect();
        assert_eq!(rows.len(), account.written.len(), "{}", account.name);
        for (sent, message) in world.sent().iter().zip(&account.written) {
            let (id, requests) = (&sent.client_msg_id, 1 + sent.repeats);
            let (cause, state, attempts) = rows[&**id];
            assert_eq!((cause, state), (&**message, "sent"), "{}: {id}", account.name);
            assert!(
                attempts as usize >= requests,
                "{id}: {requests} requests in {attempts} attempts"
            );
            ledger.messages += 1;
            match requests {
                1 if attempts > 1 => ledger.begun_again += 1,
                1 => {}
                _ => ledger.excess.push((id.clone(), requests)),
            }
        }
    }
}

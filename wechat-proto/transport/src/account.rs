//! The account of a client.

use std::sync::{Mutex, MutexGuard, PoisonError};

use wechat_proto::store::SavePolicy;
use wechat_proto::{Account, Device, Flow, Interrupt, Message, Timestamp};

use crate::Options;

/// The account of a client, behind a lock that is held only while a flow is polled. Used by
/// clients.
#[derive(Debug)]
pub struct SharedAccount(Mutex<Account>);

impl SharedAccount {
    /// Wraps an account, and sets the rate of sends from the options.
    pub fn new(mut account: Account, options: &Options) -> Self {
        if let Some(rate) = options.rate() {
            let device: &mut Device = account.as_mut();
            device.limit_sends(Some(rate));
        }
        Self(Mutex::new(account))
    }

    /// Locks the account.
    pub fn lock(&self) -> MutexGuard<'_, Account> {
        // Poisoning is ignored, because a panicking flow leaves the account consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether no more messages will arrive.
    pub fn is_closed(&self) -> bool {
        self.lock().close_reason().is_some()
    }

    /// Polls a flow. Calls `wake` afterwards if no more messages will arrive, so that a waiting inbox
    /// reports why.
    ///
    /// # Errors
    ///
    /// The interrupt of the flow, unless it returns an output.
    pub fn poll<F: Flow>(
        &self,
        flow: &mut F,
        now: Timestamp,
        wake: impl FnOnce(),
    ) -> Result<F::Output, Interrupt>
    where
        Account: AsMut<F::State>,
    {
        let mut account = self.lock();
        let result = flow.poll(account.as_mut(), now);
        let is_closed = account.close_reason().is_some();
        drop(account);
        if is_closed {
            wake();
        }
        result
    }

    /// Acknowledges a message, and returns whether the session must be saved afterwards.
    pub fn acknowledge(&self, message: &Message, policy: SavePolicy) -> bool {
        let mut account = self.lock();
        account.session_mut().acknowledge(message);
        policy.is_due(account.session())
    }
}

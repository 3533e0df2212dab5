//! An HTTP stack without an account.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use wechat_proto::flow::Want;
use wechat_proto::{Call, Endpoint, Error, Flow, Interrupt, Timestamp};

use crate::body::Download;
use crate::drive::Driver;
use crate::options::Options;
use crate::service::Exchange;
use crate::source::Source;

/// Executes flows over HTTP: connections, TLS configuration, resolver and options.
///
/// Cheap to clone; shared by any number of [clients](crate::Client). It also runs flows without a
/// client, on any state: a custom login, for example.
///
/// # Cancel safety
///
/// Every future may be dropped, which cancels its exchange; the flow may be run again. See
/// [`Client`](crate::Client).
#[derive(Clone)]
pub struct Transport {
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    service: Arc<dyn Exchange>,
}

impl Transport {
    /// Returns a transport with these options. Does not open a connection.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] if an option is invalid: a malformed root certificate, or a proxy without
    /// a valid host name.
    pub fn new(options: Options) -> Result<Self, Error> {
        let service = options.exchange()?;
        Ok(Self { shared: Arc::new(Shared { options, service }) })
    }

    /// Runs a flow to its next output.
    ///
    /// # Errors
    ///
    /// Those of the flow; [`Error::Source`] if it reads a source.
    pub async fn run<F, S>(&self, flow: &mut F, state: &mut S) -> Result<F::Output, Error>
    where
        F: Flow,
        S: AsMut<F::State>,
    {
        self.run_with(flow, state, Bytes::new()).await
    }

    /// Runs a flow that reads a source (an upload) to its next output.
    ///
    /// # Errors
    ///
    /// Those of the flow; [`Error::Source`] if the source fails.
    pub async fn run_with<F, S>(
        &self,
        flow: &mut F,
        state: &mut S,
        mut source: impl Source,
    ) -> Result<F::Output, Error>
    where
        F: Flow,
        S: AsMut<F::State>,
    {
        let poll = |flow: &mut F, now| flow.poll(state.as_mut(), now);
        Ok(self.driver(None).drive(flow, &mut source, poll).await?.0)
    }

    /// Calls an endpoint with a single exchange. Pass a send as `&mut` to be able to retry it under
    /// the same message id.
    ///
    /// # Errors
    ///
    /// Those of the endpoint; [`Error::Unanswered`] if it must not be repeated and its outcome is
    /// unknown.
    pub async fn call<E, S>(&self, endpoint: E, state: &mut S) -> Result<E::Output, Error>
    where
        E: Endpoint,
        S: AsMut<E::State>,
    {
        const { assert!(matches!(E::WANT, Want::Whole { .. }), "use `stream` for a download") };
        self.run(&mut Call::new(endpoint), state).await
    }

    /// Runs a flow whose request has [`Want::Head`], and returns its output and the streamed body of
    /// the response.
    ///
    /// # Errors
    ///
    /// Those of the flow.
    pub async fn stream<F, S>(
        &self,
        flow: &mut F,
        state: &mut S,
    ) -> Result<(F::Output, Download), Error>
    where
        F: Flow,
        S: AsMut<F::State>,
    {
        let poll = |flow: &mut F, now| flow.poll(state.as_mut(), now);
        self.stream_with(flow, poll).await
    }

    pub(crate) async fn stream_with<F: Flow>(
        &self,
        flow: &mut F,
        poll: impl FnMut(&mut F, Timestamp) -> Result<F::Output, Interrupt>,
    ) -> Result<(F::Output, Download), Error> {
        let (output, rest) = self.driver(None).drive(flow, &mut Bytes::new(), poll).await?;
        let options = &self.shared.options;
        let empty = || Download::new(None, options.deadline_cap, options.alarm.clone());
        Ok((output, rest.unwrap_or_else(empty)))
    }

    /// Returns the options.
    pub(crate) fn options(&self) -> &Options {
        &self.shared.options
    }

    /// Returns the time of the options' clock.
    pub(crate) fn now(&self) -> Timestamp {
        (self.shared.options.clock)()
    }

    /// Returns a driver, which a shutdown signal cancels.
    pub(crate) fn driver(&self, shutdown: Option<watch::Receiver<bool>>) -> Driver<'_> {
        let Options { clock, alarm, deadline_cap, .. } = &self.shared.options;
        let service = &*self.shared.service;
        Driver { service, clock, alarm, deadline_cap: *deadline_cap, shutdown }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

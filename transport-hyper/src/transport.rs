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
/// Cheap to clone; shared by any number of [clients](crate::Client). It runs any flow on any state,
/// also without a client: a login of your own, for example.
///
/// # Cancel safety
///
/// Every future may be dropped: it breaks its exchange, and the flow may be run again. See
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
    /// Returns a transport with these options. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] if the options cannot be used: a root certificate that is not one, a
    /// proxy without a valid name.
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

    /// Calls an endpoint: one exchange. To keep a numbered send for a repetition, pass `&mut`.
    ///
    /// # Errors
    ///
    /// Those of the endpoint; [`Error::Unanswered`] if it must not be repeated and has no reply.
    pub async fn call<E, S>(&self, endpoint: E, state: &mut S) -> Result<E::Output, Error>
    where
        E: Endpoint,
        S: AsMut<E::State>,
    {
        const { assert!(matches!(E::WANT, Want::Whole { .. }), "use `stream` for a download") };
        self.run(&mut Call::new(endpoint), state).await
    }

    /// Runs a flow that wants the head of its response only, and returns the body, to be read as it
    /// arrives.
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

    /// The options.
    pub(crate) fn options(&self) -> &Options {
        &self.shared.options
    }

    /// The time of the options' clock.
    pub(crate) fn now(&self) -> Timestamp {
        (self.shared.options.clock)()
    }

    /// Runs flows, ended early by a shutdown signal.
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

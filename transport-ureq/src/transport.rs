//! An HTTP stack without an account.

use std::fmt;
use std::io::{self, Read, Seek};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use ureq::config::{AutoHeaderValue, Config};
use ureq::{Agent, Proxy, ProxyProtocol};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::Want;
use wechat_proto::{Call, Endpoint, Error, Flow, Interrupt, Timestamp};

use crate::body::Download;
use crate::connect::Connector;
use crate::drive::{Driver, Shutdown};
use crate::options::Options;
use crate::resolve::Cache;
use crate::tls;

/// Executes flows over HTTP: connections, TLS configuration, resolver and options.
///
/// Cheap to clone; shared by any number of [clients](crate::Client). It also runs flows without a
/// client, on any state: a custom login, for example.
#[derive(Clone)]
pub struct Transport {
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    config: Config,
    tls: Arc<ClientConfig>,
    agent: Agent,
}

impl Transport {
    /// Returns a transport with these options. Does not open a connection.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] if an option is invalid: a malformed root certificate, or a proxy without
    /// a valid host name.
    pub fn new(options: Options) -> Result<Self, Error> {
        let tls = tls::config(&options.roots).map_err(Error::Transport)?;
        let proxy = match &options.proxy {
            None => None,
            Some((host, port)) => {
                let proxy = Proxy::builder(ProxyProtocol::Http).host(host).port(*port).build();
                let invalid = |_| Error::Transport(Failure::new(FailureKind::Proxy, Sent::No));
                Some(proxy.map_err(invalid)?)
            }
        };
        let config = Config::builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(AutoHeaderValue::None)
            .accept(AutoHeaderValue::None)
            .accept_encoding(AutoHeaderValue::None)
            .proxy(proxy)
            .timeout_connect(Some(options.connect_timeout))
            .timeout_resolve(Some(options.connect_timeout))
            .max_response_header_size(HEAD)
            .max_idle_age(IDLE)
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER)
            .build();
        let agent = agent(&options, &config, &tls, None);
        Ok(Self { shared: Arc::new(Shared { options, config, tls, agent }) })
    }

    /// Runs a flow to its next output.
    ///
    /// # Errors
    ///
    /// Those of the flow; [`Error::Source`] if it reads a source.
    pub fn run<F, S>(&self, flow: &mut F, state: &mut S) -> Result<F::Output, Error>
    where
        F: Flow,
        S: AsMut<F::State>,
    {
        self.run_with(flow, state, io::empty())
    }

    /// Runs a flow that reads a source (an upload) to its next output.
    ///
    /// # Errors
    ///
    /// Those of the flow; [`Error::Source`] if the source fails.
    pub fn run_with<F, S>(
        &self,
        flow: &mut F,
        state: &mut S,
        mut source: impl Read + Seek,
    ) -> Result<F::Output, Error>
    where
        F: Flow,
        S: AsMut<F::State>,
    {
        let poll = |flow: &mut F, now| flow.poll(state.as_mut(), now);
        Ok(self.driver().drive(flow, &mut source, poll)?.0)
    }

    /// Calls an endpoint with a single exchange. Pass a send as `&mut` to be able to retry it under
    /// the same message id.
    ///
    /// # Errors
    ///
    /// Those of the endpoint; [`Error::Unanswered`] if it must not be repeated and its outcome is
    /// unknown.
    pub fn call<E, S>(&self, endpoint: E, state: &mut S) -> Result<E::Output, Error>
    where
        E: Endpoint,
        S: AsMut<E::State>,
    {
        const { assert!(matches!(E::WANT, Want::Whole { .. }), "use `stream` for a download") };
        self.run(&mut Call::new(endpoint), state)
    }

    /// Runs a flow whose request has [`Want::Head`], and returns its output and the streamed body of
    /// the response.
    ///
    /// # Errors
    ///
    /// Those of the flow.
    pub fn stream<F, S>(&self, flow: &mut F, state: &mut S) -> Result<(F::Output, Download), Error>
    where
        F: Flow,
        S: AsMut<F::State>,
    {
        let poll = |flow: &mut F, now| flow.poll(state.as_mut(), now);
        self.stream_with(flow, poll)
    }

    pub(crate) fn stream_with<F: Flow>(
        &self,
        flow: &mut F,
        poll: impl FnMut(&mut F, Timestamp) -> Result<F::Output, Interrupt>,
    ) -> Result<(F::Output, Download), Error> {
        let (output, rest) = self.driver().drive(flow, &mut io::empty(), poll)?;
        Ok((output, rest.unwrap_or_else(Download::empty)))
    }

    /// Returns the options.
    pub(crate) fn options(&self) -> &Options {
        &self.shared.options
    }

    /// Returns the time of the options' clock.
    pub(crate) fn now(&self) -> Timestamp {
        (self.shared.options.clock)()
    }

    /// Returns a driver for the shared connections.
    pub(crate) fn driver(&self) -> Driver<'_> {
        self.driver_on(&self.shared.agent, None)
    }

    /// Returns a driver for other connections, which a shutdown signal cancels.
    pub(crate) fn driver_on<'a>(
        &'a self,
        agent: &'a Agent,
        shutdown: Option<&'a Shutdown>,
    ) -> Driver<'a> {
        let Options { clock, deadline_cap, .. } = &self.shared.options;
        Driver { agent, clock, deadline_cap: *deadline_cap, shutdown }
    }

    /// Returns an agent with separate connections, which a shutdown signal cancels.
    pub(crate) fn separate(&self, shutdown: &Arc<Shutdown>) -> Agent {
        let Shared { options, config, tls, .. } = &*self.shared;
        agent(options, config, tls, Some(shutdown))
    }
}

/// How long an idle connection is kept; the server may close it earlier.
const IDLE: Duration = Duration::from_secs(90);
/// The size of ureq's buffers; a long poll holds a few of them.
const BUFFER: usize = 16 << 10;
/// The maximum length of a response's head. It must be less than the buffer: ureq treats a full
/// buffer as the end of the connection.
const HEAD: usize = BUFFER - 1;

/// Returns an agent that adds nothing to the requests.
fn agent(
    options: &Options,
    config: &Config,
    tls: &Arc<ClientConfig>,
    shutdown: Option<&Arc<Shutdown>>,
) -> Agent {
    let names = Cache::new(options.names.clone(), shutdown.cloned());
    Agent::with_parts(config.clone(), Connector::new(Arc::clone(tls), shutdown.cloned()), names)
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

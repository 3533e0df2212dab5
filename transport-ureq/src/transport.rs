//! The transport: runs flows over HTTP, independently of any account.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ureq::config::{AutoHeaderValue, Config};
use ureq::{Agent, Proxy};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::Want;
use wechat_proto::{Call, Endpoint, Error, Flow};
use wechat_transport::Options;

use crate::connect::Connector;
use crate::resolve::Cache;
#[cfg(feature = "rustls")]
use crate::tls;
use crate::tls::Shared;

/// An executor of flows over HTTP: connections, TLS configuration, resolver and options.
///
/// It is cheap to clone, and any number of [clients](crate::Client) can share it. It also runs
/// flows without a client, on any state: a custom login, for example.
#[derive(Clone)]
pub struct Transport {
    pub(crate) options: Arc<Options>,
    pub(crate) agent: Agent,
    tls: Shared,
}

impl Transport {
    /// Returns a transport with these options. Does not open a connection.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] if an option is invalid: a malformed root certificate, or a proxy that is
    /// not the URL of an HTTP or a SOCKS proxy.
    pub fn new(options: Options) -> Result<Self, Error> {
        let invalid = |_| Error::Transport(Failure::new(FailureKind::Proxy, Sent::No));
        // With `socks5h`, the proxy resolves the names of hosts.
        let url = options.proxy_url()?.map(|url| url.replacen("socks5:", "socks5h:", 1));
        let proxy = url.as_deref().map(Proxy::new).transpose().map_err(invalid)?;
        let config = Config::builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(AutoHeaderValue::None)
            .accept(AutoHeaderValue::None)
            .accept_encoding(AutoHeaderValue::None)
            .proxy(proxy)
            .timeout_connect(Some(options.connect_limit()))
            .timeout_resolve(Some(options.connect_limit()))
            .max_response_header_size(HEAD)
            .max_idle_age(IDLE)
            .input_buffer_size(HEAD + 1)
            .output_buffer_size(16 << 10);
        #[cfg(feature = "rustls")]
        let config = config.tls_config(tls::config(&options)?);
        Ok(Self::with_agent(Arc::new(options), Shared::default(), config.build()))
    }

    fn with_agent(options: Arc<Options>, tls: Shared, config: Config) -> Self {
        let connector = Connector::new(tls.clone(), config.proxy().is_some());
        let cache = Cache::new(Arc::clone(&options));
        Self { options, tls, agent: Agent::with_parts(config, connector, cache) }
    }

    /// Returns a transport with separate connections.
    pub(crate) fn separate(&self) -> Self {
        Self::with_agent(self.options.clone(), self.tls.clone(), self.agent.config().clone())
    }

    /// Runs a flow to its next output.
    ///
    /// # Errors
    ///
    /// Those of the flow; [`Error::Source`] if it reads a source: see
    /// [`Client::run_with`](crate::Client::run_with).
    pub fn run<F, S>(&self, flow: &mut F, state: &mut S) -> Result<F::Output, Error>
    where
        F: Flow,
        S: AsMut<F::State>,
    {
        let poll = |flow: &mut F, now| flow.poll(state.as_mut(), now);
        Ok(self.drive(flow, &mut io::empty(), None, poll)?.0)
    }

    /// Calls an endpoint with a single exchange. Pass a send as `&mut` to be able to retry it under
    /// the same message id.
    ///
    /// # Errors
    ///
    /// - Those of the endpoint's [`parse`](Endpoint::parse).
    /// - [`Error::Transport`] if the exchange fails.
    /// - [`Error::Unanswered`] if the endpoint must not be repeated and the outcome is unknown.
    pub fn call<E, S>(&self, endpoint: E, state: &mut S) -> Result<E::Output, Error>
    where
        E: Endpoint,
        S: AsMut<E::State>,
    {
        const { assert!(matches!(E::WANT, Want::Whole { .. }), "use a client for a download") };
        self.run(&mut Call::new(endpoint), state)
    }
}

/// The time for which an idle connection is kept. The server may close it earlier.
const IDLE: Duration = Duration::from_secs(90);
/// The maximum length of a response's head. The buffer is larger: ureq treats a full one as the end
/// of the connection.
const HEAD: usize = 64 << 10;

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("options", &self.options).finish_non_exhaustive()
    }
}

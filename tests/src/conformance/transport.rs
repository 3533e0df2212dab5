//! The transports to check.

use std::net::SocketAddr;
use std::time::Duration;

use wechat_proto::Error;

use super::{Feature, Probe, Source};

/// A transport to check: a driver of flows on some HTTP client.
pub trait Transport {
    /// Runs a flow to its output. Failures of exchanges are passed to the flow.
    ///
    /// # Errors
    ///
    /// The error that the flow ended with.
    fn run(&self, flow: &mut Probe) -> Result<(), Error>;

    /// Returns the optional features of the transport, which are then checked too. Default: none.
    fn offers(&self) -> &'static [Feature] {
        &[]
    }

    /// Runs a flow that reads a source. Called only with [`Feature::Sources`].
    ///
    /// # Errors
    ///
    /// The error that the flow ended with.
    fn run_with(&self, flow: &mut Probe, source: Source) -> Result<(), Error> {
        let _ = source;
        self.run(flow)
    }

    /// Runs a flow with `Want::Head`, and appends the streamed body to `body`. Called only with
    /// [`Feature::Streams`].
    ///
    /// # Errors
    ///
    /// The error that ended the body early.
    fn stream(&self, flow: &mut Probe, body: &mut Vec<u8>) -> Result<(), Error> {
        let _ = body;
        self.run(flow)
    }
}

/// The settings of a transport for a check. Settings of a [`Feature`] are set only for transports that offer it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// [`Feature::Names`]: the only names that resolve, with their addresses.
    pub names: Vec<(&'static str, SocketAddr)>,
    /// [`Feature::Roots`]: trusted certificate authorities, in DER.
    pub roots: Vec<Vec<u8>>,
    /// [`Feature::Proxy`]: an HTTP proxy for all connections, with `CONNECT`.
    pub proxy: Option<SocketAddr>,
    /// [`Feature::ConnectTimeout`]: the time limit for connecting, including the TLS handshake.
    pub connect_timeout: Option<Duration>,
    /// [`Feature::DeadlineCap`]: the upper limit of all deadlines.
    pub deadline_cap: Option<Duration>,
}

/// A function that creates a transport.
pub(super) type Open = dyn Fn(&Options) -> Result<Box<dyn Transport>, Error> + Send + Sync;

//! The transport over `reqwest`, with the settings of a check.

use std::collections::HashMap;
use std::future::ready;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::iter;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::crypto::ring;
use tokio::runtime::{Builder, Runtime};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::{Device, Error};
use wechat_simulator::conformance::{Feature, Options, Probe, Source, Transport};

use super::plain::seed;
use super::reqwest::Rest;

/// The transport over `reqwest`, with its own runtime and device.
pub(crate) struct OnReqwest {
    transport: super::reqwest::Transport,
    device: Mutex<Device>,
    runtime: Runtime,
}

pub(crate) fn open(options: &Options) -> Result<OnReqwest, Error> {
    let names = options.names.iter().map(|(name, address)| (name.to_lowercase(), *address));
    let mut builder =
        reqwest::Client::builder().no_proxy().dns_resolver(Arc::new(Names(names.collect())));
    if let Some(proxy) = options.proxy {
        builder = builder.proxy(reqwest::Proxy::all(format!("http://{proxy}")).unwrap());
    }
    if let Some(limit) = options.connect_timeout {
        builder = builder.connect_timeout(limit);
    }
    let mut roots = rustls::RootCertStore::empty();
    for root in &options.roots {
        let invalid = |_| Error::Transport(Failure::new(FailureKind::Certificate, Sent::No));
        roots.add(root.clone().into()).map_err(invalid)?;
    }
    let tls = rustls::ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let transport = super::reqwest::Transport::new(builder.use_preconfigured_tls(tls))?;
    let mut device = Device::new();
    device.mix_seed(seed());
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    Ok(OnReqwest { transport, device: Mutex::new(device), runtime })
}

/// The only names that resolve.
struct Names(HashMap<String, SocketAddr>);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let address = self.0.get(&name.as_str().to_lowercase()).copied();
        let addresses = address.map(|address| Box::new(iter::once(address)) as Addrs);
        Box::pin(ready(addresses.ok_or_else(|| "an unknown name".into())))
    }
}

impl OnReqwest {
    fn run_with(
        &self,
        flow: &mut Probe,
        mut source: Option<Source>,
    ) -> Result<Option<Rest>, Error> {
        let read = |range: Range<u64>| {
            let source = source.as_mut().ok_or(io::ErrorKind::Unsupported)?;
            source.seek(SeekFrom::Start(range.start))?;
            let mut bytes = Vec::new();
            source.take(range.end - range.start).read_to_end(&mut bytes)?;
            Ok(bytes.into())
        };
        let mut device = self.device.lock().unwrap();
        let ((), rest) = self.runtime.block_on(self.transport.run(flow, &mut device, read))?;
        Ok(rest)
    }
}

impl Transport for OnReqwest {
    fn run(&self, flow: &mut Probe) -> Result<(), Error> {
        self.run_with(flow, None).map(drop)
    }

    fn offers(&self) -> &'static [Feature] {
        &[
            Feature::Names,
            Feature::Roots,
            Feature::Proxy,
            Feature::ConnectTimeout,
            Feature::KeepAlive,
            Feature::Sources,
            Feature::Streams,
        ]
    }

    fn run_with(&self, flow: &mut Probe, source: Source) -> Result<(), Error> {
        self.run_with(flow, Some(source)).map(drop)
    }

    fn stream(&self, flow: &mut Probe, body: &mut Vec<u8>) -> Result<(), Error> {
        let Some(mut rest) = self.run_with(flow, None)? else { return Ok(()) };
        self.runtime.block_on(async {
            while let Some(bytes) = rest.chunk().await? {
                body.extend_from_slice(&bytes);
            }
            Ok(())
        })
    }
}

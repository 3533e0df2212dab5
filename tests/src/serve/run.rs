//! `wechat-simulator serve`

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::serve::args::Serve;
use crate::serve::authority::{self, Trusted};
use crate::serve::control;
use crate::serve::follow::{Follower, follow};
use crate::serve::ports::Proxy;
use crate::serve::simulation::Simulation;
use crate::server::accept;
use crate::server::service::{Hosts, Service};

/// The addresses of a running command, as printed with `--json`.
#[derive(Debug, Serialize)]
struct Addresses {
    /// The origin of plain HTTP.
    http: String,
    /// The address of HTTPS for the true host names.
    tls: SocketAddr,
    /// The proxy's URL.
    proxy: String,
    /// The control API's URL.
    control: String,
    /// The path of the certificate to trust.
    ca: PathBuf,
}

/// Serves until Ctrl-C.
///
/// # Errors
///
/// A message of one line, for example if a port is in use.
pub(crate) fn serve(options: &Serve) -> Result<(), String> {
    if !options.bind.is_loopback() && options.control_token.is_none() {
        return Err(format!(
            "--bind {} needs --control-token: other machines could drive the simulator",
            options.bind
        ));
    }
    if options.control_token.as_deref().is_some_and(str::is_empty) {
        return Err("--control-token is empty".to_owned());
    }
    let simulation = Arc::new(Simulation::new(options)?);
    let folder = match &options.ca_dir {
        Some(folder) => folder.clone(),
        None => std::env::home_dir()
            .ok_or("the home directory is unknown: use --ca-dir")?
            .join(".wechat-simulator"),
    };
    let log = options.log.as_deref().map(open_log).transpose()?;
    let bind = |port, option: &str| bind(SocketAddr::new(options.bind, port), option);
    let http = bind(options.port, "--port")?;
    let tls = bind(options.tls_port, "--tls-port")?;
    let proxy = bind(options.proxy_port, "--proxy-port")?;
    let control = bind(options.control_port, "--control-port")?;
    let Trusted { identity, certificate } = authority::open(&folder)?;
    let addresses = Addresses {
        http: format!("http://{}", http.1),
        tls: tls.1,
        proxy: format!("http://{}", proxy.1),
        control: format!("http://{}", control.1),
        ca: std::path::absolute(&certificate).unwrap_or(certificate),
    };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let acceptor = TlsAcceptor::from(Arc::new(identity.config));
        let service = simulation.service.clone();
        let named = Service { hosts: Hosts::Named, ..service.clone() };
        tokio::spawn(accept(http.0, None, named));
        tokio::spawn(accept(tls.0, Some(acceptor.clone()), service.clone()));
        let listener = TcpListener::from_std(proxy.0).map_err(|error| error.to_string())?;
        tokio::spawn(Proxy { acceptor, service }.accept(listener));
        let listener = TcpListener::from_std(control.0).map_err(|error| error.to_string())?;
        let token = options.control_token.clone();
        tokio::spawn(control::serve(listener, Arc::clone(&simulation), token));
        if options.auto_confirm {
            let simulation = Arc::clone(&simulation);
            tokio::spawn(async move { simulation.confirm_logins().await });
        }
        print(&addresses, options).map_err(|error| error.to_string())?;
        let mut followers = Vec::new();
        for account in simulation.simulator.accounts() {
            let log = log.as_ref().map(File::try_clone).transpose();
            let follower = Follower::new(log.map_err(|error| error.to_string())?, !options.json);
            followers.push((account, follower));
        }
        tokio::select! {
            () = follow(&mut followers) => {}
            () = stopped() => {}
        }
        for (account, follower) in &mut followers {
            follower.catch_up(account, true);
        }
        Ok::<(), String>(())
    })?;
    // Held polls and open connections end here.
    runtime.shutdown_background();
    if !options.json {
        println!("stopped");
    }
    Ok(())
}

/// Waits for Ctrl-C or, on Unix, SIGTERM.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn open_log(path: &Path) -> Result<File, String> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.map_err(|error| format!("--log {}: {error}", path.display()))
}

/// Listens on an address. Returns it with the chosen port.
fn bind(address: SocketAddr, option: &str) -> Result<(StdListener, SocketAddr), String> {
    let bound = StdListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    let bound = bound.map(|(listener, address)| (listener, reachable(address)));
    bound.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "{option} {}: the port is in use; choose another, or 0 for a free one",
                address.port()
            )
        }
        _ => format!("{option} {}: cannot listen on {address}: {error}", address.port()),
    })
}

/// Returns the address by which this machine reaches a listener.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn print(addresses: &Addresses, options: &Serve) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if options.json {
        let line = serde_json::to_string(addresses)?;
        writeln!(out, "{line}")?;
        return out.flush();
    }
    let Addresses { http, tls, proxy, control, ca } = addresses;
    let ca = ca.display();
    let reach = if options.bind.is_loopback() { "this machine only" } else { "other machines too" };
    write!(
        out,
        "The simulated service is reachable from {reach}:

  plain HTTP   {http}
  HTTPS        {tls}, for the true host names
  proxy        {proxy}, for the true host names
  control      {control}: a page, and the API of {control}/v1/openapi.json
  certificate  {ca}

Settings for a client that uses the true host names:

  Python   export HTTPS_PROXY={proxy} REQUESTS_CA_BUNDLE={ca} SSL_CERT_FILE={ca}
  Node.js  export HTTPS_PROXY={proxy} NODE_USE_ENV_PROXY=1 NODE_EXTRA_CA_CERTS={ca}
  Go       export HTTPS_PROXY={proxy} SSL_CERT_FILE={ca}
  curl     export HTTPS_PROXY={proxy} CURL_CA_BUNDLE={ca}

Ctrl-C ends it.
"
    )?;
    out.flush()
}

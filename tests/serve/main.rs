//! The command `wechat-simulator`, run as its users do.

mod accounts;
mod control;
mod login;
mod misuse;
mod page;
mod proxy;
mod snapshots;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use wechat_proto::{Device, Hosts};
use wechat_transport_ureq::{Client, Options, Transport};

const COMMAND: &str = env!("CARGO_BIN_EXE_wechat-simulator");

/// A running command on free ports, with its own authority. It is killed when it is dropped.
struct Running {
    child: Child,
    addresses: Value,
    /// The folder of the authority.
    _folder: Folder,
}

/// Creates an HTTP client without a proxy, which returns replies of every status.
fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into()
}

/// A temporary folder.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wechat-simulator-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("text").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Running {
    fn start(options: &[&str]) -> Self {
        let folder = Folder::new();
        let ports = ["--port=0", "--tls-port=0", "--proxy-port=0", "--control-port=0", "--json"];
        let mut child = Command::new(COMMAND)
            .arg("serve")
            .args(ports)
            .arg("--ca-dir")
            .arg(folder.path())
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut line = String::new();
        let out = child.stdout.take().expect("the standard output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let addresses = serde_json::from_str(&line).expect("JSON");
        Self { child, addresses, _folder: folder }
    }

    fn address(&self, name: &str) -> &str {
        self.addresses[name].as_str().expect("text")
    }

    /// Calls the control API. Returns the status and the body, which is null if empty.
    fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.send(method, path, if body.is_null() { String::new() } else { body.to_string() })
    }

    /// Calls the control API with a body that may be malformed.
    fn send(&self, method: &str, path: &str, body: String) -> (u16, Value) {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address("control")))
            .header("content-type", "application/json")
            .body(body)
            .expect("a request");
        let mut reply = agent().run(request).expect("a reply");
        let text = reply.body_mut().read_to_string().expect("text");
        (reply.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
    }

    /// Calls the control API, which must succeed.
    fn done(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, reply) = self.call(method, path, body);
        assert!((200..300).contains(&status), "{method} {path} {body}: {status} {reply}");
        reply
    }

    /// Gets a resource of the control API, which must succeed.
    fn get(&self, path: &str) -> Value {
        self.done("GET", path, &Value::Null)
    }

    /// Waits for a record of a list.
    fn wait(&self, list: &str, conditions: &Value) -> Value {
        self.done("POST", "/v1/wait", &json!({"list": list, "where": conditions}))
    }

    /// Creates a transport that reaches the true host names through the proxy.
    fn proxied(&self) -> Transport {
        let ca = std::fs::read(self.address("ca")).expect("the certificate");
        let options =
            Options::default().proxy(self.address("proxy")).root_certificate(ca).resolve_only();
        Transport::new(options).expect("a transport")
    }

    /// Logs a device in over plain HTTP.
    fn login(&self, device: Device) -> Client {
        let transport = Transport::new(Options::default()).expect("a transport");
        let hosts = Hosts::all(self.address("http").parse().expect("an origin"));
        Client::login(&transport, &mut device.with_hosts(hosts), |_| {}).expect("logged in")
    }

    /// Interrupts the command like Ctrl-C, and waits for its end.
    #[cfg(unix)]
    fn interrupt(&mut self) -> ExitStatus {
        let kill = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(kill.expect("kill").success());
        self.child.wait().expect("ended")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

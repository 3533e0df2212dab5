//! The adapters ignore proxies in the environment of the process.

use std::process::Command;

use wechat_simulator::conformance::{Script, nobody};

use super::host::Host;
use super::{body, client, conform, get, reply};

conform! {
    proxy_variables_are_ignored,
}

/// The environment belongs to the process, so the test runs itself in another one.
fn proxy_variables_are_ignored(host: &dyn Host) {
    const MARK: &str = "CONFORMANCE_IN_A_PROXIED_ENVIRONMENT";
    if std::env::var_os(MARK).is_some() {
        let server = Script::replying(reply("ok"));
        assert_eq!(body(client(host).ask(get(&server))), "ok");
        return;
    }
    // The thread of a test is named after it.
    let this = std::thread::current();
    let proxy = format!("http://{}", nobody());
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", this.name().unwrap()]);
    again.env(MARK, "1").env_remove("NO_PROXY").env_remove("no_proxy");
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"]
    {
        again.env(name, &proxy);
    }
    let output = again.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

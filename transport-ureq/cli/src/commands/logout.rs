//! `wechat logout`

use serde_json::json;

use crate::args::Global;
use crate::client;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Closes the session. The stored file stays: the next login recognises the device by it.
pub(crate) fn run(global: &Global, output: &Output) -> Result<Exit, Failure> {
    client::once(global, "logout", output, |client| {
        client.logout()?;
        output.result("logged_out", &json!({}), |lang| {
            lang.pick("Logged out.", "已退出登录。").to_owned()
        })?;
        Ok(Exit::Done)
    })
}

//! `wechat logout`

use crate::args::Global;
use crate::bridge::operation::{Nothing, Operation};
use crate::exit::{Exit, Failure};
use crate::operate::operate;
use crate::output::Output;

/// Closes the session. The stored file is kept: the next login needs its device.
pub(crate) fn run(global: &Global, output: &Output) -> Result<Exit, Failure> {
    let nothing = operate(global, "logout", &Operation::Logout(Nothing {}), output)?;
    output.result("logged_out", &nothing, |lang| {
        lang.pick("Logged out.", "已退出登录。").to_owned()
    })?;
    Ok(Exit::Done)
}

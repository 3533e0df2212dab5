//! The command `wechat-simulator`.

use std::process::ExitCode;

fn main() -> ExitCode {
    wechat_simulator::serve::main()
}

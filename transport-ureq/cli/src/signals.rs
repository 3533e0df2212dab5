//! Signals that end a command.

use std::sync::OnceLock;

use wechat_transport_ureq::Client;

use crate::exit::{Exit, Failure};

/// The first signal that arrived, as an exit code.
static ARRIVED: OnceLock<Exit> = OnceLock::new();

/// Stops the messages of a client on Ctrl-C or SIGTERM, so that the command can end cleanly. A
/// second signal ends the process.
///
/// On systems other than Unix, a signal ends the process at once. No message is lost, because each
/// is acknowledged only after it has been handled.
///
/// # Errors
///
/// [`Exit::Other`] if the signals cannot be caught.
#[cfg(unix)]
pub(crate) fn stop_on_signal(client: &Client) -> Result<(), Failure> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(|error| {
        Failure::new(Exit::Other, format!("signals: {error}"), format!("信号：{error}"))
    })?;
    let client = client.clone();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let exit = if signal == SIGINT { Exit::Interrupted } else { Exit::Terminated };
            if ARRIVED.set(exit).is_err() {
                std::process::exit(i32::from(exit as u8));
            }
            client.stop();
        }
    });
    Ok(())
}

/// Does nothing: see the version for Unix.
#[cfg(not(unix))]
pub(crate) fn stop_on_signal(_: &Client) -> Result<(), Failure> {
    Ok(())
}

/// Returns the exit code of the signal that arrived.
pub(crate) fn arrived() -> Option<Exit> {
    ARRIVED.get().copied()
}

//! The simulated service on which the examples run, and the people in it.

pub mod scenes;
mod stage;

use wechat_proto::Hosts;
use wechat_transport::Options;

pub use crate::stage::Stage;

/// Returns options that connect to a simulated service, where the people of a scene write to the
/// bot. With `--live`, returns the options unchanged: they connect to the real service.
///
/// The bot runs as a second process in an empty folder. The first one plays the scene: it starts,
/// interrupts and kills the bot, prints the messages of the people, and fails if the bot does not meet
/// the expectations of the scene.
pub fn rehearsal(options: Options, scene: fn(&mut Stage)) -> Options {
    if std::env::args().any(|argument| argument == "--live") {
        return options;
    }
    let Ok(origin) = std::env::var(stage::SERVER) else { Stage::play(scene) };
    let hosts = Hosts::all(origin.parse().expect("the origin of a server"));
    let device = options.new_device().with_hosts(hosts);
    options.device(device)
}

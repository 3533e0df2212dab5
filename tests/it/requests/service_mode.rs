//! The reasons of refusals by the simulator in the errors of the library.

use std::time::Duration;

use wechat_proto::message::SendText;
use wechat_proto::{Device, Error, Hosts, UserName};
use wechat_simulator::{Mode, Server, Simulator, World};
use wechat_transport_ureq::{Client, Options, Transport};

#[test]
fn refusal_has_its_reason_in_the_error() {
    let mut world = World::demo();
    world.set_mode(Mode::Service);
    let simulator = Simulator::new(world.clone());
    let soon = Duration::from_millis(10);
    simulator.then(soon, |world| world.phone().scan());
    simulator.then(soon, |world| world.phone().confirm());
    let server = Server::http(&simulator).unwrap();
    server.real_time();
    let mut device = Device::new().with_hosts(Hosts::all(server.origin().parse().unwrap()));
    let transport = Transport::new(Options::default()).unwrap();
    let client = Client::login(&transport, &mut device, |_| {}).unwrap();
    assert_eq!(simulator.world().violations(), []);
    let nobody: UserName = "@nobody".parse().unwrap();
    let error = client.call(SendText::new(nobody, "x")).unwrap_err();
    let reason = "JSON field `Msg.ToUserName` is `@nobody`, which the service never mentioned";
    assert!(error.to_string().ends_with(reason), "{error}");
    simulator.reset(world);
    let error = client.call(SendText::new(UserName::file_helper(), "x")).unwrap_err();
    assert!(matches!(error, Error::LoggedOut { .. }), "{error:?}");
    let reason = "there is no session: the client is not logged in";
    assert!(error.to_string().ends_with(reason), "{error}");
}

/// The bot uses the system clock, the world its own.
#[test]
fn refusal_without_a_code_has_its_reason_in_the_error() {
    for mode in [Mode::Library, Mode::Page] {
        let mut world = World::demo();
        world.set_mode(mode);
        let simulator = Simulator::new(world);
        let server = Server::http(&simulator).unwrap();
        let mut device = Device::new().with_hosts(Hosts::all(server.origin().parse().unwrap()));
        let transport = Transport::new(Options::default()).unwrap();
        let error = Client::login(&transport, &mut device, |_| {}).unwrap_err();
        let reason = "not the clock in milliseconds, which is near 17";
        assert!(error.to_string().contains(reason), "{mode:?} {error}");
    }
}

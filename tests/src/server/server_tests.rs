//! Tests of the server over sockets.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use bytes::Bytes;
use http::{Request, Response};

use super::*;
use crate::client::{Client, text};
use crate::{Answer, Demo, World};

/// Sends a request over a socket and reads its reply, by its `Content-Length`.
fn exchange(stream: &mut TcpStream, request: &Request<Bytes>) -> Response<Bytes> {
    let path = request.uri().path_and_query().expect("a path");
    let mut head = format!("{} {path} HTTP/1.1\r\n", request.method());
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().expect("text")));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).expect("written");
    stream.write_all(request.body()).expect("written");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("text");
    let mut lines = head.lines();
    let status: u16 = lines.next().expect("a status")[9..12].parse().expect("a number");
    let mut reply = Response::builder().status(status);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        reply = reply.header(name, value);
    }
    let length = reply.headers_ref().expect("headers")["content-length"]
        .to_str()
        .expect("text")
        .parse()
        .expect("a number");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    reply.body(body.into()).expect("a reply")
}

fn started() -> (Server, Client, TcpStream) {
    let mut client = Client::new(World::demo());
    let server = Server::http(&client.simulator).expect("a server");
    client.page = server.origin();
    let stream = TcpStream::connect(server.addr()).expect("a connection");
    (server, client, stream)
}

/// A kept connection returns the same replies as an in-memory world.
#[test]
fn replies_over_a_socket_equal_those_in_memory() {
    let (server, mut client, mut stream) = started();
    let mut memory = client.simulator.locked().clone();
    client.simulator.then(Duration::from_secs(2), |world| world.phone().scan());
    server.hold(Duration::from_millis(50));
    let request = client.jslogin_request();
    let reply = exchange(&mut stream, &request);
    memory.advance(Duration::from_millis(7));
    let Answer::Reply(expected) = memory.handle(&request) else { panic!("held") };
    assert_eq!(reply.body(), expected.body());
    assert_eq!(reply.headers(), expected.headers());
    client.uuid = crate::client::between(text(&reply), "uuid = \"", "\"").to_owned();
    let start = client.now();
    assert!(text(&exchange(&mut stream, &client.poll_request())).starts_with("window.code=201;"));
    assert_eq!(client.now() - start, 2_007);
    client.tip = 0;
    assert_eq!(text(&exchange(&mut stream, &client.poll_request())), "window.code=408;");
    assert_eq!(client.now() - start, 27_014);
    client.assert_clean();
    // Only in memory, the address is absolute; both render alike.
    let logged = |world: &World| world.log()[0].render();
    assert_eq!(logged(&client.simulator.world()), logged(&memory));
}

#[test]
fn held_poll_is_answered_after_a_change() {
    let (_server, mut client, mut stream) = started();
    client.log_in();
    client.sync();
    let request = client.check_request();
    let simulator = client.simulator.clone();
    let change = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        simulator.world().person_writes("filehelper", "hi");
    });
    let start = std::time::Instant::now();
    let reply = exchange(&mut stream, &request);
    assert!(text(&reply).contains("selector:\"2\""));
    assert!(start.elapsed() < Duration::from_secs(5));
    change.join().expect("joined");
    client.assert_clean();
}

#[test]
fn reset_keeps_the_hosts() {
    let (_server, client, mut stream) = started();
    let request = client.jslogin_request();
    assert_eq!(exchange(&mut stream, &request).status(), 200);
    client.simulator.then(Duration::ZERO, |world| world.phone().scan());
    client.simulator.reset(World::demo());
    assert!(client.simulator.is_done() && client.simulator.world().log().is_empty());
    assert_eq!(exchange(&mut stream, &request).status(), 200);
    client.assert_clean();
}

#[test]
fn injected_refusal_applies_to_one_request() {
    let (server, client, mut stream) = started();
    let refuse = |ret| Effect::Refuse { ret, message: String::new() };
    server.inject(Injection::new("jslogin", refuse(400)));
    server.inject(Injection::new("jslogin", refuse(401)));
    let mut wrong = client.jslogin_request();
    wrong.headers_mut().remove("accept");
    // A violation takes the place of the first refusal.
    assert_eq!(exchange(&mut stream, &wrong).status(), 400);
    let request = client.jslogin_request();
    let reply = exchange(&mut stream, &request);
    assert!(text(&reply).starts_with("window.QRLogin.code = 401;"), "{}", text(&reply));
    let reply = exchange(&mut stream, &request);
    assert!(text(&reply).starts_with("window.QRLogin.code = 200;"), "{}", text(&reply));
}

/// Neither a message for one of two accounts nor a request wakes the polls of the other.
#[test]
fn only_polls_of_the_changed_account_are_handled_again() {
    const POLLS: usize = 10_000;
    let mut quiet = Client::ready(World::demo());
    let mut other = quiet.beside(World::demo());
    quiet.sync();
    other.sync();
    let server = Server::tls(&quiet.simulator).expect("a server");
    // On a busy machine, starting the polls takes longer than the service holds them.
    server.hold(Duration::from_secs(600));
    let service = server.service.clone();
    let count = || service.evaluations.load(Ordering::Relaxed);
    let requests = (0..POLLS).map(|_| quiet.check_request()).collect::<Vec<_>>();
    let requests = requests.into_iter().chain([other.check_request()]);
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let mut held = tokio::task::JoinSet::new();
        for request in requests {
            let service = service.clone();
            held.spawn(async move { service.respond(&request, None).await });
        }
        // Lets every woken task run.
        let idle = || async {
            for _ in 0..POLLS / 10 {
                tokio::task::yield_now().await;
            }
        };
        idle().await;
        let before = count();
        assert_eq!(before, POLLS as u64 + 1, "each poll is handled again before it waits");
        // A request of the account itself that is no news for its polls.
        let request = quiet.message_request("filehelper", "hi");
        service.respond(&request, None).await;
        other.simulator.world().person_writes("filehelper", "news");
        let reply = held.join_next().await.expect("a poll").expect("a reply");
        assert!(text(&reply).contains("selector:\"2\""), "{}", text(&reply));
        idle().await;
        assert_eq!(count() - before, 1);
    });
}

/// The new world answers the held polls with the end of an unknown session, or with its own news.
#[test]
fn replaced_world_answers_held_polls() {
    type Replace = fn(&Simulator);
    let replace: [(_, Replace, _); 4] = [
        ("assigned", |simulator| *simulator.world() = World::demo(), "retcode:\"1100\""),
        ("reset", |simulator| simulator.reset(World::demo()), "retcode:\"1100\""),
        (
            "restored",
            |simulator| {
                let mut saved = simulator.world().clone();
                saved.person_writes("filehelper", "of the restored world");
                simulator.reset(saved);
            },
            "selector:\"2\"",
        ),
        (
            "assigned, with another account",
            |simulator| {
                let _ = simulator.add_account(World::demo());
                *simulator.world() = World::demo();
            },
            "retcode:\"1100\"",
        ),
    ];
    for (label, replace, expected) in replace {
        let (_server, mut client, mut stream) = started();
        client.log_in();
        client.sync();
        let request = client.check_request();
        let simulator = client.simulator.clone();
        let change = thread::spawn(move || {
            while simulator.world().log().last().is_none_or(|last| last.endpoint != "synccheck") {
                thread::sleep(Duration::from_millis(5));
            }
            replace(&simulator);
        });
        let start = std::time::Instant::now();
        let reply = exchange(&mut stream, &request);
        assert!(text(&reply).contains(expected), "{label}: {}", text(&reply));
        assert!(start.elapsed() < Duration::from_secs(5), "{label}");
        change.join().expect("joined");
        // The server keeps running at its own address.
        let request = Client { page: client.page.clone(), ..Client::new(World::demo()) };
        let reply = exchange(&mut stream, &request.jslogin_request());
        assert_eq!(reply.status(), 200, "{label}: {}", text(&reply));
    }
}

#[test]
fn server_stops_while_a_poll_is_held() {
    let (server, client, mut stream) = started();
    exchange(&mut stream, &client.jslogin_request());
    stream
        .write_all(b"GET /cgi-bin/mmwebwx-bin/login?uuid= HTTP/1.1\r\nhost: x\r\n\r\n")
        .expect("written");
    let start = std::time::Instant::now();
    drop(server);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn demo_completes() {
    let demo = Demo::start();
    let mut client = Client::new(World::demo());
    client.simulator = demo.simulator().clone();
    client.page = demo.origin();
    let mut stream =
        TcpStream::connect(demo.origin().trim_start_matches("http://")).expect("a connection");
    let start = std::time::Instant::now();
    let reply = exchange(&mut stream, &client.jslogin_request());
    client.uuid = crate::client::between(text(&reply), "uuid = \"", "\"").to_owned();
    assert!(text(&exchange(&mut stream, &client.poll_request())).starts_with("window.code=201;"));
    client.tip = 0;
    let reply = exchange(&mut stream, &client.poll_request());
    client.redirect = crate::client::between(text(&reply), "redirect_uri=\"", "\"").to_owned();
    // No step runs between two polls, so that calls in memory and over the socket can be mixed.
    client.login_page();
    client.init();
    client.notify();
    let mut rounds = 0;
    let last = loop {
        let request = client.check_request();
        let reply = exchange(&mut stream, &request);
        if !text(&reply).contains("retcode:\"0\"") {
            break text(&reply).to_owned();
        }
        client.sync();
        rounds += 1;
        assert!(rounds < 20);
    };
    assert!(last.contains("retcode:\"1100\""), "{last}");
    let time = start.elapsed();
    assert!(time > Duration::from_secs(5) && time < Duration::from_secs(30), "{time:?}");
    let texts =
        client.simulator.world().delivered().iter().filter(|message| message.msg_type == 1).count();
    assert_eq!(texts, 6);
    client.assert_clean();
}

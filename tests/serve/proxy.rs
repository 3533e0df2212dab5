//! The proxy connects only to the simulated hosts.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::Running;

#[test]
fn proxy_connects_only_to_simulated_hosts() {
    let running = Running::start(&[]);
    let address = running.address("proxy").trim_start_matches("http://");
    for (line, status) in [
        ("CONNECT wx.qq.com:443", 200),
        ("CONNECT FILE.wx2.qq.com:443", 200),
        ("CONNECT wx.qq.com:80", 403),
        ("CONNECT example.com:443", 403),
        ("CONNECT wx.qq.com.example.com:443", 403),
        ("CONNECT 127.0.0.1:443", 403),
        ("GET https://login.wx.qq.com/jslogin", 200),
        ("GET https://login.wx.qq.com:444/jslogin", 403),
        ("GET http://login.wx.qq.com/jslogin", 403),
        ("GET https://example.com/", 403),
        ("GET /jslogin", 403),
    ] {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let head = format!("{line} HTTP/1.1\r\nhost: login.wx.qq.com\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("written");
        let mut start = [0; 12];
        stream.read_exact(&mut start).expect("a status line");
        assert_eq!(start, *format!("HTTP/1.1 {status}").as_bytes(), "{line}");
    }
}

use bytes::Bytes;
use http::{Request, Response};
use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::client::{Client, json};
use crate::media::upload::hex;
use crate::wire::request::decode;
use crate::{Grade, Mode, World};

const KIND: &str = "multipart/form-data; boundary=----WebKitFormBoundary0123456789abcdef";

/// A file to upload.
struct File {
    name: &'static str,
    mime: &'static str,
    kind: &'static str,
    date: &'static str,
    bytes: Vec<u8>,
    request: String,
}

impl File {
    fn new(client: &mut Client, name: &'static str, bytes: Vec<u8>, keys: &str) -> Self {
        let (mime, kind) = match name.ends_with(".png") {
            true => ("image/png", "pic"),
            false => ("application/zip", "doc"),
        };
        let (length, md5) = (bytes.len(), hex(&Md5::digest(&bytes)));
        let base = client.base();
        let request = format!(
            "{{\"UploadType\":2,{base},\"ClientMediaId\":{},\"TotalLen\":{length},\"StartPos\":0,\"DataLen\":{length},\"MediaType\":4,\"FromUserName\":\"{}\",\"ToUserName\":\"filehelper\",\"FileMd5\":\"{md5}\"{keys}}}",
            client.now(),
            client.me
        );
        let date = "Sat Jun 23 2018 16:45:07 GMT+0800 (中国标准时间)";
        Self { name, mime, kind, date, bytes, request }
    }

    /// Builds the request of a piece as the official page does.
    fn piece(&self, client: &Client, piece: usize) -> Request<Bytes> {
        let pieces = self.bytes.len().div_ceil(524_288);
        let several = pieces > 1;
        let (length, number) = (self.bytes.len().to_string(), piece.to_string());
        let (count, ticket) = (pieces.to_string(), decode(&client.pass_ticket));
        let mut fields = vec![
            ("id", "WU_FILE_0"),
            ("name", self.name),
            ("type", self.mime),
            ("lastModifiedDate", self.date),
            ("size", &length),
        ];
        if several {
            fields.extend([("chunks", &*count), ("chunk", &*number)]);
        }
        fields.extend([
            ("mediatype", self.kind),
            ("uploadmediarequest", &*self.request),
            ("webwx_data_ticket", &*client.cookies["webwx_data_ticket"].0),
            ("pass_ticket", &*ticket),
        ]);
        let separator = "--".to_owned() + KIND.split_once("boundary=").expect("a boundary").1;
        let mut body = String::new();
        for (name, value) in fields {
            body.push_str(&format!(
                "{separator}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        let mime = if several { "application/octet-stream" } else { self.mime };
        body.push_str(&format!(
            "{separator}\r\nContent-Disposition: form-data; name=\"filename\"; filename=\"{}\"\r\nContent-Type: {mime}\r\n\r\n",
            self.name
        ));
        let mut body = body.into_bytes();
        let end = self.bytes.len().min((piece + 1) * 524_288);
        body.extend_from_slice(&self.bytes[piece * 524_288..end]);
        body.extend_from_slice(format!("\r\n{separator}--\r\n").as_bytes());
        let url = "https://file.wx2.qq.com/cgi-bin/mmwebwx-bin/webwxuploadmedia?f=json";
        let mut request = client.request("POST", "*/*", url, Some((KIND, String::new())));
        request.headers_mut().insert("content-length", body.len().into());
        *request.body_mut() = body.into();
        request
    }

    fn send(&self, client: &mut Client, piece: usize) -> Response<Bytes> {
        let request = self.piece(client, piece);
        client.send(&request)
    }
}

fn announce(client: &mut Client, name: &str, bytes: &[u8]) -> serde_json::Value {
    json(&announcement(client, name, bytes))
}

fn announcement(client: &mut Client, name: &str, bytes: &[u8]) -> Response<Bytes> {
    let fields = format!(
        "\"FromUserName\":\"{}\",\"ToUserName\":\"filehelper\",\"FileSize\":{},\"FileMd5\":\"{}\",\"FileName\":\"{name}\",\"FileType\":7,BASE",
        client.me,
        bytes.len(),
        hex(&Md5::digest(bytes))
    );
    client.ask("webwxcheckupload", "", &fields)
}

#[test]
fn small_file_is_kept() {
    let mut client = Client::ready(World::demo());
    let file = File::new(&mut client, "a b.png", b"the bytes".to_vec(), "");
    let reply = json(&file.send(&mut client, 0));
    assert_eq!(reply["BaseResponse"]["Ret"], 0);
    assert_eq!((&reply["StartPos"], &reply["EncryFileName"]), (&9.into(), &"a%20b%2Epng".into()));
    // After a lost reply, the repeated piece gets the same answer and adds no file.
    let again = json(&file.send(&mut client, 0));
    assert_eq!(again, reply);
    client.assert_clean();
    let world = client.simulator.world();
    let [kept] = world.uploads() else { panic!("{:?}", world.uploads()) };
    assert_eq!(reply["MediaId"], *kept.media_id);
    assert_eq!((&*kept.name, kept.size, &*kept.media_type), ("a b.png", 9, "pic"));
    assert_eq!((kept.bytes.as_deref(), kept.repeats), (Some(&b"the bytes"[..]), 1));
    assert_eq!(kept.md5, hex(&Md5::digest(b"the bytes")));
    assert!(world.log().last().is_some_and(|logged| !logged.request.body().is_empty()));
}

#[test]
fn pieces_must_be_in_order_and_consistent() {
    let mut client = Client::ready(World::demo());
    let file = File::new(&mut client, "a.zip", vec![7; 2 * 524_288 + 9], "");
    assert_eq!(file.send(&mut client, 1).status(), 400, "not the first");
    let reply = json(&file.send(&mut client, 0));
    assert_eq!((&reply["MediaId"], &reply["StartPos"]), (&"".into(), &524_288.into()));
    assert_eq!(file.send(&mut client, 2).status(), 400, "one is missing");
    let other =
        File { name: "b.zip", request: file.request.clone(), bytes: file.bytes.clone(), ..file };
    assert_eq!(other.send(&mut client, 1).status(), 400, "another name");
    finish(&mut client, other);
    let found = client.violations();
    assert!(found[0].contains("`chunk` is 1") && found[1].contains("`chunk` is 2"), "{found:?}");
    assert!(found[2].contains("`name` differs from the earlier pieces"), "{found:?}");
    assert_eq!(found.len(), 3);
}

/// itchat writes the time of each piece, so that a second may pass between two of them.
#[test]
fn later_piece_may_have_another_date() {
    let mut world = World::demo();
    world.set_mode(Mode::Service);
    let mut client = Client::ready(world);
    let mut file = File::new(&mut client, "a.zip", vec![7; 524_288 + 9], "");
    file.send(&mut client, 0);
    file.date = "Sat Jun 23 2018 16:45:08 GMT+0800 (中国标准时间)";
    assert_eq!(json(&file.send(&mut client, 1))["StartPos"], 524_288 + 9);
    let world = client.simulator.world();
    let found: Vec<_> =
        world.violations().iter().map(|found| (found.grade, &*found.what)).collect();
    let date = "form field `lastModifiedDate` differs from the earlier pieces";
    assert_eq!(found, [(Grade::Deviation, date)]);
    assert_eq!(world.uploads().len(), 1);
}

/// Sends the remaining pieces under the file's own name.
fn finish(client: &mut Client, file: File) {
    let file = File { name: "a.zip", ..file };
    file.send(client, 1);
    let reply = json(&file.send(client, 2));
    assert_eq!(reply["StartPos"], 2 * 524_288 + 9);
    let world = client.simulator.world();
    let kept = &world.uploads()[0];
    assert_eq!((reply["MediaId"].as_str(), &kept.bytes), (Some(&*kept.media_id), &None));
    assert!(world.log().last().is_some_and(|logged| logged.request.body().is_empty()));
}

#[test]
fn wrong_md5_is_refused() {
    let mut client = Client::ready(World::demo());
    let mut file = File::new(&mut client, "a.png", b"the bytes".to_vec(), "");
    file.bytes = b"The bytes".to_vec();
    assert_eq!(file.send(&mut client, 0).status(), 400);
    assert!(client.violations()[0].contains("`uploadmediarequest.FileMd5`"));
    assert!(client.simulator.world().uploads().is_empty());
}

#[test]
fn large_files_require_an_upload_check() {
    let mut client = Client::ready(World::demo());
    let bytes = vec![7; 26_214_401];
    let file = File::new(&mut client, "a.zip", bytes.clone(), "");
    assert_eq!(file.send(&mut client, 0).status(), 400);
    let found = client.violations();
    assert!(
        found.iter().any(|found| found.contains("is not that of an announced file")),
        "{found:?}"
    );

    let mut client = Client::ready(World::demo());
    let answer = announce(&mut client, "a.zip", &bytes);
    let (key, signature) = (&answer["AESKey"], &answer["Signature"]);
    assert_eq!((&answer["MediaId"], &answer["EncryFileName"]), (&"".into(), &"a%2Ezip".into()));
    let keys = format!(",\"AESKey\":{key},\"Signature\":{signature}");
    let file = File::new(&mut client, "a.zip", bytes.clone(), &keys);
    for piece in 0..51 {
        file.send(&mut client, piece);
    }
    client.assert_clean();
    let world = client.simulator.world();
    assert_eq!(signature.as_str(), Some(&*world.uploads()[0].signature));
    let id = world.uploads()[0].media_id.clone();
    drop(world);
    let again = announce(&mut client, "b.zip", &bytes);
    assert_eq!((&again["MediaId"], &again["Signature"]), (&(*id).into(), signature));
    assert_eq!(client.simulator.world().uploads()[0].instant, 1);
    client.assert_clean();
    assert_eq!(announcement(&mut client, "small.zip", b"small").status(), 400);
    assert!(client.violations()[0].contains("only larger files are announced"));
}

#[test]
fn refusals_have_a_complete_body() {
    let mut client = Client::ready(World::demo());
    let file = File::new(&mut client, "a.png", b"the bytes".to_vec(), "");
    client.simulator.world().refuse("webwxuploadmedia", 1, "no");
    let refused = json(&file.send(&mut client, 0));
    assert_eq!((&refused["BaseResponse"]["Ret"], &refused["MediaId"]), (&1.into(), &"".into()));
    assert_eq!(json(&file.send(&mut client, 0))["BaseResponse"]["Ret"], 0);
    client.simulator.world().refuse("webwxcheckupload", 1, "no");
    let refused = announce(&mut client, "a.zip", &vec![7; 26_214_401]);
    assert_eq!(
        (&refused["BaseResponse"]["ErrMsg"], &refused["AESKey"]),
        (&"no".into(), &"".into())
    );
    client.assert_clean();
}

#[test]
fn one_client_id_is_accepted_for_two_files_in_service_mode() {
    let mut world = World::demo();
    world.set_mode(Mode::Service);
    let mut client = Client::ready(world);
    let first = File::new(&mut client, "a.zip", b"first".to_vec(), "");
    let id = crate::client::between(&first.request, "\"ClientMediaId\":", ",").to_owned();
    let mut second = File::new(&mut client, "b.zip", b"other".to_vec(), "");
    let own = crate::client::between(&second.request, "\"ClientMediaId\":", ",").to_owned();
    second.request = second.request.replace(&own, &id);
    let mut damaged = File::new(&mut client, "c.zip", b"third".to_vec(), "");
    damaged.bytes = b"thirx".to_vec();
    for (file, ret) in [(&first, 0), (&second, 0), (&damaged, 1)] {
        let request = file.piece(&client, 0);
        let reply = json(&client.send(&request));
        assert_eq!(reply["BaseResponse"]["Ret"], ret, "{}: {reply}", file.name);
    }
    let world = client.simulator.world();
    let names: Vec<_> = world.uploads().iter().map(|file| &*file.name).collect();
    assert_eq!(names, ["a.zip", "b.zip"]);
}

#[test]
fn dates_of_other_locales_are_accepted_and_encoded_names_refused() {
    let mut world = World::demo();
    world.set_mode(Mode::Service);
    let mut client = Client::ready(world);
    for (from, to, ret) in [
        ("GMT+0800 (中国标准时间)", "GMT-0500 (Eastern Standard Time)", 0),
        ("Sat Jun 23 2018 16:45:07 GMT+0800 (中国标准时间)", "Sat, 23 Jun 2018 08:45:07 GMT", 0),
        ("filename=\"a.zip\"", "filename*=utf-8''a.zip", 1),
    ] {
        let file = File::new(&mut client, "a.zip", b"first".to_vec(), "");
        let mut request = file.piece(&client, 0);
        let body = String::from_utf8(request.body().to_vec()).expect("UTF-8").replace(from, to);
        request.headers_mut().insert("content-length", body.len().into());
        *request.body_mut() = body.into();
        let reply = json(&client.send(&request));
        assert_eq!(reply["BaseResponse"]["Ret"], ret, "{to}: {reply}");
    }
}

/// The last byte is altered whichever piece has the fault, and no check finds it.
#[test]
fn altered_upload_has_another_last_byte() {
    for (altered, pieces) in [(0, 1), (0, 2), (1, 2)] {
        let mut client = Client::ready(World::demo());
        let bytes = vec![b'a'; if pieces == 1 { 10 } else { 600_000 }];
        let file = File::new(&mut client, "b.zip", bytes.clone(), "");
        for piece in 0..pieces {
            client.simulator.world().alters = piece == altered;
            file.send(&mut client, piece);
            client.simulator.world().alters = false;
            // A repetition of the piece is recognised.
            file.send(&mut client, piece);
        }
        let world = client.simulator.world();
        let [upload] = world.uploads() else { panic!("{:?}", world.uploads().len()) };
        let stored = upload.bytes.clone().expect("the bytes");
        assert_eq!(stored[..bytes.len() - 1], bytes[1..]);
        assert_eq!((stored.len(), stored.last()), (bytes.len(), Some(&b'`')));
        assert_eq!(upload.sha256, hex(&Sha256::digest(&stored)));
        drop(world);
        client.assert_clean();
    }
}

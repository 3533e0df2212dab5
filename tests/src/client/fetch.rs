//! Downloads of the test client.

use bytes::Bytes;
use http::{Request, Response};

use crate::Asset;
use crate::client::Client;
use crate::wire::request::encode;

impl Client {
    /// Builds the page's request for an asset: of a message by its `MsgId`, of a file by its `MediaId`, of a contact by
    /// its `UserName`.
    pub(crate) fn fetch_request(&self, asset: &Asset) -> Request<Bytes> {
        let image = "image/webp,image/apng,image/*,*/*;q=0.8";
        let base = format!("{}/cgi-bin/mmwebwx-bin", self.page);
        let skey = encode(&self.skey);
        let (accept, url) = match asset {
            Asset::Image(id, size) => {
                let size = if size.is_empty() { String::new() } else { format!("&type={size}") };
                (image, format!("{base}/webwxgetmsgimg?&MsgID={id}&skey={skey}{size}"))
            }
            Asset::Voice(id) => ("*/*", format!("{base}/webwxgetvoice?msgid={id}&skey={skey}")),
            Asset::Video(id) => ("*/*", format!("{base}/webwxgetvideo?msgid={id}&skey={skey}")),
            Asset::Map(id) => {
                (image, format!("{base}/webwxgetpubliclinkimg?url=xxx&msgid={id}&pictype=location"))
            }
            Asset::Icon(name, big) => {
                let big = if *big { "&type=big" } else { "" };
                (image, format!("{base}/webwxgeticon?seq=0&username={name}&skey={skey}{big}"))
            }
            Asset::HeadImg(name) => {
                (image, format!("{base}/webwxgetheadimg?seq=0&username={name}&skey={skey}"))
            }
            Asset::File(media_id) => {
                let world = self.simulator.world();
                let sent = world.message_of(media_id).expect("a message").clone();
                drop(world);
                let ticket = &self.cookies["webwx_data_ticket"].0;
                let name = match &*sent.encry_file_name {
                    "" => format!("filename={}", encode(&sent.file_name)),
                    encoded => format!("encryfilename={encoded}"),
                };
                (
                    "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,image/apng,*/*;q=0.8",
                    format!(
                        "{}/cgi-bin/mmwebwx-bin/webwxgetmedia?sender={}&mediaid={media_id}&{name}&fromuser={}&pass_ticket={}&webwx_data_ticket={}",
                        self.page.replace("//", "//file."),
                        sent.from,
                        self.uin,
                        encode(&self.pass_ticket),
                        encode(ticket)
                    ),
                )
            }
        };
        let mut request = self.request("GET", accept, &url, None);
        if matches!(asset, Asset::Voice(_) | Asset::Video(_)) {
            request
                .headers_mut()
                .insert("accept-encoding", http::HeaderValue::from_static("identity"));
            request.headers_mut().insert("range", http::HeaderValue::from_static("bytes=0-"));
        }
        request
    }

    pub(crate) fn fetch(&mut self, asset: &Asset) -> Response<Bytes> {
        let request = self.fetch_request(asset);
        self.send(&request)
    }

    /// Downloads the picture of a person who is no contact; the parameters in `more` name the context.
    pub(crate) fn icon_from(&mut self, name: &str, more: &str) -> Response<Bytes> {
        let mut request = self.fetch_request(&Asset::Icon(name.to_owned(), false));
        *request.uri_mut() = format!("{}&{more}", request.uri()).parse().expect("an address");
        self.send(&request)
    }
}

//! `GET /qrcode/{uuid}`
//!
//! The picture of the QR code, a JPEG (`docs/protocol.md` §3.2). Not needed where the code is
//! drawn from [`Uuid::url`].

use bytes::Bytes;

use crate::call::Call;
use crate::device::Device;
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::Uuid;
use crate::wire::envelope;
use crate::wire::query::{Accept, Url, encode};

const ENDPOINT: &str = "qrcode";

/// Asks for the picture; read by [`parse`].
pub fn request(device: &Device, uuid: &Uuid) -> Call<Bytes> {
    // `=` stays: the service writes it so.
    let path = alloc::format!("/qrcode/{}", encode(uuid.as_str())).replace("%3D", "=");
    let http = Url::new(device, Role::QrCode, &path).accept(Accept::Image).get(device);
    Call::again(http, parse).limit(1 << 20)
}

/// Reads the reply of [`request`]: the bytes of a JPEG, whatever type they are said to have.
///
/// # Errors
///
/// [`Error::Malformed`] for anything else.
pub fn parse(reply: &Response) -> Result<Bytes, Error> {
    if reply.status() == http::StatusCode::OK && reply.body().starts_with(b"\xff\xd8\xff") {
        return Ok(reply.body().clone());
    }
    Err(envelope::not_script(ENDPOINT, "a JPEG picture", reply))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{malformed, rendered};

    #[test]
    fn asks() {
        let device = Device::new();
        let uuid = Uuid::parse("gf5Gk61zEA==").unwrap();
        insta::assert_snapshot!(rendered(request(&device, &uuid), &mut device.clone()), @"
        GET https://login.weixin.qq.com/qrcode/gf5Gk61zEA==
        host: login.weixin.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: image/webp,image/apng,image/*,*/*;q=0.8
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        ");
    }

    #[test]
    fn reads() {
        let picture = Bytes::from_static(b"\xff\xd8\xff\xe0rest");
        assert_eq!(parse(&Response::new(picture.clone())).unwrap(), picture);
        malformed(parse, &["GIF89a"]);
    }
}

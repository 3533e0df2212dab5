//! `GET /qrcode/{uuid}`
//!
//! Gets the picture of the QR code, a JPEG (`docs/protocol.md` §3.2). Not needed if the code is
//! drawn from [`Uuid::url`].

use bytes::Bytes;

use crate::endpoint::PAGE;
use crate::flow::{Response, Want};
use crate::hosts::Role;
use crate::wire::envelope;
use crate::wire::query::{Accept, Url, encode};
use crate::{Body, Device, Endpoint, Error, Timestamp, Uuid};

const ENDPOINT: &str = "qrcode";

/// A request that gets the picture of a QR code, a JPEG.
#[derive(Clone, Debug)]
pub struct GetQrCode {
    uuid: Uuid,
}

impl GetQrCode {
    /// Returns a request for the picture of the login with this UUID.
    pub const fn new(uuid: Uuid) -> Self {
        Self { uuid }
    }
}

impl Endpoint for GetQrCode {
    type State = Device;
    type Output = Bytes;

    const WANT: Want = PAGE;

    fn request(&mut self, device: &mut Device, now: Timestamp) -> http::Request<Body> {
        // The service does not encode `=` here.
        let path = alloc::format!("/qrcode/{}", encode(self.uuid.as_str())).replace("%3D", "=");
        Url::new(Role::QrCode, &path).accept(Accept::Image).get(device, now)
    }

    /// Returns the bytes of a JPEG, regardless of the declared `Content-Type`.
    ///
    /// # Errors
    ///
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response that is not a JPEG.
    fn parse(&self, response: &Response) -> Result<Bytes, Error> {
        let is_jpeg = response.body().starts_with(b"\xff\xd8\xff");
        if response.status() == http::StatusCode::OK && is_jpeg {
            return Ok(response.body().clone());
        }
        Err(envelope::unexpected(ENDPOINT, "a JPEG picture", response))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{malformed, rendered};

    fn code() -> GetQrCode {
        GetQrCode::new("gf5Gk61zEA==".parse().unwrap())
    }

    #[test]
    fn qr_code_request_is_built() {
        insta::assert_snapshot!(rendered(code(), &mut Device::new()), @"
        GET https://login.weixin.qq.com/qrcode/gf5Gk61zEA==
        accept: image/webp,image/apng,image/*,*/*;q=0.8
        ");
    }

    #[test]
    fn qr_code_reply_is_parsed() {
        let picture = Bytes::from_static(b"\xff\xd8\xff\xe0rest");
        assert_eq!(code().parse(&Response::new(picture.clone())).unwrap(), picture);
        malformed(&code(), &["GIF89a"]);
    }
}

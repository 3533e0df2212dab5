//! The parts of the form of an upload.

use bytes::Bytes;
use serde_json::Value;

use crate::wire::multipart::Part;
use crate::wire::request::{UPLOADS, common};

/// The fields of a piece, in order.
pub(super) const FIELDS: [&str; 12] = [
    "id", "name", "type", "lastModifiedDate", "size", "chunks", "chunk", "mediatype",
    "uploadmediarequest", "webwx_data_ticket", "pass_ticket", "filename",
];

/// The fields of a piece on the file-transfer page, in order.
pub(super) const FILE_HELPER_FIELDS: [&str; 11] = [
    "name", "lastModifiedDate", "size", "type", "chunks", "chunk", "mediatype",
    "uploadmediarequest", "webwx_data_ticket", "pass_ticket", "filename",
];

/// The parts of a form, by name.
pub(super) struct Parts<'a>(pub(super) &'a [Part]);

impl Parts<'_> {
    pub(super) fn find(&self, name: &str) -> Option<&Part> {
        self.0.iter().find(|part| part.name == name)
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.find(name).map(Part::text).unwrap_or_default()
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        let text = self.text(name);
        text.parse().ok().filter(|number: &u64| number.to_string() == text)
    }

    pub(super) fn bytes(&self) -> Bytes {
        self.find("filename").map(|part| part.bytes.clone()).unwrap_or_default()
    }

    /// Returns the fields that are equal in all pieces.
    pub(super) fn common(&self) -> Vec<(String, String)> {
        let own = ["chunk", "filename"];
        let shared = self.0.iter().filter(|part| !own.contains(&part.name.as_str()));
        let text = |part: &Part| match UPLOADS.contains(&part.name.as_str()) {
            true => common(&part.text()),
            false => part.text(),
        };
        shared.map(|part| (part.name.clone(), text(part))).collect()
    }

    /// Returns whether this is a piece for `webwxuploadmediaparallel`.
    pub(super) fn is_parallel(&self) -> bool {
        self.find(UPLOADS[1]).is_some()
    }

    /// Returns the JSON that describes the upload.
    pub(super) fn request(&self) -> Value {
        let name = UPLOADS[usize::from(self.is_parallel())];
        serde_json::from_str(&self.text(name)).unwrap_or_default()
    }

    /// Returns the number of the piece and the length of the file.
    pub(super) fn place(&self) -> (u64, u64) {
        let (chunk, length) = if self.is_parallel() {
            let request = self.request();
            (request["Chunk"].as_u64(), request["TotalLen"].as_u64())
        } else {
            (self.number("chunk"), self.number("size"))
        };
        let length = length.or_else(|| self.request()["TotalLen"].as_u64());
        (chunk.unwrap_or_default(), length.unwrap_or_default())
    }

    /// Returns the client's id of the upload.
    pub(super) fn client_id(&self) -> String {
        let request = self.request();
        match &request["ClientMediaId"] {
            Value::Null => request["BaseRequest"]["DeviceID"].to_string(),
            id => id.to_string(),
        }
    }

    /// Returns the id of the upload. Clients may use their own id for several files.
    pub(super) fn id(&self) -> String {
        let request = self.request();
        let md5 = request["FileMd5"].as_str().unwrap_or_default();
        format!("{} {md5} {}", self.client_id(), self.place().1)
    }
}

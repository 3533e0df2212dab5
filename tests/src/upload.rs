//! The files that the service holds for the account (docs/protocol.md §6.7).

use crate::world::World;

/// A file that was uploaded.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Upload {
    /// `MediaId`
    pub id: String,
    /// `mediatype`: `pic`, `video` or `doc`.
    pub kind: String,
    /// The file's name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// What a send of a file above 25 MB has to bring; empty of smaller ones.
    pub signature: String,
}

impl World {
    /// Makes a file as if it had been uploaded: `kind` is `pic`, `video` or `doc`, `size` is in bytes. Above 25 MB it has
    /// a signature. Answers the `MediaId`.
    pub fn add_upload(&mut self, kind: &str, name: &str, size: u64) -> String {
        let id = format!("@crypt_{}_{}", self.rng.hex(8), self.rng.hex(160));
        let signature = if size > 25 << 20 { self.rng.hex(64) } else { String::new() };
        let (kind, name) = (kind.to_owned(), name.to_owned());
        self.uploads.push(Upload { id: id.clone(), kind, name, size, signature });
        id
    }

    /// The files that were uploaded, in order.
    pub fn uploads(&self) -> &[Upload] {
        &self.uploads
    }

    pub(crate) fn upload_of(&self, id: &str) -> Option<&Upload> {
        self.uploads.iter().find(|upload| upload.id == id)
    }
}

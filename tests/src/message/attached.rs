//! Attachments of messages, and the contents that only the service can fill in.

use bytes::Bytes;

use crate::media::{Asset, Media};
use crate::message::Incoming;
use crate::message::kinds::MAP;
use crate::world::World;

/// A part of a message that can be downloaded.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Part {
    /// The picture of an image or an emoticon.
    Picture,
    /// The thumbnail of an image or a video.
    Thumbnail,
    /// The larger picture of an image; the animated picture of an emoticon.
    BigPicture,
    /// The audio of a voice message.
    Voice,
    /// A video.
    Video,
    /// The map of a place.
    Map,
    /// A file.
    File,
}

impl Part {
    /// Returns the asset of this part of a message.
    pub(crate) fn asset(self, msg_id: &str, media_id: &str) -> Asset {
        let id = msg_id.to_owned();
        match self {
            Self::Picture => Asset::Image(id, ""),
            Self::Thumbnail => Asset::Image(id, "slave"),
            Self::BigPicture => Asset::Image(id, "big"),
            Self::Voice => Asset::Voice(id),
            Self::Video => Asset::Video(id),
            Self::Map => Asset::Map(id),
            Self::File => Asset::File(media_id.to_owned()),
        }
    }
}

impl Incoming {
    /// Sets the content of a part, replacing an earlier one. It is planted when the message is delivered.
    #[must_use]
    pub fn attach(mut self, part: Part, media: Media) -> Self {
        self.attached.retain(|(there, _)| *there != part);
        self.attached.push((part, media));
        self
    }

    /// Attaches the same bytes as the picture in every size.
    pub(crate) fn pictures(self, bytes: Bytes) -> Self {
        let content_type = match &*bytes {
            [0x89, b'P', b'N', b'G', ..] => "image/png",
            [b'G', b'I', b'F', ..] => "image/gif",
            _ => "image/jpeg",
        };
        let media = Media::new(content_type, bytes);
        self.attach(Part::Picture, media.clone())
            .attach(Part::Thumbnail, media.clone())
            .attach(Part::BigPicture, media)
    }

    /// Fills in the parts that are known only on delivery: the message id and the permanent id of the sender.
    pub(crate) fn finish(&mut self, world: &mut World, msg_id: u64) {
        self.content =
            self.content.replace(MAP, &MAP.replace("msgid=", &format!("msgid={msg_id}")));
        let (speaker, said) = self.said();
        if let Some(person) = world.person(speaker) {
            let by_id = |text: &str| {
                let forms = [
                    ("fromusername=\"", "\""),
                    ("fromusername = \"", "\""),
                    ("&lt;fromusername&gt;", "&lt;"),
                    ("&lt;session&gt;", "&lt;"),
                ];
                forms.iter().fold(text.to_owned(), |text, (front, end)| {
                    let new = format!("{front}{}{end}", person.permanent);
                    text.replace(&format!("{front}{speaker}{end}"), &new)
                })
            };
            let front = self.content.len() - said.len();
            let (said, ori_content) = (by_id(said), by_id(&self.ori_content));
            self.ori_content = ori_content;
            self.content.truncate(front);
            self.content.push_str(&said);
        }
        for (part, media) in std::mem::take(&mut self.attached) {
            if part == Part::File && self.media_id.is_empty() {
                self.media_id = format!("@crypt_{}_{}", world.rng.hex(8), world.rng.hex(128));
            }
            let asset = part.asset(&msg_id.to_string(), &self.media_id);
            world.plant(asset, media);
        }
    }
}

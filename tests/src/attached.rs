//! Attachments of messages, and the contents that only the service can fill in.

use bytes::Bytes;

use crate::kinds::MAP;
use crate::media::{Asset, Media};
use crate::message::Incoming;
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

    /// Fills in the parts that are known only on delivery: the message id and the lasting id of the sender.
    pub(crate) fn finish(&mut self, world: &mut World, msg_id: u64) {
        self.content =
            self.content.replace(MAP, &MAP.replace("msgid=", &format!("msgid={msg_id}")));
        let (speaker, said) = match self.content.split_once(":<br/>") {
            Some((speaker, said)) if self.from.starts_with("@@") => (speaker.to_owned(), said),
            _ => (self.from.clone(), &*self.content),
        };
        if let Some(person) = world.person(&speaker) {
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
            let said = by_id(said);
            self.ori_content = by_id(&self.ori_content);
            self.content.truncate(front);
            self.content.push_str(&said);
        }
        for (part, media) in std::mem::take(&mut self.attached) {
            let id = || msg_id.to_string();
            let asset = match part {
                Part::Picture => Asset::Image(id(), ""),
                Part::Thumbnail => Asset::Image(id(), "slave"),
                Part::BigPicture => Asset::Image(id(), "big"),
                Part::Voice => Asset::Voice(id()),
                Part::Video => Asset::Video(id()),
                Part::Map => Asset::Map(id()),
                Part::File => {
                    if self.media_id.is_empty() {
                        self.media_id =
                            format!("@crypt_{}_{}", world.rng.hex(8), world.rng.hex(128));
                    }
                    Asset::File(self.media_id.clone())
                }
            };
            world.plant(asset, media);
        }
    }
}

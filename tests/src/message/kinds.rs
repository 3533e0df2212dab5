//! Messages of each kind as phones send them, for testing bots (docs/protocol.md §9.2).

use std::time::Duration;

use bytes::Bytes;
use md5::{Digest as _, Md5};

use crate::contact::Contact;
use crate::media::{Media, Part};
use crate::message::{Incoming, Recommend};
use crate::wire::text::{escaped, off_the_wire, on_the_wire};

/// A hand of rock, paper, scissors.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serve", derive(serde::Deserialize, utoipa::ToSchema))]
#[cfg_attr(feature = "serve", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Hand {
    /// Scissors, number 1 on the wire.
    Scissors,
    /// Rock, number 2 on the wire.
    Rock,
    /// Paper, number 3 on the wire.
    Paper,
}

/// Constructors for each kind of message. `from` is the `UserName` of a person; [`Incoming::in_room`] moves the message
/// into a room. For messages that the account writes on its phone, `from` is its own `UserName` and `to` the chat.
///
/// Downloads of a message, such as the bytes of an image, are [planted](crate::World::plant) when it is
/// [delivered](crate::World::deliver). All fields are public, so that a test can change them.
///
/// ```
/// use wechat_simulator::{App, Incoming, World};
///
/// let mut world = World::demo();
/// let ada = world.add_person("Ada");
/// let room = world.add_room("Readers", &[&ada]);
/// world.deliver(Incoming::image(&ada, &b"\xff\xd8\xff\xe0 a picture"[..]));
/// world.deliver(Incoming::file(&ada, "a & b.pdf", &b"%PDF-1.4"[..]).in_room(&room));
/// world.deliver(Incoming::app(&ada, &App::link("Title", "What it is about", "https://a.example/?x=1&y=2")));
/// ```
impl Incoming {
    /// Builds a text message. `text` is plain and is escaped for the wire.
    pub fn text(from: &str, text: &str) -> Self {
        Self::new(from, 1, &on_the_wire(text))
    }

    /// Builds an image. All its sizes have these bytes; see [`Incoming::attach`].
    pub fn image(from: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let (md5, length) = (md5(&bytes), bytes.len());
        let key = secret(&md5);
        let xml = format!(
            "<?xml version=\"1.0\"?>\n<msg>\n\t<img aeskey=\"{key}\" encryver=\"1\" cdnthumbaeskey=\"{key}\" cdnthumburl=\"{}\" cdnthumblength=\"4029\" cdnthumbheight=\"120\" cdnthumbwidth=\"90\" cdnmidheight=\"0\" cdnmidwidth=\"0\" cdnhdheight=\"0\" cdnhdwidth=\"0\" cdnmidimgurl=\"{}\" length=\"{length}\" md5=\"{md5}\" />\n</msg>\n",
            stored(&md5, 1),
            stored(&md5, 2)
        );
        let message = Self { img_status: 2, ..Self::of_xml(from, 3, &xml) };
        message.sized(90, 120).pictures(bytes)
    }

    /// Builds a voice message; the bytes are an MP3.
    pub fn voice(from: &str, duration: Duration, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let (md5, length) = (md5(&bytes), bytes.len());
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let xml = format!(
            "<msg><voicemsg endflag=\"1\" cancelflag=\"0\" forwardflag=\"0\" voiceformat=\"4\" voicelength=\"{millis}\" length=\"{length}\" bufid=\"216825389722501519\" clientmsgid=\"{md5}filehelper174_1454602489\" fromusername=\"{from}\" /></msg>"
        );
        Self { voice_length: millis, ..Self::of_xml(from, 34, &xml) }
            .attach(Part::Voice, Media::new("audio/mp3", bytes))
    }

    /// Builds a video; the bytes are an MP4. Its thumbnail is generated; see [`Incoming::attach`].
    pub fn video(from: &str, duration: Duration, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let (md5, length, seconds) = (md5(&bytes), bytes.len(), duration.as_secs());
        let key = secret(&md5);
        let xml = format!(
            "<?xml version=\"1.0\"?>\n<msg>\n\t<videomsg aeskey=\"{key}\" cdnthumbaeskey=\"{key}\" cdnvideourl=\"{}\" cdnthumburl=\"{}\" length=\"{length}\" playlength=\"{seconds}\" cdnthumblength=\"5005\" cdnthumbwidth=\"224\" cdnthumbheight=\"398\" fromusername=\"{from}\" md5=\"{md5}\" newmd5=\"\" isad=\"0\" />\n</msg>\n",
            stored(&md5, 1),
            stored(&md5, 2)
        );
        let play_length = i64::try_from(seconds).unwrap_or(i64::MAX);
        Self { play_length, ..Self::of_xml(from, 43, &xml) }
            .sized(224, 398)
            .attach(Part::Video, Media::new("video/mp4", bytes))
    }

    /// Builds a short video, recorded within the chat.
    pub fn short_video(from: &str, duration: Duration, bytes: impl Into<Bytes>) -> Self {
        Self { msg_type: 62, ..Self::video(from, duration, bytes) }
    }

    /// Builds a custom emoticon; the bytes are a GIF or another picture.
    pub fn emoticon(from: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::sticker(from, &md5(&bytes), bytes.len(), (0, 0)).pictures(bytes)
    }

    /// Builds a die that shows `points`, from 1 to 6.
    ///
    /// # Panics
    ///
    /// If `points` is not in this range.
    pub fn dice(from: &str, points: u8) -> Self {
        // The MD5s of the service's own six pictures.
        let md5 = match points {
            1 => "2bb2d79f560725e1b0cda50e2fd944fd",
            2 => "99baf0c32e4d1b7c58f358c7fd241aed",
            3 => "5d505febd474c3c9e21fba0f1fab33f2",
            4 => "9612dec80e5ad899d7731b09870ec24a",
            5 => "c9bb7ee6387e2dfef554b1d0f06162be",
            6 => "1a64a3f81a5bc21a725055198e5ccf95",
            _ => panic!("a die cannot show {points} points"),
        };
        Self::sticker(from, md5, 86_235, (2, points + 3))
    }

    /// Builds a hand of rock, paper, scissors.
    pub fn hand(from: &str, hand: Hand) -> Self {
        let (md5, content) = match hand {
            Hand::Scissors => ("493a15e7bda88b07272071cbcfd3cb05", 1),
            Hand::Rock => ("350a770c0ec9f353e1a5629895f374fd", 2),
            Hand::Paper => ("382635c9325bf3273d195ff1b8a44e5b", 3),
        };
        Self::sticker(from, md5, 86_235, (1, content))
    }

    /// Builds a sticker from the shop. The web receives no content for it and cannot download it.
    pub fn shop_sticker(from: &str) -> Self {
        Self { has_product_id: 1, ..Self::new(from, 47, "") }
    }

    pub(crate) fn sticker(from: &str, md5: &str, length: usize, (game, content): (u8, u8)) -> Self {
        // The spaces are those of the service.
        let xml = format!(
            "<msg><emoji fromusername = \"{from}\" tousername = \"\" type = \"2\" idbuffer = \"media:0_0\" md5 = \"{md5}\" len = \"{length}\" productid = \"\" androidmd5 = \"{md5}\" androidlen = \"{length}\" cdnurl = \"http://emoji.qpic.cn/wx_emoji/a/\" designerid = \"\" thumburl = \"\" encrypturl = \"http://emoji.qpic.cn/wx_emoji/b/\" aeskey = \"{}\" width = \"240\" height = \"240\" ></emoji> <gameext type=\"{game}\" content=\"{content}\" ></gameext></msg>",
            secret(md5)
        );
        Self::of_xml(from, 47, &xml).sized(240, 240)
    }

    /// Builds a location: its address, the name of the place, and its degrees north and east. Its map is generated; see
    /// [`Incoming::attach`].
    pub fn location(from: &str, label: &str, poi: &str, (north, east): (f64, f64)) -> Self {
        let content = format!("{}{MAP}", on_the_wire(label));
        Self {
            sub_msg_type: 48,
            url: format!("http://apis.map.qq.com/uri/v1/geocoder?coord={north:.6},{east:.6}"),
            ori_content: format!(
                "<?xml version=\"1.0\"?>\n<msg>\n\t<location x=\"{north:.6}\" y=\"{east:.6}\" scale=\"16\" label=\"{}\" maptype=\"0\" poiname=\"{}\" poiid=\"\" fromusername=\"{from}\" />\n</msg>\n",
                escaped(label),
                escaped(poi)
            ),
            ..Self::new(from, 1, &content)
        }
    }

    /// Builds a location in the format of 2016, which is a text with only a link.
    pub fn location_link(from: &str) -> Self {
        Self::new(from, 1, "http://weixin.qq.com/cgi-bin/redirectforward?args=Zm9vYmFy%2Bbaz")
    }

    /// Builds the contact card of a person or an official account.
    pub fn card(from: &str, of: &Contact) -> Self {
        let say = |text: &str| escaped(&off_the_wire(text));
        let xml = format!(
            "<?xml version=\"1.0\"?>\n<msg bigheadimgurl=\"http://wx.qlogo.cn/mmhead/ver_1/c/0\" smallheadimgurl=\"http://wx.qlogo.cn/mmhead/ver_1/c/132\" username=\"{}\" nickname=\"{}\" shortpy=\"{}\" alias=\"{}\" imagestatus=\"3\" scene=\"17\" province=\"{}\" city=\"{}\" sign=\"{}\" sex=\"{}\" certflag=\"{}\" certinfo=\"\" brandIconUrl=\"\" brandHomeUrl=\"\" brandSubscriptConfigUrl=\"\" brandFlags=\"0\" regionCode=\"\" />\n",
            of.permanent,
            say(&of.nick_name),
            of.py_initial,
            of.alias,
            say(&of.province),
            say(&of.city),
            say(&of.signature),
            of.sex,
            of.verify_flag
        );
        Self { recommend: Recommend::of(of, 17), ..Self::of_xml(from, 42, &xml) }
    }

    /// Builds a friend request of a person who is not a contact. The ticket for accepting it is in `recommend`.
    pub fn friend_request(of: &Contact, greeting: &str) -> Self {
        let say = |text: &str| escaped(&off_the_wire(text));
        let hash = md5(of.user_name.as_bytes());
        let ticket = format!("v2_{hash}{}@stranger", md5(hash.as_bytes()));
        let xml = format!(
            "<msg fromusername=\"{}\" encryptusername=\"v1_{hash}@stranger\" fromnickname=\"{}\" content=\"{}\" shortpy=\"{}\" imagestatus=\"3\" scene=\"30\" country=\"CN\" province=\"{}\" city=\"{}\" sign=\"{}\" percard=\"1\" sex=\"{}\" alias=\"{}\" weibo=\"\" weibonickname=\"\" albumflag=\"3\" albumstyle=\"0\" albumbgimgid=\"\" snsflag=\"{}\" snsbgimgid=\"\" snsbgobjectid=\"0\" mhash=\"\" mfullhash=\"\" bigheadimgurl=\"http://wx.qlogo.cn/mmhead/ver_1/a/0\" smallheadimgurl=\"http://wx.qlogo.cn/mmhead/ver_1/a/132\" ticket=\"{ticket}\" opcode=\"2\" googlecontact=\"\" qrticket=\"\" chatroomusername=\"\" sourceusername=\"\" sourcenickname=\"\">\n<brandlist count=\"0\" ver=\"652639419\"></brandlist>\n</msg>",
            of.permanent,
            say(&of.nick_name),
            escaped(greeting),
            of.py_initial,
            say(&of.province),
            say(&of.city),
            say(&of.signature),
            of.sex,
            of.alias,
            of.sns_flag
        );
        let recommend = Recommend {
            content: on_the_wire(greeting),
            ticket,
            op_code: 2,
            ..Recommend::of(of, 30)
        };
        Self { recommend, ..Self::of_xml("fmessage", 37, &xml) }
    }

    /// Builds the service's suggestion of a possible friend.
    pub fn possible_friend(of: &Contact) -> Self {
        Self { recommend: Recommend::of(of, 10), ..Self::new("fmessage", 40, "") }
    }

    /// Builds the notice of a call, which refers the user to the phone.
    pub fn call(from: &str) -> Self {
        Self::new(from, 50, "收到一条视频/语音聊天消息，请在手机上查看")
    }

    /// Builds a system message in a chat. `text` is plain: `"A"邀请"B"加入了群聊`.
    pub fn system(chat: &str, text: &str) -> Self {
        Self { status: 4, ..Self::new(chat, 10_000, &on_the_wire(text)) }
    }

    /// Builds a system message in XML, such as `<sysmsg type="…">…</sysmsg>`.
    pub fn sysmsg(chat: &str, xml: &str) -> Self {
        Self { status: 4, ..Self::of_xml(chat, 10_002, xml) }
    }

    /// Builds the revocation of a message. The `msg_id` 0 is the account's own latest message.
    pub fn revocation(from: &str, msg_id: &str, shown: &str) -> Self {
        Self::sysmsg(
            from,
            &format!(
                "<sysmsg type=\"revokemsg\">\n<revokemsg>\n<session>{from}</session>\n<oldmsgid>1661500000</oldmsgid>\n<msgid>{msg_id}</msgid>\n<newmsgid>{msg_id}</newmsgid>\n<replacemsg><![CDATA[{shown}]]></replacemsg>\n</revokemsg>\n</sysmsg>\n"
            ),
        )
    }

    /// Builds the hint that replaces a message which the file-transfer page cannot show.
    pub fn unsupported(from: &str) -> Self {
        let hint = "该类型暂不支持，请在手机上查看";
        Self { img_status: 2, has_product_id: 1, ..Self::new(from, 1, hint) }
    }

    /// Builds the hint that replaces an app message that the web cannot show.
    pub fn not_supported(from: &str) -> Self {
        Self::new(from, 49, "该类型暂不支持，请在手机上查看")
    }

    /// Builds a message of plain XML, which is escaped for the wire.
    pub(crate) fn of_xml(from: &str, msg_type: i64, xml: &str) -> Self {
        Self::new(from, msg_type, &on_the_wire(xml))
    }

    /// Moves the message into a room, written by the same person.
    #[must_use]
    pub fn in_room(mut self, room: &str) -> Self {
        self.content = format!("{}:<br/>{}", self.from, self.content);
        room.clone_into(&mut self.from);
        self
    }

    fn sized(self, img_width: i64, img_height: i64) -> Self {
        Self { img_width, img_height, ..self }
    }

    /// Attaches the same bytes as the picture in every size.
    pub(super) fn pictures(self, bytes: Bytes) -> Self {
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
}

/// The path of a location's map, without its `msgid` (docs/protocol.md §9.10).
pub(crate) const MAP: &str =
    ":<br/>/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=xxx&msgid=&pictype=location";

impl Recommend {
    /// Builds the record of a contact in a card, a friend request or a suggestion.
    pub fn of(contact: &Contact, scene: i64) -> Self {
        let Contact { user_name, nick_name, province, city, signature, alias, .. } =
            contact.clone();
        let (verify_flag, attr_status, sex) =
            (contact.verify_flag, contact.attr_status, contact.sex);
        Self {
            user_name,
            nick_name,
            province,
            city,
            signature,
            alias,
            scene,
            verify_flag,
            attr_status,
            sex,
            ..Self::default()
        }
    }
}

pub(super) fn md5(bytes: &[u8]) -> String {
    crate::media::upload::hex(&Md5::digest(bytes))
}

/// Returns a generated key of 32 hex digits.
pub(crate) fn secret(md5: &str) -> String {
    md5.chars().rev().collect()
}

/// Returns a generated name in the CDN of the phone apps.
pub(crate) fn stored(md5: &str, number: u8) -> String {
    format!("304c020100{number:02}{md5}")
}

#[cfg(test)]
#[path = "kinds_tests.rs"]
mod tests;

//! Messages of each kind, as phones send them: what a bot is tested with (docs/protocol.md §9.2).

use std::time::Duration;

use bytes::Bytes;
use md5::{Digest as _, Md5};

use crate::attached::Part;
use crate::contact::Contact;
use crate::media::Media;
use crate::message::{Incoming, Recommend, off_the_wire, on_the_wire};
use crate::request::encode;

/// A hand of rock, paper, scissors.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Hand {
    /// Cut paper.
    Scissors,
    /// Blunts scissors.
    Rock,
    /// Wraps the rock.
    Paper,
}

/// Messages of each kind from `from`, who is a person; [`Incoming::in_room`] lets the same person say it in a room. What the
/// account itself writes on its phone is from its own `UserName`, with `to` set to the chat.
///
/// What a message has to be fetched, such as the bytes of an image, is [planted](crate::World::plant) when it is
/// [delivered](crate::World::deliver). All fields are open: change what else matters to a test.
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
    /// A text, as it is typed: it is escaped for the wire here.
    pub fn text(from: &str, text: &str) -> Self {
        Self::new(from, 1, &on_the_wire(text))
    }

    /// An image. All its sizes are these bytes; see [`Incoming::attach`].
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

    /// A voice message; the bytes are an mp3.
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

    /// A video; the bytes are an mp4. Its thumbnail is made up; see [`Incoming::attach`].
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

    /// A video that was made while chatting.
    pub fn short_video(from: &str, duration: Duration, bytes: impl Into<Bytes>) -> Self {
        Self { msg_type: 62, ..Self::video(from, duration, bytes) }
    }

    /// An emoticon that its sender made; the bytes are a GIF or another picture.
    pub fn emoticon(from: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::sticker(from, &md5(&bytes), bytes.len(), (0, 0)).pictures(bytes)
    }

    /// A die that shows so many points, from 1 to 6.
    ///
    /// # Panics
    ///
    /// When no die shows so many.
    pub fn dice(from: &str, points: u8) -> Self {
        // These six pictures are the service's own.
        let md5 = match points {
            1 => "2bb2d79f560725e1b0cda50e2fd944fd",
            2 => "99baf0c32e4d1b7c58f358c7fd241aed",
            3 => "5d505febd474c3c9e21fba0f1fab33f2",
            4 => "9612dec80e5ad899d7731b09870ec24a",
            5 => "c9bb7ee6387e2dfef554b1d0f06162be",
            6 => "1a64a3f81a5bc21a725055198e5ccf95",
            _ => panic!("a die does not show {points}"),
        };
        Self::sticker(from, md5, 86_235, (2, points + 3))
    }

    /// A hand of rock, paper, scissors.
    pub fn hand(from: &str, hand: Hand) -> Self {
        let (md5, content) = match hand {
            Hand::Scissors => ("493a15e7bda88b07272071cbcfd3cb05", 1),
            Hand::Rock => ("350a770c0ec9f353e1a5629895f374fd", 2),
            Hand::Paper => ("382635c9325bf3273d195ff1b8a44e5b", 3),
        };
        Self::sticker(from, md5, 86_235, (1, content))
    }

    /// A sticker of the shop: the web is told nothing of it, and cannot fetch it.
    pub fn shop_sticker(from: &str) -> Self {
        Self { has_product_id: 1, ..Self::new(from, 47, "") }
    }

    fn sticker(from: &str, md5: &str, length: usize, (game, content): (u8, u8)) -> Self {
        // The blanks are the service's.
        let xml = format!(
            "<msg><emoji fromusername = \"{from}\" tousername = \"\" type = \"2\" idbuffer = \"media:0_0\" md5 = \"{md5}\" len = \"{length}\" productid = \"\" androidmd5 = \"{md5}\" androidlen = \"{length}\" cdnurl = \"http://emoji.qpic.cn/wx_emoji/a/\" designerid = \"\" thumburl = \"\" encrypturl = \"http://emoji.qpic.cn/wx_emoji/b/\" aeskey = \"{}\" width = \"240\" height = \"240\" ></emoji> <gameext type=\"{game}\" content=\"{content}\" ></gameext></msg>",
            secret(md5)
        );
        Self::of_xml(from, 47, &xml).sized(240, 240)
    }

    /// A place: its address, what is there, and its degrees north and east. Its map is made up; see
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

    /// A place as it came in 2016: a text that is nothing but a link.
    pub fn location_link(from: &str) -> Self {
        Self::new(from, 1, "http://weixin.qq.com/cgi-bin/redirectforward?args=Zm9vYmFy%2Bbaz")
    }

    /// Somebody's card, or a public account's.
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

    /// Somebody, who is no contact yet, asks to become one. The ticket that accepts it is in `recommend`.
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

    /// The service thinks that the account may know somebody.
    pub fn possible_friend(of: &Contact) -> Self {
        Self { recommend: Recommend::of(of, 10), ..Self::new("fmessage", 40, "") }
    }

    /// A call, of which the web is told to look at the phone.
    pub fn call(from: &str) -> Self {
        Self::new(from, 50, "收到一条视频/语音聊天消息，请在手机上查看")
    }

    /// A notice of the service's in a chat, as people read it: `"A"邀请"B"加入了群聊`.
    pub fn system(chat: &str, text: &str) -> Self {
        Self { status: 4, ..Self::new(chat, 10_000, &on_the_wire(text)) }
    }

    /// Something that the service tells in XML, such as `<sysmsg type="…">…</sysmsg>`.
    pub fn sysmsg(chat: &str, xml: &str) -> Self {
        Self { status: 4, ..Self::of_xml(chat, 10_002, xml) }
    }

    /// Somebody takes a message back; of the account's own, its latest has the number 0.
    pub fn revocation(from: &str, msg_id: &str, shown: &str) -> Self {
        Self::sysmsg(
            from,
            &format!(
                "<sysmsg type=\"revokemsg\">\n<revokemsg>\n<session>{from}</session>\n<oldmsgid>1661500000</oldmsgid>\n<msgid>{msg_id}</msgid>\n<newmsgid>{msg_id}</newmsgid>\n<replacemsg><![CDATA[{shown}]]></replacemsg>\n</revokemsg>\n</sysmsg>\n"
            ),
        )
    }

    /// A file. The `MediaId` that fetches it is made when it is delivered, unless there is one already.
    pub fn file(from: &str, name: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let (md5, size) = (md5(&bytes), bytes.len());
        let app = crate::App {
            kind: 6,
            title: name.to_owned(),
            attachment: Some(crate::Attachment {
                size: size as u64,
                extension: name.rsplit_once('.').map(|(_, end)| end).unwrap_or_default().to_owned(),
                ..crate::Attachment::of(&md5)
            }),
            ..crate::App::default()
        };
        let mut media = Media::new("application/octet-stream", bytes);
        media.disposition = format!("attachment; filename=\"{}\"", name.replace('"', "\\\""));
        Self {
            file_size: size.to_string(),
            encry_file_name: encode(name).replace('.', "%2E").replace('_', "%5F"),
            ..Self::app(from, &app)
        }
        .attach(Part::File, media)
    }

    /// Of an app message that the web cannot show, there is but a hint.
    pub fn not_supported(from: &str) -> Self {
        Self::new(from, 49, "该类型暂不支持，请在手机上查看")
    }

    /// XML, as a phone writes it: it is escaped for the wire here.
    pub(crate) fn of_xml(from: &str, msg_type: i64, xml: &str) -> Self {
        Self::new(from, msg_type, &on_the_wire(xml))
    }

    /// The same, said in a room by the person whom it is from.
    #[must_use]
    pub fn in_room(mut self, room: &str) -> Self {
        self.content = format!("{}:<br/>{}", self.from, self.content);
        room.clone_into(&mut self.from);
        self
    }

    fn sized(self, img_width: i64, img_height: i64) -> Self {
        Self { img_width, img_height, ..self }
    }
}

/// Where the map of a place is, once its number stands in it (docs/protocol.md §9.10).
pub(crate) const MAP: &str =
    ":<br/>/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=xxx&msgid=&pictype=location";

impl Recommend {
    /// What a message tells of somebody: a card, a request, a proposal.
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

/// A text within XML.
pub(crate) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

fn md5(bytes: &[u8]) -> String {
    crate::upload::hex(&Md5::digest(bytes))
}

/// A key, made up: 32 hex digits.
pub(crate) fn secret(md5: &str) -> String {
    md5.chars().rev().collect()
}

/// A name in the phones' storage network, made up.
pub(crate) fn stored(md5: &str, number: u8) -> String {
    format!("304c020100{number:02}{md5}")
}

#[cfg(test)]
#[path = "kinds_tests.rs"]
mod tests;

//! App messages (docs/protocol.md §9.4).

use crate::message::Incoming;
use crate::message::kinds::{secret, stored};
use crate::wire::text::{escaped, on_the_wire};

/// An app message, for [`Incoming::app`]. All texts are plain; [`Incoming::app`] escapes them for XML and for the wire.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct App {
    /// `AppMsgType`: 5 link, 33 mini program, 57 quotation …
    pub kind: i64,
    /// The title; for a reply with a quotation, the reply.
    pub title: String,
    /// The description.
    pub description: String,
    /// The address that it links to.
    pub url: String,
    /// The address of its thumbnail.
    pub thumb_url: String,
    /// The app's id: `wx…`.
    pub app_id: String,
    /// The app's name.
    pub app_name: String,
    /// The official account that it is from: `gh_…`.
    pub source_user_name: String,
    /// The display name of that account.
    pub source_display_name: String,
    /// An attached file, picture or sticker.
    pub attachment: Option<Attachment>,
    /// Additional XML after `md5`: one element per line, ending in a line break.
    pub more: String,
}

/// An attachment of an app message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Attachment {
    /// The size in bytes.
    pub size: u64,
    /// The id in the service's storage; not the id to download it with.
    pub id: String,
    /// The MD5 of a sticker.
    pub emoticon_md5: String,
    /// The file name extension, without the dot.
    pub extension: String,
    /// The name in the CDN of the phone apps.
    pub stored: String,
    /// The encryption key there.
    pub key: String,
}

/// An article of an official account.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Article {
    /// The title.
    pub title: String,
    /// The address.
    pub url: String,
    /// The address of its picture.
    pub cover: String,
    /// The summary.
    pub digest: String,
    /// The time of publication, in seconds since the epoch.
    pub published: u64,
}

/// A message that is quoted: see [`World::quoted`](crate::World::quoted).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Quoted {
    /// The value of `MsgType`.
    pub msg_type: i64,
    /// The value of `MsgId`.
    pub msg_id: String,
    /// The permanent id of the person, or of the room.
    pub from: String,
    /// The permanent id of the author.
    pub speaker: String,
    /// The name of that person.
    pub name: String,
    /// The time of the message, in seconds since the epoch.
    pub at: u64,
    /// The text or XML.
    pub content: String,
}

impl Attachment {
    /// Builds an attachment whose ids are derived from the MD5 of its bytes.
    pub(crate) fn of(md5: &str) -> Self {
        let (id, stored, key) = (format!("@crypt_{md5}"), stored(md5, 1), secret(md5));
        Self { id, stored, key, ..Self::default() }
    }

    fn lines(&self) -> String {
        // Without an attachment, these elements are absent.
        let more = if self.stored.is_empty() {
            String::new()
        } else {
            format!(
                "<cdnattachurl>{}</cdnattachurl>\n<cdnthumburl>304c0202</cdnthumburl>\n<cdnthumbwidth>90</cdnthumbwidth>\n<cdnthumbheight>120</cdnthumbheight>\n<aeskey>{}</aeskey>\n",
                self.stored, self.key
            )
        };
        format!(
            "<appattach>\n<totallen>{}</totallen>\n<attachid>{}</attachid>\n<emoticonmd5>{}</emoticonmd5>\n<fileext>{}</fileext>\n{more}</appattach>\n",
            self.size,
            self.id,
            self.emoticon_md5,
            escaped(&self.extension)
        )
    }
}

impl App {
    /// Builds a message with only an `AppMsgType` and a title: a text (1), a voice reminder (9), goods (10, 13), a set of
    /// stickers (15), a coupon (16), a live location (17), a note (53), or any other.
    pub fn new(kind: i64, title: &str) -> Self {
        Self { kind, title: title.to_owned(), ..Self::default() }
    }

    /// Builds a link.
    pub fn link(title: &str, description: &str, url: &str) -> Self {
        Self { description: description.to_owned(), url: url.to_owned(), ..Self::new(5, title) }
    }

    /// Builds a song: `url` is its page, `data_url` its audio.
    pub fn music(title: &str, singer: &str, url: &str, data_url: &str) -> Self {
        let more = format!("<dataurl>{}</dataurl>\n", escaped(data_url));
        Self { kind: 3, more, ..Self::link(title, singer, url) }
    }

    /// Builds a message with articles of an official account. Its title is that of the first article.
    pub fn articles(name: &str, articles: &[Article]) -> Self {
        let mut more = format!(
            "<mmreader>\n<category type=\"20\" count=\"{}\">\n<name><![CDATA[{name}]]></name>\n",
            articles.len()
        );
        for Article { title, url, cover, digest, published } in articles {
            // Even in CDATA, addresses are escaped once more (docs/shapes.md S55).
            let (url, cover) = (escaped(url), escaped(cover));
            more.push_str(&format!(
                "<item>\n<title><![CDATA[{title}]]></title>\n<url><![CDATA[{url}]]></url>\n<shorturl><![CDATA[]]></shorturl>\n<longurl><![CDATA[]]></longurl>\n<pub_time>{published}</pub_time>\n<cover><![CDATA[{cover}|640|320]]></cover>\n<tweetid></tweetid>\n<digest><![CDATA[{digest}]]></digest>\n</item>\n"
            ));
        }
        more.push_str("</category>\n</mmreader>\n");
        let first = articles.first().cloned().unwrap_or_default();
        Self { more, ..Self::link(&first.title, &first.digest, &first.url) }
    }

    /// Builds a page of the mini program called `name`. Set `kind` to 36 for one that may be forwarded.
    pub fn mini_program(title: &str, name: &str, app_id: &str, page_path: &str) -> Self {
        let user_name = "gh_12566478d436@app";
        let more = format!(
            "<weappinfo>\n<pagepath><![CDATA[{page_path}]]></pagepath>\n<username>{user_name}</username>\n<appid>{app_id}</appid>\n<version>14</version>\n<type>2</type>\n<weappiconurl>http://mmbiz.qpic.cn/i/640</weappiconurl>\n<appservicetype>0</appservicetype>\n</weappinfo>\n"
        );
        Self {
            url: format!("https://mp.weixin.qq.com/mp/waerrpage?appid={app_id}&type=upgrade"),
            source_user_name: user_name.to_owned(),
            source_display_name: name.to_owned(),
            more,
            ..Self::new(33, title)
        }
    }

    /// Builds a money transfer; the amount is in yuan, such as `0.10`.
    pub fn transfer(amount: &str, memo: &str) -> Self {
        Self {
            description: format!("收到转账{amount}元。如需收钱，请点此升级至最新版本"),
            more: format!(
                "<wcpayinfo>\n<paysubtype>1</paysubtype>\n<feedesc><![CDATA[￥{amount}]]></feedesc>\n<transcationid><![CDATA[100005010120230501]]></transcationid>\n<transferid><![CDATA[100006010120230501]]></transferid>\n<invalidtime><![CDATA[1476698970]]></invalidtime>\n<begintransfertime><![CDATA[1476612570]]></begintransfertime>\n<effectivedate><![CDATA[1]]></effectivedate>\n<pay_memo><![CDATA[{memo}]]></pay_memo>\n</wcpayinfo>\n"
            ),
            ..Self::new(2000, "微信转账")
        }
    }

    /// Builds a red packet. Usually, the web receives only a system message about it: [`Incoming::system`].
    pub fn red_packet(greeting: &str) -> Self {
        Self {
            more: format!(
                "<wcpayinfo>\n<sendertitle><![CDATA[恭喜发财]]></sendertitle>\n<receivertitle><![CDATA[{greeting}]]></receivertitle>\n</wcpayinfo>\n"
            ),
            ..Self::new(2001, "微信红包")
        }
    }

    /// Builds a reply that quotes a message.
    pub fn quote(reply: &str, quoted: &Quoted) -> Self {
        let Quoted { msg_type, msg_id, from, speaker, name, at, content } = quoted;
        let (name, content) = (escaped(name), escaped(content));
        Self {
            more: format!(
                "<refermsg>\n<type>{msg_type}</type>\n<svrid>{msg_id}</svrid>\n<fromusr>{from}</fromusr>\n<chatusr>{speaker}</chatusr>\n<displayname>{name}</displayname>\n<createtime>{at}</createtime>\n<content>{content}</content>\n</refermsg>\n"
            ),
            ..Self::new(57, reply)
        }
    }

    /// Builds a forwarded chat history of pairs of speaker and text.
    pub fn history(title: &str, said: &[(&str, &str)]) -> Self {
        let lines: Vec<String> =
            said.iter().map(|(name, text)| format!("{name}: {text}")).collect();
        let description = lines.join("\n");
        let mut record = format!(
            "<recordinfo>\n<title>{}</title>\n<desc>{}</desc>\n<datalist count=\"{}\">\n",
            escaped(title),
            escaped(&description),
            said.len()
        );
        for (number, (name, text)) in said.iter().enumerate() {
            record.push_str(&format!(
                "<dataitem datatype=\"1\" dataid=\"d{number}\" htmlid=\"d{number}\">\n<sourcename>{}</sourcename>\n<sourcetime>2023-05-01 10:00:00</sourcetime>\n<datadesc>{}</datadesc>\n</dataitem>\n",
                escaped(name),
                escaped(text)
            ));
        }
        record.push_str("</datalist>\n</recordinfo>");
        let more = format!("<recorditem><![CDATA[{record}]]></recorditem>\n");
        Self { description, more, ..Self::new(19, title) }
    }

    /// Builds a video posted to a WeChat Channel (视频号).
    pub fn channels_video(name: &str, description: &str, url: &str) -> Self {
        let more = format!(
            "<finderFeed>\n<objectId>14264358459626428566</objectId>\n<feedType>4</feedType>\n<nickname>{}</nickname>\n<avatar>https://wx.qlogo.cn/finderhead/0</avatar>\n<desc>{}</desc>\n<mediaCount>1</mediaCount>\n<objectNonceId>8046877030770906689_0_0</objectNonceId>\n<username>v2_0600@finder</username>\n<mediaList>\n<media>\n<mediaType>4</mediaType>\n<url>{}</url>\n<thumbUrl>http://finder.example/t</thumbUrl>\n<width>1080.0</width>\n<height>1920.0</height>\n<videoPlayDuration>15</videoPlayDuration>\n</media>\n</mediaList>\n</finderFeed>\n",
            escaped(name),
            escaped(description),
            escaped(url)
        );
        Self::newer(51, more)
    }

    /// Builds a message of a newer kind: its content is in `more`, and in place of its title is the hint that older phones
    /// show.
    fn newer(kind: i64, more: String) -> Self {
        let url = "https://support.weixin.qq.com/update/".to_owned();
        Self {
            more, url, ..Self::new(kind, "当前微信版本不支持展示该内容，请升级至最新版本。")
        }
    }

    /// Builds the card of a WeChat Channel (视频号).
    pub fn channels_card(name: &str, occupation: &str) -> Self {
        let more = format!(
            "<findernamecard>\n<username>v2_0600@finder</username>\n<avatar>https://wx.qlogo.cn/finderhead/0</avatar>\n<nickname>{}</nickname>\n<auth_job>{}</auth_job>\n</findernamecard>\n",
            escaped(name),
            escaped(occupation)
        );
        Self::newer(50, more)
    }

    /// Builds a live stream of a WeChat Channel (视频号).
    pub fn channels_live(name: &str, description: &str) -> Self {
        let more = format!(
            "<findernamecard>\n<username />\n<nickname />\n</findernamecard>\n<finderLive>\n<finderLiveID>2027777777</finderLiveID>\n<finderUsername>v2_0600@finder</finderUsername>\n<nickname>{}</nickname>\n<headUrl>https://wx.qlogo.cn/finderhead/0</headUrl>\n<desc>{}</desc>\n<media>\n<coverUrl>http://finder.example/c</coverUrl>\n<height>1920</height>\n<width>1080</width>\n</media>\n</finderLive>\n",
            escaped(name),
            escaped(description)
        );
        Self::newer(63, more)
    }

    /// Builds an announcement to a room.
    pub fn announcement(text: &str) -> Self {
        let text = escaped(text);
        Self::newer(87, format!("<textannouncement>{text}</textannouncement>\n"))
    }

    /// Builds a tickle by the permanent ids of both people.
    pub fn tickle(from: &str, whom: &str) -> Self {
        let more = format!(
            "<patMsg>\n<chatUser>{from}</chatUser>\n<records>\n<recordNum>1</recordNum>\n<record>\n<fromUser>{from}</fromUser>\n<pattedUser>{whom}</pattedUser>\n<templete><![CDATA[\"${{{from}}}\" 拍了拍 \"${{{whom}}}\"]]></templete>\n</record>\n</records>\n</patMsg>\n"
        );
        Self::newer(62, more)
    }

    fn xml(&self, from: &str) -> String {
        let attachment = self.attachment.clone().unwrap_or_default().lines();
        format!(
            "<msg>\n<appmsg appid=\"{}\" sdkver=\"0\">\n<title>{}</title>\n<des>{}</des>\n<action>view</action>\n<type>{}</type>\n<showtype>0</showtype>\n<content></content>\n<url>{}</url>\n<lowurl></lowurl>\n{attachment}<extinfo></extinfo>\n<sourceusername>{}</sourceusername>\n<sourcedisplayname>{}</sourcedisplayname>\n<commenturl></commenturl>\n<thumburl>{}</thumburl>\n<md5></md5>\n{}</appmsg>\n<fromusername>{from}</fromusername>\n<scene>0</scene>\n<appinfo>\n<version>1</version>\n<appname>{}</appname>\n</appinfo>\n<commenturl></commenturl>\n</msg>\n",
            escaped(&self.app_id),
            escaped(&self.title),
            escaped(&self.description),
            self.kind,
            escaped(&self.url),
            escaped(&self.source_user_name),
            escaped(&self.source_display_name),
            escaped(&self.thumb_url),
            self.more,
            escaped(&self.app_name)
        )
    }
}

impl Incoming {
    /// Builds an app message.
    pub fn app(from: &str, app: &App) -> Self {
        Self {
            app_msg_type: app.kind,
            file_name: on_the_wire(&app.title),
            url: on_the_wire(&app.url),
            app_id: app.app_id.clone(),
            ..Self::of_xml(from, 49, &app.xml(from))
        }
    }
}

#[cfg(test)]
#[path = "app_tests.rs"]
mod tests;

//! Articles of official accounts and of the service's own news: `docs/protocol.md` §9.2, §9.4.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::Serialize;

use super::content::document;
use super::piece::{Piece, Texts, number, text, url};
use super::wire::WireMessage;
use crate::time::Timestamp;
use crate::wire::document::{Found, walk};

/// A message from `newsapp`: `MsgType` 1, usually with XML content.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct News {
    /// The publisher, such as a newspaper.
    pub title: Box<str>,
    /// The articles.
    pub articles: Vec<Article>,
    /// The text that replaces the articles, if there are none.
    pub text: Box<str>,
}

/// An article.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Article {
    /// The title.
    pub title: Box<str>,
    /// The URL.
    pub url: Box<str>,
    /// A shorter URL.
    pub short_url: Box<str>,
    /// The URL of the cover picture.
    pub cover_url: Box<str>,
    /// Width of the cover, in pixels; 0 if unknown.
    pub cover_width: u32,
    /// Height of the cover, in pixels; 0 if unknown.
    pub cover_height: u32,
    /// A summary.
    pub digest: Box<str>,
    /// The time of publication.
    pub published: Option<Timestamp>,
}

impl News {
    /// Returns `None` if there is neither an article nor a text.
    pub(super) fn read(record: WireMessage) -> Option<Box<Self>> {
        let mut articles = Articles::default();
        let any = document(&record.content).is_some_and(|document| {
            walk(&document, |path, found| {
                let below = path.iter().position(|name| *name == "category");
                if let Some(path) = below.and_then(|at| path.get(at + 1..)) {
                    articles.visit(path, found);
                }
            })
        });
        let (title, articles) = articles.finish();
        let text = if any { Box::default() } else { text(&record.content) };
        (!articles.is_empty() || !text.is_empty()).then(|| Box::new(Self { title, articles, text }))
    }
}

/// The articles of a `category` that is being parsed.
#[derive(Default)]
pub(super) struct Articles {
    name: Piece,
    /// The cover and the digest of the first article, if it has none itself.
    top: Texts,
    drafts: Vec<Texts>,
}

impl Articles {
    /// Visits the content of a `category`.
    pub(super) fn visit(&mut self, path: &[&str], found: Found<'_>) {
        match (path, found) {
            // `newsapp` uses `newitem`.
            (["item" | "newitem"], Found::Element(_)) => self.drafts.push(Texts::default()),
            (["item" | "newitem", name], Found::Text(text)) => {
                if let Some(draft) = self.drafts.last_mut() {
                    draft.push(name, text);
                }
            }
            (["topnew", name], Found::Text(text)) => self.top.push(name, text),
            (["name"], Found::Text(text)) => self.name.push(text),
            _ => {}
        }
    }

    /// Returns the category's name and the articles that are not empty.
    pub(super) fn finish(mut self) -> (Box<str>, Vec<Article>) {
        if let Some(first) = self.drafts.first_mut() {
            for name in ["cover", "digest"] {
                if first.get(name).is_empty() {
                    first.push(name, self.top.get(name));
                }
            }
        }
        let articles = self.drafts.into_iter().map(Article::of);
        let empty = Article::default();
        (text(self.name.as_str()), articles.filter(|article| *article != empty).collect())
    }
}

impl Article {
    fn of(mut texts: Texts) -> Self {
        // `url|width|height`
        let mut cover = texts.get("cover").split('|');
        let cover_url = url(cover.next().unwrap_or_default());
        let mut pixels = || number(cover.next().unwrap_or_default());
        let (cover_width, cover_height) = (pixels(), pixels());
        Self {
            cover_url,
            cover_width,
            cover_height,
            title: text(texts.get("title")),
            url: texts.take("url").url(),
            short_url: texts.take("shorturl").url(),
            digest: text(texts.get("digest")),
            published: texts.take("pub_time").time(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Kind;
    use crate::testing::said_by;

    fn read(content: &str) -> Option<News> {
        match said_by("newsapp", 1, content).kind {
            Kind::News(news) => Some(*news),
            Kind::Unreadable { reason: "not a news message", .. } => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn articles_are_parsed() {
        let news = read(
            "&lt;mmreader&gt;&lt;category type=\"20\" count=\"2\"&gt;<br/>&lt;name&gt;&lt;![CDATA[每日 &amp;amp; 新闻]]&gt;&lt;/name&gt;&lt;topnew&gt;&lt;cover&gt;http://n/c.jpg|640|320&lt;/cover&gt;&lt;digest&gt;D&lt;/digest&gt;&lt;/topnew&gt;<br/>&lt;newitem&gt;&lt;title&gt;&lt;![CDATA[一]]&gt;&lt;/title&gt;&lt;url&gt;http://n/1?a=1&amp;amp;b=2&lt;/url&gt;&lt;shorturl&gt;http://n/s&lt;/shorturl&gt;&lt;pub_time&gt;1476612570&lt;/pub_time&gt;&lt;/newitem&gt;&lt;newitem&gt;&lt;title&gt;二&lt;/title&gt;&lt;/newitem&gt;&lt;newitem&gt;&lt;/newitem&gt;&lt;/category&gt;&lt;/mmreader&gt;",
        )
        .unwrap();
        let first = Article {
            title: "一".into(),
            url: "http://n/1?a=1&b=2".into(),
            short_url: "http://n/s".into(),
            cover_url: "http://n/c.jpg".into(),
            cover_width: 640,
            cover_height: 320,
            digest: "D".into(),
            published: Some(Timestamp::from_secs(1_476_612_570)),
        };
        let second = Article { title: "二".into(), ..Article::default() };
        let articles = alloc::vec![first, second];
        assert_eq!(news, News { title: "每日 & 新闻".into(), articles, text: "".into() });
    }

    #[test]
    fn partial_content_is_parsed() {
        assert_eq!(&*read("a &amp; b").unwrap().text, "a & b");
        for empty in ["", "<mmreader/>", "<mmreader><category><item/></category></mmreader>"] {
            assert_eq!(read(empty), None, "{empty}");
        }
    }
}

//! Locations: `docs/protocol.md` §9.10.

use alloc::boxed::Box;

use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::content::document;
use super::piece::{attributes, number, plain, text, url};
use super::wire::WireMessage;

/// A location: `MsgType` 48, usually 1 with `SubMsgType` 48.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Location {
    /// The address.
    pub label: Box<str>,
    /// The name of the point of interest, if any.
    pub poi_name: Box<str>,
    /// The map service's id of the point of interest.
    pub poi_id: Box<str>,
    /// The coordinates, which messages of 2016 and some others lack.
    pub coordinates: Option<Coordinates>,
    /// The zoom level of the sender's map.
    pub scale: i64,
    /// `maptype`: 0, or a word.
    pub map_type: Box<str>,
    /// The URL of a page with a map.
    pub url: Box<str>,
    /// A picture of the map: a path on the API host.
    pub image: Box<str>,
}

/// Coordinates in degrees, in the datum of Chinese maps (GCJ-02).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Coordinates {
    /// Degrees north of the equator: `x` on the wire.
    pub latitude: f64,
    /// Degrees east of Greenwich: `y` on the wire.
    pub longitude: f64,
}

impl Coordinates {
    /// Returns `None` if the coordinates are out of range.
    fn of(latitude: &str, longitude: &str) -> Option<Self> {
        let degrees = |text: &str, most: f64| {
            text.trim().parse().ok().filter(|degrees| (-most..=most).contains(degrees))
        };
        Some(Self { latitude: degrees(latitude, 90.0)?, longitude: degrees(longitude, 180.0)? })
    }

    /// Parses the coordinates in the URL of a map: `…?coord=22.5,113.9`.
    fn of_url(url: &str) -> Option<Self> {
        let (_, query) = url.split_once('?')?;
        let pairs = query.split(['&', '#']);
        let pair = pairs.filter_map(|pair| pair.strip_prefix("coord=")).next()?;
        let pair = percent_decode_str(pair).decode_utf8().ok()?;
        let (latitude, longitude) = pair.split_once(',')?;
        Self::of(latitude, longitude)
    }
}

/// The path of the page's map pictures.
const IMAGE: &str = "/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg";
/// The start of the map link that represents a location in messages of 2016.
const FORWARD: &str = "//weixin.qq.com/cgi-bin/redirectforward?args=";

impl Location {
    /// Returns whether a text consists only of a map link, as locations did in 2016.
    pub(super) fn is_link(text: &str) -> bool {
        let text = text.trim();
        let rest = text.strip_prefix("http:").or_else(|| text.strip_prefix("https:"));
        rest.is_some_and(|rest| rest.starts_with(FORWARD))
            && !text.contains(|c: char| c.is_whitespace() || c == '<')
    }

    /// Returns `None` if it is not a location.
    pub(super) fn read(record: WireMessage) -> Option<Box<Self>> {
        let mut place = Box::new(Self { url: url(&record.url), ..Self::default() });
        // The XML is in `OriContent`; for `MsgType` 48, it may be in `Content`.
        let any = place.take_document(&record.ori_content) || place.take_document(&record.content);
        // A label may look like XML: `<8>`. Text followed by a link is a label.
        let linked = |(_, link)| is_address(&url(link));
        let linked = record.content.rsplit_once(":<br/>").is_some_and(linked);
        if !any || linked || document(&record.content).is_none() {
            place.take_content(&record.content);
        }
        if place.coordinates.is_none() {
            place.coordinates = Coordinates::of_url(&place.url);
        }
        (any || *place != Self::default()).then_some(place)
    }

    /// Parses the XML and returns whether it contains a location.
    fn take_document(&mut self, content: &str) -> bool {
        let (mut x, mut y) = (Box::default(), Box::default());
        let is_place = |path: &[&str]| path.last() == Some(&"location");
        let any = attributes(content, is_place, |name, value| match name {
            "x" => x = plain(value),
            "y" => y = plain(value),
            "scale" => self.scale = number(value),
            "label" => self.label = plain(value),
            "maptype" => self.map_type = plain(value),
            "poiname" => self.poi_name = poi_name(value),
            "poiid" => self.poi_id = plain(value),
            _ => {}
        });
        self.coordinates = Coordinates::of(&x, &y);
        any
    }

    /// Parses `label:<br/>link`, or a link alone.
    fn take_content(&mut self, content: &str) {
        let (label, link) = content.rsplit_once(":<br/>").unwrap_or_default();
        let (label, link) = match url(link) {
            link if is_address(&link) => (label, link),
            _ => match url(content) {
                link if is_address(&link) => ("", link),
                _ => (content, Box::default()),
            },
        };
        if self.label.is_empty() {
            self.label = text(label.trim().trim_end_matches("<br/>").trim_end_matches(':'));
        }
        if link.starts_with('/') {
            self.image = link;
        } else if self.url.is_empty() {
            self.url = link;
        }
    }
}

/// Returns the name of a point of interest; phones write the word for a location if it has none.
fn poi_name(value: &str) -> Box<str> {
    match value.trim() {
        "[位置]" | "[Location]" => Box::default(),
        name => name.into(),
    }
}

fn is_address(link: &str) -> bool {
    link.starts_with(IMAGE) || link.starts_with("http://") || link.starts_with("https://")
}

#[cfg(test)]
#[path = "location_tests.rs"]
mod tests;

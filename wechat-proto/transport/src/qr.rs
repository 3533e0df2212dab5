//! QR codes of logins, for terminals and pages.

use qrcode::QrCode;
use qrcode::render::{svg, unicode};
use wechat_proto::Uuid;
use wechat_proto::login::Progress;

/// The background of a terminal.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Background {
    /// Dark, with light text.
    #[default]
    Dark,
    /// Light, with dark text.
    Light,
}

/// Returns the QR code of a login in characters, two rows of modules in each line: 37 columns and 19
/// lines for a usual code, including its quiet zone.
pub fn text(uuid: &Uuid, background: Background) -> String {
    use unicode::Dense1x2::{Dark, Light};
    let (dark, light) = match background {
        Background::Dark => (Light, Dark),
        Background::Light => (Dark, Light),
    };
    code(uuid).render::<unicode::Dense1x2>().dark_color(dark).light_color(light).build()
}

/// Returns the QR code of a login as an SVG picture of at least 240 pixels, black on white.
pub fn svg(uuid: &Uuid) -> String {
    code(uuid).render::<svg::Color<'_>>().min_dimensions(240, 240).build()
}

/// Prints a step of a login on standard error: one line, and the QR code for a dark terminal. To be
/// passed to `Client::open`.
pub fn print(progress: &Progress) {
    if let Progress::Code { uuid } = progress {
        eprintln!("{}", text(uuid, Background::Dark));
    }
    eprintln!("{progress}");
}

fn code(uuid: &Uuid) -> QrCode {
    QrCode::new(uuid.url()).expect("a name has at most 128 characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_a_quiet_zone_and_both_colours() {
        let uuid: Uuid = "gf5Gk61zEA==".parse().unwrap();
        let dark = text(&uuid, Background::Dark);
        let light = text(&uuid, Background::Light);
        let lines: Vec<_> = dark.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() == lines[0].chars().count()));
        // The quiet zone is bright on a dark terminal, and blank on a light one.
        assert!(lines[0].chars().all(|c| c == '█'), "{dark}");
        assert!(light.lines().next().unwrap().chars().all(|c| c == ' '), "{light}");
        let picture = svg(&uuid);
        assert!(picture.contains("<svg") && picture.contains("#000"), "{picture}");
        // The longest UUID fits.
        assert!(!text(&"x".repeat(128).parse().unwrap(), Background::Dark).is_empty());
    }
}

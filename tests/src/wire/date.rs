//! Date formats of the service, from milliseconds since the epoch.

use std::time::{Duration, UNIX_EPOCH};

/// The end of the year 9999, the last date of the format.
const LAST: u64 = 253_402_300_799_999;

/// Formats a `Date` header: `Mon, 31 Dec 2018 11:12:21 GMT`.
pub(crate) fn header(millis: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(millis.min(LAST)))
}

/// Formats a cookie's `Expires`, with dashes: `Mon, 31-Dec-2018 11:12:21 GMT` (docs/protocol.md §1.3).
pub(crate) fn cookie(millis: u64) -> String {
    let header = header(millis);
    let (weekday, date, time) = (&header[..5], &header[5..16], &header[16..]);
    format!("{weekday}{}{time}", date.replace(' ', "-"))
}

/// Returns whether `text` is a date in JavaScript's format: `Sat Jun 23 2018 16:45:07 GMT+0800 (中国标准时间)`. Browsers in
/// other places have another zone.
pub(crate) fn is_js(text: &str, elsewhere: bool) -> bool {
    let Some((date, zone)) = text.split_once(" GMT") else { return false };
    if zone != "+0800 (中国标准时间)" && !(elsewhere && is_zone(zone)) {
        return false;
    }
    let words: Vec<&str> = date.split(' ').collect();
    let [weekday, month, day, year, time] = words[..] else { return false };
    let number = |text: &str, digits: usize, most: u32| {
        text.len() == digits && text.parse().is_ok_and(|number: u32| number <= most)
    };
    let times: Vec<&str> = time.split(':').collect();
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&weekday)
        && "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(' ').any(|name| name == month)
        && number(day, 2, 31)
        && number(year, 4, 9999)
        && times.len() == 3
        && number(times[0], 2, 23)
        && number(times[1], 2, 59)
        && number(times[2], 2, 59)
}

/// Returns whether `text` is a time zone: `-0500 (Eastern Standard Time)`.
fn is_zone(text: &str) -> bool {
    let Some((offset, name)) = text.split_once(' ') else { return false };
    offset.len() == 5
        && offset.starts_with(['+', '-'])
        && offset[1..].bytes().all(|byte| byte.is_ascii_digit())
        && name.starts_with('(')
        && name.ends_with(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates_are_converted() {
        assert_eq!(cookie(1_546_254_741_000), "Mon, 31-Dec-2018 11:12:21 GMT");
        assert_eq!(header(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(header(1_709_164_800_123), "Thu, 29 Feb 2024 00:00:00 GMT");
        assert_eq!(header(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(header(u64::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}

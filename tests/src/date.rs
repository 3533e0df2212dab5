//! Date formats of the service, from milliseconds since the epoch.

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Formats a `Date` header: `Mon, 31 Dec 2018 11:12:21 GMT`.
pub(crate) fn header(millis: u64) -> String {
    write(millis, ' ')
}

/// Formats a cookie's `Expires`, with dashes: `Mon, 31-Dec-2018 11:12:21 GMT` (docs/protocol.md §1.3).
pub(crate) fn cookie(millis: u64) -> String {
    write(millis, '-')
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

fn write(millis: u64, dash: char) -> String {
    let seconds = millis / 1000;
    let days = seconds / 86_400;
    let weekday = DAYS[(days % 7) as usize];
    let (year, month, day) = civil(days);
    let month = MONTHS[month - 1];
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{weekday}, {day:02}{dash}{month}{dash}{year} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Converts days since the epoch to year, month (1 to 12) and day.
const fn civil(days: u64) -> (u64, usize, u64) {
    // Years start on 1 March, so that a leap day is the last day of its year.
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + (month <= 2) as u64;
    (year, month as usize, day)
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
    }
}

//! Dates in the format of JavaScript's `Date.prototype.toString`.

use alloc::string::ToString as _;
use core::fmt;

use cookie::time::OffsetDateTime;

use crate::time::Timestamp;

/// A date like `Sat Jun 23 2018 16:45:07 GMT+0800 (中国标准时间)`: the result of `Date.toString()` in
/// a Chinese browser in China, as in the captures (`docs/protocol.md` §6.7).
///
/// The time zone is always that of China, so that the caller's is not disclosed.
#[derive(Clone, Copy)]
pub(super) struct JsDate(pub(super) Timestamp);

/// 31 December 9999, 23:59:59: years with more digits have another format.
const LAST: u64 = 253_402_300_799;

impl fmt::Display for JsDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs().saturating_add(8 * 3600).min(LAST);
        let date =
            OffsetDateTime::from_unix_timestamp(seconds.cast_signed()).map_err(|_| fmt::Error)?;
        let (weekday, month) = (date.weekday().to_string(), date.month().to_string());
        write!(
            f,
            "{weekday:.3} {month:.3} {:02} {} {:02}:{:02}:{:02} GMT+0800 (中国标准时间)",
            date.day(),
            date.year(),
            date.hour(),
            date.minute(),
            date.second()
        )
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn format_is_that_of_javascript() {
        for (millis, text) in [
            (0, "Thu Jan 01 1970 08:00:00"),
            (951_753_600_000, "Tue Feb 29 2000 00:00:00"),
            (1_529_743_507_000, "Sat Jun 23 2018 16:45:07"),
            (1_476_606_163_580, "Sun Oct 16 2016 16:22:43"),
            (1_735_660_799_999, "Tue Dec 31 2024 23:59:59"),
            (1_709_136_000_000, "Thu Feb 29 2024 00:00:00"),
            (4_107_542_400_000, "Mon Mar 01 2100 08:00:00"),
            (u64::MAX, "Fri Dec 31 9999 23:59:59"),
        ] {
            let shown = JsDate(Timestamp::from_millis(millis)).to_string();
            assert_eq!(shown, format!("{text} GMT+0800 (中国标准时间)"));
        }
    }
}

//! Dates in the format of JavaScript.

use core::fmt;

use crate::time::Timestamp;

/// A date like `Sat Jun 23 2018 16:45:07 GMT+0800 (中国标准时间)`: the result of `Date.toString()` in
/// a Chinese browser in China, as in the captures (`docs/protocol.md` §6.7).
///
/// The time zone is always this one, so that the caller's is not disclosed.
#[derive(Clone, Copy)]
pub(super) struct JsDate(pub(super) Timestamp);

/// 31 December 9999, 23:59:59: years with more digits have another format.
const LAST: u64 = 253_402_300_799;

impl fmt::Display for JsDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let seconds = self.0.as_secs().saturating_add(8 * 3600).min(LAST);
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        // Years begin in March, so that leap days come last; the calendar repeats every 400 years.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let (month, next) = if month < 10 { (month + 2, 0) } else { (month - 10, 1) };
        let year = era * 400 + year + next;
        let name = |names: &[&'static str], at: u64| {
            usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
        };
        write!(
            f,
            "{} {} {day:02} {year:04} {:02}:{:02}:{:02} GMT+0800 (中国标准时间)",
            name(&DAYS, days % 7),
            name(&MONTHS, month),
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn format_agrees_with_another_library(seconds in 0..LAST - 28_800) {
            use cookie::time::{OffsetDateTime, UtcOffset};

            let zone = UtcOffset::from_hms(8, 0, 0).unwrap();
            let time = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).unwrap()).unwrap();
            let time = time.to_offset(zone);
            let (day, month) = (time.weekday().to_string(), time.month().to_string());
            let text = format!(
                "{} {} {:02} {:04} {:02}:{:02}:{:02} GMT+0800 (中国标准时间)",
                &day[..3], &month[..3], time.day(), time.year(), time.hour(), time.minute(), time.second()
            );
            prop_assert_eq!(JsDate(Timestamp::from_secs(seconds)).to_string(), text);
        }
    }
}

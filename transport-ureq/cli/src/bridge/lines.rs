//! Lines of a stream, with a maximum length.

use std::io::{self, BufRead, Read as _};

/// The maximum length of a request, in bytes.
pub(crate) const LONGEST: usize = 1 << 20;

/// Reads a line without its line break; returns `None` at the end of the stream. A line that is too
/// long for a request is truncated, to a length that still exceeds the maximum.
///
/// # Errors
///
/// Those of the reader.
pub(crate) fn read(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let most = LONGEST as u64 + 2;
    if reader.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if !line.ends_with(b"\n") && line.len() as u64 == most {
        reader.skip_until(b'\n')?;
    }
    if line.ends_with(b"\n") {
        line.pop();
    }
    Ok(Some(line))
}

/// Reads a line of any length from a trusted process; returns `None` at the end of the stream.
///
/// # Errors
///
/// Those of the reader.
pub(crate) fn read_any(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let length = reader.read_until(b'\n', &mut line)?;
    // A line without a line break is truncated.
    Ok(Some(line).filter(|line| length > 0 && line.ends_with(b"\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlong_line_is_truncated_and_skipped() {
        let long = vec![b'x'; 3 * LONGEST];
        let text = [b"a\n\n", &*long, b"\nb"].concat();
        let mut reader = &*text;
        let mut next = || read(&mut reader).unwrap();
        assert_eq!((next(), next()), (Some(b"a".to_vec()), Some(Vec::new())));
        assert!(next().unwrap().len() > LONGEST);
        assert_eq!((next(), next()), (Some(b"b".to_vec()), None));
    }
}

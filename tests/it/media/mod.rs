//! Uploads, downloads and the file-transfer page.

pub(crate) mod downloads;
pub(crate) mod file_helper;
pub(crate) mod uploads;

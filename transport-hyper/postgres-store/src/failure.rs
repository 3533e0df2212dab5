//! Failures of the database.

use std::error::Error as StdError;

use wechat_proto::Error;
use wechat_proto::error::{StorageFailure, StorageKind};

/// Returns the failure of an operation on an account.
pub(crate) fn failed(
    kind: StorageKind,
    account: &str,
    error: impl StdError + Send + Sync + 'static,
) -> Error {
    StorageFailure::new(kind).at(account).because(error).into()
}

//! The answers to calls.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::serve::problem::Problem;
use crate::serve::simulation::Simulation;

pub(super) type Shared = State<Arc<Simulation>>;
/// The answer to a call that returns nothing: status 204.
pub(super) type Done = Result<StatusCode, Failure>;
/// The answer to a call that adds something: status 201 and its id.
pub(super) type Created = Result<(StatusCode, Json<NewId>), Failure>;

/// The delivered message.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewId {
    /// The `MsgId`, or the `UserName` of the new person or room.
    pub(crate) id: String,
}

/// A failed request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failure {
    #[serde(skip)]
    pub(super) status: StatusCode,
    /// The reason.
    pub(super) error: String,
    /// The path of the value in the request that caused it; absent if it was no single value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) path: String,
}

impl Failure {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), path: String::new() }
    }
}

impl From<Problem> for Failure {
    fn from(Problem { path, reason }: Problem) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error: reason, path }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}

//! Snapshots of all worlds.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Done, Failure, Shared};
use super::body::Body;
use crate::serve::problem::Problem;

/// The snapshots.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Snapshots {
    /// The snapshots, in the order of their names.
    snapshots: Vec<SnapshotRecord>,
}

/// A snapshot.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SnapshotRecord {
    /// The name.
    name: String,
}

/// A snapshot to take.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSnapshot {
    /// The name by which it is restored.
    name: String,
}

/// Returns the answer to a call about a snapshot, given whether there is one of this name.
fn outcome(is_known: bool, name: &str) -> Done {
    let unknown = || Failure::new(StatusCode::NOT_FOUND, format!("no snapshot is named `{name}`"));
    is_known.then_some(StatusCode::NO_CONTENT).ok_or_else(unknown)
}

/// Lists the snapshots.
#[utoipa::path(get, path = "/v1/snapshots", responses((status = 200, description = "The snapshots.", body = Snapshots)))]
pub(crate) async fn snapshots(State(simulation): Shared) -> Json<Snapshots> {
    let names = simulation.snapshot_names().into_iter();
    Json(Snapshots { snapshots: names.map(|name| SnapshotRecord { name }).collect() })
}

/// Takes a snapshot of all accounts with their sessions, records and reactions, of the rest of the script, and of the
/// faults. It replaces one of the same name.
#[utoipa::path(post, path = "/v1/snapshots", request_body = NewSnapshot, responses(
    (status = 204, description = "Taken."),
    (status = 400, description = "The name is empty.", body = Failure),
    (status = 409, description = "There are 32 snapshots.", body = Failure),
))]
pub(crate) async fn take_snapshot(
    State(simulation): Shared,
    Body(NewSnapshot { name }): Body<NewSnapshot>,
) -> Done {
    if name.is_empty() {
        return Err(Problem::at("name", "empty").into());
    }
    let taken = simulation.take_snapshot(name);
    taken.map_err(|reason| Failure::new(StatusCode::CONFLICT, reason))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restores a snapshot, which remains. Held polls end, and waits end with status 409. A client that has been logged in
/// since then stays logged in.
#[utoipa::path(post, path = "/v1/snapshots/{name}/restore",
    params(("name" = String, Path, description = "The name of the snapshot.")),
    responses(
        (status = 204, description = "Restored."),
        (status = 404, description = "There is no such snapshot.", body = Failure),
    ))]
pub(crate) async fn restore_snapshot(State(simulation): Shared, Path(name): Path<String>) -> Done {
    outcome(simulation.restore_snapshot(&name), &name)
}

/// Deletes a snapshot.
#[utoipa::path(delete, path = "/v1/snapshots/{name}",
    params(("name" = String, Path, description = "The name of the snapshot.")),
    responses(
        (status = 204, description = "Deleted."),
        (status = 404, description = "There is no such snapshot.", body = Failure),
    ))]
pub(crate) async fn delete_snapshot(State(simulation): Shared, Path(name): Path<String>) -> Done {
    outcome(simulation.delete_snapshot(&name), &name)
}

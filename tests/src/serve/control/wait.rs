//! Waiting for a record.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::accounts::Of;
use super::answer::Failure;
use super::body::Body;
use super::lists::{List, Record};
use crate::serve::problem::Problem;
use crate::world::World;

/// A record to wait for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wait {
    /// The list.
    list: List,
    /// The number of the first record to consider: the cursor of an earlier answer. Default: 0.
    #[serde(default)]
    cursor: usize,
    /// The values that fields of the record must have: equal, or for texts `{"contains": "a part"}`. Default: any record.
    #[serde(default, rename = "where")]
    #[schema(value_type = Object)]
    conditions: BTreeMap<String, Value>,
    /// The time limit in milliseconds, at most 600000. Default: 10000.
    #[serde(default = "ten_seconds")]
    timeout_ms: u64,
}

const fn ten_seconds() -> u64 {
    10_000
}

/// The record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    /// The first record that meets the conditions.
    record: Record,
    /// The cursor for the following records.
    cursor: usize,
}

/// A wait that timed out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Unmet {
    /// The reason.
    error: String,
    /// Up to three records that came closest.
    nearest: Vec<Miss>,
    /// The cursor for records that come later.
    cursor: usize,
}

/// A record that does not meet the conditions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Miss {
    /// The record.
    record: Record,
    /// The names of the fields that differ.
    differs: Vec<String>,
}

/// Waits for a record. Returns the first one from the cursor on that meets the conditions, at once if there is one.
#[utoipa::path(post, path = "/v1/wait", request_body = Wait, responses(
    (status = 200, description = "The record.", body = Found),
    (status = 400, description = "Records of the list have no such field.", body = Failure),
    (status = 408, description = "The time limit has passed.", body = Unmet),
    (status = 409, description = "The world was reset.", body = Failure),
))]
pub(crate) async fn wait(Of(simulation): Of, Body(wait): Body<Wait>) -> Result<Response, Failure> {
    wait.check()?;
    let limit = Duration::from_millis(wait.timeout_ms.min(600_000));
    let end = Instant::now() + limit;
    let resets = simulation.resets();
    loop {
        let changed = simulation.changed().notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        {
            let world = simulation.locked();
            if resets != simulation.resets() {
                return Err(Failure::new(StatusCode::CONFLICT, "the world was reset"));
            }
            if let Some(found) = wait.look(&world) {
                return Ok(Json(found).into_response());
            }
        }
        if timeout_at(end, changed).await.is_err() {
            let unmet = wait.unmet(&simulation.locked(), limit);
            return Ok((StatusCode::REQUEST_TIMEOUT, Json(unmet)).into_response());
        }
    }
}

impl Wait {
    fn check(&self) -> Result<(), Problem> {
        let example = serde_json::to_value(self.list.example()).unwrap_or_default();
        for (name, expected) in &self.conditions {
            let is_part = |fields: &Map<String, Value>| {
                fields.len() == 1 && fields.get("contains").is_some_and(Value::is_string)
            };
            if expected.as_object().is_some_and(|fields| !is_part(fields)) {
                let reason = "an object other than `{\"contains\": \"a part\"}`";
                return Err(Problem::at(format!("where.{name}"), reason));
            }
            if example.get(name).is_none() {
                let names: Vec<&String> =
                    example.as_object().into_iter().flat_map(|all| all.keys()).collect();
                return Err(Problem::at(
                    format!("where.{name}"),
                    format!("unknown; the fields are {names:?}"),
                ));
            }
        }
        Ok(())
    }

    fn records(&self, world: &World) -> impl Iterator<Item = (usize, Record)> {
        let first = if self.list == List::State { 0 } else { self.cursor };
        (first..self.list.len(world))
            .filter_map(|number| Some((number, Record::of(world, self.list, number)?)))
    }

    fn look(&self, world: &World) -> Option<Found> {
        let (number, record) =
            self.records(world).find(|(_, record)| self.differs(record).is_empty())?;
        Some(Found { record, cursor: number + 1 })
    }

    /// Returns the names of the fields that do not meet their condition.
    fn differs(&self, record: &Record) -> Vec<String> {
        let record = serde_json::to_value(record).unwrap_or_default();
        let is_met = |(name, expected): &(&String, &Value)| {
            let found = &record[name.as_str()];
            let part = expected.get("contains").and_then(Value::as_str);
            found == *expected
                || part.is_some_and(|part| found.as_str().is_some_and(|found| found.contains(part)))
        };
        let unmet = self.conditions.iter().filter(|condition| !is_met(condition));
        unmet.map(|(name, _)| name.clone()).collect()
    }

    fn unmet(&self, world: &World, limit: Duration) -> Unmet {
        let miss = |(_, record)| Miss { differs: self.differs(&record), record };
        let mut nearest: Vec<Miss> = self.records(world).map(miss).collect();
        nearest.sort_by_key(|miss| miss.differs.len());
        nearest.truncate(3);
        let error = format!("no such record within {} ms", limit.as_millis());
        Unmet { error, nearest, cursor: self.list.len(world) }
    }
}

//! Lists of records.
#![allow(unused_qualifications, reason = "`utoipa::path` generates them")]

use axum::Json;
use axum::extract::{Path, Query};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::accounts::Of;
use super::answer::Failure;
use super::records::{DownloadRecord, Numbered, RequestRecord, SentRecord, StateRecord};
use crate::contact::rooms::{Invitation, Verification};
use crate::media::upload::Uploaded;
use crate::message::{Delivered, Notice};
use crate::violation::Violation;
use crate::world::World;

/// A list of records. Records are numbered from 0 in the order of their occurrence.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum List {
    /// The current state, as a list of one record.
    State,
    /// The requests received.
    Requests,
    /// The differences of requests from those of the official page.
    Violations,
    /// The messages that the client sent.
    Sent,
    /// The completed uploads.
    Uploads,
    /// The downloads.
    Downloads,
    /// The messages that the client received.
    Delivered,
    /// The status notifications that the client sent.
    Notices,
    /// The friend requests that the client sent or answered.
    Verifications,
    /// The invitations into rooms.
    Invitations,
}

/// A record of the named list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Record {
    State(StateRecord),
    Request(RequestRecord),
    Violation(Numbered<Violation>),
    Sent(SentRecord),
    Upload(Numbered<Uploaded>),
    Download(DownloadRecord),
    Delivered(Numbered<Delivered>),
    Notice(Numbered<Notice>),
    Verification(Numbered<Verification>),
    Invitation(Numbered<Invitation>),
}

impl List {
    /// Returns the number of records.
    pub(crate) fn len(self, world: &World) -> usize {
        match self {
            Self::State => 1,
            Self::Requests => world.log().len(),
            Self::Violations => world.violations().len(),
            Self::Sent => world.sent().len(),
            Self::Uploads => world.uploads().len(),
            Self::Downloads => world.fetched().len(),
            Self::Delivered => world.delivered().len(),
            Self::Notices => world.notices().len(),
            Self::Verifications => world.verifications().len(),
            Self::Invitations => world.invitations().len(),
        }
    }

    /// Returns an empty record, which shows the names of the fields.
    pub(crate) fn example(self) -> Record {
        match self {
            Self::State => Record::State(StateRecord::default()),
            Self::Requests => Record::Request(RequestRecord::default()),
            Self::Violations => Record::Violation(Numbered::default()),
            Self::Sent => Record::Sent(SentRecord::default()),
            Self::Uploads => Record::Upload(Numbered::default()),
            Self::Downloads => Record::Download(DownloadRecord::default()),
            Self::Delivered => Record::Delivered(Numbered::default()),
            Self::Notices => Record::Notice(Numbered::default()),
            Self::Verifications => Record::Verification(Numbered::default()),
            Self::Invitations => Record::Invitation(Numbered::default()),
        }
    }
}

impl Record {
    /// Returns a record by its number.
    pub(crate) fn of(world: &World, list: List, number: usize) -> Option<Self> {
        Some(match list {
            List::State => Self::State(StateRecord::of(world)),
            List::Requests => Self::Request(RequestRecord::of(world, number)?),
            List::Violations => Self::Violation(Numbered::of(world.violations(), number)?),
            List::Sent => Self::Sent(SentRecord::of(world, number)?),
            List::Uploads => Self::Upload(Numbered::of(world.uploads(), number)?),
            List::Downloads => Self::Download(DownloadRecord::of(world, number)?),
            List::Delivered => Self::Delivered(Numbered::of(world.delivered(), number)?),
            List::Notices => Self::Notice(Numbered::of(world.notices(), number)?),
            List::Verifications => Self::Verification(Numbered::of(world.verifications(), number)?),
            List::Invitations => Self::Invitation(Numbered::of(world.invitations(), number)?),
        })
    }
}

/// Returns the state of the account and its client.
#[utoipa::path(get, path = "/v1/state", responses((status = 200, description = "The state.", body = StateRecord)))]
pub(crate) async fn state(Of(simulation): Of) -> Json<StateRecord> {
    Json(StateRecord::of(&simulation.locked()))
}

/// The records to return.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Range {
    /// The number of the first record: the cursor of an earlier answer. Default: 0.
    #[serde(default)]
    cursor: usize,
    /// The maximum number of records, at most 1000. Default: 100.
    #[serde(default = "hundred")]
    limit: usize,
}

const fn hundred() -> usize {
    100
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page {
    /// The records, all of one list.
    records: Vec<Record>,
    /// The cursor for the following records: the number after the last one.
    cursor: usize,
    /// The number of all records of the list.
    total: usize,
}

/// Lists records.
#[utoipa::path(get, path = "/v1/records/{list}", params(
    ("list" = List, Path, description = "The list."),
    Range,
), responses((status = 200, description = "The records from the cursor on.", body = Page)))]
pub(crate) async fn list(
    Of(simulation): Of,
    Path(list): Path<List>,
    Query(Range { cursor: first, limit }): Query<Range>,
) -> Json<Page> {
    let world = simulation.locked();
    let total = list.len(&world);
    let cursor = first.saturating_add(limit.min(1000)).min(total).max(first);
    let records = (first..cursor).filter_map(|number| Record::of(&world, list, number)).collect();
    Json(Page { records, cursor, total })
}

/// A complete request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestText {
    /// Method and address, the headers, a blank line, the body. Bytes that are not UTF-8 are replaced.
    text: String,
}

/// Returns a request with its headers and body.
#[utoipa::path(get, path = "/v1/requests/{number}", params(
    ("number" = usize, Path, description = "The number of the request in its list.")
), responses(
    (status = 200, description = "The request.", body = RequestText),
    (status = 404, description = "There is no such request.", body = Failure),
))]
pub(crate) async fn request(
    Of(simulation): Of,
    Path(number): Path<usize>,
) -> Result<Json<RequestText>, Failure> {
    let world = simulation.locked();
    let logged = world.log().get(number).ok_or_else(|| {
        let count = world.log().len();
        Failure::new(StatusCode::NOT_FOUND, format!("there are {count} requests, from 0 on"))
    })?;
    Ok(Json(RequestText { text: logged.render() }))
}

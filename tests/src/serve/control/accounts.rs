//! The list of the accounts, and the extractor of the account that a call concerns.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use http::StatusCode;
use http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, OpenApi, Required};

use super::answer::{Failure, Shared};
use crate::serve::simulation::Simulation;
use crate::session::Code;
use crate::simulator::Simulator;
use crate::wire::request::params;

/// The paths that concern all accounts.
const COMMON: [&str; 6] = [
    "/v1/accounts", "/v1/faults", "/v1/reset", "/v1/snapshots", "/v1/snapshots/{name}",
    "/v1/snapshots/{name}/restore",
];

/// The account that the query parameter `account` names; the first one without it.
#[derive(Debug)]
pub(crate) struct Of(pub(crate) Simulator);

impl FromRequestParts<Arc<Simulation>> for Of {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        simulation: &Arc<Simulation>,
    ) -> Result<Self, Failure> {
        let query = params(parts.uri.query().unwrap_or_default());
        let Some(name) = query.into_iter().find(|param| param.name == "account") else {
            return Ok(Self(simulation.simulator.clone()));
        };
        let mut found = simulation.simulator.accounts().into_iter();
        let found = found.find(|account| account.name() == name.value);
        found.map(Self).ok_or_else(|| {
            let reason = format!("no account is named `{}`", name.value);
            Failure { path: "account".to_owned(), ..Failure::new(StatusCode::NOT_FOUND, reason) }
        })
    }
}

/// Adds the parameter to the description of each call that has it.
pub(super) fn describe(description: &mut OpenApi) {
    let parameter = ParameterBuilder::new()
        .name("account")
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some("The name of the account. Default: the first one."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build();
    for (path, item) in &mut description.paths.paths {
        if COMMON.contains(&path.as_str()) {
            continue;
        }
        let calls = [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete];
        for Operation { parameters, .. } in calls.into_iter().flatten() {
            parameters.get_or_insert_default().push(parameter.clone().into());
        }
    }
}

/// All accounts of the simulation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accounts {
    /// The accounts, in the order of the world file.
    accounts: Vec<AccountRecord>,
    /// The QR codes that no phone has scanned, the newest last. With one account, there is none: every code belongs to it.
    unscanned_codes: Vec<CodeRecord>,
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountRecord {
    /// The name, which the parameter `account` of other calls takes.
    name: String,
}

/// A QR code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CodeRecord {
    /// The `uuid`.
    uuid: String,
    /// The content.
    qr_code: String,
}

/// Lists the accounts, and the QR codes that belong to none of them.
#[utoipa::path(get, path = "/v1/accounts", responses((status = 200, description = "All accounts.", body = Accounts)))]
pub(crate) async fn accounts(State(simulation): Shared) -> Json<Accounts> {
    let accounts = simulation.simulator.accounts();
    let code = |uuid: String| {
        let qr_code = Code::url(&uuid);
        CodeRecord { uuid, qr_code }
    };
    Json(Accounts {
        accounts: accounts.iter().map(|one| AccountRecord { name: one.name() }).collect(),
        unscanned_codes: simulation.simulator.unscanned_codes().into_iter().map(code).collect(),
    })
}

//! The control API: JSON over HTTP.

mod accounts;
mod actions;
mod answer;
mod body;
mod chats;
mod guard;
pub(crate) mod lists;
mod page;
mod people;
mod records;
mod snapshots;
mod wait;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Json, Router, middleware};
use http::StatusCode;
use tokio::net::TcpListener;
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::answer::Failure;
use self::body::MOST;
use self::guard::Guard;
use crate::serve::simulation::Simulation;
/// Returns the routes and their description.
fn api() -> (Router<Arc<Simulation>>, OpenApi) {
    let info = InfoBuilder::new()
        .title("wechat-simulator")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Controls simulated WeChat accounts and reports the actions of their clients.",
        ));
    let (router, mut description) =
        OpenApiRouter::with_openapi(OpenApiBuilder::new().info(info.build()).build())
            .routes(routes!(accounts::accounts))
            .routes(routes!(lists::state))
            .routes(routes!(lists::list))
            .routes(routes!(lists::request))
            .routes(routes!(wait::wait))
            .routes(routes!(actions::phone))
            .routes(routes!(actions::end))
            .routes(routes!(actions::message))
            .routes(routes!(actions::faults, actions::add_fault, actions::clear_faults))
            .routes(routes!(actions::add_reaction, actions::clear_reactions))
            .routes(routes!(actions::settings))
            .routes(routes!(actions::reset))
            .routes(routes!(snapshots::snapshots, snapshots::take_snapshot))
            .routes(routes!(snapshots::delete_snapshot))
            .routes(routes!(snapshots::restore_snapshot))
            .routes(routes!(chats::chats))
            .routes(routes!(chats::qr_code))
            .routes(routes!(people::contacts))
            .routes(routes!(people::add_person))
            .routes(routes!(people::add_room))
            .routes(routes!(people::change, people::remove))
            .routes(routes!(people::members))
            .routes(routes!(people::accept_invitation))
            .split_for_parts();
    accounts::describe(&mut description);
    (router, description)
}

/// Serves the API until it is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    simulation: Arc<Simulation>,
    token: Option<String>,
) {
    let Ok(address) = listener.local_addr() else { return };
    let (router, description) = api();
    let guard = Arc::new(Guard { address, token });
    let names = Arc::new(guard::query_names(&description));
    let app = router
        .route("/v1/openapi.json", get(|| async { Json(description) }))
        .merge(page::routes())
        .fallback(|| async {
            Failure::new(StatusCode::NOT_FOUND, "there is no such path: see /v1/openapi.json")
        })
        .layer(DefaultBodyLimit::max(MOST))
        .layer(middleware::from_fn_with_state(names, guard::check_query))
        .layer(middleware::map_response(guard::errors_as_json))
        .layer(middleware::from_fn_with_state(guard, guard::check))
        .with_state(simulation);
    let _ = axum::serve(listener, app).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `UPDATE_OPENAPI=1`, writes the description.
    #[test]
    fn description_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
        let text = api().1.to_pretty_json().expect("JSON") + "\n";
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(path, &text).expect("written");
        }
        let committed = std::fs::read_to_string(path).expect("docs/openapi.json");
        assert!(
            text == committed,
            "docs/openapi.json is out of date: run this test with UPDATE_OPENAPI=1"
        );
    }

    #[test]
    fn every_field_and_call_is_described() {
        let json = serde_json::to_value(api().1).expect("JSON");
        let mut missing = Vec::new();
        look(&json, "", &mut missing);
        assert!(missing.is_empty(), "{missing:#?}");
    }

    fn look(value: &serde_json::Value, at: &str, missing: &mut Vec<String>) {
        let serde_json::Value::Object(fields) = value else {
            let items = value.as_array().into_iter().flatten().enumerate();
            return items.for_each(|(index, item)| look(item, &format!("{at}/{index}"), missing));
        };
        for (name, field) in fields {
            let path = format!("{at}/{name}");
            let lacks = |key: &str| field.get(key).is_none();
            // An optional object has its description beside its reference.
            let inner = field["oneOf"].as_array().into_iter().flatten();
            let is_described = inner.chain([field]).any(|field| field.get("description").is_some());
            let is_property = at.ends_with("/properties") && !is_described;
            let is_call = field.get("operationId").is_some() && lacks("summary");
            if is_property || is_call {
                missing.push(path.clone());
            }
            look(field, &path, missing);
        }
    }
}

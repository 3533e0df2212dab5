//! The page at `/`.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::header;

use crate::serve::simulation::Simulation;

/// A file of the page.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: &'static str,
    media_type: &'static str,
    text: &'static str,
}

pub(crate) const FILES: [File; 3] = [
    File {
        path: "/",
        media_type: "text/html; charset=utf-8",
        text: include_str!("../page/page.html"),
    },
    File {
        path: "/page.js",
        media_type: "text/javascript; charset=utf-8",
        text: include_str!("../page/page.js"),
    },
    File {
        path: "/page.css",
        media_type: "text/css; charset=utf-8",
        text: include_str!("../page/page.css"),
    },
];

/// The content security policy: only the page's own files, no inline script or style, and no markup from texts
/// (`require-trusted-types-for`).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src blob:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Returns the routes of the page.
pub(crate) fn routes() -> Router<Arc<Simulation>> {
    FILES.into_iter().fold(Router::new(), |router, File { path, media_type, text }| {
        let headers = [
            (header::CONTENT_TYPE, media_type),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        router.route(path, get(move || async move { (headers, text) }))
    })
}

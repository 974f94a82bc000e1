//! The one table of routes: path, method, handler, and with it the operation of the document.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::{artifacts, download, health, metrics, preview, run_events, run_logs, runs, service, uploads, zip};
use crate::openapi;
use crate::state::Shared;

/// Returns every route. Methods of one path stand together.
pub(crate) fn table() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(service::version))
        .routes(routes!(service::health))
        .routes(routes!(health::overall))
        .routes(routes!(health::simple))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::startup))
        .routes(routes!(health::detailed))
        .routes(routes!(metrics::metrics))
        .routes(routes!(metrics::health_metrics))
        .routes(routes!(metrics::summary))
        .routes(routes!(service::capabilities))
        .routes(routes!(service::openapi))
        .routes(routes!(service::docs))
        .routes(routes!(service::docs_script))
        .routes(routes!(service::docs_style))
        .routes(routes!(runs::list, runs::create))
        .routes(routes!(run_events::follow))
        .routes(routes!(runs::get, runs::delete))
        .routes(routes!(runs::cancel))
        .routes(routes!(runs::rerun))
        .routes(routes!(run_logs::follow))
        .routes(routes!(run_logs::list))
        .routes(routes!(runs::artifacts))
        .routes(routes!(zip::archive))
        .routes(routes!(artifacts::get, artifacts::delete))
        .routes(routes!(download::download))
        .routes(routes!(download::content))
        .routes(routes!(preview::preview))
        .routes(routes!(uploads::create))
        .routes(routes!(uploads::get, uploads::put))
        .routes(routes!(uploads::finalize))
}

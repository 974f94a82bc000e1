//! The one table of routes: path, method, handler, what a request needs, and with it the operation of the document.
//!
//! A line says what its route needs, or it is no line: [`Table`] takes no other. Methods of one path stand together.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::{MethodRouter, get};
use cts_model::Role;
use http::{Method, StatusCode};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation as Described, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::http::{
    artifacts, audit, config, download, health, log_level, metrics, preview, run_events, run_logs, runs, service,
    session, tokens, uploads, zip,
};
use crate::layers::gate::{self, Gate};
use crate::openapi;
use crate::state::Shared;
use crate::ui;

use Role::{Admin, Operator, Viewer};

/// Returns every route.
pub(crate) fn table() -> Table {
    let pages = ui::PAGES.iter().fold(Table::default(), |table, page| table.file(page, get(ui::page)));
    pages
        .file(ui::ASSETS, get(ui::asset))
        .open(routes!(service::version))
        .open(routes!(service::health))
        .needs(Viewer, routes!(health::overall))
        .open(routes!(health::simple))
        .open(routes!(health::live))
        .open(routes!(health::ready))
        .open(routes!(health::startup))
        .needs(Viewer, routes!(health::detailed))
        .needs(Viewer, routes!(metrics::metrics))
        .needs(Viewer, routes!(metrics::health_metrics))
        .needs(Viewer, routes!(metrics::summary))
        .needs(Viewer, routes!(config::status))
        .needs(Viewer, routes!(config::older_status))
        .needs(Viewer, routes!(service::capabilities))
        .needs(Viewer, routes!(service::openapi))
        .open(routes!(service::docs))
        .open(routes!(service::docs_script))
        .open(routes!(service::docs_style))
        .needs(Viewer, routes!(runs::list))
        .needs(Operator, routes!(runs::create))
        .needs(Viewer, routes!(run_events::follow))
        .needs(Viewer, routes!(runs::get))
        .needs(Operator, routes!(runs::delete))
        .needs(Operator, routes!(runs::cancel))
        .needs(Operator, routes!(runs::rerun))
        .needs(Viewer, routes!(run_logs::follow))
        .needs(Viewer, routes!(run_logs::list))
        .needs(Viewer, routes!(runs::artifacts))
        .needs(Viewer, routes!(zip::archive))
        .needs(Viewer, routes!(artifacts::get))
        .needs(Operator, routes!(artifacts::delete))
        .needs(Viewer, routes!(download::download))
        .needs(Viewer, routes!(download::content))
        .needs(Viewer, routes!(preview::preview))
        .needs(Operator, routes!(uploads::create))
        .needs(Viewer, routes!(uploads::get))
        .needs(Operator, routes!(uploads::put))
        .needs(Operator, routes!(uploads::finalize))
        .needs(Viewer, routes!(session::get))
        .proves_itself(routes!(session::create))
        .needs(Viewer, routes!(session::delete))
        .needs(Admin, routes!(tokens::list))
        .needs(Admin, routes!(tokens::create))
        .needs(Admin, routes!(tokens::delete))
        .needs(Admin, routes!(audit::list))
        .needs(Admin, routes!(log_level::get))
        .needs(Admin, routes!(log_level::set))
}

/// Returns the routes of the second listener: metrics, open there to whoever reaches its port, and the probes.
pub(crate) fn watching() -> Table {
    Table::default()
        .open(routes!(metrics::metrics))
        .open(routes!(metrics::health_metrics))
        .open(routes!(health::simple))
        .open(routes!(health::live))
        .open(routes!(health::ready))
        .open(routes!(health::startup))
        .needs(Viewer, routes!(health::overall))
        .needs(Viewer, routes!(health::detailed))
}

/// What a request needs before its handler is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: probes and the files of the interface, which hold nothing of anybody.
    Nothing,
    /// What the handler itself looks at: there a token becomes a session.
    Proof,
    /// This role.
    Role(Role),
}

/// What is known about a route before a request comes.
#[derive(Debug)]
pub(crate) struct Operation {
    /// What a request needs.
    pub(crate) needs: Needs,
    /// The template of its path.
    pub(crate) template: String,
    /// Its name in the audit log: method and template.
    pub(crate) action: Arc<str>,
    /// Whether it changes something.
    pub(crate) changes: bool,
    /// The status with which it is answered when it goes well.
    pub(crate) success: u16,
}

/// The lines of the table.
#[derive(Default)]
pub(crate) struct Table {
    /// What the document describes.
    described: Vec<(Arc<Operation>, UtoipaMethodRouter<Arc<Shared>>)>,
    /// Pages and files of the interface, which are nothing for programs.
    files: Vec<(Arc<Operation>, MethodRouter<Arc<Shared>>)>,
}

impl Table {
    /// Adds a route that everybody may ask.
    fn open(self, route: UtoipaMethodRouter<Arc<Shared>>) -> Self {
        self.line(Needs::Nothing, route)
    }

    /// Adds a file of the interface, which everybody may read: it holds nothing of anybody.
    fn file(mut self, template: &str, methods: MethodRouter<Arc<Shared>>) -> Self {
        let operation = Operation {
            needs: Needs::Nothing,
            template: template.to_owned(),
            action: format!("GET {template}").into(),
            changes: false,
            success: StatusCode::OK.as_u16(),
        };
        self.files.push((Arc::new(operation), methods));
        self
    }

    /// Adds a route whose handler looks at the token itself.
    fn proves_itself(self, route: UtoipaMethodRouter<Arc<Shared>>) -> Self {
        self.line(Needs::Proof, route)
    }

    /// Adds a route that needs a role.
    fn needs(self, role: Role, route: UtoipaMethodRouter<Arc<Shared>>) -> Self {
        self.line(Needs::Role(role), route)
    }

    fn line(mut self, needs: Needs, (schemas, mut paths, methods): UtoipaMethodRouter<Arc<Shared>>) -> Self {
        let mut found = Vec::new();
        for (template, item) in &mut paths.paths {
            for (method, described) in operations(item) {
                describe(described, needs);
                found.push(Operation {
                    needs,
                    action: format!("{method} {template}").into(),
                    template: template.clone(),
                    changes: !method.is_safe(),
                    success: success(described),
                });
            }
        }
        let operation = found.pop().filter(|_| found.is_empty());
        let operation = operation.expect("a line of the table is one operation, since each says what it needs");
        self.described.push((Arc::new(operation), (schemas, paths, methods)));
        self
    }

    /// Returns the document of the routes.
    pub(crate) fn document(&self) -> utoipa::openapi::OpenApi {
        let described = OpenApiRouter::with_openapi(openapi::head());
        let described = self.described.iter().fold(described, |described, (_, route)| described.routes(route.clone()));
        described.split_for_parts().1
    }

    /// Returns the templates of all paths.
    pub(crate) fn templates(&self) -> BTreeSet<String> {
        self.operations().map(|operation| operation.template.clone()).collect()
    }

    /// Returns the routes, each behind its gate.
    pub(crate) fn router(self, shared: &Arc<Shared>) -> Router<Arc<Shared>> {
        let described = self.described.into_iter().map(|(operation, (_, _, methods))| (operation, methods));
        described.chain(self.files).fold(Router::new(), |router, (operation, methods)| {
            let template = operation.template.clone();
            let gate = Arc::new(Gate { operation, shared: Arc::clone(shared) });
            let gate = from_fn(move |request: Request, next: Next| gate::pass(Arc::clone(&gate), request, next));
            router.route(&template, methods.route_layer(gate))
        })
    }

    /// Returns what is known about every route.
    fn operations(&self) -> impl Iterator<Item = &Operation> {
        let described = self.described.iter().map(|(operation, _)| operation);
        described.chain(self.files.iter().map(|(operation, _)| operation)).map(|operation| &**operation)
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Described)> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    let methods = [
        (Method::GET, get),
        (Method::PUT, put),
        (Method::POST, post),
        (Method::DELETE, delete),
        (Method::OPTIONS, options),
        (Method::HEAD, head),
        (Method::PATCH, patch),
        (Method::TRACE, trace),
    ];
    methods.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Says in the document what a route needs.
fn describe(operation: &mut Described, needs: Needs) {
    let schemes = || openapi::SCHEMES.map(|name| SecurityRequirement::new(name, Vec::<String>::new())).to_vec();
    let (security, role) = match needs {
        Needs::Nothing => (Vec::new(), None),
        // The token may also stand in the body.
        Needs::Proof => (vec![SecurityRequirement::default()], None),
        Needs::Role(role) => (schemes(), Some(role)),
    };
    operation.security = Some(security);
    if let Some(role) = role {
        operation.extensions = Some(ExtensionsBuilder::new().add(openapi::REQUIRED_ROLE, role.as_str()).build());
    }
}

/// Returns the status of the first answer that says that all went well.
fn success(operation: &Described) -> u16 {
    let statuses = operation.responses.responses.keys().filter_map(|status| status.parse::<u16>().ok());
    statuses.filter(|status| (200..300).contains(status)).min().unwrap_or(StatusCode::OK.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the contract opens for those without a token; the rest of the open routes are files of the interface.
    const OPEN: [&str; 6] = [
        "GET /health/live",
        "GET /health/ready",
        "GET /health/startup",
        "GET /health/simple",
        "GET /v1/version",
        "GET /v1/health",
    ];

    fn is_page(template: &str) -> bool {
        ui::PAGES.contains(&template)
    }

    #[test]
    fn only_what_the_contract_names_is_open_and_nothing_that_changes_something() {
        for operation in table().operations() {
            match operation.needs {
                Needs::Nothing => {
                    let is_docs = operation.template == "/docs" || operation.template.starts_with("/docs/");
                    let is_file = is_docs || operation.template == ui::ASSETS || is_page(&operation.template);
                    assert!(OPEN.contains(&&*operation.action) || is_file, "{} is open", operation.action);
                    assert!(!operation.changes, "{} is open and changes something", operation.action);
                }
                Needs::Proof => assert_eq!(&*operation.action, "POST /v1/session"),
                Needs::Role(role) => {
                    let is_own_session = operation.template == "/v1/session";
                    assert!(
                        !operation.changes || role > Viewer || is_own_session,
                        "{} changes something",
                        operation.action
                    );
                }
            }
        }
    }

    #[test]
    fn the_second_listener_has_routes_of_the_first_and_opens_metrics_alone() {
        let (first, second) = (table(), watching());
        for operation in second.operations() {
            let same = first.operations().find(|known| known.action == operation.action).unwrap();
            assert!(!operation.changes, "{}", operation.action);
            let is_metrics = operation.template.ends_with("/metrics");
            assert_eq!(operation.needs != same.needs, is_metrics, "{}", operation.action);
            assert!(is_metrics || operation.template.starts_with("/health"), "{}", operation.action);
        }
    }

    #[test]
    fn what_administers_the_service_needs_an_admin() {
        for operation in table().operations() {
            let administers =
                ["/v1/tokens", "/v1/audit", "/v1/log-level"].iter().any(|path| operation.template.starts_with(path));
            assert_eq!(administers, operation.needs == Needs::Role(Admin), "{}", operation.action);
        }
    }

    #[test]
    fn no_page_stands_where_programs_ask() {
        let document = table().document();
        for page in ui::PAGES {
            let is_api =
                ["/v1", "/health", "/metrics", "/config", "/docs", "/openapi"].iter().any(|p| page.starts_with(p));
            assert!(!is_api && !document.paths.paths.contains_key(page), "{page}");
        }
    }

    #[test]
    #[should_panic(expected = "a line of the table is one operation")]
    fn a_line_of_two_operations_is_none() {
        let _ = Table::default().needs(Viewer, routes!(runs::list, runs::create));
    }
}

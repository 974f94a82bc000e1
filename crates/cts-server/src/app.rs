//! The composition root: the one page where planes are built and meet.

mod options;
mod tracing;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use cts_config::ServiceConfig;
use cts_engine::tools::program::ServiceEnvironment;
use cts_engine::{Engine, EngineParts, Registry as ToolRegistry, WorkerKind};
use cts_model::{Clock, Ids, SystemClock};
use cts_observe::metrics::Registry;
use cts_observe::{LevelControl, LogWatch, Tracer};
use cts_store::{Blobs, Db, SqliteOptions};
use http::Request;
use tokio::sync::{Semaphore, watch};

pub use options::{engine_options, http_options};
pub use tracing::tracing_options;

use crate::access::Access;
use crate::cache::RunBodies;
use crate::checks::{self, LastMachine};
use crate::error::ServerError;
use crate::http::{no_method, no_route};
use crate::layers::measure::{HttpMetrics, KeepRoute};
use crate::layers::{self, Routers, compression};
use crate::log_levels::LogLevels;
use crate::metrics::{self, ServiceMetrics};
use crate::openapi::Document;
use crate::routes;
use crate::state::{HttpOptions, Shared};

/// What the door for programs stands on.
#[derive(Debug)]
pub struct AppParts {
    /// The plane that runs tools.
    pub engine: Engine,
    /// What the door is told.
    pub http: HttpOptions,
    /// What decides which lines the own log holds.
    pub levels: LevelControl,
    /// What tells what became of log lines.
    pub log: LogWatch,
}

/// The whole service without its socket. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct App {
    shared: Arc<Shared>,
    routers: Routers,
}

impl App {
    /// Puts the routes on the planes.
    #[must_use]
    pub fn build(parts: AppParts) -> Self {
        let AppParts { engine, http, levels, log } = parts;
        let table = routes::table();
        let openapi = table.document();
        let machine = LastMachine::default();
        let registry = Arc::clone(engine.metrics().registry());
        let run_bodies = Arc::new(RunBodies::new());
        let checks = checks::all(&engine, &machine, &run_bodies, &http);
        metrics::observe_writes(&registry, engine.db());
        let shared = Arc::new(Shared {
            access: Access::new(engine.db().clone(), &http),
            log_levels: LogLevels::new(levels),
            clock: Arc::clone(engine.clock()),
            ids: Arc::clone(engine.ids()),
            started: Instant::now(),
            streams: Arc::new(Semaphore::new(http.streams_max)),
            closing: watch::Sender::new(false),
            metrics: HttpMetrics::new(&registry, table.templates()),
            service_metrics: ServiceMetrics::new(&registry, engine.clock().now(), &checks.results(), log),
            checks,
            run_bodies,
            machine,
            document: Document::new(&openapi, http.require_authentication),
            engine,
            http,
        });
        Self::with(shared, table)
    }

    fn with(shared: Arc<Shared>, table: routes::Table) -> Self {
        let plain = table
            .router(&shared)
            .route_layer(KeepRoute)
            .fallback(no_route)
            .method_not_allowed_fallback(no_method)
            .with_state(Arc::clone(&shared));
        let compressing = compression::around(plain.clone());
        Self { shared, routers: Routers { plain, compressing } }
    }

    /// Returns the same app as its second listener serves it: metrics and probes alone.
    #[must_use]
    pub fn watching(&self) -> Self {
        Self::with(Arc::clone(&self.shared), routes::watching())
    }

    /// Answers one request.
    pub async fn handle(&self, request: Request<Body>) -> Response {
        layers::through(&self.shared, &self.routers, request).await
    }

    /// Answers one request past the layers around the routes, for whoever measures what they cost, and returns how long
    /// that took: without making the ids that the layers make.
    pub async fn time_past_layers(&self, request: Request<Body>) -> (Response, Duration) {
        layers::past(&self.shared, &self.routers, request).await
    }

    /// Returns the plane that runs tools.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// Returns what handlers share.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Ends all event streams, and those that would begin: clients come back when the service does.
    pub fn close_streams(&self) {
        self.shared.closing.send_replace(true);
    }
}

/// Opens database, blobs and tools of a configuration and starts the engine on them. `child_program` is the binary that
/// is executed for supervisors and native tools; none for the running one.
///
/// # Errors
/// What cannot be opened, in words for the one who starts the service.
pub async fn open_engine(
    config: &ServiceConfig,
    kind: WorkerKind,
    child_program: Option<PathBuf>,
) -> Result<Engine, ServerError> {
    let storage = &config.storage;
    let database = storage.base_storage_path.join("cts.db");
    let db = Db::open_sqlite(&database, &SqliteOptions::default()).await.map_err(ServerError::store(&database))?;
    let blob_root = storage.base_storage_path.join("blobs");
    let blobs = Blobs::local(&blob_root, true).map_err(ServerError::store(&blob_root))?;
    let environment = ServiceEnvironment::of_process();
    let (folder, of_tools) = (storage.tools_directory.clone(), environment.clone());
    let look = move || ToolRegistry::with_environment(cts_tools::specs(), Some(folder), of_tools);
    let registry = tokio::task::spawn_blocking(look).await.map_err(|error| ServerError::Panicked(error.to_string()))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids = Arc::new(Ids::new(Arc::clone(&clock)));
    let metrics = Arc::new(Registry::new());
    let tracer = match tracing_options(config, ids.next().to_string())? {
        Some(options) => Tracer::start(&options, Arc::clone(&clock), &metrics).map_err(ServerError::Tracing)?,
        None => Tracer::off(),
    };
    let parts = EngineParts {
        db,
        blobs,
        registry,
        options: engine_options(config, child_program),
        ids,
        clock,
        kind,
        environment,
        metrics,
        tracer,
    };
    Engine::start(parts).await.map_err(ServerError::Engine)
}

//! `cts-lite` from its first line to its exit code, once its arguments are known.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cts_config::service::sections::LogFormat;
use cts_config::{ConfigFaults, Kind, Profile, ServiceConfig, ServiceManager, Sources};
use cts_engine::WorkerKind;
use cts_model::SystemClock;
use cts_observe::{Style, Telemetry, TelemetryOptions};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::{App, AppParts, http_options, open_engine};
use crate::background;
use crate::configuration::{Configuration, examine};
use crate::error::ServerError;
use crate::lifecycle::{End, Signals, drain};
use crate::lock::ServiceLock;
use crate::notify::Notifier;
use crate::serve::Listening;

/// What the command line said.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The file that `--config` names.
    pub config: Option<PathBuf>,
    /// Settings by name, which win over everything else.
    pub settings: Vec<(String, String)>,
    /// Only tell what is configured, and whether it is right.
    pub check_config: Option<Form>,
}

/// How a configuration is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As a page for people, which is a configuration file as well.
    Page,
    /// As a JSON document.
    Json,
}

/// Most connections at one time to the listener of metrics and probes.
const WATCHING_CONNECTIONS_MAX: usize = 64;
/// How long the end may take after everything that ran has ended; told to the manager of services.
const END_AT_MOST: Duration = Duration::from_secs(30);
/// How long the last spans are waited for, when the runs have left that much time.
const TRACES_WAIT_MAX: Duration = Duration::from_secs(10);
/// The same when they have left none.
const TRACES_WAIT_MIN: Duration = Duration::from_secs(1);
/// How long the database may take to close.
const DATABASE_END: Duration = Duration::from_secs(5);
/// Most files that this process wants to have open.
const OPEN_FILES_MAX: u64 = 65_536;
/// How long the runtime may take to end what hangs.
const RUNTIME_END: Duration = Duration::from_secs(2);

/// Runs the service to its end and returns the exit code of the process: 0 clean, 1 failed, 2 configuration or lock,
/// 128 and the signal after a second one.
#[must_use]
pub fn run(start: Start) -> ExitCode {
    match run_to_end(start) {
        Ok(End::Clean) => ExitCode::SUCCESS,
        Ok(End::AtOnce(signal)) => ExitCode::from(128 + signal),
        Err(error) => {
            // Whether the log can be written or not, the one who started it must see this.
            let _ = writeln!(std::io::stderr(), "cts-lite: {}", error.report());
            ExitCode::from(error.exit_code())
        }
    }
}

fn run_to_end(start: Start) -> Result<End, ServerError> {
    let sources = Sources::from_process(Kind::Service, start.config, start.settings);
    if let Some(form) = start.check_config {
        return tell_config(&sources, form);
    }
    let loaded = ServiceConfig::load(&sources)?;
    let warnings = loaded.prepare_directories()?;
    let config = &loaded.config;
    let telemetry = telemetry(config)?;
    for warning in loaded.warnings.iter().chain(&warnings) {
        tracing::warn!("{warning}");
    }
    let lock = ServiceLock::take(&config.storage.base_storage_path)?;
    let open_files = raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("cts-lite")
        .build()
        .map_err(ServerError::Runtime)?;
    let manager = ServiceManager::of(&sources, std::process::id());
    let configuration = Arc::new(Configuration::of(&loaded, sources));
    let end = runtime.block_on(serve(config, configuration, &manager, &lock, open_files, &telemetry));
    runtime.shutdown_timeout(RUNTIME_END);
    if let Err(error) = lock.withdraw() {
        tracing::warn!("{}", error.report());
    }
    end
}

/// Lets this process open as many files as it may, up to a bound, and returns how many those are. Shells and service
/// managers give a thousand, which fewer connections than that use up.
fn raise_open_files() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(OPEN_FILES_MAX, |most| most.min(OPEN_FILES_MAX));
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => limit.current = Some(wanted),
            Err(error) => tracing::warn!("cannot open more than {:?} files: {error}", limit.current),
        }
    }
    limit.current.and_then(|current| usize::try_from(current).ok()).unwrap_or(usize::MAX)
}

/// Tells the configuration and looks at its directories; nothing is started, nothing is made.
fn tell_config(sources: &Sources, form: Form) -> Result<End, ServerError> {
    let examined = examine(sources);
    let text = match form {
        Form::Json => serde_json::to_string_pretty(&examined.report(None)).map_or(String::new(), |text| text + "\n"),
        Form::Page if examined.explanation.faults.is_empty() => examined.page(),
        // A page with faults would not be a file that can be used.
        Form::Page => String::new(),
    };
    let _ = std::io::stdout().write_all(text.as_bytes());
    if examined.explanation.faults.is_empty() {
        Ok(End::Clean)
    } else {
        Err(ConfigFaults(examined.explanation.faults).into())
    }
}

async fn serve(
    config: &ServiceConfig,
    configuration: Arc<Configuration>,
    manager: &ServiceManager,
    lock: &ServiceLock,
    open_files: usize,
    telemetry: &Telemetry,
) -> Result<End, ServerError> {
    let mut signals = Signals::listen()?;
    let notifier = Notifier::connect(manager).unwrap_or_else(|error| {
        tracing::warn!("the manager of services cannot be told anything at {:?}: {error}", manager.notify_socket);
        Notifier::default()
    });
    // The addresses are taken before anything is recovered, so that a wrong one costs nothing.
    let host = &config.http.host;
    let listening = Listening::bind("port", host, config.http.port).await?;
    let watching = match config.observe.metrics_port {
        Some(port) => {
            let watching = Listening::bind("metrics_port", host, port).await?;
            Some(watching.with_connections_max(WATCHING_CONNECTIONS_MAX))
        }
        None => None,
    };
    let engine = open_engine(config, WorkerKind::Service, None).await?;
    let mut http = http_options(config);
    http.port = listening.address().port();
    // The other half is for runs, files and the database.
    http.connections_max = http.connections_max.min(open_files / 2);
    http.metrics_port = watching.as_ref().map(|watching| watching.address().port());
    http.configuration = configuration;
    let clock = engine.clock().clone();
    let (levels, log) = (telemetry.levels().clone(), telemetry.watch().clone());
    let app = App::build(AppParts { engine, http, levels, log });
    let background = background::start(&app, config.storage.cleanup_interval);
    let url = listening.url();
    let metrics_url = watching.as_ref().map(Listening::url);
    let serving = Serving::begin(app.clone(), listening);
    let watching = watching.map(|watching| Serving::begin(app.watching(), watching));
    lock.announce(&url, metrics_url.clone(), clock.now())?;
    tracing::info!(url, pid = std::process::id(), "cts-lite {} listens on {url}", env!("CARGO_PKG_VERSION"));
    if let Some(url) = &metrics_url {
        tracing::info!(url, "metrics and probes are told on {url} as well");
    }
    let _ = writeln!(std::io::stdout(), "cts-lite listens on {url}");
    let _signs_of_life = notifier.give_signs_of_life(manager);
    notifier.ready(&format!("listens on {url}")).await;

    let signal = signals.next().await;
    let (patience, asked) = (config.process.graceful_shutdown_timeout, Instant::now());
    tracing::info!(signal, "stopping: what runs may take {} s more", patience.as_secs());
    let status = format!("stopping: what runs may take {} s more", patience.as_secs());
    notifier.stopping(&status, patience + config.runs.stop_grace + END_AT_MOST).await;
    let end = drain(&app, &mut signals, patience).await;
    drop(background);
    if let Err(error) = background::write_uses(app.clone()).await {
        tracing::warn!("cannot write down when tokens were used last: {error}");
    }
    app.close_streams();
    if matches!(end, Ok(End::Clean)) {
        // Who watches is told to the last that the service is not ready.
        let last = async {
            serving.end().await;
            if let Some(watching) = watching {
                watching.end().await;
            }
        };
        tokio::select! {
            () = last => {}
            number = signals.next() => return Ok(End::AtOnce(number)),
        }
        let left = patience.saturating_sub(asked.elapsed()).clamp(TRACES_WAIT_MIN, TRACES_WAIT_MAX);
        tokio::select! {
            () = app.engine().tracer().end(left) => {}
            number = signals.next() => return Ok(End::AtOnce(number)),
        }
        // The write-ahead log is carried over into the one file that a copy of the data directory needs.
        if tokio::time::timeout(DATABASE_END, app.engine().db().close()).await.is_err() {
            tracing::warn!("the database was not closed within {} s; nothing is lost", DATABASE_END.as_secs());
        }
    }
    tracing::info!("stopped");
    end
}

/// An app on one of its sockets.
struct Serving {
    task: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Serving {
    fn begin(app: App, listening: Listening) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { task: tokio::spawn(async move { app.serve(listening, stopped).await }), stop }
    }

    /// Lets open requests finish for a short while.
    async fn end(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!("a listener panicked: {error}");
        }
    }
}

/// Sets up the service's own log; it is written until the value goes out of scope.
fn telemetry(config: &ServiceConfig) -> Result<Telemetry, ServerError> {
    let terminal = std::io::stderr().is_terminal();
    let style = match config.process.log_format {
        LogFormat::Json => Style::Json,
        LogFormat::Text => Style::Text { colors: terminal },
        LogFormat::Auto => Style::auto(config.profile == Profile::Production, terminal, terminal),
    };
    let options = TelemetryOptions {
        style,
        level: config.process.log_level,
        libraries: config.process.debug,
        clock: Arc::new(SystemClock),
    };
    cts_observe::telemetry::init(options).map_err(ServerError::Telemetry)
}

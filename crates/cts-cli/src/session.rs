//! Where a command works: at a configured service, at the live service of the data directory, or in the own process.

mod interrupts;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use cts_config::{ClientConfig, Kind, ServiceConfig, Sources};
use cts_model::{Clock, Ids, Level, RunId, SystemClock};
use cts_observe::telemetry::{Style, Telemetry, TelemetryOptions, init_to};

use futures_util::future::LocalBoxFuture;

use crate::args::Global;
use crate::client::Client;
use crate::error::{CliError, Complaint};
use crate::files::Here;
use crate::render::screen::Screen;
use crate::transport::{Http, InProcess, Transport};

pub(crate) use interrupts::Interrupts;

/// Where a command works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// At a service.
    Service {
        /// Its address.
        url: String,
    },
    /// In the own process.
    InProcess {
        /// On this data directory.
        data_dir: PathBuf,
    },
}

/// What a command works with.
#[derive(Debug)]
pub(crate) struct Session {
    /// The calls.
    pub(crate) client: Client,
    /// Where they go.
    pub(crate) place: Place,
    /// Where the user is.
    pub(crate) here: Here,
    /// The configured folder for artifacts.
    pub(crate) out_dir: Option<PathBuf>,
    /// Where time comes from.
    pub(crate) clock: Arc<dyn Clock>,
    /// What the user sees.
    pub(crate) screen: Screen,
    /// Ctrl-C.
    pub(crate) interrupts: Interrupts,
    /// Whether a desktop is there that can show files.
    pub(crate) has_desktop: bool,
    ids: Ids,
    /// Runs that were acknowledged by this command, for the one who interrupts it.
    acknowledged: Mutex<Vec<String>>,
    /// The log of the own process; it writes what is left when it goes.
    _telemetry: Option<Telemetry>,
}

/// Returns where the user is.
pub(crate) fn here() -> Here {
    let Sources { current_dir, home, .. } = Sources::from_process(Kind::InProcess, None, Vec::new());
    Here { current_dir, home }
}

impl Session {
    /// Finds the place to work at and opens it.
    pub(crate) async fn open(global: &Global, screen: Screen) -> Result<Self, CliError> {
        let interrupts = Interrupts::listen()?;
        let sources = Sources::from_process(Kind::InProcess, global.config.clone(), Vec::new());
        let flags = global.url.iter().map(|url| ("url".to_owned(), url.clone())).collect();
        let client = ClientConfig::load(&Sources { flags, ..sources.clone() })?;
        for warning in &client.warnings {
            screen.warn(&warning.to_string());
        }
        let ClientConfig { url, api_key, out_dir } = client.config;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut telemetry = None;
        let (transport, place) = match url {
            Some(url) => (http(&url, api_key)?, Place::Service { url }),
            None => {
                let loaded = ServiceConfig::load(&sources)?;
                let data_dir = loaded.config.storage.base_storage_path.clone();
                match cts_server::find_service(&data_dir) {
                    // It is this machine's own service: the key is for it as for one whose address is configured.
                    Some(service) => (http(&service.url, api_key)?, Place::Service { url: service.url }),
                    None => {
                        telemetry = own_log(&screen, &clock);
                        for warning in loaded.warnings.iter().chain(&loaded.prepare_directories()?) {
                            screen.warn(&warning.to_string());
                        }
                        let app = InProcess::start(&loaded, &sources).await?;
                        (Transport::InProcess(app), Place::InProcess { data_dir })
                    }
                }
            }
        };
        Ok(Self {
            client: Client::new(transport),
            place,
            here: Here { current_dir: sources.current_dir, home: sources.home },
            out_dir,
            ids: Ids::new(Arc::clone(&clock)),
            clock,
            screen,
            interrupts,
            has_desktop: sources.environment.iter().any(|(name, value)| is_display(name) && !value.is_empty()),
            acknowledged: Mutex::default(),
            _telemetry: telemetry,
        })
    }

    /// Ends what was opened.
    pub(crate) async fn close(self) -> Result<(), CliError> {
        match self.client.into_transport() {
            Transport::Http(_) => Ok(()),
            Transport::InProcess(app) => app.close().await,
        }
    }

    /// Returns whether there is no service.
    pub(crate) fn is_in_process(&self) -> bool {
        matches!(self.place, Place::InProcess { .. })
    }

    /// Says that there is no service, where that matters.
    pub(crate) fn say_in_process(&self) {
        if let Place::InProcess { data_dir } = &self.place {
            let text = format!("no service is running: this runs in process, with the data in {}", data_dir.display());
            self.screen.note(&text);
        }
    }

    /// Returns a new key for a request that makes something.
    pub(crate) fn new_key(&self) -> String {
        format!("cts-{}", self.ids.next())
    }

    /// Remembers a run for the one who interrupts.
    pub(crate) fn acknowledged(&self, run_id: &str) {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).push(run_id.to_owned());
    }

    /// Does something until Ctrl-C comes.
    pub(crate) fn interruptible<'a, T: 'a>(
        &'a self,
        work: impl Future<Output = Result<T, CliError>> + 'a,
    ) -> LocalBoxFuture<'a, Result<T, CliError>> {
        self.until_next(0, Box::pin(work))
    }

    /// Does something until another Ctrl-C comes than those that were heeded already.
    pub(crate) fn interruptible_again<'a, T: 'a>(
        &'a self,
        work: impl Future<Output = Result<T, CliError>> + 'a,
    ) -> LocalBoxFuture<'a, Result<T, CliError>> {
        self.until_next(self.interrupts.count(), Box::pin(work))
    }

    fn until_next<'a, T: 'a>(
        &'a self,
        seen: u32,
        work: LocalBoxFuture<'a, Result<T, CliError>>,
    ) -> LocalBoxFuture<'a, Result<T, CliError>> {
        Box::pin(async move {
            tokio::select! {
                biased;
                result = work => result,
                () = self.interrupts.beyond(seen) => Err(self.interrupted()),
            }
        })
    }

    /// Returns what is told when the work is broken off.
    pub(crate) fn interrupted(&self) -> CliError {
        let runs = self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        let complaint = match runs.as_slice() {
            _ if self.is_in_process() => Complaint::new("interrupted"),
            [] => Complaint::new("interrupted"),
            [run] => Complaint::new(format!("interrupted; run {run} goes on"))
                .action(format!("Follow it again: cts logs {run} --follow"))
                .action(format!("Cancel it: cts runs cancel {run}")),
            runs => Complaint::new(format!("interrupted; {} runs go on", runs.len()))
                .action("Look at them: cts runs")
                .action(format!("Cancel them: cts runs cancel {}", runs.join(" "))),
        };
        CliError::Interrupted(complaint.into())
    }

    /// Returns the id of a run: `last` is the newest.
    pub(crate) async fn run_id(&self, text: &str) -> Result<String, CliError> {
        if text == "last" {
            let page = self.client.runs(&[("limit", "1".to_owned())]).await?;
            let newest = page.items.into_iter().next().map(|run| run.run_id);
            return newest.ok_or_else(|| {
                let action = "Start one with `cts run`; `cts cap` lists the tools.";
                CliError::NotFound(Complaint::new("there is no run yet").action(action).into())
            });
        }
        match text.parse::<RunId>() {
            Ok(id) => Ok(id.to_string()),
            Err(error) => {
                let complaint = Complaint::new(error.to_string()).action("List the runs with `cts runs`.");
                Err(CliError::NotFound(complaint.into()))
            }
        }
    }
}

fn is_display(variable: &str) -> bool {
    matches!(variable, "DISPLAY" | "WAYLAND_DISPLAY")
}

fn http(url: &str, key: Option<cts_model::Secret>) -> Result<Transport, CliError> {
    let http = Http::new(url, key).map_err(|source| CliError::Connection { to: url.to_owned(), source })?;
    Ok(Transport::Http(http))
}

/// Sets up the log of the own process: what goes wrong is seen among the rest.
fn own_log(screen: &Screen, clock: &Arc<dyn Clock>) -> Option<Telemetry> {
    let style = Style::Text { colors: screen.has_colors() };
    let options = TelemetryOptions { style, level: Level::Warning, libraries: false, clock: Arc::clone(clock) };
    // Without it nothing is lost but words.
    init_to(options, Box::new(screen.clone())).ok()
}

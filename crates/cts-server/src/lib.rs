//! The door for programs: routes, streams, OpenAPI; it also builds the app, where the planes meet.
//!
//! [`App::handle`] takes one request and gives one response, in plain `http` types: for tests, and for the command line
//! that has no server. [`App::serve`] puts it on a socket. [`service::run`] is `cts-lite`. Handlers only translate:
//! what a run is and when it may start is decided below.

mod app;

mod routes;

mod access;
mod layers;

mod extract;
mod http;

mod cache;
mod checks;
pub mod configuration;
mod connections;
mod log_levels;
mod metrics;
mod problem;
mod state;
mod stream;
mod ui;

mod openapi;

pub mod doctor;
pub mod embedded;

mod background;
mod error;
mod lifecycle;
mod lock;
mod notify;
mod serve;
pub mod service;
pub mod token_command;

pub use access::address::{BadNetwork, Network, Peer};
pub use app::{App, AppParts, engine_options, http_options, open_engine, tracing_options};
pub use error::ServerError;
pub use lock::{LiveService, find_service, observe_service};
pub use openapi::repository_document;
pub use serve::Listening;
pub use state::HttpOptions;

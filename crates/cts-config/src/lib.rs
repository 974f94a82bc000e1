//! What CTS was told: the service configuration, read once at start, and the client's own small file.
//!
//! Everything derives from one list, [`declarations()`]: names of keys, variables and flags, types, ranges, defaults of each
//! profile, help, the reference page and the example file. [`ServiceConfig::load`] merges profile defaults, file, `.env`,
//! environment and flags, remembers where each value came from, and reports every fault at once.
//!
//! It never guesses: an unknown key stops the start, a value that cannot be what it should be is refused with its origin.
//! Only [`Sources::from_process`] looks at the process; only [`Loaded::prepare_directories`] changes anything outside.

mod declaration;
mod error;
mod origin;
mod units;
mod value;

mod dotenv;
mod layers;
mod secret_file;
mod toml_file;

pub mod service;

mod client;
mod reference;
mod service_manager;
mod sources;

pub use client::{ClientConfig, LoadedClient};
pub use declaration::{Declaration, Defaults, Section};
pub use error::{ConfigFault, ConfigFaults, ConfigWarning};
pub use origin::Origin;
pub use reference::{example_file, reference_page};
pub use service::declarations::declarations;
pub use service::profile::Profile;
pub use service::{Directory, DirectoryState, ExplainedSetting, Explanation, Layer, Loaded, ServiceConfig};
pub use service_manager::ServiceManager;
pub use sources::{Kind, Sources};
pub use units::{SizeUnit, TimeUnit};
pub use value::{Check, Value, ValueType};

//! Versions: of the API, of the service, and of the oldest client that works with it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Version of the HTTP API.
pub const API_VERSION: &str = "1.0";
/// The oldest client that works with this service.
pub const MIN_CLIENT_VERSION: &str = "0.8.0";

/// Which version this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = crate::samples::version_json)]
pub struct Version {
    /// Of the HTTP API.
    pub api_version: String,
    /// Of the service.
    pub version: String,
    /// The oldest client that works with it.
    pub min_client_version: String,
    /// Features that will go away.
    pub deprecated_features: Vec<String>,
    /// The commit it was built from, where the build knew it.
    #[schema(required)]
    pub git_sha: Option<String>,
    /// When it was built, in RFC 3339, where the build told it.
    #[schema(required)]
    pub built_at: Option<String>,
}

//! Files that runs made, as clients see them.

use cts_model as model;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::time::Time;

/// A file that a run made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = crate::samples::artifact_json)]
pub struct Artifact {
    /// Its id.
    #[schema(format = "uuid")]
    pub id: String,
    /// Which run made it.
    #[schema(format = "uuid")]
    pub run_id: String,
    /// Its path in the run's directory: relative, `/` between the parts, never with `..`.
    pub filename: String,
    /// Media type.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// Sum of the bytes, in lower-case hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// When it was stored.
    pub created_at: Time,
    /// When retention removes it.
    #[schema(required)]
    pub expires_at: Option<Time>,
    /// Where its bytes are: an absolute URL.
    #[schema(format = "uri")]
    pub download_url: String,
    /// Where a preview is: an absolute URL.
    #[schema(format = "uri")]
    pub preview_url: String,
}

impl Artifact {
    /// Returns the wire form; `base_url` is the address at which the client reached the service, without a slash at
    /// its end.
    #[must_use]
    pub fn of(artifact: &model::Artifact, base_url: &str) -> Self {
        let id = artifact.id.to_string();
        Self {
            run_id: artifact.run_id.to_string(),
            filename: artifact.path.to_string(),
            media_type: artifact.media_type.clone(),
            size: artifact.size,
            sha256: artifact.sha256.to_string(),
            created_at: Time(artifact.created_at),
            expires_at: artifact.expires_at.map(Time),
            download_url: format!("{base_url}/v1/artifacts/{id}/download"),
            preview_url: format!("{base_url}/v1/artifacts/{id}/preview"),
            id,
        }
    }
}

/// A look into an artifact without downloading it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Preview {
    /// The first rows of a table.
    Table {
        /// Names of the columns, from the first line.
        columns: Vec<String>,
        /// The first rows.
        rows: Vec<Vec<String>>,
        /// Whether the file goes on.
        truncated: bool,
    },
    /// A cut of a text.
    Text {
        /// The beginning.
        text: String,
        /// Whether the file goes on.
        truncated: bool,
    },
    /// A JSON tree.
    Json {
        /// The whole tree.
        json: Value,
        /// Always false: a tree that is too large is shown as a text.
        truncated: bool,
    },
    /// Nothing that could be shown here.
    Binary {
        /// Media type.
        media_type: String,
        /// Bytes.
        size: u64,
    },
}

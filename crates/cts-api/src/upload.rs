//! Files that clients send, as clients see them.

use cts_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::{Fields, FromBody};
use crate::time::Time;

/// Longest file name, in bytes.
pub const FILENAME_LENGTH_MAX: usize = 255;

/// A file that is being sent, or was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = crate::samples::upload_json)]
pub struct Upload {
    /// Its id: the value of an input of type `upload`.
    #[schema(format = "uuid")]
    pub upload_id: String,
    /// Where to PUT the bytes: an absolute URL.
    #[schema(format = "uri")]
    pub upload_url: String,
    /// Where it is.
    pub status: UploadStatus,
    /// The client's name for it.
    pub filename: String,
    /// The declared size.
    pub size: u64,
    /// How many bytes are here.
    pub offset: u64,
    /// The declared sum, in lower-case hex.
    #[schema(required)]
    pub sha256: Option<String>,
    /// When it was declared.
    pub created_at: Time,
    /// When it is removed.
    pub expires_at: Time,
}

/// Where an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UploadStatus {
    /// Bytes are missing, or it was not finalized.
    Pending,
    /// Size and sum were checked; it can be an input.
    Ready,
}

impl Upload {
    /// Returns the wire form; `base_url` is the address at which the client reached the service, without a slash at
    /// its end.
    #[must_use]
    pub fn of(upload: &model::Upload, offset: u64, base_url: &str) -> Self {
        let upload_id = upload.id.to_string();
        Self {
            upload_url: format!("{base_url}/v1/uploads/{upload_id}"),
            upload_id,
            status: match upload.state {
                model::UploadState::Pending => UploadStatus::Pending,
                model::UploadState::Ready => UploadStatus::Ready,
            },
            filename: upload.filename.clone(),
            size: upload.size,
            offset,
            sha256: upload.sha256.map(|sum| sum.to_string()),
            created_at: Time(upload.created_at),
            expires_at: Time(upload.expires_at),
        }
    }
}

/// A declaration of a file that will be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = crate::samples::create_upload_json)]
pub struct CreateUpload {
    /// A file name: one path component.
    #[schema(min_length = 1, max_length = 255, pattern = r"^[^/\\\u0000-\u001F]+$")]
    pub filename: String,
    /// Bytes.
    #[schema(minimum = 0)]
    pub size: u64,
    /// The sum of the bytes in hex; it may also be given with the finalization.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    pub sha256: Option<String>,
}

impl FromBody for CreateUpload {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let filename = fields.text("filename", FILENAME_LENGTH_MAX);
        let filename = fields.required("filename", filename).filter(|name| {
            let good = is_file_name(name);
            if !good {
                let message = format!("filename {name:?} is not the name of a file: no / and \\, at most 255 bytes");
                fields.fault("filename", "pattern", message);
            }
            good
        });
        let size = fields.integer("size", 0..=i64::MAX);
        let size = fields.required("size", size);
        let sha256 = sha256(fields);
        Some(Self { filename: filename?, size: u64::try_from(size?).ok()?, sha256 })
    }
}

/// Returns whether a text is one path component that is safe to keep.
#[must_use]
pub fn is_file_name(name: &str) -> bool {
    let bad = |c: char| matches!(c, '/' | '\\') || c.is_control();
    !matches!(name, "" | "." | "..") && name.len() <= FILENAME_LENGTH_MAX && !name.contains(bad)
}

/// What comes with the finalization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FinalizeUpload {
    /// The sum of the bytes in hex, where it was not declared before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    pub sha256: Option<String>,
}

impl FromBody for FinalizeUpload {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { sha256: sha256(fields) })
    }
}

/// Reads a sum and writes it in lower case.
fn sha256(fields: &mut Fields<'_>) -> Option<String> {
    let text = fields.text("sha256", 256)?;
    match text.parse::<model::Sha256>() {
        Ok(sum) => Some(sum.to_string()),
        Err(error) => {
            fields.fault("sha256", "pattern", error.to_string());
            None
        }
    }
}

//! A look into an artifact: the first rows of a table, a cut of a text, a JSON tree. Never more than [`BYTES_MAX`] is
//! read.

#![expect(unused_qualifications, reason = "the macro of operations writes whole paths of query types")]

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use cts_api::{Preview, Problem};
use cts_engine::EngineError;
use cts_model::{Artifact, ArtifactId};
use cts_store::BlobKey;
use futures_util::TryStreamExt;
use utoipa::IntoParams;

use crate::extract::{FromQuery, Path, Query, QueryFields};
use crate::http::json;
use crate::problem::Refusal;
use crate::state::Shared;

/// Most bytes that are read for a preview.
const BYTES_MAX: u64 = 256 * 1024;
/// Rows of a table when nobody says how many.
const ROWS_DEFAULT: u64 = 50;
/// Most rows of a table.
const ROWS_MAX: u64 = 1000;

/// How much to show.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PreviewQuery {
    /// Most rows of a table.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1000)]
    rows: u64,
}

impl FromQuery for PreviewQuery {
    fn read(fields: &mut QueryFields) -> Option<Self> {
        Some(Self { rows: fields.integer("rows", 1..=ROWS_MAX).unwrap_or(ROWS_DEFAULT) })
    }
}

/// Look into an artifact
#[utoipa::path(
    get, path = "/v1/artifacts/{artifact_id}/preview", tag = "Artifacts", operation_id = "previewArtifact",
    params(("artifact_id" = String, Path, format = "uuid"), PreviewQuery),
    responses(
        (status = 200, body = Preview, description = "What it looks like"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such artifact"),
    ),
)]
pub(crate) async fn preview(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<ArtifactId>,
    Query(query): Query<PreviewQuery>,
) -> Result<Response, Refusal> {
    let artifact = shared.engine.artifact(id).await?;
    let cut = (artifact.size > BYTES_MAX).then_some(0..BYTES_MAX);
    let blob = shared.engine.blobs().read(BlobKey::Artifact(id), cut).await.map_err(EngineError::from)?;
    let fold = |mut all: Vec<u8>, piece: bytes::Bytes| {
        all.extend_from_slice(&piece);
        std::future::ready(Ok(all))
    };
    let bytes = blob.try_fold(Vec::new(), fold).await.map_err(EngineError::from)?;
    let rows = usize::try_from(query.rows).unwrap_or(usize::MAX);
    Ok(json(&look(&artifact, &bytes, rows)))
}

fn look(artifact: &Artifact, bytes: &[u8], rows: usize) -> Preview {
    let truncated = artifact.size > bytes.len() as u64;
    let Some(text) = text_of(bytes, truncated) else {
        return Preview::Binary { media_type: artifact.media_type.clone(), size: artifact.size };
    };
    let name = artifact.path.file_name().to_ascii_lowercase();
    let essence = artifact.media_type.split(';').next().unwrap_or("").trim();
    let delimiter = match essence {
        "text/csv" => Some(','),
        "text/tab-separated-values" => Some('\t'),
        _ if name.ends_with(".csv") => Some(','),
        _ if name.ends_with(".tsv") => Some('\t'),
        _ => None,
    };
    if let Some(delimiter) = delimiter {
        return table(text, delimiter, rows, truncated);
    }
    if !truncated
        && (essence.ends_with("json") || name.ends_with(".json"))
        && let Ok(json) = serde_json::from_str(text)
    {
        return Preview::Json { json, truncated: false };
    }
    Preview::Text { text: text.to_owned(), truncated }
}

/// Returns bytes as a text; none when they are not one. A character that was cut off at the end is left out.
fn text_of(bytes: &[u8], truncated: bool) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if truncated && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    (!text.contains('\0')).then_some(text)
}

/// Returns the first rows of a table as RFC 4180 has it: quotes around a field, two of them for one in it.
fn table(text: &str, delimiter: char, rows_max: usize, mut truncated: bool) -> Preview {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows: Vec<Vec<String>> = Vec::new();
    let (mut row, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            c if quoted => field.push(c),
            c if c == delimiter => row.push(std::mem::take(&mut field)),
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
                // One more than is shown: the first names the columns.
                if rows.len() > rows_max {
                    truncated |= characters.peek().is_some();
                    break;
                }
            }
            c => field.push(c),
        }
    }
    // A last line without an end is a row, but not when it was cut in the middle.
    if !truncated && (!field.is_empty() || !row.is_empty()) {
        row.push(field);
        rows.push(row);
    }
    let columns = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
    rows.truncate(rows_max);
    Preview::Table { columns, rows, truncated }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cts_model::{Ids, RunId, Sha256, SystemClock, Timestamp};
    use expect_test::{Expect, expect};

    use super::*;

    fn check(name: &str, media_type: &str, bytes: &[u8], size: u64, expected: &Expect) {
        let ids = Ids::new(Arc::new(SystemClock));
        let artifact = Artifact {
            id: ArtifactId::new(&ids),
            run_id: RunId::new(&ids),
            attempt: 1,
            path: name.parse().unwrap(),
            media_type: media_type.to_owned(),
            size,
            sha256: Sha256([0; 32]),
            created_at: Timestamp::from_ms(0),
            expires_at: None,
        };
        expected.assert_eq(&serde_json::to_string(&look(&artifact, bytes, 2)).unwrap());
    }

    #[test]
    fn a_table_shows_its_columns_and_first_rows() {
        check(
            "a.csv",
            "text/csv",
            b"t,x\r\n1,\"a,\"\"b\"\"\"\n2,\n",
            20,
            &expect![[r#"{"kind":"table","columns":["t","x"],"rows":[["1","a,\"b\""],["2",""]],"truncated":false}"#]],
        );
        check(
            "a.csv",
            "text/csv",
            b"t\n1\n2\n3\n",
            8,
            &expect![[r#"{"kind":"table","columns":["t"],"rows":[["1"],["2"]],"truncated":true}"#]],
        );
        check(
            "a.csv",
            "text/csv",
            b"t,x\n1,2\n3,",
            99,
            &expect![[r#"{"kind":"table","columns":["t","x"],"rows":[["1","2"]],"truncated":true}"#]],
        );
        check(
            "a.tsv",
            "text/plain",
            b"t\tx\n1\t2",
            7,
            &expect![[r#"{"kind":"table","columns":["t","x"],"rows":[["1","2"]],"truncated":false}"#]],
        );
        check("a.csv", "text/csv", b"", 0, &expect![[r#"{"kind":"table","columns":[],"rows":[],"truncated":false}"#]]);
    }

    #[test]
    fn json_is_shown_as_a_tree_and_text_as_a_cut() {
        check(
            "a.json",
            "application/json",
            b"{\"b\": [1]}",
            10,
            &expect![[r#"{"kind":"json","json":{"b":[1]},"truncated":false}"#]],
        );
        check(
            "a.json",
            "application/json",
            b"{\"b\": [1",
            100,
            &expect![[r#"{"kind":"text","text":"{\"b\": [1","truncated":true}"#]],
        );
        check(
            "a.txt",
            "text/plain",
            "grün".as_bytes(),
            5,
            &expect![[r#"{"kind":"text","text":"grün","truncated":false}"#]],
        );
        check(
            "a.txt",
            "text/plain",
            &"grü".as_bytes()[..3],
            5,
            &expect![[r#"{"kind":"text","text":"gr","truncated":true}"#]],
        );
        check(
            "a.bin",
            "application/octet-stream",
            b"\xff\x00",
            2,
            &expect![[r#"{"kind":"binary","media_type":"application/octet-stream","size":2}"#]],
        );
    }
}

//! Artifacts and uploads for people.

use std::fmt::Write as _;
use std::path::Path;

use cts_api::upload::UploadStatus;
use cts_api::{Artifact, Preview, Upload};

use super::{Look, actions};
use crate::commands::{Opened, Saved};
use crate::render::table::{Table, Tone, cell, right, toned};
use crate::render::text::{BOLD, DIM, clean, count, number, paint, size};

/// Most rows of a preview.
const PREVIEW_ROWS_MAX: usize = 20;
/// Most lines of a preview of a text.
const PREVIEW_LINES_MAX: usize = 40;

/// Returns what a run made.
pub(super) fn list(artifacts: &[Artifact], look: &Look) -> String {
    if artifacts.is_empty() {
        return "no artifacts\n".to_owned();
    }
    let mut table = Table::new(&["ARTIFACT", "FILE", "SIZE", "TYPE"], look.width).whole(0);
    for artifact in artifacts {
        table.row(vec![
            cell(&artifact.id),
            cell(&artifact.filename),
            right(size(artifact.size)),
            toned(&artifact.media_type, Tone::Quiet),
        ]);
    }
    let mut text = table.text();
    if let Some(first) = artifacts.first() {
        text.push('\n');
        text +=
            &actions(&[format!("cts art get {}", clean(&first.run_id)), format!("cts art open {}", clean(&first.id))]);
    }
    text
}

/// Returns what was fetched, and where it is.
pub(super) fn saved(saved: &[Saved], look: &Look) -> String {
    if saved.is_empty() {
        return "no artifacts\n".to_owned();
    }
    let folder = common_folder(saved);
    let mut table = Table::new(&["FILE", "SIZE", "LINES", "TYPE"], look.width);
    for saved in saved {
        let name = folder.and_then(|folder| saved.path.strip_prefix(folder).ok()).unwrap_or(&saved.path);
        let lines = if is_text(&saved.artifact.media_type) { number(saved.lines) } else { String::new() };
        let kind = if saved.was_there {
            format!("{}, was there", saved.artifact.media_type)
        } else {
            saved.artifact.media_type.clone()
        };
        table.row(vec![
            cell(look.path(name)),
            right(size(saved.artifact.size)),
            right(lines),
            toned(kind, Tone::Quiet),
        ]);
    }
    let total = saved.iter().map(|saved| saved.artifact.size).sum();
    let files = count(saved.len() as u64, "file", "files");
    let place = folder.map(|folder| format!(" in {}", paint(BOLD, look.path(folder))));
    format!("{}{files}, {}{}\n", table.text(), size(total), place.unwrap_or_default())
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/") || media_type.contains("json") || media_type.contains("csv")
}

/// Returns the folder in which all files lie.
fn common_folder(saved: &[Saved]) -> Option<&Path> {
    let mut folder = saved.first()?.path.parent()?;
    for saved in saved {
        while !saved.path.starts_with(folder) {
            folder = folder.parent()?;
        }
    }
    Some(folder)
}

/// Returns where an artifact is, and its beginning.
pub(super) fn opened(opened: &Opened, look: &Look) -> String {
    let mut text = String::new();
    if let Some(shown) = &opened.preview {
        text += &preview(shown, look);
        text.push('\n');
    }
    let path = look.path(&opened.saved.path);
    let _ = writeln!(text, "{} {}", paint(BOLD, path), paint(DIM, size(opened.saved.artifact.size)));
    text
}

fn preview(preview: &Preview, look: &Look) -> String {
    let (mut text, cut) = match preview {
        Preview::Table { columns, rows, truncated } => {
            let titles: Vec<&str> = columns.iter().map(String::as_str).collect();
            let mut table = Table::new(&titles, look.width);
            for row in rows.iter().take(PREVIEW_ROWS_MAX) {
                table.row(row.iter().map(cell).collect());
            }
            (table.text(), *truncated || rows.len() > PREVIEW_ROWS_MAX)
        }
        Preview::Text { text, truncated } => cut_lines(text, *truncated),
        Preview::Json { json, truncated } => {
            cut_lines(&serde_json::to_string_pretty(json).unwrap_or_default(), *truncated)
        }
        Preview::Binary { media_type, size: bytes } => {
            (format!("{} of {}: nothing to show here\n", size(*bytes), clean(media_type)), false)
        }
    };
    if cut {
        text.push_str("…\n");
    }
    text
}

fn cut_lines(text: &str, truncated: bool) -> (String, bool) {
    let shown: String = text.lines().take(PREVIEW_LINES_MAX).map(|line| format!("{}\n", clean(line))).collect();
    (shown, truncated || text.lines().count() > PREVIEW_LINES_MAX)
}

/// Returns files that were sent.
pub(super) fn uploads(uploads: &[Upload], look: &Look) -> String {
    let mut table = Table::new(&["UPLOAD", "FILE", "SIZE", "STATE"], look.width).whole(0);
    for upload in uploads {
        let state = match upload.status {
            UploadStatus::Pending => toned("pending", Tone::Notable),
            UploadStatus::Ready => toned("ready", Tone::Good),
        };
        table.row(vec![cell(&upload.upload_id), cell(&upload.filename), right(size(upload.size)), state]);
    }
    let mut text = table.text();
    text.push('\n');
    text += &actions(&[
        "-p NAME=upload:UPLOAD gives one to a parameter; cts run TOOL --path FILE --upload does both".to_owned()
    ]);
    text
}

//! Any line of a child: nothing panics, and a report that was understood is understood again when it is written.

#![no_main]

use cts_model::child_line::{self, ChildLine};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let line = String::from_utf8_lossy(bytes);
    let said = child_line::parse(&line);
    if let ChildLine::Progress(progress) = &said {
        assert!(progress.percent.is_none_or(|percent| (0.0..=100.0).contains(&percent)), "{progress:?}");
        let message = progress.message.as_deref().unwrap_or_default();
        assert!(message.chars().count() <= child_line::PROGRESS_MESSAGE_MAX + 1, "{progress:?}");
    }
    if line.starts_with(child_line::PREFIX) && !matches!(said, ChildLine::Log { .. }) {
        assert_eq!(child_line::parse(&said.to_line()), said);
    }
});

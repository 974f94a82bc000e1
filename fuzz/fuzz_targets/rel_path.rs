//! Any text as the path of an artifact: what is accepted never leaves the run's directory.

#![no_main]

use std::path::{Component, Path};
use std::str::FromStr;

use cts_model::RelPath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(path) = RelPath::from_str(&text) {
        let mut components = Path::new(path.as_str()).components();
        assert!(components.all(|component| matches!(component, Component::Normal(_))), "{path:?}");
        assert!(!path.as_str().is_empty() && !path.as_str().contains('\0'), "{path:?}");
        assert!(path.as_str().ends_with(path.file_name()), "{path:?}");
    }
});

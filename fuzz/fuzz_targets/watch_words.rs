//! Any text as what a user tells can-bitwatch: bits to watch, windows, patterns of pulses, one in a line.

#![no_main]

use cts_can::bitwatch::{PULSES_MAX, PulsePattern, WINDOWS_MAX, Watch, Window, check_windows};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let text = String::from_utf8_lossy(text);
    let mut windows = Vec::new();
    for line in text.lines() {
        match line.parse::<Watch>() {
            Ok(watch) => {
                assert!(watch.bit < 512, "{line}");
                let again: Watch = watch.to_string().parse().expect("what was understood is understood again");
                assert_eq!(again, Watch { by_byte: true, ..watch }, "{line}");
            }
            Err(fault) => assert!(!fault.to_string().is_empty()),
        }
        match line.parse::<PulsePattern>() {
            Ok(pattern) => {
                assert!((1..=PULSES_MAX).contains(&pattern.count), "{line}");
                assert!(pattern.takes(pattern.length) && pattern.tolerance <= pattern.length, "{line}");
                assert_eq!(pattern.to_string().parse(), Ok(pattern), "{line}");
            }
            Err(fault) => assert!(!fault.to_string().is_empty()),
        }
        if let Ok(window) = line.parse::<Window>() {
            assert!(window.start.is_finite() && window.end.is_finite() && window.start <= window.end, "{line}");
            windows.push(window);
        }
    }
    let count = windows.len();
    match check_windows(windows) {
        Ok(windows) => {
            assert_eq!(windows.len(), count);
            assert!(windows.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
        Err(fault) => assert!(count > WINDOWS_MAX || count > 1, "{fault}"),
    }
});

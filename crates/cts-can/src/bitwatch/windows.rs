//! The stretches of time in which the user did something.
//!
//! Windows do not overlap and stand in the order of time. Both ends belong to a window. Before the first one everything
//! is `pre`; what lies in no window after that is `post`.

use std::str::FromStr;

use thiserror::Error;

use crate::segments::Segment;

/// How many windows are told apart.
pub const WINDOWS_MAX: usize = 64;

/// One stretch of time, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Its first moment.
    pub start: f64,
    /// Its last moment.
    pub end: f64,
}

/// What is wrong with windows.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum WindowsFault {
    /// It does not have the parts.
    #[error("a window looks like 20..32 or 20+12, in seconds")]
    Shape,
    /// It ends before it begins.
    #[error("a window ends before it begins")]
    Backward,
    /// Two windows have a moment in common.
    #[error("the windows from {0} s and from {1} s overlap")]
    Overlap(f64, f64),
    /// There are too many.
    #[error("there are more than {WINDOWS_MAX} windows")]
    TooMany,
}

impl FromStr for Window {
    type Err = WindowsFault;

    fn from_str(text: &str) -> Result<Self, WindowsFault> {
        let seconds = |text: &str| {
            let seconds = text.trim().parse::<f64>().ok().filter(|seconds| seconds.is_finite());
            seconds.ok_or(WindowsFault::Shape)
        };
        let window = if let Some((start, end)) = text.split_once("..") {
            Self { start: seconds(start)?, end: seconds(end)? }
        } else {
            let (start, duration) = text.rsplit_once('+').ok_or(WindowsFault::Shape)?;
            let start = seconds(start)?;
            Self { start, end: start + seconds(duration)? }
        };
        match window {
            Self { start, end } if end < start => Err(WindowsFault::Backward),
            Self { end, .. } if !end.is_finite() => Err(WindowsFault::Shape),
            window => Ok(window),
        }
    }
}

/// Sorts windows and checks that no two of them overlap.
///
/// # Errors
/// When they overlap, or are too many.
pub fn check_windows(mut windows: Vec<Window>) -> Result<Vec<Window>, WindowsFault> {
    windows.sort_by(|a, b| a.start.total_cmp(&b.start));
    if windows.len() > WINDOWS_MAX {
        return Err(WindowsFault::TooMany);
    }
    let overlap = windows.windows(2).find(|pair| pair[1].start <= pair[0].end);
    match overlap {
        Some(pair) => Err(WindowsFault::Overlap(pair[0].start, pair[1].start)),
        None => Ok(windows),
    }
}

/// Returns the stretch that a moment lies in; none without windows.
#[inline]
pub(super) fn segment_of(windows: &[Window], time: f64) -> Option<Segment> {
    let first = windows.first()?;
    if time < first.start {
        return Some(Segment::Pre);
    }
    let is_inside = windows.iter().any(|window| window.start <= time && time <= window.end);
    Some(if is_inside { Segment::Window } else { Segment::Post })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_written_by_its_end_or_its_length() {
        for text in ["20..32", "20+12", " 20 .. 32.0 ", "2e1+12"] {
            assert_eq!(text.parse(), Ok(Window { start: 20.0, end: 32.0 }), "{text}");
        }
        assert_eq!("-5..-1".parse(), Ok(Window { start: -5.0, end: -1.0 }));
        assert_eq!("3..2".parse::<Window>(), Err(WindowsFault::Backward));
        for text in ["", "20", "a..b", "1..inf", "1..nan", "1+", "1e308+1e308"] {
            assert_eq!(text.parse::<Window>(), Err(WindowsFault::Shape), "{text}");
        }
    }

    #[test]
    fn windows_are_sorted_and_must_not_overlap() {
        let window = |start, end| Window { start, end };
        let sorted = check_windows(vec![window(5.0, 6.0), window(1.0, 2.0)]).unwrap();
        let segments = [0.5, 1.0, 2.0, 3.0, 5.5, 7.0].map(|time| segment_of(&sorted, time).unwrap().name());
        assert_eq!(segments, ["pre", "window", "window", "post", "window", "post"]);
        assert_eq!(segment_of(&[], 1.0), None);
        let overlap = check_windows(vec![window(1.0, 2.0), window(2.0, 3.0)]);
        assert_eq!(overlap, Err(WindowsFault::Overlap(1.0, 2.0)));
        assert_eq!(check_windows(vec![window(1.0, 1.0); 65]), Err(WindowsFault::TooMany));
    }
}

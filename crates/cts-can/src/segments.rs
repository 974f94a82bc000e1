//! Named stretches of a log: before, inside and after a window that the user marks.
//!
//! Both ends of the window belong to it. The rule compares unrounded seconds, so that a row is never moved
//! by how its time is printed.

/// A stretch of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// Before the window, or the whole log when no window is marked.
    Pre,
    /// Inside the window.
    Window,
    /// After the window.
    Post,
}

impl Segment {
    /// Returns `pre`, `window` or `post`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Window => "window",
            Self::Post => "post",
        }
    }
}

/// The window that a user marked, in seconds after the first `can` event.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WindowRule {
    /// Where the window begins.
    pub start: Option<f64>,
    /// How long it is.
    pub duration: Option<f64>,
}

impl WindowRule {
    /// Returns the rule for what a user said, which may be half of a window.
    #[must_use]
    pub fn new(start: Option<f64>, duration: Option<f64>) -> Self {
        Self { start, duration }
    }

    /// Returns the stretch that a moment lies in.
    #[must_use]
    pub fn segment(&self, seconds: f64) -> Segment {
        let (Some(start), Some(duration)) = (self.start, self.duration) else { return Segment::Pre };
        if seconds < start {
            Segment::Pre
        } else if seconds <= start + duration {
            Segment::Window
        } else {
            Segment::Post
        }
    }

    /// Returns why the window has no effect although the user gave one half of it.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        match (self.start, self.duration) {
            (Some(_), None) => Some("the window has a start but no duration, so every row is `pre`"),
            (None, Some(_)) => Some("the window has a duration but no start, so every row is `pre`"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_belong_to_the_window() {
        let rule = WindowRule::new(Some(1.0), Some(0.5));
        let segments = [0.999_999_999, 1.0, 1.5, 1.500_000_000_1].map(|t| rule.segment(t).name());
        assert_eq!(segments, ["pre", "window", "window", "post"]);
    }

    #[test]
    fn half_a_window_marks_nothing_and_says_so() {
        for rule in [WindowRule::new(Some(0.0), None), WindowRule::new(None, Some(1.0))] {
            assert_eq!(rule.segment(0.5), Segment::Pre);
            assert!(rule.warning().is_some());
        }
        assert_eq!(WindowRule::default().warning(), None);
        assert_eq!(WindowRule::new(Some(0.0), Some(1.0)).warning(), None);
    }

    #[test]
    fn a_window_of_negative_length_is_empty() {
        let rule = WindowRule::new(Some(1.0), Some(-1.0));
        assert_eq!([0.5, 1.0].map(|t| rule.segment(t)), [Segment::Pre, Segment::Post]);
    }
}

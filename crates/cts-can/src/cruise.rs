//! What the cruise control did, and which bits tell it: the `cruise-control-analyzer` analysis.
//!
//! [`native`] is true to the frames and works for any car with a profile, or with what openpilot's own events say.

pub mod native;

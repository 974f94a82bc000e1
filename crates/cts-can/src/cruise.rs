//! What the cruise control did, and which bits tell it: the `cruise-control-analyzer` analysis.
//!
//! [`native`] is true to the frames and works for any car with a profile, or with what openpilot's own events say.
//! [`compat`] gives the files of the Python tool byte for byte, for the one Subaru that it knows.

pub mod compat;
pub mod native;

mod id;

pub use id::analysis_name;

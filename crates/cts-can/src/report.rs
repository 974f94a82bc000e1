//! Reports that can be read without installing anything: one page of HTML with its plots inside.
//!
//! A page needs no script, no network and no font of its own; it is readable on paper, on a phone, in light and dark. What
//! comes from a log, a file name or a user is text in it and never markup. The same input gives the same bytes.

mod escape;
pub mod html;
pub mod plots;
mod svg;

pub use svg::Markup;

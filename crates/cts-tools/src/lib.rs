//! What runs inside a child: the native tools.
//!
//! A binary calls [`run_if_child`] before anything else: when it was started as a native tool, that is all it is. The
//! service uses [`specs`] to describe the tools and the own binary to execute them again; a crash in a tool is the end
//! of a child and of nothing else.

pub mod child;
pub mod native;

// What the analyzers share: what they promise.
mod spec;
// What they read, and what of it.
mod dbc_files;
mod filter;
mod inputs;
// What they write.
mod files;

pub mod analyzers {
    //! Tools that read logs and end. Each is its spec and a few lines from parameters to `cts-can` and back.

    pub mod can_bitwatch;
    pub mod can_summary;
    pub mod cruise_control;
    pub mod rlog_to_csv;
}

use std::process::ExitCode;

use cts_model::ToolSpec;

use crate::analyzers::can_bitwatch::CanBitwatch;
use crate::analyzers::can_summary::CanSummaryTool;
use crate::analyzers::cruise_control::CruiseControl;
use crate::analyzers::rlog_to_csv::RlogToCsv;
use crate::native::NativeTool;

/// Every native tool.
const TOOLS: [&dyn NativeTool; 4] = [&CanSummaryTool, &RlogToCsv, &CanBitwatch, &CruiseControl];

/// Returns what every native tool promises.
#[must_use]
pub fn specs() -> Vec<ToolSpec> {
    TOOLS.iter().map(|tool| tool.spec()).collect()
}

/// Runs the native tool that the arguments name and returns how it ended; none when they name none.
#[must_use]
pub fn run_if_child() -> Option<ExitCode> {
    child::run_if_child(&TOOLS)
}

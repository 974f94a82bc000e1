//! Black-box tests of the built `cts`: the journeys of a user without a service and with one, in own directories.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they are used, as tests do")]

mod cut;
mod in_process;
mod offline;
mod service;
mod support;

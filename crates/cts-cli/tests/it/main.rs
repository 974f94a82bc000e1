//! Black-box tests of the built `cts`: the journeys of a user without a service and with one, in own directories.

mod cut;
mod in_process;
mod offline;
mod service;
mod support;

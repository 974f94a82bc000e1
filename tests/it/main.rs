//! Black-box tests of both binaries.

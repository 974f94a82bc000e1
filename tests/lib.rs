//! Black-box tests of both binaries: see `it/`.

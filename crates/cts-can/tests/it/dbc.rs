//! DBC files from outside: values against those of cantools.

mod golden;

//! DBC files from outside: values against those of cantools and of a slow reference, made files, torn files.

mod golden;
mod made;
mod slow;
mod torn;
mod trip;

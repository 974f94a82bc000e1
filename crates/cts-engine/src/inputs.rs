//! From the names of inputs to files: what a client calls a file becomes a path that a tool may read, or a fault.
//!
//! A path is followed to where it really leads, and that place must lie below an allowed root: neither `..` nor a
//! symbolic link gets out. Outside of the roots nothing is told, not even whether a file exists. This is the only place
//! where a path of a client is opened. It reads folders and files, so it is not for the async runtime's own threads.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use cts_model::params::input_ref;
use cts_model::{FieldFault, InputKind, InputRef, InputSpec, JsonMap, ParamKind, ParamSpec};
use serde_json::Value;

mod expand;
mod order;
mod roots;

pub use order::natural_order;
pub use roots::InputRoots;

use expand::Expanded;

/// Most files that the inputs of one run may be.
pub const INPUTS_MAX: usize = 10_000;

/// Longest path that a client may name, in bytes.
pub const PATH_BYTES_MAX: usize = 4096;

/// What is known about an upload or artifact that an input names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredInput {
    /// Its bytes are there.
    Ready {
        /// Where.
        path: PathBuf,
        /// How many.
        size: u64,
        /// The file name that people know it by.
        name: String,
    },
    /// Bytes are missing, or it was not finalized.
    NotReady,
    /// There is none with this id, or it expired.
    Missing,
}

/// Uploads and artifacts, looked up by the caller for every input that names one; one that is not in the map counts as
/// missing.
pub type StoredInputs = HashMap<InputRef, StoredInput>;

/// One file of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedInput {
    /// The name of this single file, as it is kept with the run.
    pub reference: InputRef,
    /// Where it really is.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// The file name that people know it by.
    pub name: String,
}

/// Turns the inputs of a request into files.
///
/// A path may be a file, a folder (its files that the tool takes) or a glob; what they hold comes in numeric order, and
/// the same file only once.
///
/// # Errors
/// Every fault, with pointers `/inputs/0` (or `/inputs` when it is about all of them). Codes: `required`, `unexpected`,
/// `too_many`, `relative`, `not_found`, `outside_roots`, `not_a_file`, `unreadable`, `extension`, `no_match`, `pattern`,
/// `not_ready`, `length`.
pub fn resolve(
    inputs: &[InputRef],
    spec: &InputSpec,
    roots: &InputRoots,
    stored: &StoredInputs,
) -> Result<Vec<ResolvedInput>, Vec<FieldFault>> {
    let fault = |code: &str, message: String| Err(vec![FieldFault::new("/inputs", code, message)]);
    if spec.none && !inputs.is_empty() {
        return fault("unexpected", "the tool takes no input".into());
    }
    if spec.required && inputs.is_empty() {
        return fault("required", "the tool needs an input".into());
    }
    if inputs.len() > INPUTS_MAX {
        return fault("too_many", format!("{} inputs were given, at most {INPUTS_MAX} are possible", inputs.len()));
    }
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    let mut faults = Vec::new();
    for (index, input) in inputs.iter().enumerate() {
        match expand_one(input, &spec.extensions, roots, stored) {
            Ok(found) => files.extend(found.into_iter().filter(|file| seen.insert(file.path.clone()))),
            Err((code, message)) => faults.push(FieldFault::new(format!("/inputs/{index}"), code, message)),
        }
        if files.len() > INPUTS_MAX {
            let message = format!("the inputs are more than {INPUTS_MAX} files");
            faults.push(FieldFault::new(format!("/inputs/{index}"), "too_many", message));
            break;
        }
    }
    if faults.is_empty() && !spec.many && files.len() > 1 {
        return fault("too_many", format!("the tool takes one input, and these are {} files", files.len()));
    }
    if faults.is_empty() { Ok(files) } else { Err(faults) }
}

/// Looks again at files that [`resolve`] found earlier: they may have been replaced, or led elsewhere, since. Nothing is
/// expanded.
///
/// # Errors
/// Every fault, with pointers `/inputs/0`.
pub fn resolve_again(
    references: &[InputRef],
    roots: &InputRoots,
    stored: &StoredInputs,
) -> Result<Vec<ResolvedInput>, Vec<FieldFault>> {
    each(references, roots, stored, |index| format!("/inputs/{index}"))
}

/// Turns the files that parameters name into files: each is a single one. `files` is what the checked parameters hold:
/// the parameter's name and its file.
///
/// # Errors
/// Every fault, with pointers `/params/NAME`.
pub fn resolve_params(
    files: &[(String, InputRef)],
    roots: &InputRoots,
    stored: &StoredInputs,
) -> Result<Vec<(String, ResolvedInput)>, Vec<FieldFault>> {
    let references: Vec<InputRef> = files.iter().map(|(_, reference)| reference.clone()).collect();
    let found = each(&references, roots, stored, |index| format!("/params/{}", files[index].0))?;
    Ok(files.iter().map(|(name, _)| name.clone()).zip(found).collect())
}

/// Returns every file that parameters name, with the parameter's name: what [`resolve_params`] takes.
#[must_use]
pub fn file_params(specs: &[ParamSpec], params: &JsonMap) -> Vec<(String, InputRef)> {
    let mut files = Vec::new();
    for spec in specs {
        let is_list = spec.items == Some(ParamKind::File);
        match params.get(&spec.name) {
            Some(value) if spec.kind == ParamKind::File => {
                files.extend(input_ref(value).map(|file| (spec.name.clone(), file)))
            }
            Some(Value::Array(items)) if is_list => {
                files.extend(items.iter().filter_map(input_ref).map(|file| (spec.name.clone(), file)));
            }
            _ => {}
        }
    }
    files
}

fn each(
    references: &[InputRef],
    roots: &InputRoots,
    stored: &StoredInputs,
    pointer: impl Fn(usize) -> String,
) -> Result<Vec<ResolvedInput>, Vec<FieldFault>> {
    let mut files = Vec::new();
    let mut faults = Vec::new();
    for (index, reference) in references.iter().enumerate() {
        let found = match reference.kind {
            InputKind::Path => absolute(&reference.value).and_then(|path| file(&path, &[], roots)),
            InputKind::Upload | InputKind::Artifact => stored_file(reference, &[], stored),
        };
        match found {
            Ok(found) => files.push(found),
            Err((code, message)) => faults.push(FieldFault::new(pointer(index), code, message)),
        }
    }
    if faults.is_empty() { Ok(files) } else { Err(faults) }
}

/// A code and a sentence.
type Refusal = (&'static str, String);

fn expand_one(
    input: &InputRef,
    extensions: &[String],
    roots: &InputRoots,
    stored: &StoredInputs,
) -> Result<Vec<ResolvedInput>, Refusal> {
    if input.kind != InputKind::Path {
        return stored_file(input, extensions, stored).map(|file| vec![file]);
    }
    let path = absolute(&input.value)?;
    match expand::expand(&path, &input.value, extensions, roots)? {
        Expanded::Single => file(&path, extensions, roots).map(|file| vec![file]),
        Expanded::Several(paths) => paths.iter().map(|path| file(path, extensions, roots)).collect(),
    }
}

/// Returns the path that a client named, when it says by itself where it is.
fn absolute(value: &str) -> Result<PathBuf, Refusal> {
    if value.len() > PATH_BYTES_MAX {
        return Err(("length", format!("the path has more than {PATH_BYTES_MAX} bytes")));
    }
    if value.is_empty() || value.contains('\0') {
        return Err(("pattern", "the path is empty or holds a NUL character".into()));
    }
    let path = PathBuf::from(value);
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(("relative", format!("{value} is a relative path; give the whole path")))
    }
}

/// Checks one file: it is there, below a root, a regular file, readable, and of a kind that the tool takes.
fn file(path: &Path, extensions: &[String], roots: &InputRoots) -> Result<ResolvedInput, Refusal> {
    let shown = path.display();
    let real = roots.follow(path)?;
    let name = path.file_name().filter(|_| path.components().next_back() != Some(Component::ParentDir));
    let name = name.or_else(|| real.file_name()).unwrap_or_default().to_string_lossy().into_owned();
    let kind = fs::metadata(&real).map_err(|error| refuse_io(path, &error))?;
    if kind.is_dir() {
        return Err(("not_a_file", format!("{shown} is a folder, not a file")));
    }
    if !kind.is_file() {
        return Err(("not_a_file", format!("{shown} is not a regular file")));
    }
    check_extension(&name, extensions)?;
    // Opening tells more truly than permission bits whether it can be read; it never waits, and follows no link that was
    // put there in the meantime.
    let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    let opened = fs::OpenOptions::new().read(true).custom_flags(flags).open(&real);
    let found = opened.and_then(|file| file.metadata()).map_err(|error| refuse_io(path, &error))?;
    if !found.is_file() {
        return Err(("not_a_file", format!("{shown} is not a regular file")));
    }
    let value = path.to_str().map(str::to_owned).ok_or_else(|| ("pattern", format!("{shown} is not UTF-8")))?;
    let reference = InputRef { kind: InputKind::Path, value };
    Ok(ResolvedInput { reference, path: real, size: found.len(), name })
}

fn stored_file(input: &InputRef, extensions: &[String], stored: &StoredInputs) -> Result<ResolvedInput, Refusal> {
    let (kind, id) = (input.kind.as_str(), input.value.chars().take(64).collect::<String>());
    match stored.get(input).unwrap_or(&StoredInput::Missing) {
        StoredInput::Ready { path, size, name } => {
            check_extension(name, extensions)?;
            Ok(ResolvedInput { reference: input.clone(), path: path.clone(), size: *size, name: name.clone() })
        }
        StoredInput::NotReady => {
            Err(("not_ready", format!("{kind} {id} has not all its bytes yet, or was not finalized")))
        }
        StoredInput::Missing => Err(("not_found", format!("there is no {kind} {id}, or it expired"))),
    }
}

/// Returns whether a file name has one of the ends that a tool takes, in any case.
fn fits(name: &OsStr, extensions: &[String]) -> bool {
    let name = name.to_string_lossy().to_lowercase();
    extensions.is_empty() || extensions.iter().any(|extension| name.ends_with(&extension.to_lowercase()))
}

fn check_extension(name: &str, extensions: &[String]) -> Result<(), Refusal> {
    if fits(OsStr::new(name), extensions) {
        return Ok(());
    }
    Err(("extension", format!("{name} does not end in {}", extensions.join(", "))))
}

fn refuse_io(path: &Path, error: &std::io::Error) -> Refusal {
    let path = path.display();
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            ("not_found", format!("{path} is not there"))
        }
        std::io::ErrorKind::PermissionDenied => ("unreadable", format!("{path} may not be read by the service")),
        _ => ("unreadable", format!("{path} cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests;

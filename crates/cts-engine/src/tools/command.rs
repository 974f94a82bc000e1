//! How a command tool is started: its program, its arguments, its environment, all without a shell.
//!
//! One template becomes one argument, whatever characters a value has; only `{inputs}` and a list that stands alone
//! become several. A secret reaches the child by its environment and never by its arguments, which every user of the
//! machine can read.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use cts_model::{Code, Fault, FieldFault, JsonMap, RelPath, RunId, Secret};
use serde_json::Value;

use super::program::{Program, ServiceEnvironment};
use super::template::{Part, Placeholder, Template};

/// Longest argument or variable: Linux takes 128 KiB with the closing zero.
pub const ARGUMENT_BYTES_MAX: usize = 128 * 1024 - 1;

/// Longest command line and environment together: Linux takes a quarter of the stack limit, 2 MiB by default.
pub const COMMAND_BYTES_MAX: usize = 1024 * 1024 + 512 * 1024;

/// A part of the command line.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// One argument, or several for `{inputs}` and lists that stand alone.
    One(Template),
    /// All of it, or nothing where a value in it is missing.
    Group(Vec<Template>),
    /// All of it when the parameter is true, has a value, or has this value.
    When {
        /// Name of the parameter.
        param: String,
        /// The value that it must have; none: it is true, or there at all.
        is: Option<Value>,
        /// The arguments.
        args: Vec<Template>,
    },
    /// All of it once for each item of a list.
    Each {
        /// Name of the parameter.
        param: String,
        /// The arguments, with `{item}` in them.
        args: Vec<Template>,
    },
}

/// How a command tool is started.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandLine {
    /// What is started.
    pub program: Program,
    /// Its arguments.
    pub args: Vec<Argument>,
    /// Variables that the manifest sets; one whose value is missing is not set.
    pub environment: Vec<(String, Template)>,
    /// The folder of the manifest.
    pub manifest_dir: PathBuf,
    /// Where standard output goes, below the run's directory; none: it is the run's log.
    pub stdout: Option<RelPath>,
    /// Exit statuses that mean success.
    pub success_exit_codes: Vec<i32>,
    /// Parameters whose values would be taken for options if they began with `-`.
    pub dash_refused: Vec<String>,
}

/// What the placeholders stand for in one attempt.
#[derive(Debug, Clone, Copy)]
pub struct Placeholders<'a> {
    /// Checked parameters without secrets.
    pub params: &'a JsonMap,
    /// Checked secret parameters.
    pub secrets: &'a BTreeMap<String, Secret>,
    /// The resolved files of parameters of the type `file`, by name.
    pub files: &'a BTreeMap<String, Vec<PathBuf>>,
    /// The resolved inputs.
    pub inputs: &'a [PathBuf],
    /// The run's directory.
    pub out_dir: &'a Path,
    /// The run's temporary directory.
    pub tmp_dir: &'a Path,
    /// The run.
    pub run_id: RunId,
    /// The service's environment.
    pub environment: &'a ServiceEnvironment,
}

/// A value of the child's environment. It may hold a secret, so it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct EnvironmentValue(OsString);

impl EnvironmentValue {
    /// Returns the value. Every use of this word is a place to look at.
    #[must_use]
    pub fn reveal(&self) -> &OsStr {
        &self.0
    }
}

impl fmt::Debug for EnvironmentValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(cts_model::secret::MASK)
    }
}

/// A command that can be started as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedCommand {
    /// The program's file.
    pub program: PathBuf,
    /// Its arguments without the program's name.
    pub args: Vec<OsString>,
    /// What the manifest adds to the child's environment.
    pub environment: Vec<(String, EnvironmentValue)>,
    /// Every secret that went into the environment, to be masked in the run's log.
    pub secrets: Vec<Secret>,
}

/// Why a command cannot be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The program is not on this machine.
    #[error("{reason}")]
    ProgramMissing {
        /// What to do about it.
        reason: String,
    },
    /// The system does not take so long a command.
    #[error("the command line has {bytes} bytes, at most {most} are possible")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// A value would be taken for an option.
    #[error("{}", .0.message)]
    OptionLike(FieldFault),
    /// A placeholder has no value where one is needed.
    #[error("there is no value for {placeholder} in the command of the tool")]
    NoValue {
        /// Which.
        placeholder: String,
    },
    /// A secret is not in the service's environment.
    #[error("the secret {name} is not in the environment of the service")]
    SecretMissing {
        /// Which.
        name: String,
    },
}

impl CommandError {
    /// Returns the fault that clients see.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::ProgramMissing { reason } => Fault::system(Code::ProgramMissing, reason, reason, "ENOENT"),
            Self::TooLong { .. } => {
                Fault::new(Code::InvalidInput, self.to_string()).with_action("Give fewer inputs or shorter parameters.")
            }
            Self::OptionLike(field) => Fault::fields(Code::InvalidParameters, vec![field.clone()]),
            Self::NoValue { .. } => Fault::new(Code::InvalidParameters, self.to_string()),
            Self::SecretMissing { name } => Fault::new(Code::ToolUnavailable, self.to_string())
                .with_action(format!("Set {name} in the environment of the service.")),
        }
    }
}

/// What a placeholder gives.
enum Given {
    /// One value.
    One(OsString),
    /// Several values.
    Many(Vec<OsString>),
    /// It has no value, and that is allowed.
    Nothing,
}

impl CommandLine {
    /// Returns the faults of values that would be taken for options; to be asked before a run is accepted.
    #[must_use]
    pub fn check_values(&self, params: &JsonMap) -> Vec<FieldFault> {
        let begins_with_dash = |value: &Value| value.as_str().is_some_and(|text| text.starts_with('-'));
        let guarded = self.dash_refused.iter().filter_map(|name| Some((name, params.get(name)?)));
        let bad = guarded.filter(|(_, value)| match value {
            Value::Array(items) => items.iter().any(begins_with_dash),
            single => begins_with_dash(single),
        });
        bad.map(|(name, _)| {
            let message = format!("{name} begins with a -, so the program would take it for an option");
            FieldFault::new(format!("/params/{name}"), "pattern", message)
        })
        .collect()
    }

    /// Returns what must be true of the machine and is not, for an operator; none when the tool can run.
    #[must_use]
    pub fn unavailable_reason(&self, environment: &ServiceEnvironment) -> Option<String> {
        if self.program.find(environment).is_none() {
            return Some(self.program.missing_reason());
        }
        let secrets = self.environment.iter().flat_map(|(_, template)| template.holes());
        secrets.into_iter().find_map(|hole| match hole {
            Placeholder::Secret(name) if environment.get(name).is_none() => {
                Some(format!("the secret {name} is missing: set it in the environment of the service"))
            }
            _ => None,
        })
    }

    /// Puts the values of one attempt into the templates.
    ///
    /// # Errors
    /// [`CommandError`] when the command cannot be started with them.
    pub fn resolve(&self, values: &Placeholders<'_>) -> Result<ResolvedCommand, CommandError> {
        let Some(program) = self.program.find(values.environment) else {
            return Err(CommandError::ProgramMissing { reason: self.program.missing_reason() });
        };
        if let Some(field) = self.check_values(values.params).into_iter().next() {
            return Err(CommandError::OptionLike(field));
        }
        let mut args = Vec::new();
        for argument in &self.args {
            self.push(argument, values, &mut args)?;
        }
        let mut environment = Vec::new();
        let mut secrets = Vec::new();
        for (name, template) in &self.environment {
            for hole in template.holes() {
                match hole {
                    Placeholder::Secret(name) => {
                        let value = values.environment.get(name);
                        let value = value.ok_or_else(|| CommandError::SecretMissing { name: name.clone() })?;
                        secrets.push(Secret::new(value.to_string_lossy().into_owned()));
                    }
                    Placeholder::Param(name) => secrets.extend(values.secrets.get(name).cloned()),
                    _ => {}
                }
            }
            if let Some(value) = self.one(template, values, None)? {
                environment.push((name.clone(), EnvironmentValue(value)));
            }
        }
        let lengths = args.iter().map(|arg| arg.len() + 1);
        let lengths = lengths.chain(environment.iter().map(|(name, value)| name.len() + value.0.len() + 2));
        let (mut total, mut longest) = (0_usize, 0);
        for length in lengths {
            total = total.saturating_add(length);
            longest = longest.max(length);
        }
        if longest > ARGUMENT_BYTES_MAX {
            return Err(CommandError::TooLong { bytes: longest, most: ARGUMENT_BYTES_MAX });
        }
        if total > COMMAND_BYTES_MAX {
            return Err(CommandError::TooLong { bytes: total, most: COMMAND_BYTES_MAX });
        }
        Ok(ResolvedCommand { program, args, environment, secrets })
    }

    fn push(
        &self,
        argument: &Argument,
        values: &Placeholders<'_>,
        out: &mut Vec<OsString>,
    ) -> Result<(), CommandError> {
        match argument {
            Argument::One(template) => {
                // No inputs and an empty list are no arguments here; only a missing value is a fault.
                if self.expand(template, values, None, out)?.is_none() {
                    let hole = template.holes().next().map(Placeholder::to_string).unwrap_or_default();
                    return Err(CommandError::NoValue { placeholder: hole });
                }
            }
            Argument::Group(templates) => self.push_all(templates, values, None, out)?,
            Argument::When { param, is, args } => {
                let holds = match (values.params.get(param), is) {
                    (None | Some(Value::Null), _) => false,
                    (Some(Value::Bool(yes)), None) => *yes,
                    (Some(_), None) => true,
                    (Some(value), Some(wanted)) => same(value, wanted),
                };
                if holds {
                    self.push_all(args, values, None, out)?;
                }
            }
            Argument::Each { param, args } => match give_param(param, values) {
                Given::Many(items) => {
                    for item in &items {
                        self.push_all(args, values, Some(item), out)?;
                    }
                }
                Given::One(item) => self.push_all(args, values, Some(&item), out)?,
                Given::Nothing => {}
            },
        }
        Ok(())
    }

    /// Adds all of a group, or nothing where a value in it is missing or a list in it is empty.
    fn push_all(
        &self,
        templates: &[Template],
        values: &Placeholders<'_>,
        item: Option<&OsStr>,
        out: &mut Vec<OsString>,
    ) -> Result<(), CommandError> {
        let before = out.len();
        for template in templates {
            if matches!(self.expand(template, values, item, out)?, None | Some(0)) {
                out.truncate(before);
                break;
            }
        }
        Ok(())
    }

    /// Adds the arguments of one template and returns how many they are; none when a value in it is missing.
    fn expand(
        &self,
        template: &Template,
        values: &Placeholders<'_>,
        item: Option<&OsStr>,
        out: &mut Vec<OsString>,
    ) -> Result<Option<usize>, CommandError> {
        if let Some(hole) = template.alone()
            && let Given::Many(many) = self.give(hole, values, item)?
        {
            let count = many.len();
            out.extend(many);
            return Ok(Some(count));
        }
        let one = self.one(template, values, item)?;
        let count = one.is_some().then_some(1);
        out.extend(one);
        Ok(count)
    }

    /// Returns the one value of a template; none when a value in it is missing.
    fn one(
        &self,
        template: &Template,
        values: &Placeholders<'_>,
        item: Option<&OsStr>,
    ) -> Result<Option<OsString>, CommandError> {
        let mut text = Vec::new();
        for part in template.parts() {
            match part {
                Part::Text(literal) => text.extend_from_slice(literal.as_bytes()),
                Part::Hole(hole) => match self.give(hole, values, item)? {
                    Given::One(value) => {
                        // A file name of a client must not be taken for an option.
                        let is_name = matches!(hole, Placeholder::InputName | Placeholder::InputStem);
                        if is_name && text.is_empty() && value.as_bytes().starts_with(b"-") {
                            text.extend_from_slice(b"./");
                        }
                        text.extend_from_slice(value.as_bytes());
                    }
                    Given::Many(many) => text.extend_from_slice(many.join(OsStr::new(",")).as_bytes()),
                    Given::Nothing => return Ok(None),
                },
            }
        }
        Ok(Some(OsString::from_vec(text)))
    }

    fn give(&self, hole: &Placeholder, values: &Placeholders<'_>, item: Option<&OsStr>) -> Result<Given, CommandError> {
        let maybe = |value: Option<OsString>| value.map_or(Given::Nothing, Given::One);
        let input = values.inputs.first();
        Ok(match hole {
            Placeholder::Inputs => {
                Given::Many(values.inputs.iter().map(|path| path.clone().into_os_string()).collect())
            }
            Placeholder::Input => maybe(input.map(|path| path.clone().into_os_string())),
            Placeholder::InputName => maybe(input.and_then(|path| path.file_name()).map(OsStr::to_owned)),
            Placeholder::InputStem => maybe(input.and_then(|path| path.file_stem()).map(OsStr::to_owned)),
            Placeholder::Param(name) => give_param(name, values),
            Placeholder::OutDir => Given::One(values.out_dir.into()),
            Placeholder::TmpDir => Given::One(values.tmp_dir.into()),
            Placeholder::RunId => Given::One(values.run_id.to_string().into()),
            Placeholder::ManifestDir => Given::One(self.manifest_dir.clone().into()),
            Placeholder::Item => maybe(item.map(OsStr::to_owned)),
            Placeholder::Env(name) => maybe(values.environment.get(name).map(OsStr::to_owned)),
            Placeholder::Secret(name) => match values.environment.get(name) {
                Some(value) => Given::One(value.to_owned()),
                None => return Err(CommandError::SecretMissing { name: name.clone() }),
            },
        })
    }
}

/// Returns what a parameter gives: secrets and files have their values elsewhere.
fn give_param(name: &str, values: &Placeholders<'_>) -> Given {
    if let Some(secret) = values.secrets.get(name) {
        return Given::One(secret.reveal().into());
    }
    let files = values.files.get(name).map(|paths| paths.iter().map(|path| path.clone().into_os_string()));
    match (values.params.get(name), files) {
        (None | Some(Value::Null), _) => Given::Nothing,
        (Some(Value::Array(_)), Some(files)) => Given::Many(files.collect()),
        (Some(Value::Array(items)), None) => Given::Many(items.iter().map(|item| text_of(item).into()).collect()),
        (Some(Value::Object(_)), files) => files.into_iter().flatten().next().map_or(Given::Nothing, Given::One),
        (Some(value), _) => Given::One(text_of(value).into()),
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.total_cmp(&right).is_eq(),
        _ => left == right,
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;

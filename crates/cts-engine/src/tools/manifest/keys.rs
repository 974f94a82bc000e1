//! Every key that a manifest may have: one list for the reader, the published schema and the guide.
//!
//! A key that is not here is unknown, and one that is here has a help text. The order is the one in which a person would
//! write them.

/// What a key's value looks like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// A text that is not empty, of at most so many characters.
    Text(usize),
    /// A text that a regular expression describes, and what that is for people.
    Word(&'static str, &'static str),
    /// One of some words.
    Choice(&'static [&'static str]),
    /// True or false.
    Bool,
    /// A whole number within bounds.
    Count(i64, i64),
    /// A finite number.
    Number,
    /// A duration.
    Duration,
    /// A size in bytes.
    Size,
    /// A list of texts.
    Texts,
    /// A list of whole numbers within bounds.
    Counts(i64, i64),
    /// A value of a parameter.
    Value,
    /// A list of values of a parameter.
    Values,
    /// The command line.
    Command,
    /// A table with these keys.
    Table(&'static [Key]),
    /// A list of tables with these keys.
    Tables(&'static [Key]),
    /// A table of names, each with a table of these keys; a name has this pattern.
    Named(&'static str, &'static [Key]),
    /// A table of names, each with a text; a name has this pattern.
    Variables(&'static str),
    /// A table of parameters with values.
    Assignments,
}

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name.
    pub(super) name: &'static str,
    /// It must be there.
    pub(super) required: bool,
    /// What its value looks like.
    pub(super) shape: Shape,
    /// What it means.
    pub(super) help: &'static str,
}

const fn must(name: &'static str, shape: Shape, help: &'static str) -> Key {
    Key { name, required: true, shape, help }
}

const fn may(name: &'static str, shape: Shape, help: &'static str) -> Key {
    Key { name, required: false, shape, help }
}

/// What the id of a tool looks like.
pub(super) const TOOL_ID: &str = "^[a-z0-9][a-z0-9._-]{0,63}$";
/// What the name of a parameter looks like.
pub(super) const PARAM_NAME: &str = "^[a-z][a-z0-9_]{0,63}$";
/// What the name of a variable looks like.
pub(super) const VARIABLE_NAME: &str = "^[A-Za-z_][A-Za-z0-9_]{0,127}$";

/// Longest text for people.
const PROSE: usize = 4000;

/// The top of the file.
pub(super) const MANIFEST: &[Key] = &[
    must(
        "id",
        Shape::Word(TOOL_ID, "1 to 64 characters from a-z 0-9 - _ . that begin with a letter or digit"),
        "The name by which the tool is run: `cts run ID`. 1 to 64 characters from a-z 0-9 - _ . that begin with a letter or digit; unique among all tools.",
    ),
    must("name", Shape::Text(100), "The name that people see."),
    must("description", Shape::Text(PROSE), "What the tool does, in a sentence or a few."),
    may("version", Shape::Text(50), "The tool's version; it is kept with every run. Default: \"1\"."),
    may(
        "category",
        Shape::Choice(&["tool", "analyzer"]),
        "What the tool is for: `analyzer` for one that reads driving logs, else `tool`. Default: \"tool\".",
    ),
    may("tags", Shape::Texts, "Words to find the tool by."),
    must(
        "command",
        Shape::Command,
        "The program and its arguments; no shell sees them. The first is the program: a name from the service's PATH, or a path (a relative one begins at the manifest's folder). A text is one argument; a list is a group that vanishes when a value in it is missing; `{ when = \"PARAM\", args = […] }` is a group for a parameter that is true, has a value or, with `is = VALUE`, has this value; `{ each = \"PARAM\", args = […\"{item}\"…] }` repeats a group for each item of a list.",
    ),
    may("success_exit_codes", Shape::Counts(0, 255), "Exit statuses that mean success. Default: [0]."),
    may(
        "stdout",
        Shape::Text(1024),
        "A file below the run's directory that takes the program's standard output, which is then not part of the log. Without it standard output is the log.",
    ),
    may(
        "only_declared_outputs",
        Shape::Bool,
        "Keep only the files that match a pattern of `outputs`. Default: false, every file that the tool leaves in its directory is an artifact.",
    ),
    may("timeout", Shape::Duration, "Time limit of one attempt. Default: the service's tool_timeout_seconds."),
    may("concurrency", Shape::Count(1, 10_000), "Most runs of this tool at one time. Default: no limit of its own."),
    may(
        "concurrency_key",
        Shape::Texts,
        "Parameters whose values make a key, for example a device: runs with the same key wait for each other.",
    ),
    may("concurrency_per_key", Shape::Count(1, 10_000), "Most runs with one key at one time. Default: 1."),
    may("allow_environment", Shape::Texts, "Names of variables that a request may set in the tool's environment."),
    may("input", Shape::Table(INPUT), "The files that the tool works on. Without this table it takes none."),
    may(
        "params",
        Shape::Named(PARAM_NAME, PARAM),
        "The parameters, each a table `[params.NAME]`, in the order in which a form shows them.",
    ),
    may("outputs", Shape::Tables(OUTPUT), "The files that the tool makes, each a table `[[outputs]]`."),
    may("limits", Shape::Table(LIMITS), "Limits of one run; what is not named is the service's."),
    may(
        "retry",
        Shape::Table(RETRY),
        "What happens after a failure below the tool; what is not named is the service's.",
    ),
    may(
        "fallback",
        Shape::Assignments,
        "Parameters that replace the given ones in one further attempt after the tool failed.",
    ),
    may(
        "access",
        Shape::Table(ACCESS),
        "What the tool needs beyond its own directory and its inputs. The sandbox allows nothing else.",
    ),
    may(
        "environment",
        Shape::Variables(VARIABLE_NAME),
        "Variables of the tool's environment, NAME = \"template\". `{env.NAME}` and `{secret.NAME}` are taken from the service's environment; a variable whose value is missing is not set.",
    ),
];

/// `[input]`.
pub(super) const INPUT: &[Key] = &[
    may("required", Shape::Bool, "At least one file must be given. Default: true."),
    may("many", Shape::Bool, "More than one file may be given. Default: false."),
    may("extensions", Shape::Texts, "Ends of file names that the tool takes, each with its dot. Default: any."),
    may("description", Shape::Text(PROSE), "What kind of file it is."),
];

/// `[params.NAME]`.
pub(super) const PARAM: &[Key] = &[
    must(
        "type",
        Shape::Choice(&["str", "int", "float", "bool", "list", "file"]),
        "The type of its value. A `file` is named as an input is, and the tool gets its path.",
    ),
    may("description", Shape::Text(PROSE), "Help for people."),
    may("required", Shape::Bool, "It must be given. Default: false."),
    may("default", Shape::Value, "Its value when none is given."),
    may("choices", Shape::Values, "The only values allowed."),
    may("minimum", Shape::Number, "Least number, or least length of a text or list."),
    may("maximum", Shape::Number, "Greatest number, or greatest length of a text or list."),
    may("pattern", Shape::Text(1000), "A regular expression that a whole text (or each text of a list) must match."),
    may("items", Shape::Choice(&["str", "int", "float", "bool", "file"]), "Type of a list's items. Default: \"str\"."),
    may("unit", Shape::Text(20), "Unit of a number, for example \"s\"."),
    may("secret", Shape::Bool, "Its value is never shown; it may only stand in `environment`. Default: false."),
    may("examples", Shape::Values, "Values that a form shows."),
];

/// `[[outputs]]`.
pub(super) const OUTPUT: &[Key] = &[
    must("pattern", Shape::Text(1024), "A glob over paths below the run's directory: `*.csv`, `plots/**/*.svg`."),
    may("required", Shape::Bool, "A run that makes none of these files fails. Default: false."),
    may(
        "media_type",
        Shape::Word(MEDIA_TYPE, "a media type such as \"text/csv\""),
        "Media type, where the name's end does not tell it.",
    ),
];

/// What a media type looks like.
pub(super) const MEDIA_TYPE: &str = "^[a-zA-Z0-9!#$&^_.+-]{1,64}/[a-zA-Z0-9!#$&^_.+-]{1,64}$";

/// `[limits]`.
pub(super) const LIMITS: &[Key] = &[
    may("memory", Shape::Size, "Memory of the whole run."),
    may("processes", Shape::Count(1, 100_000), "Processes of the whole run."),
    may("open_files", Shape::Count(16, 1_000_000), "Open files of one process."),
    may("output_size", Shape::Size, "Size of everything in the run's directory."),
    may("artifact_size", Shape::Size, "Size of one artifact."),
    may("log_size", Shape::Size, "Stored log; beyond it head and tail are kept."),
    may("log_lines_per_second", Shape::Count(1, 10_000_000), "Stored log lines a second; the rest is counted."),
    may("stop_grace", Shape::Duration, "Time between the polite stop (SIGTERM) and the hard one (SIGKILL)."),
];

/// `[retry]`.
pub(super) const RETRY: &[Key] = &[
    may("attempts", Shape::Count(1, 100), "Attempts in all after a failure of the system below the tool."),
    may("delay", Shape::Duration, "Delay before the second attempt; it doubles with each further one."),
    may(
        "retry_on_lost",
        Shape::Bool,
        "The tool may be run again when the service died and nobody knows how far it came. Default: false, such a run fails with RUN_LOST.",
    ),
];

/// `[access]`.
pub(super) const ACCESS: &[Key] = &[
    may("network", Shape::Bool, "It uses the network. Default: false."),
    may("read", Shape::Texts, "Files and folders that it reads; a relative path begins at the manifest's folder."),
    may("write", Shape::Texts, "Files and folders that it writes, beyond its own directory."),
    may("devices", Shape::Texts, "Devices that it uses, for example \"/dev/ttyUSB0\"."),
    may("unconfined", Shape::Bool, "No sandbox at all. Default: false."),
];

/// A group of arguments with a condition.
pub(super) const WHEN: &[Key] = &[
    must(
        "when",
        Shape::Word(PARAM_NAME, "the name of a parameter"),
        "Name of the parameter that must be true, have a value or have the value of `is`.",
    ),
    may("is", Shape::Value, "The value that the parameter must have."),
    must("args", Shape::Texts, "The arguments."),
];

/// A group of arguments for each item of a list.
pub(super) const EACH: &[Key] = &[
    must("each", Shape::Word(PARAM_NAME, "the name of a parameter"), "Name of a parameter of the type list."),
    must("args", Shape::Texts, "The arguments, with {item} in them."),
];

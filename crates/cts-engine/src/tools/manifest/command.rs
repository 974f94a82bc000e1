//! `command` and `[environment]`: templates, checked against the parameters and inputs that there are.
//!
//! What could go wrong with a value when a run starts is found here already: a placeholder that nobody fills, a value
//! that may be missing outside of a group, a secret in an argument, a parameter or an input that is used nowhere.

use std::collections::BTreeSet;
use std::path::Path;

use cts_model::nearest::did_you_mean;
use cts_model::{InputSpec, ParamKind, ParamSpec};

use super::keys::{EACH, VARIABLE_NAME, WHEN};
use super::params;
use super::section::{Faults, Section, matches};
use super::tree::{Node, Span, Value};
use crate::tools::command::Argument;
use crate::tools::program::Program;
use crate::tools::template::{Part, Placeholder, Template};

/// Most arguments of a command in a manifest.
const ARGUMENTS_MAX: usize = 1000;

/// Variables that the service sets itself.
const RESERVED_VARIABLES: [&str; 2] = ["TRACEPARENT", "TRACESTATE"];

/// Variables that a request may never set: they decide which code runs.
const UNSAFE_VARIABLES: [&str; 8] = ["PATH", "HOME", "TMPDIR", "PWD", "SHELL", "IFS", "ENV", "BASH_ENV"];

/// Where a template stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    /// An argument that is always there.
    Argument,
    /// An argument of a group that may vanish.
    Group,
    /// An argument of a group for each item.
    Each,
    /// A variable.
    Variable,
}

/// What templates are checked against, and what they turned out to use.
pub(super) struct Templates<'a> {
    pub(super) params: &'a [ParamSpec],
    pub(super) input: &'a InputSpec,
    /// Parameters that are used somewhere.
    pub(super) used: BTreeSet<String>,
    /// Whether an argument or variable uses the input.
    pub(super) input_used: bool,
    /// Parameters whose values may not begin with a dash.
    pub(super) dash_refused: BTreeSet<String>,
}

impl Templates<'_> {
    /// Reads `command`.
    pub(super) fn command(
        &mut self,
        node: &Node,
        folder: &Path,
        faults: &mut Faults<'_>,
    ) -> Option<(Program, Vec<Argument>)> {
        let Value::List(items) = &node.value else {
            faults.add(&node.span, format!("command is {}, not a list: [\"program\", \"argument\", …]", node.kind()));
            return None;
        };
        let Some((first, rest)) = items.split_first() else {
            faults.add(&node.span, "command is empty; its first text is the program");
            return None;
        };
        if rest.len() > ARGUMENTS_MAX {
            faults.add(&node.span, format!("command has more than {ARGUMENTS_MAX} arguments"));
            return None;
        }
        let program = program(first, folder, faults);
        let mut args: Vec<Argument> = Vec::new();
        for item in rest {
            let after_dashes = args.iter().any(is_dash_dash);
            let after_option = matches!(args.last(), Some(Argument::One(template)) if is_option(template));
            args.extend(self.argument(item, after_dashes, after_option, faults));
        }
        program.map(|program| (program, args))
    }

    fn argument(
        &mut self,
        node: &Node,
        after_dashes: bool,
        after_option: bool,
        faults: &mut Faults<'_>,
    ) -> Option<Argument> {
        match &node.value {
            Value::Text(_) => {
                let template = self.template(node, Where::Argument, None, faults)?;
                if !after_dashes && !after_option {
                    self.refuse_dash(&template, None);
                }
                Some(Argument::One(template))
            }
            Value::List(items) if items.is_empty() => {
                faults.add(&node.span, "a group of arguments is empty");
                None
            }
            Value::List(items) => {
                let args = self.group(items, Where::Group, None, after_dashes, faults);
                let has_hole = args.iter().any(|template| template.holes().any(can_be_missing));
                if !has_hole && args.len() == items.len() {
                    let message = "nothing in this group can be missing, so it never vanishes: write its texts without the list, or use { when = \"PARAM\", args = […] }";
                    faults.add(&node.span, message);
                }
                Some(Argument::Group(args))
            }
            Value::Table(entries) if entries.iter().any(|entry| entry.key == "each") => {
                self.each(node, after_dashes, faults)
            }
            Value::Table(_) => self.when(node, after_dashes, faults),
            _ => {
                faults.add(&node.span, format!("an argument is {}, not a text; write it in quotes", node.kind()));
                None
            }
        }
    }

    fn when(&mut self, node: &Node, after_dashes: bool, faults: &mut Faults<'_>) -> Option<Argument> {
        let section = Section::of(WHEN, "a group with a condition", node, faults)?;
        let name = section.text("when", faults);
        let items: Vec<Node> = section.texts("args", faults).into_iter().map(|(_, node)| node.clone()).collect();
        let args = self.group(&items, Where::Group, None, after_dashes, faults);
        let (name, name_node) = (name?, section.get("when")?);
        let spec = self.find(name, name_node, faults)?;
        if spec.secret {
            faults.add(&name_node.span, format!("{name} is secret; the arguments of a tool must not tell about it"));
            return None;
        }
        let is = section.get("is").and_then(|is| params::value(is, "is", &spec, faults));
        Some(Argument::When { param: name.to_owned(), is, args })
    }

    fn each(&mut self, node: &Node, after_dashes: bool, faults: &mut Faults<'_>) -> Option<Argument> {
        let section = Section::of(EACH, "a group for each item", node, faults)?;
        let (name, name_node) = (section.text("each", faults)?, section.get("each")?);
        let spec = self.find(name, name_node, faults);
        let items: Vec<Node> = section.texts("args", faults).into_iter().map(|(_, node)| node.clone()).collect();
        let args = self.group(&items, Where::Each, Some(name), after_dashes, faults);
        let spec = spec?;
        if spec.kind != ParamKind::List {
            faults.add(&name_node.span, format!("{name} is of the type {}, not a list", spec.kind.as_str()));
        }
        if !args.iter().any(|template| template.holes().any(|hole| *hole == Placeholder::Item)) {
            faults.add(&node.span, "no argument of this group has {item} in it");
        }
        Some(Argument::Each { param: name.to_owned(), args })
    }

    fn group(
        &mut self,
        items: &[Node],
        place: Where,
        each: Option<&str>,
        after_dashes: bool,
        faults: &mut Faults<'_>,
    ) -> Vec<Template> {
        let mut args: Vec<Template> = Vec::new();
        for item in items {
            if !matches!(item.value, Value::Text(_)) {
                faults.add(&item.span, format!("a group holds {}; it takes texts only", item.kind()));
                continue;
            }
            let Some(template) = self.template(item, place, each, faults) else { continue };
            if !after_dashes && !args.last().is_some_and(is_option) {
                self.refuse_dash(&template, each);
            }
            args.push(template);
        }
        args
    }

    /// Reads `[environment]`.
    pub(super) fn environment(&mut self, top: &Section<'_>, faults: &mut Faults<'_>) -> Vec<(String, Template)> {
        let mut variables = Vec::new();
        for entry in top.entries("environment", faults) {
            check_variable(&entry.key, &entry.key_span, faults);
            if !matches!(entry.node.value, Value::Text(_)) {
                faults.add(&entry.node.span, format!("{} is {}, not a text", entry.key, entry.node.kind()));
                continue;
            }
            if let Some(template) = self.template(&entry.node, Where::Variable, None, faults) {
                variables.push((entry.key.clone(), template));
            }
        }
        variables
    }

    /// Reads one template and checks its placeholders.
    fn template(&mut self, node: &Node, place: Where, each: Option<&str>, faults: &mut Faults<'_>) -> Option<Template> {
        let Value::Text(text) = &node.value else { return None };
        if text.contains('\0') {
            faults.add(&node.span, "a NUL character cannot be part of a command");
            return None;
        }
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(bad) => {
                faults.add_inside(node, text, bad.offset, bad.message);
                return None;
            }
        };
        for hole in template.holes() {
            // The text of a placeholder is the same in the template as in the manifest.
            let offset = text.find(&hole.to_string()).unwrap_or(0);
            if let Some(message) = self.check(hole, &template, place, each) {
                faults.add_inside(node, text, offset, message);
            }
        }
        Some(template)
    }

    /// Returns what is wrong with a placeholder at its place, and notes what it uses.
    fn check(&mut self, hole: &Placeholder, template: &Template, place: Where, each: Option<&str>) -> Option<String> {
        match hole {
            Placeholder::Inputs | Placeholder::Input | Placeholder::InputName | Placeholder::InputStem => {
                self.input_used = true;
                self.bad_input(hole, template, place)
            }
            Placeholder::Param(name) => match self.params.iter().find(|param| param.name == *name) {
                Some(param) => {
                    self.used.insert(name.clone());
                    bad_param(param, place)
                }
                None => {
                    let near = did_you_mean(name, self.params.iter().map(|param| param.name.as_str()));
                    Some(format!("{hole}: no parameter is named {name}{near}"))
                }
            },
            Placeholder::Item if each.is_none() => {
                Some("{item} has a value only in { each = \"PARAM\", args = […] }".into())
            }
            Placeholder::Secret(_) | Placeholder::Env(_) if place != Where::Variable => {
                Some(format!("{hole} may only stand in [environment]: every user of the machine can read arguments"))
            }
            Placeholder::Secret(name) | Placeholder::Env(name) if !matches(VARIABLE_NAME, name) => {
                Some(format!("{hole}: {name} cannot be the name of a variable"))
            }
            Placeholder::Secret(_)
            | Placeholder::Env(_)
            | Placeholder::Item
            | Placeholder::OutDir
            | Placeholder::TmpDir
            | Placeholder::RunId
            | Placeholder::ManifestDir => None,
        }
    }

    fn bad_input(&self, hole: &Placeholder, template: &Template, place: Where) -> Option<String> {
        if self.input.none {
            return Some(format!("{hole}: the tool takes no input; add a table [input]"));
        }
        if *hole == Placeholder::Inputs {
            let alone = template.alone().is_some() && place != Where::Variable;
            return (!alone).then(|| "{inputs} becomes as many arguments as there are inputs, so it stands alone in its argument; {input} is the path of a single one".into());
        }
        if self.input.many {
            return Some(format!("{hole} is for tools with one input; with many = true use {{inputs}}"));
        }
        let may_miss = !self.input.required && place == Where::Argument;
        may_miss.then(|| format!("{hole} may have no value: put the argument into a list [\"{template}\"], which then vanishes, or set required = true"))
    }

    fn find(&mut self, name: &str, node: &Node, faults: &mut Faults<'_>) -> Option<ParamSpec> {
        let found = self.params.iter().find(|param| param.name == name);
        if found.is_some() {
            self.used.insert(name.to_owned());
        } else {
            let near = did_you_mean(name, self.params.iter().map(|param| param.name.as_str()));
            faults.add(&node.span, format!("no parameter is named {name}{near}"));
        }
        found.cloned()
    }

    /// Notes the parameter whose value decides how an argument begins.
    fn refuse_dash(&mut self, template: &Template, each: Option<&str>) {
        let name = match (template.parts().first(), each) {
            (Some(Part::Hole(Placeholder::Param(name))), _) => name.as_str(),
            (Some(Part::Hole(Placeholder::Item)), Some(name)) => name,
            _ => return,
        };
        let free = |param: &&ParamSpec| {
            let is_text = param.kind == ParamKind::Str || param.items == Some(ParamKind::Str);
            param.name == name && is_text && param.choices.is_empty() && param.pattern.is_none()
        };
        if self.params.iter().any(|param| free(&param)) {
            self.dash_refused.insert(name.to_owned());
        }
    }
}

fn program(node: &Node, folder: &Path, faults: &mut Faults<'_>) -> Option<Program> {
    let Value::Text(word) = &node.value else {
        faults.add(&node.span, format!("the program is {}, not a text", node.kind()));
        return None;
    };
    let bad = if word.is_empty() {
        "the program is an empty text"
    } else if word.contains(['{', '}']) {
        "the program is a fixed name or path, without placeholders; a relative path such as ./tool begins at the manifest's folder"
    } else if word.contains('\0') {
        "a NUL character cannot be part of a command"
    } else if !word.contains('/') && word.contains(char::is_whitespace) {
        "the program has a space in its name; each argument is a text of its own: [\"program\", \"argument\"]"
    } else {
        return Some(Program::parse(word, folder));
    };
    faults.add(&node.span, bad);
    None
}

fn is_dash_dash(argument: &Argument) -> bool {
    matches!(argument, Argument::One(template) if matches!(template.parts(), [Part::Text(text)] if text == "--"))
}

/// Returns whether an argument is an option whose value is the next argument.
fn is_option(template: &Template) -> bool {
    matches!(template.parts(), [Part::Text(text)] if text.starts_with('-') && text != "--" && text.len() > 1)
}

fn can_be_missing(hole: &Placeholder) -> bool {
    matches!(
        hole,
        Placeholder::Inputs
            | Placeholder::Input
            | Placeholder::InputName
            | Placeholder::InputStem
            | Placeholder::Param(_)
            | Placeholder::Env(_)
    )
}

fn bad_param(param: &ParamSpec, place: Where) -> Option<String> {
    let name = &param.name;
    if param.secret && place != Where::Variable {
        return Some(format!(
            "{name} is secret, and every user of the machine can read arguments: give it to the tool in [environment]"
        ));
    }
    let may_miss = !param.required && param.default.is_none();
    (may_miss && place == Where::Argument).then(|| {
        format!(
            "{name} may have no value: give it a default, set required = true, or put the argument into a list, which vanishes without a value: [\"--{name}\", \"{{param.{name}}}\"]"
        )
    })
}

/// Checks the name of a variable that the manifest sets.
fn check_variable(name: &str, span: &Span, faults: &mut Faults<'_>) {
    let shown: String = name.chars().take(64).collect();
    if !matches(VARIABLE_NAME, name) {
        faults.add(span, format!("{shown:?} cannot be the name of a variable: letters, digits and _"));
    } else if name.starts_with("CTS_") || RESERVED_VARIABLES.contains(&name) {
        faults.add(span, format!("{shown} is set by the service"));
    }
}

/// Reads `allow_environment`.
pub(super) fn allowed_variables(top: &Section<'_>, faults: &mut Faults<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for (name, node) in top.texts("allow_environment", faults) {
        check_variable(name, &node.span, faults);
        if name.starts_with("LD_") || UNSAFE_VARIABLES.contains(&name) {
            faults.add(&node.span, format!("a request must not set {name}: it decides which code the tool runs"));
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

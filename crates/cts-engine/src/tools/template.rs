//! One argument or variable with placeholders: `--out={out_dir}/result.csv`.
//!
//! A placeholder is a known name in braces; `{{` and `}}` are literal braces. There is no shell, no nesting and no
//! expression: what a placeholder stands for is put in as it is, whatever characters it has.

use std::fmt;

/// What a placeholder stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placeholder {
    /// Every input, each an argument of its own.
    Inputs,
    /// The path of the one input.
    Input,
    /// The file name of the one input.
    InputName,
    /// The file name of the one input without its last extension.
    InputStem,
    /// The value of a parameter.
    Param(String),
    /// The run's directory.
    OutDir,
    /// The run's temporary directory.
    TmpDir,
    /// The run's id.
    RunId,
    /// The folder of the manifest.
    ManifestDir,
    /// The present item of `each`.
    Item,
    /// A secret of the service's environment.
    Secret(String),
    /// A variable of the service's environment.
    Env(String),
}

/// The placeholders without a name of their own, and the beginnings of those with one, for messages.
pub(super) const PLACEHOLDERS: [&str; 9] =
    ["inputs", "input", "input.name", "input.stem", "out_dir", "tmp_dir", "run_id", "manifest_dir", "item"];

impl Placeholder {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "inputs" => Self::Inputs,
            "input" => Self::Input,
            "input.name" => Self::InputName,
            "input.stem" => Self::InputStem,
            "out_dir" => Self::OutDir,
            "tmp_dir" => Self::TmpDir,
            "run_id" => Self::RunId,
            "manifest_dir" => Self::ManifestDir,
            "item" => Self::Item,
            _ => {
                let (kind, rest) = name.split_once('.')?;
                if rest.is_empty() || !rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                    return None;
                }
                match kind {
                    "param" => Self::Param(rest.to_owned()),
                    "secret" => Self::Secret(rest.to_owned()),
                    "env" => Self::Env(rest.to_owned()),
                    _ => return None,
                }
            }
        })
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inputs => f.write_str("{inputs}"),
            Self::Input => f.write_str("{input}"),
            Self::InputName => f.write_str("{input.name}"),
            Self::InputStem => f.write_str("{input.stem}"),
            Self::Param(name) => write!(f, "{{param.{name}}}"),
            Self::OutDir => f.write_str("{out_dir}"),
            Self::TmpDir => f.write_str("{tmp_dir}"),
            Self::RunId => f.write_str("{run_id}"),
            Self::ManifestDir => f.write_str("{manifest_dir}"),
            Self::Item => f.write_str("{item}"),
            Self::Secret(name) => write!(f, "{{secret.{name}}}"),
            Self::Env(name) => write!(f, "{{env.{name}}}"),
        }
    }
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it is.
    Text(String),
    /// Put in when the run starts.
    Hole(Placeholder),
}

/// A text with placeholders. Two texts never stand side by side in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    parts: Vec<Part>,
}

/// What is wrong with the text of a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadTemplate {
    /// Bytes before the brace that is wrong.
    pub offset: usize,
    /// Why.
    pub message: String,
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// The first brace that is neither doubled nor around a placeholder.
    pub fn parse(text: &str) -> Result<Self, BadTemplate> {
        let mut template = Self::default();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(found) = text[at..].find(['{', '}']) {
            let brace = at + found;
            literal.push_str(&text[at..brace]);
            let rest = &text[brace..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                literal.push_str(&rest[..1]);
                at = brace + 2;
                continue;
            }
            let bad = |message: String| BadTemplate { offset: brace, message };
            let Some(inside) = rest.strip_prefix('{') else {
                return Err(bad("a single }; a brace that is meant as text is doubled: }}".into()));
            };
            let Some(end) = inside.find(['{', '}']).filter(|end| inside[*end..].starts_with('}')) else {
                return Err(bad("a { without its }; a brace that is meant as text is doubled: {{".into()));
            };
            let name = &inside[..end];
            let Some(hole) = Placeholder::from_name(name) else {
                return Err(bad(unknown(name)));
            };
            template.push_text(&mut literal);
            template.parts.push(Part::Hole(hole));
            at = brace + 1 + end + 1;
        }
        literal.push_str(&text[at..]);
        template.push_text(&mut literal);
        Ok(template)
    }

    fn push_text(&mut self, literal: &mut String) {
        if !literal.is_empty() {
            self.parts.push(Part::Text(std::mem::take(literal)));
        }
    }

    /// Returns its pieces.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Returns its placeholders.
    pub fn holes(&self) -> impl Iterator<Item = &Placeholder> {
        self.parts.iter().filter_map(|part| match part {
            Part::Hole(hole) => Some(hole),
            Part::Text(_) => None,
        })
    }

    /// Returns the placeholder that it consists of, when there is nothing else.
    #[must_use]
    pub fn alone(&self) -> Option<&Placeholder> {
        match self.parts.as_slice() {
            [Part::Hole(hole)] => Some(hole),
            _ => None,
        }
    }

    /// Returns the text that it begins with, when that does not depend on the run.
    #[must_use]
    pub fn leading_text(&self) -> Option<&str> {
        match self.parts.first() {
            Some(Part::Text(text)) => Some(text),
            _ => None,
        }
    }
}

fn unknown(name: &str) -> String {
    let short: String = name.chars().take(64).collect();
    let braces = "a brace that is meant as text is doubled: {{";
    let near = cts_model::nearest::nearest(&short, PLACEHOLDERS, 1);
    match near.first() {
        Some(near) => format!("unknown placeholder {{{short}}}; did you mean {{{near}}}? ({braces})"),
        None => format!(
            "unknown placeholder {{{short}}}; there are {{{}}}, {{param.NAME}}, {{env.NAME}} and {{secret.NAME}} ({braces})",
            PLACEHOLDERS.join("}, {")
        ),
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Part::Hole(hole) => write!(f, "{hole}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&match Template::parse(text) {
            Ok(template) => format!("{:?}", template.parts()),
            Err(bad) => format!("{}: {}", bad.offset, bad.message),
        });
    }

    #[test]
    fn placeholders_stand_in_braces_and_braces_are_doubled() {
        check("--out={out_dir}/x", expect![[r#"[Text("--out="), Hole(OutDir), Text("/x")]"#]]);
        check("{param.start}", expect![[r#"[Hole(Param("start"))]"#]]);
        check("{{print $1}}{run_id}", expect![[r#"[Text("{print $1}"), Hole(RunId)]"#]]);
        check("", expect![[r#"[]"#]]);
    }

    #[test]
    fn a_bad_brace_is_named_with_its_place() {
        check("a}", expect![[r#"1: a single }; a brace that is meant as text is doubled: }}"#]]);
        check("ab{param.x", expect![[r#"2: a { without its }; a brace that is meant as text is doubled: {{"#]]);
        check("{ {inputs}", expect![[r#"0: a { without its }; a brace that is meant as text is doubled: {{"#]]);
        let message = |text: &str| Template::parse(text).unwrap_err().message;
        assert!(message("{input.nme}").starts_with("unknown placeholder {input.nme}; did you mean {input.name}?"));
        assert!(message("{print}").ends_with("(a brace that is meant as text is doubled: {{)"));
        assert!(message("{param.}").starts_with("unknown placeholder {param.}; "));
        assert!(message("{param.a b}").starts_with("unknown placeholder {param.a b}; "));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_within_itself(text in "\\PC{0,60}") {
            match Template::parse(&text) {
                Ok(template) => prop_assert_eq!(Template::parse(&template.to_string()), Ok(template)),
                Err(bad) => prop_assert!(text.is_char_boundary(bad.offset) && bad.offset < text.len()),
            }
        }

        #[test]
        fn a_template_is_read_back_from_its_text(pieces in prop::collection::vec("[{}a-zä. ]{0,4}|\\{\\{|\\}\\}|\\{param\\.x\\}|\\{inputs\\}", 0..8)) {
            if let Ok(template) = Template::parse(&pieces.concat()) {
                prop_assert_eq!(Template::parse(&template.to_string()), Ok(template));
            }
        }

        #[test]
        fn a_literal_text_comes_back_whole(text in "\\PC{0,40}") {
            let doubled = text.replace('{', "{{").replace('}', "}}");
            let template = Template::parse(&doubled).unwrap();
            let literal: String = template.parts().iter().map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Hole(_) => "",
            }).collect();
            prop_assert_eq!(literal, text);
        }
    }
}

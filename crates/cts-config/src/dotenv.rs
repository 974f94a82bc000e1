//! A `.env` file as a list of names and values with their lines.
//!
//! `NAME=value`, `export NAME=value`, comments, single quotes (taken as they are), double quotes (with `\n`, `\t`, `\r`,
//! `\"`, `\\`, `\$`), both over several lines. Nothing is ever substituted: `$` and backticks are ordinary characters, so
//! a value cannot pull in another one. Own code, because the usual crate substitutes from the process environment and
//! does not tell lines.

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// The name.
    pub(crate) name: String,
    /// The value without its quotes.
    pub(crate) value: String,
    /// Its first line, from 1.
    pub(crate) line: usize,
}

/// A line that is none of what may stand in the file. The text itself is not repeated: it may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineFault {
    /// The line, from 1.
    pub(crate) line: usize,
    /// What is wrong with it.
    pub(crate) message: &'static str,
}

/// Returns the assignments in order, and every line that is wrong.
pub(crate) fn parse(text: &str) -> (Vec<Assignment>, Vec<LineFault>) {
    let mut assignments = Vec::new();
    let mut faults = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut line = 1;
    while !rest.is_empty() {
        let (read, used) = statement(rest);
        match read {
            Ok(Some((name, value))) => assignments.push(Assignment { name, value, line }),
            Ok(None) => {}
            Err(message) => faults.push(LineFault { line, message }),
        }
        line += rest[..used].matches('\n').count();
        rest = &rest[used..];
    }
    (assignments, faults)
}

type Statement = Result<Option<(String, String)>, &'static str>;

/// Reads what begins here up to and with the end of its last line; returns it and how many bytes that were.
fn statement(text: &str) -> (Statement, usize) {
    let line_end = text.find('\n').map_or(text.len(), |newline| newline + 1);
    let line = text[..line_end].trim();
    if line.is_empty() || line.starts_with('#') {
        return (Ok(None), line_end);
    }
    let Some(equals) = text[..line_end].find('=') else {
        return (Err("not of the form NAME=value"), line_end);
    };
    let name = text[..equals].trim();
    let name = match name.strip_prefix("export") {
        Some(after) if after.starts_with(char::is_whitespace) => after.trim_start(),
        _ => name,
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(is_name) {
        return (Err("not of the form NAME=value"), line_end);
    }
    let raw = &text[equals + 1..];
    let blank = raw.len() - raw.trim_start_matches([' ', '\t']).len();
    let value_start = equals + 1 + blank;
    let (value, used) = match text[value_start..].chars().next() {
        Some(quote @ ('"' | '\'')) => match quoted(&text[value_start + 1..], quote) {
            Ok((value, used)) => {
                let after = value_start + 1 + used;
                let tail_end = text[after..].find('\n').map_or(text.len(), |newline| after + newline + 1);
                let tail = text[after..tail_end].trim();
                if !tail.is_empty() && !tail.starts_with('#') {
                    return (Err("something follows the closing quote"), tail_end);
                }
                (value, tail_end)
            }
            Err(message) => return (Err(message), line_end),
        },
        _ => (unquoted(&text[value_start.min(line_end)..line_end]).to_owned(), line_end),
    };
    (Ok(Some((name.to_owned(), value))), used)
}

/// Returns an unquoted value: up to a comment that has a blank before it, without blanks around.
fn unquoted(text: &str) -> &str {
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if c == '#' && before.is_whitespace() {
            return text[..at].trim();
        }
        before = c;
    }
    text.trim()
}

/// Returns a quoted value and how many bytes it took with its closing quote.
fn quoted(text: &str, quote: char) -> Result<(String, usize), &'static str> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((value, at + 1)),
            '\\' if quote == '"' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, c @ ('"' | '\\' | '$'))) => value.push(c),
                _ => return Err("an escape that is none of \\n \\t \\r \\\" \\\\ \\$"),
            },
            c => value.push(c),
        }
    }
    Err("the closing quote is missing")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn assignments_are_read_with_their_lines() {
        let text = "\u{feff}# comment\n\nCTS_PORT=8080\nexport CTS_HOST = \"::1\" # why\nA='it''s\nB='two\nlines $HOME'\nC=\"a\\n\\\"b\\\"\"\nD=100 MB # size\nE=a#b\nF=\nG=$HOME`id`\nexport=1\nH=\"\\q\"\nnonsense\n1X=2\nI=\"open\nJ=last";
        let (assignments, faults) = parse(text);
        let mut lines: Vec<String> =
            assignments.iter().map(|a| format!("{} {}={:?}", a.line, a.name, a.value)).collect();
        lines.extend(faults.iter().map(|fault| format!("{} fault: {}", fault.line, fault.message)));
        expect![[r#"
            3 CTS_PORT="8080"
            4 CTS_HOST="::1"
            6 B="two\nlines $HOME"
            8 C="a\n\"b\""
            9 D="100 MB"
            10 E="a#b"
            11 F=""
            12 G="$HOME`id`"
            13 export="1"
            18 J="last"
            5 fault: something follows the closing quote
            14 fault: an escape that is none of \n \t \r \" \\ \$
            15 fault: not of the form NAME=value
            16 fault: not of the form NAME=value
            17 fault: the closing quote is missing"#]]
        .assert_eq(&lines.join("\n"));
    }

    proptest! {
        #[test]
        fn what_the_usual_crate_reads_is_read_the_same_way(
            pairs in proptest::collection::vec(("[A-Z][A-Z_]{0,5}", "[a-z0-9:/.-]{0,12}", 0..4usize), 0..6)
        ) {
            let text: String = pairs.iter().map(|(name, value, style)| match style {
                0 => format!("{name}={value}\n"),
                1 => format!("export {name}=\"{value}\"\n"),
                2 => format!("{name}='{value}' # note\n\n"),
                _ => format!("# note\n{name}=\"{value}\\n\\\"\"\n"),
            }).collect();
            let (own, faults) = parse(&text);
            prop_assert!(faults.is_empty());
            let own: Vec<(String, String)> = own.into_iter().map(|a| (a.name, a.value)).collect();
            let usual: Vec<(String, String)> = dotenvy::from_read_iter(text.as_bytes()).map(Result::unwrap).collect();
            prop_assert_eq!(own, usual);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "([A-Z]{1,2}|[=\"'\\\\\n# $ü]){0,40}", any in "\\PC{0,40}") {
            let _ = parse(&text);
            let _ = parse(&any);
        }
    }
}

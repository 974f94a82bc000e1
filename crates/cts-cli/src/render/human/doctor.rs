//! What the doctor found, for people: the wrong with its remedy, the rest in a line each.

use std::fmt::Write as _;

use cts_server::doctor::{Diagnosis, State};

use crate::render::text::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, clean, count, paint};

/// Returns what was found.
pub(super) fn diagnosis(diagnosis: &Diagnosis) -> String {
    let width = diagnosis.findings.iter().map(|finding| finding.check.len()).max().unwrap_or_default();
    let mut text = String::new();
    for finding in &diagnosis.findings {
        let (sign, style) = match finding.state {
            State::Good => ("ok  ", GREEN),
            State::Notable => ("note", YELLOW),
            State::Wrong => ("FAIL", RED),
            State::Unknown => ("?   ", DIM),
        };
        let name = format!("{:width$}", finding.check);
        let _ = writeln!(text, "{} {} {}", paint(style, sign), paint(BOLD, clean(&name)), clean(&finding.message));
        if let Some(remedy) = &finding.remedy {
            let _ = writeln!(text, "{:indent$}{} {}", "", paint(CYAN, "→"), clean(remedy), indent = width + 6);
        }
    }
    let wrong = diagnosis.findings.iter().filter(|finding| finding.state == State::Wrong).count();
    let verdict = match wrong {
        0 => paint(GREEN, "nothing is wrong"),
        wrong => paint(RED, format_args!("{} wrong", count(wrong as u64, "thing is", "things are"))),
    };
    let _ = writeln!(text, "\n{verdict}");
    text
}

#[cfg(test)]
mod tests {
    use cts_server::doctor::Finding;
    use expect_test::expect;

    use super::*;

    #[test]
    fn what_is_wrong_has_its_remedy_below() {
        let found = Diagnosis {
            findings: vec![
                Finding::good("database", "can be read"),
                Finding::notable("isolation", "no Landlock", "a newer kernel"),
                Finding::wrong("port", "taken\u{1b}[2J", "choose another"),
            ],
            ..Diagnosis::default()
        };
        expect![[r#"
            ok   database  can be read
            note isolation no Landlock
                           → a newer kernel
            FAIL port      taken
                           → choose another

            1 thing is wrong
        "#]]
        .assert_eq(&anstream::adapter::strip_str(&diagnosis(&found)).to_string());
    }
}

//! The child's side of a native tool: what it is told comes in a file, what it says goes to standard output.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::ExitCode;

use cts_model::JsonMap;
use cts_model::child_line::{PARAMS_VARIABLE, TOOL_ARGUMENT};
use serde_json::Value;

use crate::native::{InputFile, NativeTool, ToolCx, ToolError, say};

/// Exit status of a tool that gave up with a sentence.
const FAILED: u8 = 1;
/// Exit status of a child that was not told what to do.
const MISUSED: u8 = 2;

pub(crate) fn run_if_child(tools: &[&dyn NativeTool]) -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    if args.next().as_deref() != Some(OsStr::new(TOOL_ARGUMENT)) {
        return None;
    }
    let id = args.next().unwrap_or_default();
    let tool = tools.iter().find(|tool| id == *tool.spec().id.as_str());
    let Some(tool) = tool else {
        say(&ToolError::new(format!("there is no native tool {}", id.display())).line());
        return Some(ExitCode::from(MISUSED));
    };
    let mut cx = match context() {
        Ok(cx) => cx,
        Err(error) => {
            say(&error.line());
            return Some(ExitCode::from(MISUSED));
        }
    };
    match tool.run(&mut cx) {
        Ok(()) => Some(ExitCode::SUCCESS),
        Err(error) => {
            say(&error.line());
            Some(ExitCode::from(FAILED))
        }
    }
}

/// Reads what the engine wrote for this attempt.
fn context() -> Result<ToolCx, ToolError> {
    let path = std::env::var_os(PARAMS_VARIABLE)
        .ok_or_else(|| ToolError::new(format!("{PARAMS_VARIABLE} is not set: a native tool is started by CTS")))?;
    let text = std::fs::read_to_string(&path)
        .map_err(|error| ToolError::new(format!("cannot read {}: {error}", path.display())))?;
    parse(&text).ok_or_else(|| ToolError::new(format!("{} does not tell what to do", path.display())))
}

fn parse(text: &str) -> Option<ToolCx> {
    let told: JsonMap = serde_json::from_str(text).ok()?;
    let input = |value: &Value| {
        let field = |name: &str| value.get(name).and_then(Value::as_str);
        Some(InputFile { path: PathBuf::from(field("path")?), name: field("name")?.to_owned() })
    };
    let inputs = told.get("inputs")?.as_array()?.iter().map(input).collect::<Option<Vec<_>>>()?;
    let params = told.get("params")?.as_object()?.clone();
    Some(ToolCx::new(params, inputs, PathBuf::from(told.get("out_dir")?.as_str()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_is_told_is_read() {
        let cx = parse(r#"{"params": {"n": 1.5}, "inputs": [{"path": "/a", "name": "b"}], "out_dir": "/o"}"#).unwrap();
        assert_eq!(cx.number("n"), Some(1.5));
        assert_eq!(cx.inputs(), [InputFile { path: "/a".into(), name: "b".into() }]);
        assert!(parse("{}").is_none());
    }
}

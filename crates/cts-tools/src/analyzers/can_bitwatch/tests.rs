//! The tool from parameters to files.

use std::fs;

use super::*;

/// The pulses of a button on bus 1, three of two seconds, and a counter beside it.
fn table() -> String {
    let mut text = String::from("window,segment,timestamp,address,bus,data_hex\r\n");
    for tenth in 0_u32..400 {
        let is_pressed = [100..120, 150..170, 200..220].iter().any(|pulse| pulse.contains(&tenth));
        let segment = if tenth < 90 {
            "pre"
        } else if tenth <= 250 {
            "window"
        } else {
            "post"
        };
        let (second, rest) = (tenth / 10, tenth % 10);
        let payload = u32::from(is_pressed) << 6;
        text.push_str(&format!("1,{segment},{second}.{rest}00000,0x2A4,1,{:02X}{payload:02X}\r\n", tenth % 16));
    }
    text
}

struct Ran {
    result: Result<(), ToolError>,
    folder: tempfile::TempDir,
}

impl Ran {
    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join("out").join(name)).unwrap()
    }

    fn message(&self) -> String {
        self.result.as_ref().unwrap_err().to_string()
    }
}

fn run(input: &[u8], params: Value) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in");
    fs::write(&path, input).unwrap();
    let given = params.as_object().unwrap();
    let checked = cts_model::CheckedParams::check(&CanBitwatch.spec().params, given).unwrap();
    let inputs = vec![InputFile { path, name: "in.csv".to_owned() }];
    let mut cx = ToolCx::new(checked.values, inputs, folder.path().join("out"));
    fs::create_dir(folder.path().join("out")).unwrap();
    let result = CanBitwatch.run(&mut cx);
    Ran { result, folder }
}

#[test]
fn a_table_gives_the_five_files_the_fields_and_a_summary() {
    let ran = run(table().as_bytes(), json!({"watch": ["0x2A4@1:14"], "output_prefix": "a/b"}));
    ran.result.as_ref().unwrap();
    let pulses = ran.file("a/b.accel_hunt.csv");
    assert!(pulses.contains("0x2A4,1,14,\"[2.0, 2.0, 2.0]\",True,3x2.0±0.5,high,1,3,False\r\n"), "{pulses}");
    assert!(ran.file("a/b.counts.csv").starts_with("address,bus,pre,window,post,delta,"));
    assert!(ran.file("a/b.fields.csv").contains("0x2A4,1,counter,0,4,1.000,399"));
    assert_eq!(ran.file("a/b.bit_edges.csv").lines().count(), 7);
    let summary: Value = serde_json::from_str(&ran.file("summary.json")).unwrap();
    assert_eq!(summary["frames"], 400);
    assert_eq!(summary["candidates"][0]["bit"], 14);
    assert_eq!(summary["candidates_that_show_the_pattern"], 1);
    assert_eq!(summary["files"].as_array().unwrap().len(), 6);
    assert_eq!(summary["windows"], json!([{"start": 9.0, "end": 25.0}]));
    assert_eq!(summary["warnings"], json!([]));
    let again = run(table().as_bytes(), json!({"watch": ["0x2A4@1:14"], "output_prefix": "a/b"}));
    assert_eq!(again.file("summary.json"), ran.file("summary.json"), "the same input gives the same bytes");
}

#[test]
fn the_window_may_be_given_for_a_table_and_replaces_its_segments() {
    let text = table().replace("window,segment", "window,other");
    let ran = run(text.as_bytes(), json!({"window_start": 9.0, "window_dur": 8.5, "pattern": "2x2"}));
    ran.result.as_ref().unwrap();
    // The third pulse lies behind the window, so the bit is no candidate.
    assert_eq!(ran.file("analysis.accel_hunt.csv").lines().count(), 1);
    let ran = run(text.as_bytes(), json!({"windows": ["9..13", "14+4", "19.5..23"], "pattern": "1x2"}));
    assert_eq!(ran.file("analysis.accel_hunt.csv").lines().count(), 4);
    let error = run(text.as_bytes(), json!({})).message();
    assert_eq!(error, "in.csv: line 2: there is no segment pre, window or post");
}

#[test]
fn compat_gives_the_old_files_and_watches_the_old_bits() {
    let ran = run(table().as_bytes(), json!({"mode": "compat", "pattern": "1x1"}));
    ran.result.as_ref().unwrap();
    assert_eq!(ran.file("analysis.counts.csv"), "address,pre,window,post,delta\r\n0x2A4,90,161,149,12\r\n".to_owned());
    let summary: Value = serde_json::from_str(&ran.file("summary.json")).unwrap();
    assert_eq!(summary["watch"].as_array().unwrap().len(), 4);
    assert_eq!(summary["warnings"].as_array().unwrap().len(), 1, "the pattern has no effect");
    let none = run(table().as_bytes(), json!({"mode": "compat", "watch": []}));
    let summary: Value = serde_json::from_str(&none.file("summary.json")).unwrap();
    assert_eq!(summary["watch"], json!([]));
}

#[test]
fn nothing_is_watched_unless_it_is_named() {
    let ran = run(table().as_bytes(), json!({}));
    let summary: Value = serde_json::from_str(&ran.file("summary.json")).unwrap();
    assert_eq!((&summary["watch"], &summary["edges"]), (&json!([]), &json!(0)));
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_parameter() {
    let table = table();
    for (params, expected) in [
        (json!({"watch": ["0x10"]}), "watch has \"0x10\": a bit to watch looks like"),
        (json!({"mode": "compat", "watch": ["0x10:3"]}), "watch has \"0x10:3\": mode=compat knows"),
        (json!({"pattern": "often"}), "pattern is \"often\": a pattern looks like"),
        (json!({"windows": ["3..2"]}), "windows has \"3..2\": a window ends before it begins"),
        (json!({"windows": ["1..3", "2..4"]}), "the windows from 1 s and from 2 s overlap"),
        (json!({"mode": "compat", "windows": ["1..2", "3..4"]}), "mode=compat knows one window only"),
        (json!({"output_prefix": "../a"}), "output_prefix is \"../a\", which is no path below"),
    ] {
        let message = run(table.as_bytes(), params).message();
        assert!(message.starts_with(expected), "{message}");
    }
    let message = run(&[0; 64], json!({})).message();
    assert!(message.starts_with("in.csv: "), "{message}");
}

#[test]
fn a_table_that_is_not_in_the_order_of_time_is_read_again() {
    let text = table();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].reverse();
    let ran = run(lines.join("\n").as_bytes(), json!({}));
    ran.result.as_ref().unwrap();
    assert!(ran.file("analysis.accel_hunt.csv").contains("\"[2.0, 2.0, 2.0]\",True"));
}

#[test]
fn every_default_of_the_spec_is_allowed_by_it() {
    let spec = CanBitwatch.spec();
    let checked = cts_model::CheckedParams::check(&spec.params, &cts_model::JsonMap::new()).unwrap();
    let defaults = json!({
        "mode": "native",
        "output_prefix": "analysis",
        "pattern": "3x2.0±0.5",
        "join": "time",
        "strict": false,
    });
    assert_eq!(Value::Object(checked.values), defaults);
}

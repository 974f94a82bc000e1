//! Each type: what it reads, what it refuses, and that what it writes is read back.

use proptest::prelude::*;

use super::*;

const WORD: Check = Check { test: |text| !text.is_empty() && !text.contains(' '), expected: "a word" };

fn base() -> PathBase<'static> {
    PathBase { folder: Path::new("/etc/cts"), home: Some(Path::new("/home/ada")) }
}

fn loose(text: &str) -> Raw {
    Raw::Loose(text.to_owned())
}

fn file(text: &str) -> Raw {
    Raw::Quoted(text.to_owned())
}

#[test]
fn each_type_reads_what_it_should_and_refuses_the_rest() {
    let seconds = ValueType::Duration { unit: TimeUnit::Seconds, min: 30, max: 86_400 };
    let megabytes = ValueType::Bytes { unit: SizeUnit::Megabytes, min: 1, max: 4096 };
    let int = ValueType::Int { min: 1, max: 1024 };
    let choice = ValueType::Choice(&["DEBUG", "WARNING"]);
    let list = ValueType::List(WORD);
    let path = |text: &str| Some(Value::Path(PathBuf::from(text)));
    let texts = |items: &[&str]| Some(Value::List(items.iter().map(|item| (*item).to_owned()).collect()));
    let table: Vec<(ValueType, Raw, Option<Value>)> = vec![
        (ValueType::Bool, Raw::Bool(true), Some(Value::Bool(true))),
        (ValueType::Bool, loose("Yes"), Some(Value::Bool(true))),
        (ValueType::Bool, loose("0"), Some(Value::Bool(false))),
        (ValueType::Bool, loose("maybe"), None),
        (ValueType::Bool, file("true"), None),
        (ValueType::Bool, Raw::Int(1), None),
        (int, Raw::Int(1024), Some(Value::Int(1024))),
        (int, Raw::Int(0), None),
        (int, loose(" 5 "), Some(Value::Int(5))),
        (int, loose("1_000"), Some(Value::Int(1000))),
        (int, loose("5.0"), None),
        (int, loose("-5"), None),
        (int, loose("99999999999999999999"), None),
        (int, file("5"), None),
        (int, Raw::Decimal("5".into()), None),
        (ValueType::Text(WORD), file("abc"), Some(Value::Text("abc".into()))),
        (ValueType::Text(WORD), loose(" abc "), Some(Value::Text("abc".into()))),
        (ValueType::Text(WORD), file("a b"), None),
        (ValueType::Text(WORD), Raw::Int(4), None),
        (seconds, Raw::Int(300), Some(Value::Duration(Duration::from_secs(300)))),
        (seconds, file("5m"), Some(Value::Duration(Duration::from_secs(300)))),
        (seconds, Raw::Decimal("30.5".into()), Some(Value::Duration(Duration::from_millis(30_500)))),
        (seconds, Raw::Int(29), None),
        (seconds, loose("2d"), None),
        (seconds, Raw::Int(-1), None),
        (seconds, Raw::Array(vec![]), None),
        (megabytes, Raw::Int(100), Some(Value::Bytes(100_000_000))),
        (megabytes, file("1 GB"), Some(Value::Bytes(1_000_000_000))),
        (megabytes, file("999 KB"), None),
        (list, Raw::Array(vec!["a".into(), "b".into()]), texts(&["a", "b"])),
        (list, loose("a, b"), texts(&["a", "b"])),
        (list, loose(r#"["a","b"]"#), texts(&["a", "b"])),
        (list, loose(""), texts(&[])),
        (list, loose("a,,b"), None),
        (list, file("a"), None),
        (list, loose("[a]"), None),
        (ValueType::Path, file("/x"), path("/x")),
        (ValueType::Path, file("x/y"), path("/etc/cts/x/y")),
        (ValueType::Path, loose("~/x"), path("/home/ada/x")),
        (ValueType::Path, loose("~"), path("/home/ada")),
        (ValueType::Path, loose("~bob/x"), None),
        (ValueType::Path, loose(""), None),
        (ValueType::Path, file("a\0b"), None),
        (ValueType::Paths, loose("/a, ~/b"), Some(Value::Paths(vec!["/a".into(), "/home/ada/b".into()]))),
        (choice, loose("debug"), Some(Value::Text("DEBUG".into()))),
        (choice, file("warn"), Some(Value::Text("WARNING".into()))),
        (choice, file("loud"), None),
    ];
    for (value_type, raw, expected) in table {
        assert_eq!(value_type.read(&raw, &base()), expected, "{value_type:?} {raw:?}");
    }
}

#[test]
fn a_home_that_is_not_known_is_not_guessed() {
    let nowhere = PathBase { home: None, ..base() };
    assert_eq!(ValueType::Path.read(&loose("~/x"), &nowhere), None);
}

#[test]
fn a_value_in_a_message_is_cut_and_escaped() {
    assert_eq!(loose("a\u{1b}[31m\n").shown(), r#""a\u{1b}[31m\n""#);
    assert_eq!(loose(&"x".repeat(100)).shown(), format!("\"{}\"…", "x".repeat(64)));
    assert_eq!(Raw::Array(vec!["a".into(), "b".into()]).shown(), r#"["a", "b"]"#);
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(text in "[^\\x00]{1,30}", number in 1i64..=1024, items in proptest::collection::vec("[^ ]{1,9}", 0..4)) {
        let any = Check { test: |_| true, expected: "anything" };
        for (value_type, value) in [
            (ValueType::Text(any), Value::Text(text.clone())),
            (ValueType::Int { min: 1, max: 1024 }, Value::Int(number)),
            (ValueType::List(any), Value::List(items)),
            (ValueType::Path, Value::Path(Path::new("/").join(&text))),
        ] {
            let written = format!("key = {}", value_type.write(&value));
            let (givens, faults) = crate::toml_file::parse(&written);
            prop_assert_eq!(faults.len(), 0, "{}", written);
            prop_assert_eq!(value_type.read(&givens[0].raw, &base()), Some(value));
        }
    }
}

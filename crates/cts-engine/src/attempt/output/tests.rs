//! Lines of every shape, and floods.

use proptest::prelude::*;

use super::*;

fn split(chunks: &[&[u8]]) -> Vec<String> {
    let mut splitter = LineSplitter::default();
    let mut lines = Vec::new();
    for chunk in chunks {
        splitter.push(chunk, |line| lines.push(line));
    }
    splitter.finish(|line| lines.push(line));
    lines
}

#[test]
fn lines_end_at_line_feeds_and_at_the_end_of_the_stream() {
    assert_eq!(split(&[b"one\ntw", b"o\r\n\nthree"]), ["one", "two", "", "three"]);
}

#[test]
fn invalid_utf8_and_nul_are_replaced() {
    assert_eq!(split(&[b"a\xFFb\0c\n"]), ["a\u{FFFD}b\u{FFFD}c"]);
}

#[test]
fn a_line_of_ten_megabytes_is_cut_into_pieces_that_say_so() {
    let mut long = vec![b'x'; 10_000_000];
    long.push(b'\n');
    let lines = split(&[&long, b"next\n"]);
    assert_eq!(lines.last().map(String::as_str), Some("next"));
    let pieces = &lines[..lines.len() - 1];
    assert!(pieces[1..].iter().all(|piece| piece.starts_with(CONTINUED)));
    let total: usize = pieces.iter().map(|piece| piece.trim_start_matches(CONTINUED).len()).sum();
    assert_eq!(total, 10_000_000);
}

#[test]
fn a_cut_does_not_split_a_character() {
    let text = "ä".repeat(LINE_BYTES_MAX);
    let lines = split(&[b"x", text.as_bytes()]);
    assert!(lines.iter().all(|line| !line.contains('\u{FFFD}')));
}

#[test]
fn a_cut_does_not_split_a_secret() {
    let secret = cts_model::Secret::new("hunter2hunter2".into());
    for before in LINE_BYTES_MAX - 20..LINE_BYTES_MAX + 2 {
        let mut splitter = LineSplitter::new(Masks::new(std::slice::from_ref(&secret)));
        let text = format!("{}{}{}", "x".repeat(before), secret.reveal(), "y".repeat(LINE_BYTES_MAX));
        let mut lines = Vec::new();
        splitter.push(text.as_bytes(), |line| lines.push(line));
        splitter.finish(|line| lines.push(line));
        assert_eq!(lines.iter().filter(|line| line.contains(secret.reveal())).count(), 1, "{before}");
    }
}

fn line(ms: i64, message: &str) -> NewLine {
    NewLine {
        timestamp: Timestamp::from_ms(ms),
        level: Level::Info,
        origin: LogOrigin::Tool,
        stream: Some(OutputStream::Stdout),
        message: message.to_owned(),
    }
}

#[test]
fn a_second_with_too_many_lines_keeps_its_head_and_its_tail() {
    let mut gate = LogGate::new(1_000_000, 100, 0);
    let mut stored = Vec::new();
    for number in 0..1000 {
        gate.push(line(500, &number.to_string()), &mut stored);
    }
    gate.push(line(1500, "next second"), &mut stored);
    let texts: Vec<&str> = stored.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(&texts[..3], ["0", "1", "2"]);
    assert_eq!(texts[100], "850 lines were left out: more than 100 a second");
    assert_eq!(&texts[101..103], ["950", "951"]);
    assert_eq!(texts.last(), Some(&"next second"));
    assert_eq!(texts.len(), 100 + 1 + 50 + 1);
}

#[test]
fn a_full_log_keeps_its_head_and_its_tail() {
    let mut gate = LogGate::new(100_000, 1_000_000, 0);
    let mut stored = Vec::new();
    for number in 0..10_000 {
        gate.push(line(500, &format!("line {number}")), &mut stored);
    }
    gate.finish(Timestamp::from_ms(900), &mut stored);
    assert_eq!(stored[0].message, "line 0");
    assert_eq!(stored.last().map(|line| line.message.as_str()), Some("line 9999"));
    let cost: u64 = stored.iter().map(NewLine::cost).sum();
    assert!(cost <= 100_000 + 400, "{cost}");
    let markers: Vec<&NewLine> = stored.iter().filter(|line| line.origin == LogOrigin::System).collect();
    assert_eq!(markers.len(), 2);
    let left_out: usize = markers[1].message.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(stored.len() - 2 + left_out, 10_000, "every line is stored or counted");
}

proptest! {
    #[test]
    fn no_byte_is_lost_however_the_chunks_fall(
        lines in prop::collection::vec("[a-zä€😀]{0,12}", 0..20), sizes in prop::collection::vec(1_usize..7, 1..60)
    ) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let (mut rest, mut chunks) = (text.as_bytes(), Vec::new());
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break; }
            let (chunk, after) = rest.split_at((*size).min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        prop_assert_eq!(split(&chunks), lines);
    }
}

use expect_test::{Expect, expect};

use super::*;

mod faults;

const HEAD: &str = "VERSION \"\"\n\nNS_ :\n\tCM_\n\tBA_\n\tVAL_\n\nBS_:\n\nBU_: A B\n\n";

/// What a file says, in a form that can be read.
fn told(dbc: &Dbc) -> String {
    let mut lines = Vec::new();
    for message in dbc.messages() {
        lines.push(format!("{} {} {}", message.address, message.name, message.length_bytes));
        for signal in &message.signals {
            let layout = signal.signal.layout();
            let mut line = format!(
                "  {} {}|{} {:?} {:?} *{:?} +{:?} {:?}",
                signal.name,
                layout.start,
                layout.length,
                layout.order,
                layout.kind,
                layout.factor,
                layout.offset,
                signal.unit
            );
            if let Some(mux) = &signal.mux {
                line += &format!(" if {} in {:?}", message.signals[mux.switch].name, mux.values);
            }
            if !signal.values.is_empty() {
                line += &format!(" {:?}", signal.values);
            }
            lines.push(line);
        }
    }
    lines.extend(dbc.notes().iter().map(DbcNote::to_string));
    lines.join("\n")
}

fn check(file: impl AsRef<[u8]>, expected: &Expect) {
    let found = Dbc::parse(file.as_ref()).map_or_else(|fault| fault.to_string(), |dbc| told(&dbc));
    expected.assert_eq(&found);
}

/// A message with these signal lines, and what follows.
fn message(lines: &str) -> String {
    format!("{HEAD}BO_ 291 M: 8 A\n{lines}\n")
}

#[test]
fn messages_are_sorted_and_signals_keep_their_order() {
    let file = format!(
        "{HEAD}BO_ 528 TRACK: 8 A\n SG_ LONG : 15|15@0+ (0.01,0) [0|300] \"m\" B\n SG_ A : 0|1@1- (1,-5) [0|0] \"\" A,B\n\n\
         BO_ 2566844672 LONG_ID: 64 VECTOR\n\nBO_ 291 STATUS: 7 A\n SG_ X : 20|2@0+ (1,0) [0|3] \"\" B\n"
    );
    let expected = expect![[r#"
        0x123 STATUS 7
          X 20|2 Motorola Unsigned *1.0 +0.0 ""
        0x210 TRACK 8
          LONG 15|15 Motorola Unsigned *0.01 +0.0 "m"
          A 0|1 Intel Signed *1.0 +-5.0 ""
        0x18FEF100 LONG_ID 64"#]];
    check(&file, &expected);
    check(file.replace('\n', "\r\n"), &expected);
    check(file.replace('\n', "\r"), &expected);
    check(format!("\u{FEFF}{file}\u{1A}"), &expected);
    let dbc = Dbc::parse(file.as_bytes()).unwrap();
    assert_eq!(dbc.message(Address(0x210)).unwrap().name, "TRACK");
    assert_eq!(dbc.message(Address(0x211)), None);
    assert_eq!(dbc.message_named("STATUS").unwrap().address, Address(0x123));
    assert_eq!(dbc.message_named("TRACK").unwrap().signal("LONG").unwrap().unit, "m");
    assert_eq!(dbc.message_named("TRACK").unwrap().signal("LON"), None);
}

#[test]
fn spaces_and_line_ends_matter_little() {
    check(
        "BO_ 1 A :8 X SG_ P:0|8@1+(1e0,.5)[0|0]\"\"X\n SG_ Q : 8 | 8 @ 1 - ( +1.5E-1 ,\n-0 )\n[ -1e400 | ] \"%\" X ,\n Y\n\
         // SG_ not \"this\nBO_ 2 B: 0",
        &expect![[r#"
            0x001 A 8
              P 0|8 Intel Unsigned *1.0 +0.5 ""
              Q 8|8 Intel Signed *0.15 +0.0 "%"
            0x002 B 0"#]],
    );
}

#[test]
fn keywords_may_be_names() {
    check(
        message(" SG_ FILTER : 0|8@1+ (1,0) [0|0] \"\" VERSION\nVAL_ 291 FILTER 0 \"BO_\";"),
        &expect![[r#"
        0x123 M 8
          FILTER 0|8 Intel Unsigned *1.0 +0.0 "" [(0, "BO_")]"#]],
    );
}

#[test]
fn texts_are_utf_8_or_page_1252() {
    let line = b" SG_ T : 0|8@1- (1,-40) [0|0] \"\xB0C \x80 \xFF\" A\n SG_ U : 8|8@1+ (1,0) [0|0] \"\xC2\xB0C\" A\n";
    let mut file = message("").into_bytes();
    file.extend(line);
    file.extend(b"CM_ SG_ 291 T \"gr\xFC\xDFe \\\"SG_\\\"\nBO_ 1 none: 8 A\n;\";\n");
    check(
        &file,
        &expect![[r#"
        0x123 M 8
          T 0|8 Intel Signed *1.0 +-40.0 "°C € ÿ"
          U 8|8 Intel Unsigned *1.0 +0.0 "°C""#]],
    );
}

#[test]
fn numbers_are_described_by_lists_and_by_tables() {
    check(
        message(
            " SG_ G : 0|3@1- (1,0) [0|0] \"\" A\n SG_ H : 3|1@1+ (1,0) [0|0] \"\" A\n\
             VAL_ 291 G 1 \"D\" 0 \"P; \\\"parked\\\"\" -1 \"?\" 2.0 \"N\";\nVAL_ 291 H OnOff ;\nVAL_ EnvVar 0 \"x\";\n\
             VAL_TABLE_ OnOff 1 \"on\" 0 \"off\" ;\nVAL_ 291 G 1 \"drive\"\nVAL_ 291 H 1 \"On\" 1.5 \"half\" 1e99 \"far\" ;\n\
             VAL_ 291 GONE 0 \"x\" ;\nVAL_ 292 G 0 \"x\" ;\nVAL_ 291 G None;\n",
        ),
        &expect![[r#"
            0x123 M 8
              G 0|3 Intel Signed *1.0 +0.0 "" [(-1, "?"), (0, "P; \"parked\""), (1, "drive"), (2, "N")]
              H 3|1 Intel Unsigned *1.0 +0.0 "" [(0, "off"), (1, "On")]
            line 20: skipped the description of `1.5`, which is no raw number
            line 20: skipped the description of `1e99`, which is no raw number
            line 21: skipped what is said of GONE, which message 291 does not have
            line 22: skipped what is said of G, which message 292 does not have
            line 23: skipped a table None, which the file does not have"#]],
    );
    let dbc =
        Dbc::parse(message(" SG_ G : 0|3@1- (1,0) [0|0] \"\" A\nVAL_ 291 G 0 \"P\" -1 \"?\";").as_bytes()).unwrap();
    let signal = &dbc.messages()[0].signals[0];
    assert_eq!(signal.description(signal.signal.raw(&[7]).unwrap()), Some("?"));
    assert_eq!([0, 1, i128::MAX].map(|raw| signal.description(raw)), [Some("P"), None, None]);
}

#[test]
fn floats_are_declared_elsewhere() {
    check(
        message(
            " SG_ F : 0|32@1- (2,0) [0|0] \"\" A\n SG_ I : 32|32@1- (1,0) [0|0] \"\" A\nSIG_VALTYPE_ 291 F : 1;\n\
             SIG_VALTYPE_ 291 I 0\nBO_ 292 N: 8 A\n SG_ D : 7|64@0- (1,0) [0|0] \"\" A\nSIG_VALTYPE_ 292 D : 2;\n",
        ),
        &expect![[r#"
            0x123 M 8
              F 0|32 Intel Float32 *2.0 +0.0 ""
              I 32|32 Intel Signed *1.0 +0.0 ""
            0x124 N 8
              D 7|64 Motorola Float64 *1.0 +0.0 """#]],
    );
}

#[test]
fn switches_choose_what_is_there() {
    let file = message(
        " SG_ S M : 0|4@1+ (1,0) [0|0] \"\" A\n SG_ ALWAYS : 4|4@1+ (1,0) [0|0] \"\" A\n\
         SG_ ONE m1 : 8|8@1+ (1,0) [0|0] \"\" A\n SG_ TWO m2 : 8|16@1+ (1,0) [0|0] \"\" A\n",
    );
    check(
        &file,
        &expect![[r#"
        0x123 M 8
          S 0|4 Intel Unsigned *1.0 +0.0 ""
          ALWAYS 4|4 Intel Unsigned *1.0 +0.0 ""
          ONE 8|8 Intel Unsigned *1.0 +0.0 "" if S in [1..=1]
          TWO 8|16 Intel Unsigned *1.0 +0.0 "" if S in [2..=2]"#]],
    );
    let dbc = Dbc::parse(file.as_bytes()).unwrap();
    let decoded = |payload: &[u8]| {
        let mut values = Vec::new();
        dbc.messages()[0].decode(payload, |index, value| values.push((index, value)));
        values
    };
    assert_eq!(decoded(&[0x51, 7, 1]), [(0, 1.0), (1, 5.0), (2, 7.0)]);
    assert_eq!(decoded(&[0x02, 7, 1]), [(0, 2.0), (1, 0.0), (3, 263.0)]);
    assert_eq!(decoded(&[0x02, 7]), [(0, 2.0), (1, 0.0)], "what does not fit is left out");
    assert_eq!(decoded(&[0x03, 7, 1]), [(0, 3.0), (1, 0.0)]);
    assert_eq!(decoded(&[]), []);
}

#[test]
fn switches_choose_switches() {
    let file = message(
        " SG_ R M : 0|4@1+ (1,0) [0|0] \"\" A\n SG_ S m3M : 8|4@1- (1,0) [0|0] \"\" A\n\
         SG_ X m5 : 16|8@1+ (1,0) [0|0] \"\" A\n SG_ Y m0 : 16|8@1+ (1,0) [0|0] \"\" A\n\
         SG_MUL_VAL_ 291 S R 3-4, 2-2,5-5 ;\nSG_MUL_VAL_ 291 X S 5-6;\nSG_MUL_VAL_ 291 X S 14-15;\n",
    );
    check(
        &file,
        &expect![[r#"
        0x123 M 8
          R 0|4 Intel Unsigned *1.0 +0.0 ""
          S 8|4 Intel Signed *1.0 +0.0 "" if R in [2..=5]
          X 16|8 Intel Unsigned *1.0 +0.0 "" if S in [5..=6, 14..=15]
          Y 16|8 Intel Unsigned *1.0 +0.0 "" if R in [0..=0]"#]],
    );
    let dbc = Dbc::parse(file.as_bytes()).unwrap();
    let there = |payload: &[u8]| {
        let mut names = String::new();
        dbc.messages()[0].decode(payload, |index, _| names += &dbc.messages()[0].signals[index].name);
        names
    };
    assert_eq!(there(&[3, 5, 1]), "RSX");
    assert_eq!(there(&[3, 15, 1]), "RSX", "a switch is compared by its bits");
    assert_eq!(there(&[5, 7, 1]), "RS");
    assert_eq!(there(&[6, 5, 1]), "R", "X is there only where its switch is");
    assert_eq!(there(&[0, 5, 1]), "RY");
}

#[test]
fn names_that_editors_cut_are_made_whole() {
    check(
        message(
            " SG_ TheVehicleSpeedAsItIsShownOnTh : 0|8@1+ (1,0) [0|0] \"\" A\n SG_ B : 8|8@1+ (1,0) [0|0] \"\" A\n\
             BA_DEF_ SG_ \"SystemSignalLongSymbol\" STRING ;\n\
             BA_ \"SystemSignalLongSymbol\" SG_ 291 TheVehicleSpeedAsItIsShownOnTh \"TheVehicleSpeedAsItIsShownOnTheCluster\";\n\
             BA_ \"SystemMessageLongSymbol\" BO_ 291 \"MeterAndEverythingElse\";\nBA_ \"SystemSignalLongSymbol\" SG_ 291 B;\n\
             BA_ \"SystemSignalLongSymbol\" SG_ 9 B \"C\";\n\
             BA_ \"SystemSignalLongSymbol\" SG_ 291 B \"no name\";\nBA_ \"SystemSignalLongSymbol\"\n\
             VAL_ 291 TheVehicleSpeedAsItIsShownOnTh 0 \"none\";\n",
        ),
        &expect![[r#"
            0x123 MeterAndEverythingElse 8
              TheVehicleSpeedAsItIsShownOnTheCluster 0|8 Intel Unsigned *1.0 +0.0 "" [(0, "none")]
              B 8|8 Intel Unsigned *1.0 +0.0 """#]],
    );
}

#[test]
fn what_is_not_understood_is_skipped_and_noted() {
    check(
        format!(
            "{}FOO_ 1 \"SG_ \n\" 2;\n] stray\nBA_DEF_ BO_ \"x\" ODD 0 1;\nEV_ E: 0 [0|1] \"\" 0 1 DUMMY_NODE_VECTOR0 X;\n",
            message(" SG_ P : 60|8@1+ (1,0) [0|0] \"\" A\n SG_ Q m1 : 0|8@1+ (1,0) [0|0] \"\" A")
        ),
        &expect![[r#"
            0x123 M 8
              P 60|8 Intel Unsigned *1.0 +0.0 ""
              Q 0|8 Intel Unsigned *1.0 +0.0 ""
            line 13: P does not fit the 8 bytes of its message
            line 14: Q is multiplexed, but no signal of its message is marked M; it is read from every payload
            line 15: skipped what begins with `FOO_`
            line 17: skipped what begins with `]`"#]],
    );
    let many: String = (0..150).map(|number| format!("VAL_ 291 S{number} 0 \"x\";\n")).collect();
    let dbc = Dbc::parse(message(&many).as_bytes()).unwrap();
    assert_eq!((dbc.notes().len(), dbc.notes_left_out()), (NOTES_MAX, 150 - NOTES_MAX as u64));
}

#[test]
fn the_message_that_editors_make_up_is_left_out() {
    check(
        format!(
            "{HEAD}BO_ 3221225472 VECTOR__INDEPENDENT_SIG_MSG: 0 A\n SG_ S : 0|8@1+ (1,0) [0|0] \"\" A\n\
             SG_ S : 0|8@1+ (1,0) [0|0] \"\" A\n\nVAL_ 3221225472 S 0 \"x\";\n"
        ),
        &expect![""],
    );
}

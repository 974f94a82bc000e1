use expect_test::{Expect, expect};

use super::*;

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

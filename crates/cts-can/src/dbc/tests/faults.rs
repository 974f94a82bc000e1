//! Files that are not used, and what is said about them.

use expect_test::expect;

use super::{HEAD, check, message};
use crate::dbc::{Dbc, FILE_BYTES_MAX, LINES_MAX, MESSAGES_MAX, MUX_DEPTH_MAX, RANGES_MAX, SIGNALS_MAX, VALUES_MAX};

fn fault(file: &str) -> String {
    Dbc::parse(file.as_bytes()).unwrap_err().to_string()
}

#[test]
fn faults_tell_place_and_remedy() {
    let line = " SG_ P : 7|8@0+ (1,0) [0|0] \"\" A";
    let mut told = Vec::new();
    let mut changed = |from: &str, to: &str| {
        assert!(line.contains(from));
        told.push(fault(&message(&line.replacen(from, to, 1))));
    };
    changed("P :", ":");
    changed("P :", "P Q :");
    changed("P :", "P mM :");
    changed(":", "");
    changed("7|", "x|");
    changed("|", "");
    changed("8@", "8 ");
    changed("@0+", "@2+");
    changed("@0+", "@0 (");
    changed("@0+", "@0*");
    changed("(1,0)", "(1;0)");
    changed("(1,0)", "(1,0");
    changed("(1,0)", "(1e999,0)");
    changed("[0|0] ", "");
    changed("[0|0]", "[0|0");
    changed("\"\"", "");
    changed(" \"\" A", "");
    changed("\"\" A", "\"A\n SG_ Q : 7|8@0+ (1,0) [0|0] \"\" A");
    changed("\"\"", "\"");
    changed("7|8", "7|0");
    changed("7|8", "7|65");
    changed("7|8", "32760|8");
    changed("7|8", "70000|8");
    changed("P", &"P".repeat(257));
    changed("P :", "\nBO_ :");
    expect![[r#"
        line 13, column 6: expected the name of the signal, found `:`; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 8: expected `:` or a multiplexing mark like M, m3 or m3M, found `Q`; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 8: expected `:` or a multiplexing mark like M, m3 or m3M, found `mM`; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 9: expected `:` or a multiplexing mark like M, m3 or m3M, found `7`; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 10: expected the start bit, found `x`; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 12: expected `|` between start bit and length, found `@`; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 14: expected `@` after the length, found `0+`; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 14: expected 0 or 1 for the byte order, then + or -, found `2+`; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 16: expected 0 or 1 for the byte order, then + or -, found `(`; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 14: expected 0 or 1 for the byte order, then + or -, found `0*`; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 19: expected the scale as (factor,offset), found `;`; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 22: expected the scale as (factor,offset), found `[`; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 2: factor and offset have to be finite; write (factor,offset) as plain numbers
        line 13, column 23: expected the range as [least|greatest], found the text ""; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 28: expected the range as [least|greatest], found the text ""; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 30: expected the unit in quotes, found `A`; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 28: expected the unit in quotes, found the end of the file; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 29: the unit is not closed in its line; close it with "
        line 13, column 29: the text that begins here has no closing quote; close it with "
        line 13, column 2: a signal has 1 to 64 bits, not 0; write the signal as start|length@order
        line 13, column 2: a signal has 1 to 64 bits, not 65; write the signal as start|length@order
        line 13, column 2: the signal ends beyond byte 4095; mend its start bit and length
        line 13, column 10: expected the start bit, found `70000`; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 13, column 6: the name has more than 256 bytes; shorten it
        line 13, column 5: expected the name of the signal, found the end of the line; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`"#]].assert_eq(&told.join("\n"));
}

#[test]
fn faults_of_other_lines_tell_place_and_remedy() {
    let signals = " SG_ P : 7|8@0+ (1,0) [0|0] \"°C\" A\n";
    let told: Vec<String> = [
        "BO_",
        "BO_ 0x12 N: 8 A",
        "BO_ 4294967296 N: 8 A",
        "BO_ 2684354560 N: 8 A",
        "BO_ 1 : 8 A",
        "BO_ 1 N 8 A",
        "BO_ 1 N: A",
        "BO_ 1 N: 4096 A",
        "BO_ 291 N: 8 A",
        "BO_ 2147483939 N: 8 A",
        " SG_ P : 0|1@1+ (1,0) [0|0] \"\" A",
        "BO 1 N: 8 A\n SG_ Q : 0|1@1+ (1,0) [0|0] \"\" A",
        "VAL_ 291",
        "VAL_ 291 P 0 1 ;",
        "VAL_ 291 P 0 \"off\" \"on\" ;",
        "VAL_ 291 P 0\n\nVAL_ 291 P 0 \"off\";",
        "VAL_TABLE_ 0 \"off\" ;",
        "SIG_VALTYPE_ 291 P : 4;",
        "SIG_VALTYPE_ 291 P : 1;",
        "SG_MUL_VAL_ 291 P;",
        "SG_MUL_VAL_ 291 P P ;",
        "SG_MUL_VAL_ 291 P P 2-1;",
        "SG_MUL_VAL_ 291 P P 1-1;",
        " SG_ Q M : 0|1@1+ (1,0) [0|0] \"\" A\n SG_ R M : 0|1@1+ (1,0) [0|0] \"\" A\n SG_ S m0 : 0|1@1+ (1,0) [0|0] \"\" A",
        " SG_ Q : 0|1@1+ (1,0) [0|0] \"\" A\nSG_MUL_VAL_ 291 Q P 0-0;\nSG_MUL_VAL_ 291 Q Q 0-0;",
        "BA_ \"SystemSignalLongSymbol\" SG_ 291 Q \"P\";\n SG_ Q : 0|1@1+ (1,0) [0|0] \"\" A",
        "CM_ \"it never ends;",
    ]
    .map(|line| fault(&message(&format!("{signals}{line}\n"))))
    .into();
    expect![[r#"
        line 14, column 4: expected the id of the message, found the end of the file; write the message like `BO_ 291 NAME: 8 SENDER`
        line 14, column 5: expected the id of the message, found `0x12`; write the message like `BO_ 291 NAME: 8 SENDER`
        line 14, column 5: expected the id of the message, found `4294967296`; write the message like `BO_ 291 NAME: 8 SENDER`
        line 14, column 1: the id 2684354560 is no address of a frame; write an address up to 536870911 as a decimal number, with 2147483648 added for an extended one
        line 14, column 7: expected the name of the message, found `:`; write the message like `BO_ 291 NAME: 8 SENDER`
        line 14, column 9: expected `:` after the name of the message, found `8`; write the message like `BO_ 291 NAME: 8 SENDER`
        line 14, column 10: expected the length of the message, found `A`; write the message like `BO_ 291 NAME: 8 SENDER`
        line 14, column 10: a message of 4096 bytes is longer than 4095; write its length in bytes
        line 14, column 1: a message with the address 0x123 stands in line 12 already; remove one of them
        line 14, column 1: a message with the address 0x123 stands in line 12 already; remove one of them
        line 14, column 2: the message has a signal P in line 13 already; remove or rename one of them
        line 15, column 2: this signal belongs to no message; put it below the BO_ line of its message
        line 14, column 9: expected the name of the signal, found the end of the file; write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] "km/h" RECEIVER`
        line 14, column 14: expected the description in quotes, found `1`; write the values like `VAL_ 291 SIGNAL 0 "off" 1 "on" ;`
        line 14, column 20: expected a raw number or `;`, found the text "on"; write the values like `VAL_ 291 SIGNAL 0 "off" 1 "on" ;`
        line 14, column 13: expected the description in quotes, found the end of the line; write the values like `VAL_ 291 SIGNAL 0 "off" 1 "on" ;`
        line 14, column 14: expected a raw number or `;`, found the text "off"; write the values like `VAL_ 291 SIGNAL 0 "off" 1 "on" ;`
        line 14, column 22: expected the type 0, 1, 2 or 3, found `4`; write the type like `SIG_VALTYPE_ 291 SIGNAL : 1;`
        line 14, column 1: a 32-bit float cannot have 8 bits; mend its length, or its SIG_VALTYPE_: 1 for 32 bits, 2 for 64
        line 14, column 18: expected the name of the switch, found `;`; write the line like `SG_MUL_VAL_ 291 SIGNAL SWITCH 0-3, 5-5;`
        line 14, column 21: expected values of the switch like 3-5, found `;`; write the line like `SG_MUL_VAL_ 291 SIGNAL SWITCH 0-3, 5-5;`
        line 14, column 21: expected values of the switch like 3-5, found `2-1`; write the line like `SG_MUL_VAL_ 291 SIGNAL SWITCH 0-3, 5-5;`
        line 13, column 2: the switches above P are more than 8, or go round in a circle; mend the SG_MUL_VAL_ lines
        line 16, column 2: the message has several signals marked M, and S could listen to each of them; say in one SG_MUL_VAL_ line which one it is
        line 16, column 1: Q has a second switch; say in one SG_MUL_VAL_ line which one it is
        line 15, column 2: the message has a signal P in line 13 already; remove or rename one of them
        line 14, column 5: the text that begins here has no closing quote; close it with ""#]].assert_eq(&told.join("\n"));
}

#[test]
fn other_files_are_refused() {
    let told: Vec<String> =
        ["", "time,addr,bus,data\n0.1,0x1,0,00\n", HEAD, "\u{89}PNG\r\n\u{1a}\n\0\0\0\rIHDR"].map(fault).into();
    expect![[r#"
        line 1, column 1: no line begins with BO_, so there is no message; give a DBC file
        line 1, column 1: no line begins with BO_, so there is no message; give a DBC file
        line 1, column 1: no line begins with BO_, so there is no message; give a DBC file
        line 1, column 1: no line begins with BO_, so there is no message; give a DBC file"#]]
    .assert_eq(&told.join("\n"));
    let utf_16: Vec<u8> = "\u{FEFF}VERSION \"\"".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(utf_16, &expect!["line 1, column 1: the file is in UTF-16; save it as UTF-8"]);
}

#[test]
fn nothing_grows_without_limit() {
    let many = |count: usize, line: &dyn Fn(usize) -> String| -> String { (0..count).map(line).collect() };
    let signal = |number| format!(" SG_ S{number}:0|1@1+(1,0)[0|0]\"\"\n");
    let mut told = vec![
        fault(&many(MESSAGES_MAX + 1, &|number| format!("BO_ {number} M:8\n"))),
        fault(&message(&many(SIGNALS_MAX + 1, &signal))),
        fault(&message(&format!("{}VAL_ 291 S0 {}", signal(0), "0 \"\" ".repeat(VALUES_MAX + 1)))),
        fault(&message(&"VAL_ 291 S ;\n".repeat(LINES_MAX + 1))),
        fault(&message(&"VAL_TABLE_ T ;\n".repeat(LINES_MAX + 1))),
        fault(&message(&"SIG_VALTYPE_ 291 S 0;\n".repeat(LINES_MAX + 1))),
        fault(&message(&format!("SG_MUL_VAL_ 291 S S {}", "0-0,".repeat(RANGES_MAX + 1)))),
        fault(&message(&"BA_ \"SystemMessageLongSymbol\" BO_ 1 \"N\";\n".repeat(LINES_MAX + 1))),
        fault(&" ".repeat(FILE_BYTES_MAX + 1)),
    ];
    // A table counts as often as it is used.
    let table = format!("VAL_TABLE_ T {};\n", "0 \"\" ".repeat(1024));
    told.push(fault(&message(&format!("{}{table}{}", signal(0), "VAL_ 291 S0 T;\n".repeat(1025)))));
    let depth = |depth: usize| {
        let line = |number| format!(" SG_ S{number} m0M : {number}|1@1+ (1,0) [0|0] \"\" A\n");
        let switch = |number| format!("SG_MUL_VAL_ 291 S{} S{number} 1-1;\n", number + 1);
        message(&format!(
            " SG_ S0 M : 0|1@1+ (1,0) [0|0] \"\" A\n{}{}",
            many(depth + 1, &line).split_once('\n').unwrap().1,
            many(depth, &switch)
        ))
    };
    told.push(fault(&depth(MUX_DEPTH_MAX + 1)));
    expect![[r#"
        line 131073, column 1: there are more than 131072 messages; split the file into one for each bus
        line 262157, column 2: there are more than 262144 signals; split the file into one for each bus
        line 14, column 5242893: there are more than 1048576 descriptions of values; split the file into one for each bus
        line 262157, column 1: there are more than 262144 VAL_ lines; split the file into one for each bus
        line 262157, column 1: there are more than 262144 VAL_TABLE_ lines; split the file into one for each bus
        line 262157, column 1: there are more than 262144 SIG_VALTYPE_ lines; split the file into one for each bus
        line 13, column 1048597: there are more than 262144 ranges of SG_MUL_VAL_; split the file into one for each bus
        line 262157, column 1: there are more than 262144 long names; split the file into one for each bus
        line 1, column 1: the file has more than 16777216 bytes; split the file into one for each bus
        line 1039, column 1: there are more than 1048576 descriptions of values; split the file into one for each bus
        line 22, column 2: the switches above S9 are more than 8, or go round in a circle; mend the SG_MUL_VAL_ lines"#]].assert_eq(&told.join("\n"));
    let deepest = Dbc::parse(depth(MUX_DEPTH_MAX).as_bytes()).unwrap();
    let mut there = 0;
    deepest.messages()[0].decode(&[0xFF, 0xFF], |_, _| there += 1);
    assert_eq!(there, MUX_DEPTH_MAX + 1);
}

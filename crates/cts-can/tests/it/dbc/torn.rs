//! Files that are cut, mixed up or no DBC files at all: they are read or refused, and nothing else.

use cts_can::dbc::{Dbc, SHIPPED, shipped};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::made;

/// Parses a file and checks what can be checked about the result, whatever it is.
fn parse(file: &[u8]) -> Result<(), TestCaseError> {
    let lines = file.split(|byte| *byte == b'\n').count() + file.iter().filter(|byte| **byte == b'\r').count();
    match Dbc::parse(file) {
        Ok(dbc) => {
            prop_assert!(dbc.messages().is_sorted_by(|one, other| one.address < other.address));
            for message in dbc.messages() {
                for (index, signal) in message.signals.iter().enumerate() {
                    prop_assert_eq!(message.signal_index(&signal.name), Some(index));
                    prop_assert!(signal.values.is_sorted_by(|one, other| one.0 < other.0));
                }
                let mut last = None;
                message.decode(&[0xA5; 64], |index, value| {
                    assert!(last < Some(index), "signals come in their order");
                    assert_eq!(
                        message.signals[index].signal.value(&[0xA5; 64]).map(f64::to_bits),
                        Some(value.to_bits())
                    );
                    last = Some(index);
                });
            }
        }
        Err(fault) => {
            prop_assert!((1..=lines as u64).contains(&fault.line), "{}", fault);
            prop_assert!((1..=file.len() as u64 + 1).contains(&fault.column), "{}", fault);
        }
    }
    Ok(())
}

#[test]
fn every_prefix_of_a_file_is_read_or_refused() {
    let file = shipped("toyota_adas").unwrap().as_bytes();
    for end in 0..=file.len() {
        parse(&file[..end]).unwrap();
    }
}

/// Pieces that mean something to the reader.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "BO_ ",
        "SG_ ",
        "VAL_ ",
        "VAL_TABLE_ ",
        "SIG_VALTYPE_ ",
        "SG_MUL_VAL_ ",
        "NS_ :",
        "CM_ ",
        "BA_ ",
        "VERSION ",
        "\n",
        "\r",
        "\"",
        "\\\"",
        ";",
        ":",
        "|",
        "@1+",
        "@0-",
        "(1,0)",
        "[0|0]",
        "\"\"",
        ",",
        "//",
        "M ",
        "m0 ",
        "m1M ",
        "0-3",
        "1 ",
        "2 ",
        "8 ",
        "64 ",
        "A ",
        "B ",
        "BO_ 1 A: 8 X\n",
        " SG_ A M : 0|2@1+ (1,0) [0|0] \"\" X\n",
        " SG_ B m1M : 2|8@0- (0.5,0) [0|0] \"\" X\n",
        "SG_MUL_VAL_ 1 B A 0-1;\n",
        "VAL_ 1 A 0 \"x\";\n",
        "\"SystemSignalLongSymbol\" SG_ 1 A \"B\"",
    ];
    let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    prop_oneof![9 => select(words), 1 => prop::collection::vec(any::<u8>(), 0..4)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn bytes_are_read_or_refused(file in prop::collection::vec(any::<u8>(), 0..200)) {
        parse(&file)?;
    }

    #[test]
    fn pieces_are_read_or_refused(pieces in prop::collection::vec(piece(), 0..40)) {
        parse(&pieces.concat())?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn files_with_torn_places_are_read_or_refused(
        name in select(SHIPPED.to_vec()),
        places in prop::collection::vec((any::<Index>(), 0_usize..20, piece()), 1..8),
    ) {
        let mut file = shipped(name).unwrap().as_bytes().to_vec();
        for (place, length, piece) in places {
            let place = place.index(file.len());
            let end = file.len().min(place + length);
            file.splice(place..end, piece);
        }
        parse(&file)?;
    }

    #[test]
    fn made_files_with_torn_places_are_read_or_refused(
        messages in made::messages(),
        style in made::style(),
        places in prop::collection::vec((any::<Index>(), 0_usize..20, piece()), 1..4),
    ) {
        let mut file = made::text(&messages, style).into_bytes();
        for (place, length, piece) in places {
            let place = place.index(file.len());
            let end = file.len().min(place + length);
            file.splice(place..end, piece);
        }
        parse(&file)?;
    }
}

//! Made files: what was written is read, and payloads mean what they should.

use cts_can::dbc::{Dbc, DbcMessage};
use cts_can::frame::Address;
use proptest::prelude::*;

use super::made::{self, MadeMessage};
use super::slow;

fn check_message(made: &MadeMessage, found: &DbcMessage) -> Result<(), TestCaseError> {
    prop_assert_eq!((&found.name, found.length_bytes), (&made.name, made.length_bytes));
    prop_assert_eq!(found.signals.len(), made.signals.len());
    for (index, (found_signal, made)) in found.signals.iter().zip(&made.signals).enumerate() {
        prop_assert_eq!(&found_signal.name, &made.name);
        prop_assert_eq!(found.signal_index(&made.name), Some(index));
        prop_assert_eq!(&found_signal.unit, &made.unit);
        prop_assert_eq!(found_signal.signal.layout(), &made.layout);
        let values: Vec<_> = made.values.clone().into_iter().collect();
        prop_assert_eq!(&found_signal.values, &values);
        let mux = found_signal.mux.as_ref().map(|mux| (mux.switch, mux.values.clone()));
        prop_assert_eq!(mux, made.mux.as_ref().map(|(switch, values)| (*switch, made::ranges(values))));
    }
    Ok(())
}

/// Whether a signal is there, seen from the slow side.
fn is_there(message: &MadeMessage, index: usize, payload: &[u8]) -> bool {
    let Some((switch, values)) = &message.signals[index].mux else { return true };
    let bits = slow::bits(&message.signals[*switch].layout, payload).unwrap_or_default();
    let number = bits.iter().fold(0_u64, |number, bit| number << 1 | u64::from(*bit));
    !bits.is_empty() && values.contains(&number) && is_there(message, *switch, payload)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_written_is_read(messages in made::messages(), style in made::style()) {
        let text = made::text(&messages, style);
        let dbc = Dbc::parse(text.as_bytes()).map_err(|fault| TestCaseError::fail(format!("{fault}\n{text}")))?;
        prop_assert_eq!(dbc.messages().len(), messages.len());
        prop_assert!(dbc.messages().is_sorted_by(|one, other| one.address < other.address));
        for made in &messages {
            check_message(made, dbc.message(Address(made.id & !(1 << 31))).unwrap())?;
        }
        let beyond = messages.iter().flat_map(|made| made.signals.iter().map(|signal| (signal, made.length_bytes)));
        let beyond = beyond.filter(|(signal, length)| slow::bits(&signal.layout, &vec![0; usize::from(*length)]).is_none());
        prop_assert_eq!(dbc.notes().len(), beyond.count(), "the only notes are about signals that do not fit");
    }

    #[test]
    fn payloads_mean_what_they_should(
        messages in made::messages(),
        style in made::style(),
        // Low numbers, so that switches meet their values.
        payload in prop_oneof![prop::collection::vec(0_u8..4, 0..=64), prop::collection::vec(any::<u8>(), 0..=64)],
    ) {
        let dbc = Dbc::parse(made::text(&messages, style).as_bytes()).unwrap();
        for made in &messages {
            let message = dbc.message(Address(made.id & !(1 << 31))).unwrap();
            let mut found = Vec::new();
            message.decode_exact(&payload, |index, value| found.push((index, value)));
            let mut expected = Vec::new();
            for (index, signal) in made.signals.iter().enumerate() {
                let bits = slow::bits(&signal.layout, &payload).filter(|_| is_there(made, index, &payload));
                let value = bits.map(|bits| slow::value(&signal.layout, slow::raw(&signal.layout, &bits)));
                expected.extend(value.map(|value| (index, value)));
            }
            // As text, because a value may be no number.
            prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"));
            let mut doubles = Vec::new();
            message.decode(&payload, |index, value| doubles.push((index, value)));
            let nearest: Vec<_> = found.iter().map(|(index, value)| (*index, value.nearest())).collect();
            prop_assert_eq!(format!("{doubles:?}"), format!("{nearest:?}"));
        }
    }
}

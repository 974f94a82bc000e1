//! What is written is what is read, in every layout that a writer may choose, of any version of the schema.

use cts_can::rlog::{EventKind, LogReader};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::shared::{example, same_cases};
use crate::writer::message::{Place, Tree, Value, message};
use crate::writer::{CAN, MadeEvent, MadeFrame, SENDCAN};

pub(crate) fn places() -> impl Strategy<Value = Vec<Place>> {
    let one = || prop_oneof![Just(Place::Near), Just(Place::Far), Just(Place::DoubleFar)];
    prop_oneof![
        Just(Vec::new()),
        vec(one(), 0..100),
        one().prop_map(|place| vec![Place::Near, place]),
        one().prop_map(|place| vec![place; 100]),
    ]
}

/// What a newer schema may have put behind the pointers that are known today.
pub(crate) fn unknown_value() -> impl Strategy<Value = Value> {
    let tree = || (vec(any::<u64>(), 0..3), vec(Just(Value::Null), 0..2));
    prop_oneof![
        Just(Value::Null),
        vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
        tree().prop_map(|(data, pointers)| Value::Struct(Tree { data, pointers })),
    ]
}

/// Fields that a newer schema has at the end of a struct.
#[derive(Clone, Debug)]
struct Later {
    data: Vec<u64>,
    pointers: Vec<Value>,
}

impl Later {
    fn any() -> impl Strategy<Value = Self> {
        (vec(any::<u64>(), 0..4), vec(unknown_value(), 0..4)).prop_map(|(data, pointers)| Self { data, pointers })
    }

    fn append_to(&self, tree: &mut Tree) {
        tree.data.extend(&self.data);
        tree.pointers.extend(self.pointers.clone());
    }
}

/// An event, and how its writer puts it into a message.
#[derive(Clone, Debug)]
struct Written {
    event: MadeEvent,
    later_event: Later,
    later_frame: Later,
    /// Whether words and pointers that say nothing are left out at the end of structs, as canonical messages do.
    short: bool,
    places: Vec<Place>,
}

impl Written {
    fn any() -> impl Strategy<Value = Self> {
        let length = prop_oneof![0_usize..=8, Just(12), Just(16), Just(20), Just(24), Just(32), Just(48), 0_usize..=64];
        let data = length.prop_flat_map(|length| vec(any::<u8>(), length));
        let address = prop_oneof![Just(0), 0_u32..0x800, any::<u32>()];
        let bus = prop_oneof![Just(0), any::<u8>()];
        let frame = (address, bus, data).prop_map(|(address, bus, data)| MadeFrame { address, bus, data });
        let kind = prop_oneof![Just(CAN), Just(SENDCAN)];
        let event = (any::<u64>(), kind, vec(frame, 0..40)).prop_map(|(mono_time, kind, frames)| MadeEvent {
            mono_time,
            kind,
            frames,
        });
        (event, Later::any(), Later::any(), any::<bool>(), places()).prop_map(
            |(event, later_event, later_frame, short, places)| Self { event, later_event, later_frame, short, places },
        )
    }

    fn message(&self) -> Vec<u8> {
        let mut event = self.event.tree();
        if !self.short {
            self.later_event.append_to(&mut event);
        }
        let Value::Structs { data_words, pointer_count, elements } = &mut event.pointers[0] else {
            panic!("the content of an event of frames is a list");
        };
        for frame in elements.iter_mut() {
            if self.short {
                frame.data.retain(|word| *word != 0);
                frame.pointers.retain(|value| *value != Value::Bytes(Vec::new()));
            } else {
                self.later_frame.append_to(frame);
            }
        }
        *data_words = elements.iter().map(|frame| frame.data.len()).max().unwrap_or(0);
        *pointer_count = elements.iter().map(|frame| frame.pointers.len()).max().unwrap_or(0);
        message(event, self.places.clone())
    }
}

proptest! {
    #![proptest_config(same_cases(400))]

    #[test]
    fn frames_are_read_as_they_were_written(written in vec(Written::any(), 0..12)) {
        let bytes: Vec<u8> = written.iter().flat_map(Written::message).collect();
        let mut log = LogReader::new(bytes.as_slice());
        for Written { event: made, .. } in &written {
            let event = log.next_event().unwrap().unwrap().unwrap();
            prop_assert_eq!(event.mono_time, made.mono_time);
            prop_assert_eq!(event.kind == EventKind::Can, made.kind == CAN);
            prop_assert_eq!(event.kind == EventKind::SendCan, made.kind == SENDCAN);
            prop_assert!(event.valid);
            let frames = event.frames().unwrap();
            prop_assert_eq!(frames.len(), made.frames.len());
            let read: Vec<MadeFrame> = frames
                .map(|frame| MadeFrame { address: frame.address.0, bus: frame.bus.0, data: frame.data.to_vec() })
                .collect();
            prop_assert_eq!(&read, &made.frames);
        }
        prop_assert!(log.next_event().unwrap().is_none());
        let end = log.end().unwrap();
        prop_assert_eq!((end.messages, end.plain_bytes), (written.len() as u64, bytes.len() as u64));
        prop_assert_eq!(&end.damage, &None);
    }
}

#[test]
fn an_event_without_words_is_one_of_defaults() {
    for data in [vec![], vec![7], vec![7, u64::from(CAN)]] {
        let bytes = message(Tree { data: data.clone(), pointers: Vec::new() }, []);
        let mut log = LogReader::new(bytes.as_slice());
        let event = log.next_event().unwrap().unwrap().unwrap();
        let kind = if data.len() == 2 { EventKind::Can } else { EventKind::Other(0) };
        assert_eq!((event.mono_time, event.kind, event.valid), (data.first().copied().unwrap_or(0), kind, true));
        assert_eq!(event.frames().unwrap().len(), 0);
    }
}

#[test]
fn the_sample_log_holds_what_its_readme_says() {
    let sample = example("toyota-5s.rlog.zst");
    let mut log = LogReader::new(sample.as_slice());
    let (mut can_events, mut frames) = (0, 0);
    while let Some(event) = log.next_event().unwrap() {
        let event = event.unwrap();
        if event.kind == EventKind::Can {
            can_events += 1;
            frames += event.frames().unwrap().len();
        }
    }
    assert_eq!((log.end().unwrap().messages, can_events, frames), (2010, 500, 11290));
    assert_eq!(log.end().unwrap().damage, None);
}

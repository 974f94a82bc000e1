//! What is written is what is read, in every layout that a writer may choose.

use cts_can::rlog::{EVENT_KINDS, EventKind, LogReader};
use proptest::prelude::*;

use crate::shared::example;
use crate::writer::{CAN, Layout, MadeEvent, MadeFrame, SENDCAN};

fn made_events() -> impl Strategy<Value = Vec<(MadeEvent, Layout)>> {
    let frame = (any::<u32>(), any::<u8>(), proptest::collection::vec(any::<u8>(), 0..=64))
        .prop_map(|(address, bus, data)| MadeFrame { address, bus, data });
    let kind = prop_oneof![Just(CAN), Just(SENDCAN)];
    let event = (any::<u64>(), kind, proptest::collection::vec(frame, 0..40))
        .prop_map(|(mono_time, kind, frames)| MadeEvent { mono_time, kind, frames });
    let layout = prop_oneof![Just(Layout::One), Just(Layout::Far), Just(Layout::DoubleFar), Just(Layout::FarPayloads)];
    proptest::collection::vec((event, layout), 0..20)
}

proptest! {
    #[test]
    fn frames_are_read_as_they_were_written(events in made_events()) {
        let bytes: Vec<u8> = events.iter().flat_map(|(event, layout)| event.write(*layout)).collect();
        let mut log = LogReader::new(bytes.as_slice());
        for (made, _) in &events {
            let event = log.next_event().unwrap().unwrap().unwrap();
            prop_assert_eq!(event.mono_time, made.mono_time);
            prop_assert_eq!(event.kind == EventKind::Can, made.kind == CAN);
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
        prop_assert_eq!((end.messages, end.plain_bytes), (events.len() as u64, bytes.len() as u64));
        prop_assert_eq!(&end.damage, &None);
    }
}

#[test]
fn kinds_are_discriminants_and_not_ordinals() {
    let rows = [
        (0, EventKind::Other(0)),
        (4, EventKind::Can),
        (5, EventKind::Other(5)),
        (16, EventKind::SendCan),
        (21, EventKind::CarState),
        (22, EventKind::Other(22)),
        (67, EventKind::CarParams),
        (69, EventKind::Other(69)),
        (79, EventKind::PandaStates),
        (81, EventKind::Other(81)),
        (128, EventKind::SelfdriveState),
        (130, EventKind::Other(130)),
        (EVENT_KINDS - 1, EventKind::Other(147)),
        (EVENT_KINDS, EventKind::Unknown(148)),
        (u16::MAX, EventKind::Unknown(u16::MAX)),
    ];
    for (discriminant, kind) in rows {
        assert_eq!(EventKind::from_discriminant(discriminant), kind);
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

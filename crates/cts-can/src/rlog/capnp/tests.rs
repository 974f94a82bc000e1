//! Messages that a writer would not make, each with the fault that it is known by.

use super::*;

/// A message of one segment.
fn one_segment(words: &[u64]) -> Vec<u8> {
    segments(&[words])
}

fn segments(segments: &[&[u64]]) -> Vec<u8> {
    let mut bytes = (u32::try_from(segments.len()).unwrap() - 1).to_le_bytes().to_vec();
    for segment in segments {
        bytes.extend(u32::try_from(segment.len()).unwrap().to_le_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(WORD), 0);
    bytes.extend(segments.iter().copied().flatten().flat_map(|word| word.to_le_bytes()));
    bytes
}

fn structure(offset: i32, data_words: u16, pointers: u16) -> u64 {
    u64::from((offset << 2).cast_unsigned()) | u64::from(data_words) << 32 | u64::from(pointers) << 48
}

fn list(offset: i32, element_size: u32, count: u32) -> u64 {
    u64::from((offset << 2).cast_unsigned() | 1) | u64::from(count << 3 | element_size) << 32
}

fn far(double: bool, pad_word: u32, segment: u32) -> u64 {
    u64::from(pad_word << 3 | u32::from(double) << 2 | 2) | u64::from(segment) << 32
}

fn with_message<T>(bytes: &[u8], look: impl FnOnce(Message<'_>) -> T) -> T {
    let mut spans = Vec::new();
    let Framing::Whole { body, total } = frame(bytes, &mut spans) else { panic!("the frame is whole") };
    assert_eq!(total, bytes.len());
    look(Message::new(&bytes[body..], &spans))
}

/// The bytes of every element of the list of structs at the root's pointer 0.
fn contents(bytes: &[u8]) -> Result<Vec<Vec<u8>>, PointerFault> {
    with_message(bytes, |message| {
        let list = message.root()?.structs(0)?;
        list.check_bytes(0, &mut Budget::for_message(message))?;
        Ok((0..list.len()).map(|index| list.get(index).unwrap().bytes(0).unwrap().to_vec()).collect())
    })
}

#[test]
fn tables_that_no_writer_makes_are_refused() {
    let mut spans = Vec::new();
    let limit_words = u32::try_from(MESSAGE_BYTES_MAX / 8).unwrap();
    let rows: [(&[u32], Framing); 7] = [
        (&[], Framing::Partial { needed: 8 }),
        (&[0], Framing::Partial { needed: 8 }),
        (&[1, 1], Framing::Partial { needed: 16 }),
        (&[0, 0], Framing::Bad(DamageReason::EmptyMessage)),
        (&[511], Framing::Partial { needed: 4 + 4 * 512 + 4 }),
        (&[512], Framing::Bad(DamageReason::TooManySegments(513))),
        (&[1, limit_words, 1], Framing::Bad(DamageReason::MessageTooLarge(MESSAGE_BYTES_MAX + 8))),
    ];
    for (table, expected) in rows {
        let bytes: Vec<u8> = table.iter().flat_map(|number| number.to_le_bytes()).collect();
        assert_eq!(frame(&bytes, &mut spans), expected, "{table:?}");
    }
    assert_eq!(frame(&one_segment(&[0]), &mut spans), Framing::Whole { body: 8, total: 16 });
    assert_eq!(frame(&one_segment(&[0])[..15], &mut spans), Framing::Partial { needed: 16 });
}

#[test]
fn a_null_root_is_a_struct_of_defaults() {
    with_message(&one_segment(&[0]), |message| {
        let root = message.root().unwrap();
        assert_eq!((root.u8(3), root.u64(0), root.bytes(0)), (0, 0, Ok(&[][..])));
        assert_eq!(root.structs(7).unwrap().len(), 0);
    });
}

#[test]
fn roots_that_lead_nowhere_are_faults() {
    let rows: [(&[u64], PointerFault); 8] = [
        (&[structure(1, 0, 0)], PointerFault::OutOfBounds),
        (&[structure(-2, 0, 0)], PointerFault::OutOfBounds),
        (&[structure(0, 1, 0)], PointerFault::OutOfBounds),
        (&[structure(0, 0, u16::MAX), 0], PointerFault::OutOfBounds),
        (&[list(0, 2, 8), 0], PointerFault::UnexpectedKind),
        (&[3], PointerFault::UnexpectedKind),
        (&[far(false, 0, 1)], PointerFault::NoSuchSegment),
        (&[far(false, 1, 0)], PointerFault::OutOfBounds),
    ];
    for (words, fault) in rows {
        assert_eq!(with_message(&one_segment(words), |message| message.root().map(|_| ())), Err(fault), "{words:x?}");
    }
}

#[test]
fn far_pointers_lead_through_one_pad_and_never_in_circles() {
    // Each second word of the root is what its only pointer holds.
    let root = structure(0, 0, 1);
    let content = u64::from_le_bytes(*b"content!");
    type Outcome = Result<&'static [u8], PointerFault>;
    let rows: [(&[u64], Outcome); 7] = [
        (&[list(0, 2, 7), content], Ok(b"content")),
        (&[far(false, 0, 1), 0], Ok(b"conte")),
        (&[far(true, 2, 1), 0], Ok(b"content!")),
        (&[far(false, 2, 1), 0], Err(PointerFault::UnexpectedKind)), // a pad that is far itself
        (&[far(false, 1, 0), 0], Err(PointerFault::UnexpectedKind)), // itself
        (&[far(true, 4, 1), 0], Err(PointerFault::UnexpectedKind)),  // a double far to a double far
        (&[far(true, 5, 1), 0], Err(PointerFault::OutOfBounds)),     // half a pad
    ];
    let second = [list(0, 2, 5), content, far(false, 1, 1), list(0, 2, 8), far(true, 2, 1), far(false, 0, 1)];
    for (first, expected) in rows {
        let first = [&[root], first].concat();
        let bytes = segments(&[&first, &second]);
        with_message(&bytes, |message| assert_eq!(message.root().unwrap().bytes(0), expected, "{first:x?}"));
    }
}

#[test]
fn lists_are_no_longer_than_their_words() {
    let root = structure(0, 0, 1);
    let rows: [(&[u64], Result<usize, PointerFault>); 8] = [
        (&[0], Ok(0)),
        (&[list(0, 7, 0), structure(0, 1, 1)], Ok(0)),
        (&[list(0, 7, 2), structure(1, 1, 1), 5, 0], Ok(1)),
        (&[list(0, 7, 2), structure(2, 1, 1), 5, 0], Err(PointerFault::ListOverrun)),
        (&[list(0, 7, 3), structure(1, 1, 1), 5, 0], Err(PointerFault::OutOfBounds)),
        (&[list(0, 7, 1), structure(-1, 1, 0), 5], Err(PointerFault::ListOverrun)),
        (&[list(0, 7, 2), list(1, 1, 1), 5, 0], Err(PointerFault::UnexpectedKind)),
        (&[list(0, 2, 8), 0], Err(PointerFault::UnexpectedKind)),
    ];
    for (words, expected) in rows {
        let bytes = one_segment(&[&[root], words].concat());
        assert_eq!(contents(&bytes).map(|elements| elements.len()), expected, "{words:x?}");
    }
}

#[test]
fn a_message_cannot_lead_to_more_than_it_holds() {
    // A million structs of no size, in no bytes.
    let flood = one_segment(&[structure(0, 0, 1), list(0, 7, 0), structure(1_000_000, 0, 0)]);
    assert_eq!(contents(&flood), Err(PointerFault::TooMuchContent));
    let few = one_segment(&[structure(0, 0, 1), list(0, 7, 0), structure(60, 0, 0)]);
    assert_eq!(contents(&few).map(|elements| elements.len()), Ok(60));

    // A thousand structs that share one large payload.
    let mut shared = vec![structure(0, 0, 1), list(0, 7, 1000), structure(1000, 0, 1)];
    shared.extend((0..1000).map(|index| list(999 - index, 2, 8000)));
    shared.extend([0; 1000]);
    assert_eq!(contents(&one_segment(&shared)), Err(PointerFault::TooMuchContent));
}

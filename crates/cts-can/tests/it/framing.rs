//! Where the messages of a plain log end, found in the slow and obvious way.

/// Returns the end of each whole message, until something is no message or is cut.
pub(crate) fn message_ends(log: &[u8]) -> Vec<usize> {
    let number = |at: usize| Some(u32::from_le_bytes(log.get(at..at + 4)?.try_into().unwrap()) as usize);
    let mut ends = Vec::new();
    let mut at = 0;
    while let Some(segments) = number(at).map(|last| last + 1).filter(|count| *count <= 512) {
        let sizes: Option<Vec<usize>> = (1..=segments).map(|segment| number(at + 4 * segment)).collect();
        let Some(sizes) = sizes else { break };
        let table = (4 + 4 * segments).next_multiple_of(8);
        let end = at + table + 8 * sizes.iter().sum::<usize>();
        if sizes[0] == 0 || end > log.len() {
            break;
        }
        ends.push(end);
        at = end;
    }
    ends
}

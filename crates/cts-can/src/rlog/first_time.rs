//! In which order the logs of a drive were recorded, told by their content and not by their names.
//!
//! Only the beginning of a log is read for that. `can` events decide: every segment of a drive repeats the parameters
//! of its boot, with the time they had then, and a sentinel stands before what it announces.

use std::io::Read;

use super::capnp::Message;
use super::events::{Event, EventKind, INIT_DATA, SENTINEL};
use super::{LogReader, Step};
use crate::Error;

/// How much of a log is searched: bytes as stored, and bytes when decompressed. Where a car sends anything at all,
/// the first frames come within the first second of a segment, which is two megabytes at most.
pub const FIRST_TIME_SEARCH_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Returns when a log begins, in nanoseconds since the device booted: the time of its first `can` event.
///
/// Without such an event in the first [`FIRST_TIME_SEARCH_BYTES_MAX`] bytes it is the time of the first event that
/// belongs to the log itself; none where there is no such event either, as in a file that is no log.
///
/// # Errors
/// When the input cannot be read.
pub fn first_can_time(input: impl Read) -> Result<Option<u64>, Error> {
    let mut log = LogReader::new(input.take(FIRST_TIME_SEARCH_BYTES_MAX));
    let mut first_of_another_kind = None;
    while log.consumed_bytes < FIRST_TIME_SEARCH_BYTES_MAX {
        let Step::Message { body, total } = log.step()? else { break };
        let bytes = log.buffer.last(total);
        let Ok(event) = Event::read(Message::new(&bytes[body..], &log.spans)) else { continue };
        match event.kind {
            EventKind::Can if event.frames().is_ok() => return Ok(Some(event.mono_time)),
            EventKind::Can | EventKind::CarParams | EventKind::Other(INIT_DATA | SENTINEL) => {}
            _ => first_of_another_kind = first_of_another_kind.or(Some(event.mono_time)),
        }
    }
    Ok(first_of_another_kind)
}

/// Returns the numbers of logs in the order in which they were recorded, for the time that each begins at.
///
/// A log without a time keeps its place; of two with the same time the one that is given first comes first. The times
/// must be of one boot of one device, as those of a drive are.
///
/// ```
/// use cts_can::rlog::time_order;
///
/// assert_eq!(time_order(&[Some(30), None, Some(10), Some(20)]), [2, 1, 3, 0]);
/// ```
#[must_use]
pub fn time_order(first_times: &[Option<u64>]) -> Vec<usize> {
    let mut with_time: Vec<usize> = (0..first_times.len()).filter(|&number| first_times[number].is_some()).collect();
    with_time.sort_by_key(|&number| first_times[number]);
    let mut with_time = with_time.into_iter();
    let next = |(number, time): (usize, &Option<u64>)| match time {
        Some(_) => with_time.next().expect("there are as many as there are times"),
        None => number,
    };
    first_times.iter().enumerate().map(next).collect()
}

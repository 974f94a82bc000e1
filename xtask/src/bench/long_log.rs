//! A driving log of twenty minutes: the given one, or the sample of one minute twenty times, each a minute later.
//!
//! The times of the copies go on, as those of the segments of a drive do. `zstd` packs and unpacks.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use crate::bench::Plan;
use crate::error::{Doing, Failed};
use crate::process::command;
use crate::root;

/// One minute of a real car.
pub(crate) const SAMPLE: &str = "examples/toyota-60s.rlog.zst";

/// Copies of it.
const MINUTES: u64 = 20;
const MINUTE_NANOSECONDS: u64 = 60_000_000_000;

/// The level with which devices pack their logs.
const LEVEL: &str = "-10";

const WORD: usize = 8;

/// Returns the path of the log that the plan names, or makes one, once.
pub(super) fn given_or_made(plan: &Plan) -> Result<PathBuf, Failed> {
    if let Some(path) = &plan.log {
        return Ok(path.clone());
    }
    let path = root::target().join("bench").join("twenty-minutes.rlog.zst");
    if !path.is_file() {
        fs::create_dir_all(root::target().join("bench"))?;
        let minute = unpacked_sample()?;
        let partial = path.with_extension("partial");
        let out = fs::File::create(&partial).doing(|| format!("cannot create {}", partial.display()))?;
        let mut pack =
            command("zstd").args(["-q", "-c", LEVEL]).stdin(Stdio::piped()).stdout(out).spawn().doing(no_zstd)?;
        let mut input = pack.stdin.take().ok_or_else(|| Failed::new("zstd has no input"))?;
        for number in 0..MINUTES {
            let mut copy = minute.clone();
            shift(&mut copy, number * MINUTE_NANOSECONDS)?;
            input.write_all(&copy)?;
        }
        drop(input);
        if !pack.wait()?.success() {
            return Err(Failed::new("zstd could not pack the log"));
        }
        fs::rename(&partial, &path)?;
    }
    Ok(path)
}

/// Returns the bytes of the sample's messages.
pub(crate) fn unpacked_sample() -> Result<Vec<u8>, Failed> {
    let mut unpack = command("zstd");
    unpack.args(["-dc", "-q", SAMPLE]).stdin(Stdio::null());
    let unpacked = unpack.output().doing(no_zstd)?;
    if unpacked.status.success() { Ok(unpacked.stdout) } else { Err(Failed::new("zstd cannot unpack the sample")) }
}

fn no_zstd() -> String {
    "cannot start zstd (apt-get install zstd)".to_owned()
}

/// Adds to the time of every message: the first word of the struct at its root.
pub(crate) fn shift(messages: &mut [u8], nanoseconds: u64) -> Result<(), Failed> {
    let mut at = 0;
    while at < messages.len() {
        let rest = &mut messages[at..];
        let (time_at, total) = place_of_time(rest).ok_or_else(|| Failed::new("the sample is no whole log"))?;
        let word = rest.get_mut(time_at..time_at + WORD).ok_or_else(|| Failed::new("the sample is no whole log"))?;
        let time = u64::from_le_bytes(word.first_chunk().copied().unwrap_or_default());
        word.copy_from_slice(&(time + nanoseconds).to_le_bytes());
        at += total;
    }
    Ok(())
}

/// Returns where the time of the message in front lies and how long the message is, in bytes.
fn place_of_time(bytes: &[u8]) -> Option<(usize, usize)> {
    let number = |at: usize| bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes);
    let segments = usize::try_from(number(0)?).ok()? + 1;
    let body = (4 + segments * 4).next_multiple_of(WORD);
    let mut total = body;
    for segment in 0..segments {
        total += usize::try_from(number(4 + segment * 4)?).ok()? * WORD;
    }
    // The root is a near pointer to a struct: what a writer makes of a message that it begins with.
    let root = number(body)?;
    (root & 3 == 0 && total <= bytes.len()).then_some((body + WORD + usize::try_from(root >> 2).ok()? * WORD, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_every_message_is_shifted() {
        let message = |time: u64| [3 << 32, 2 << 32, time, 7].map(u64::to_le_bytes).concat();
        let mut log = [message(5), message(6)].concat();
        shift(&mut log, 10).unwrap();
        assert_eq!(log, [message(15), message(16)].concat());
        assert!(shift(&mut log[..20], 1).is_err());
    }
}

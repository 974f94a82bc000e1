//! What changed in each marker window: frames and changes of every address, for windows that are known beforehand.
//!
//! Windows may overlap and frames may come in any order of time: a frame is compared with the one of the same address
//! that came before it into the same window. Nothing is kept but the last payload, for each address of each window.
//! While the windows of the moment stay the same, the frames of an address are counted once for all of them.

use super::WINDOW_ADDRESSES_MAX;
use super::changes::{Padded, padded};
use crate::bitwatch::Window;
use crate::frame::{Address, Bus};
use crate::stream_numbers::StreamNumbers;

/// The place of a cell that there is not.
const NONE: u32 = u32::MAX;

/// All buses are one here.
const ANY_BUS: Bus = Bus(0);

/// What an address did in a marker window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressChanges {
    /// The address, on every bus.
    pub address: Address,
    /// Its frames in the window.
    pub frames: u32,
    /// Those that differ from the one before them in the window.
    pub changes: u32,
}

/// Frames of an address while the windows of the moment stay the same.
#[derive(Clone, Copy, Debug, Default)]
struct Stay {
    frames: u32,
    changes: u32,
    first: Padded,
    last: Padded,
}

/// An address in a window.
#[derive(Clone, Copy, Debug)]
struct Cell {
    frames: u32,
    changes: u32,
    last: Padded,
}

/// The windows that a moment lies in, and from when to when that is so.
#[derive(Debug)]
struct Now {
    from: f64,
    to: f64,
    windows: Vec<usize>,
}

/// Counts for every window.
#[derive(Debug)]
pub(super) struct WindowChanges {
    windows: Vec<Window>,
    now: Now,
    numbers: StreamNumbers,
    /// The address of each number, in the order of the log.
    addresses: Vec<Address>,
    /// For each address the frames that stand in no cell so far.
    stays: Vec<Stay>,
    /// The numbers of the addresses that have such frames.
    staying: Vec<usize>,
    /// For each window, by the number of the address, where its cell is.
    places: Vec<Vec<u32>>,
    cells: Vec<Cell>,
    frames_left_out: u64,
}

impl WindowChanges {
    pub(super) fn new(windows: Vec<Window>) -> Self {
        Self {
            now: Now { from: f64::INFINITY, to: f64::NEG_INFINITY, windows: Vec::new() },
            numbers: StreamNumbers::default(),
            addresses: Vec::new(),
            stays: Vec::new(),
            staying: Vec::new(),
            places: vec![Vec::new(); windows.len()],
            cells: Vec::new(),
            frames_left_out: 0,
            windows,
        }
    }

    pub(super) fn frame(&mut self, time: f64, address: Address, data: &[u8]) {
        if !(self.now.from <= time && time <= self.now.to) {
            self.settle();
            self.now.move_to(time, &self.windows);
        }
        let number = self.numbers.number(ANY_BUS, address);
        if number == Some(self.addresses.len()) {
            self.addresses.push(address);
            self.stays.push(Stay::default());
        }
        if self.now.windows.is_empty() {
            return;
        }
        let Some(number) = number else {
            self.frames_left_out += 1;
            return;
        };
        let payload = padded(data);
        let stay = &mut self.stays[number];
        if stay.frames == 0 {
            self.staying.push(number);
            *stay = Stay { frames: 1, changes: 0, first: payload, last: payload };
        } else {
            stay.frames = stay.frames.saturating_add(1);
            if stay.last != payload {
                stay.changes = stay.changes.saturating_add(1);
                stay.last = payload;
            }
        }
    }

    /// Counts what came since the windows of the moment are what they are.
    fn settle(&mut self) {
        for number in self.staying.drain(..) {
            let stay = std::mem::take(&mut self.stays[number]);
            for &window in &self.now.windows {
                if !count(&mut self.places[window], &mut self.cells, number, &stay) {
                    self.frames_left_out += u64::from(stay.frames);
                }
            }
        }
    }

    /// Returns, for each window, the addresses that changed, those with the most changes first and of equal ones those
    /// that came earlier in the log; and how many frames were not counted because there are too many addresses.
    pub(super) fn finish(mut self) -> (Vec<Vec<AddressChanges>>, u64) {
        self.settle();
        let changed = |places: Vec<u32>| {
            let cells = places.iter().map(|place| self.cells.get(*place as usize));
            let mut changed: Vec<AddressChanges> = cells
                .zip(&self.addresses)
                .filter_map(|(cell, address)| {
                    let Cell { frames, changes, .. } = *cell?;
                    (changes > 0).then_some(AddressChanges { address: *address, frames, changes })
                })
                .collect();
            changed.sort_by_key(|address| std::cmp::Reverse(address.changes));
            changed
        };
        (self.places.into_iter().map(changed).collect(), self.frames_left_out)
    }
}

/// Counts frames of a window; returns false where there is no room for their address.
fn count(places: &mut Vec<u32>, cells: &mut Vec<Cell>, number: usize, stay: &Stay) -> bool {
    if number >= places.len() {
        places.resize(number + 1, NONE);
    }
    if let Some(cell) = cells.get_mut(places[number] as usize) {
        let changes = stay.changes.saturating_add(u32::from(cell.last != stay.first));
        cell.frames = cell.frames.saturating_add(stay.frames);
        cell.changes = cell.changes.saturating_add(changes);
        cell.last = stay.last;
        return true;
    }
    if cells.len() == WINDOW_ADDRESSES_MAX {
        return false;
    }
    places[number] = u32::try_from(cells.len()).expect("there are far fewer cells than 2^32");
    cells.push(Cell { frames: stay.frames, changes: stay.changes, last: stay.last });
    true
}

impl Now {
    /// Finds the windows of a moment, and how long before and after it they are the same.
    #[cold]
    fn move_to(&mut self, time: f64, windows: &[Window]) {
        (self.from, self.to) = (f64::NEG_INFINITY, f64::INFINITY);
        self.windows.clear();
        for (index, Window { start, end }) in windows.iter().enumerate() {
            if time < *start {
                self.to = self.to.min(start.next_down());
            } else if time > *end {
                self.from = self.from.max(end.next_up());
            } else {
                (self.from, self.to) = (self.from.max(*start), self.to.min(*end));
                self.windows.push(index);
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! What changed in each marker window: frames and changes of every address, for windows that are known beforehand.
//!
//! Windows may overlap and frames may come in any order of time: a frame is compared with the one of the same address
//! that came before it into the same window. Nothing is kept but the last payload, for each address of each window.

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
            places: vec![Vec::new(); windows.len()],
            cells: Vec::new(),
            frames_left_out: 0,
            windows,
        }
    }

    pub(super) fn frame(&mut self, time: f64, address: Address, data: &[u8]) {
        if !(self.now.from <= time && time <= self.now.to) {
            self.now.move_to(time, &self.windows);
        }
        let number = self.numbers.number(ANY_BUS, address);
        if number == Some(self.addresses.len()) {
            self.addresses.push(address);
        }
        if self.now.windows.is_empty() {
            return;
        }
        let Some(number) = number else {
            self.frames_left_out += 1;
            return;
        };
        let payload = padded(data);
        for &window in &self.now.windows {
            let is_counted = count(&mut self.places[window], &mut self.cells, number, &payload);
            self.frames_left_out += u64::from(!is_counted);
        }
    }

    /// Returns, for each window, the addresses that changed, those with the most changes first and of equal ones those
    /// that came earlier in the log; and how many frames were not counted because there are too many addresses.
    pub(super) fn finish(self) -> (Vec<Vec<AddressChanges>>, u64) {
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

/// Counts a frame of a window; returns false where there is no room for its address.
#[inline]
fn count(places: &mut Vec<u32>, cells: &mut Vec<Cell>, number: usize, payload: &Padded) -> bool {
    if number >= places.len() {
        places.resize(number + 1, NONE);
    }
    if let Some(cell) = cells.get_mut(places[number] as usize) {
        cell.frames = cell.frames.saturating_add(1);
        if cell.last != *payload {
            cell.last = *payload;
            cell.changes = cell.changes.saturating_add(1);
        }
        return true;
    }
    if cells.len() == WINDOW_ADDRESSES_MAX {
        return false;
    }
    places[number] = u32::try_from(cells.len()).expect("there are far fewer cells than 2^32");
    cells.push(Cell { frames: 1, changes: 0, last: *payload });
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

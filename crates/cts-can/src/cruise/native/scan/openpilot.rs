//! What openpilot's own events say of the car and its driver.

use super::super::level::Level;
use super::super::speed::Speeds;
use super::follow::SetSpeeds;
use crate::PointerFault;
use crate::rlog::{Event, EventKind};

/// Discriminants of the events that a press of a bookmark button makes: `userBookmark` and `bookmarkButton`.
const BOOKMARKS: [u16; 2] = [91, 146];

/// How many bookmarks are kept.
const BOOKMARKS_MAX: usize = 1024;

/// Two bookmark events closer than this are of one press, in seconds.
const BOOKMARK_GAP: f64 = 0.5;

/// What the events told so far.
#[derive(Debug)]
pub(super) struct Openpilot {
    pub(super) speeds: Speeds,
    pub(super) brake: Level,
    pub(super) gas: Level,
    pub(super) left: Level,
    pub(super) right: Level,
    pub(super) cruise_available: Level,
    pub(super) cruise_enabled: Level,
    pub(super) set_speeds: SetSpeeds,
    pub(super) selfdrive: Level,
    pub(super) bookmarks: Vec<f64>,
}

impl Openpilot {
    pub(super) fn new([min, max]: [f64; 2]) -> Self {
        Self {
            speeds: Speeds::new(min, max),
            brake: Level::default(),
            gas: Level::default(),
            left: Level::default(),
            right: Level::default(),
            cruise_available: Level::default(),
            cruise_enabled: Level::default(),
            set_speeds: SetSpeeds::default(),
            selfdrive: Level::default(),
            bookmarks: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, time: f64, event: &Event<'_>, room: &mut usize) -> Result<(), PointerFault> {
        match event.kind {
            EventKind::CarState => {
                let Some(state) = event.car_state()? else { return Ok(()) };
                self.speeds.push(time, [f64::from(state.v_ego)], room);
                self.brake.push(time, state.brake_pressed, room);
                self.gas.push(time, state.gas_pressed, room);
                self.left.push(time, state.left_blinker, room);
                self.right.push(time, state.right_blinker, room);
                self.cruise_available.push(time, state.cruise.available, room);
                self.cruise_enabled.push(time, state.cruise.enabled, room);
                self.set_speeds.push(time, f64::from(state.cruise.speed));
            }
            EventKind::SelfdriveState => {
                let Some(state) = event.selfdrive_state()? else { return Ok(()) };
                self.selfdrive.push(time, state.enabled, room);
            }
            EventKind::Other(kind) if BOOKMARKS.contains(&kind) => {
                let is_new = self.bookmarks.last().is_none_or(|last| time - last >= BOOKMARK_GAP);
                if is_new && self.bookmarks.len() < BOOKMARKS_MAX {
                    self.bookmarks.push(time);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

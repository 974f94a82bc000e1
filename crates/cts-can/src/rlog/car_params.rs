//! Which car a log is of, as `carParams` events tell it.
//!
//! The number of the very vehicle (`carVin`) is never read: it is personal data, and no analysis needs it. A field
//! that an older log lacks reads as its default: empty or 0.

use super::SafetyModel;
use super::capnp::{Budget, StructList};
use super::events::{CONTENT, Event, EventKind};
use crate::PointerFault;

/// Where the fields lie: bytes of the data, numbers of pointers.
mod layout {
    pub(super) const BRAND: u16 = 0;
    pub(super) const FINGERPRINT: u16 = 1;
    pub(super) const SAFETY_CONFIGS: u16 = 13;
    pub(super) const ALTERNATIVE_EXPERIENCE: usize = 82;
    pub(super) const FLAGS: usize = 120;
    pub(super) const CONFIG_MODEL: usize = 0;
    pub(super) const CONFIG_PARAM: usize = 8;
}

/// Which car it is and how openpilot treats it.
///
/// Texts end where they stop being UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct CarParams<'a> {
    /// The make, such as `toyota`. In older logs the field is called `carName`.
    pub brand: &'a str,
    /// The model, such as `TOYOTA_RAV4`.
    pub fingerprint: &'a str,
    /// Bits that mean something else for every make.
    pub flags: u32,
    /// What the driver wants otherwise than usual; bits.
    pub alternative_experience: i16,
    safety_configs: StructList<'a>,
}

impl<'a> CarParams<'a> {
    /// Returns which safety rules each panda is to follow, in the order of the pandas.
    #[must_use]
    pub fn safety_configs(&self) -> SafetyConfigs<'a> {
        SafetyConfigs { list: self.safety_configs, next: 0 }
    }
}

impl<'a> Event<'a> {
    /// Returns what a `carParams` event says; none for other kinds.
    ///
    /// # Errors
    /// When a pointer of the message leads to a place where no such content can be.
    pub fn car_params(&self) -> Result<Option<CarParams<'a>>, PointerFault> {
        if self.kind != EventKind::CarParams {
            return Ok(None);
        }
        let params = self.root.structure(CONTENT)?;
        let safety_configs = params.structs(layout::SAFETY_CONFIGS)?;
        safety_configs.check_len(&mut Budget::for_message(self.root.message()))?;
        Ok(Some(CarParams {
            brand: params.text(layout::BRAND)?,
            fingerprint: params.text(layout::FINGERPRINT)?,
            flags: params.u32(layout::FLAGS),
            alternative_experience: params.i16(layout::ALTERNATIVE_EXPERIENCE),
            safety_configs,
        }))
    }
}

/// Which safety rules a panda is to follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SafetyConfig {
    /// The rules.
    pub model: SafetyModel,
    /// Their variant; bits that mean something else in every model.
    pub param: u16,
}

/// The safety rules of each panda.
#[derive(Clone, Debug)]
pub struct SafetyConfigs<'a> {
    list: StructList<'a>,
    next: u32,
}

impl Iterator for SafetyConfigs<'_> {
    type Item = SafetyConfig;

    fn next(&mut self) -> Option<SafetyConfig> {
        let config = self.list.get(self.next)?;
        self.next += 1;
        let model = SafetyModel(config.u16(layout::CONFIG_MODEL));
        Some(SafetyConfig { model, param: config.u16(layout::CONFIG_PARAM) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.list.len() - self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for SafetyConfigs<'_> {}

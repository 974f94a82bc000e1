//! A profile from its text: TOML in, a [`Car`] or the first fault with its line out.

use toml_edit::{Document, Item, TableLike, Value};

use super::fault::shortened;
use super::{
    Car, CarDbc, CarFault, CarFaultKind, CarSpeed, Condition, ITEMS_MAX, NAME_BYTES_MAX, PROFILE_BYTES_MAX, Place,
    SpeedUnit,
};
use crate::frame::Bus;

impl Car {
    /// Reads a profile.
    ///
    /// # Errors
    /// With the line, what is wrong there, and what mends it.
    pub fn parse(bytes: &[u8]) -> Result<Self, CarFault> {
        if bytes.len() > PROFILE_BYTES_MAX {
            return Err(CarFault { line: 1, kind: CarFaultKind::TooLarge });
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| CarFault { line: line_of(&bytes[..error.valid_up_to()]), kind: CarFaultKind::NotText })?;
        let document = Document::parse(text).map_err(|error| {
            let line = line_of(&bytes[..error.span().map_or(0, |span| span.start.min(bytes.len()))]);
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            CarFault { line, kind: CarFaultKind::NotToml(message) }
        })?;
        Section { text, table: document.as_table(), line: 1 }.car()
    }
}

/// Returns the number of the line that follows these bytes, from 1.
fn line_of(before: &[u8]) -> usize {
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

/// A table of the profile.
#[derive(Clone, Copy)]
struct Section<'a> {
    text: &'a str,
    table: &'a dyn TableLike,
    line: usize,
}

/// A value and where it stands.
struct Found<'a> {
    key: &'static str,
    item: &'a Item,
    line: usize,
}

impl<'a> Section<'a> {
    fn car(&self) -> Result<Car, CarFault> {
        self.known("name, brands, fingerprints, dbc, speed, buttons, cruise, pedals, blinkers")?;
        let mut dbcs = Vec::new();
        for section in self.sections("dbc")? {
            section.known("name, bus")?;
            let name = section.needed("name")?.name()?;
            let bus = section.needed("bus")?.bus()?;
            dbcs.push(CarDbc { name, bus, line: section.line });
        }
        let mut car = Car {
            name: self.needed("name")?.name()?,
            brands: self.names("brands")?,
            fingerprints: self.names("fingerprints")?,
            dbcs,
            speed: None,
            buttons: Vec::new(),
            cruise_available: None,
            cruise_engaged: None,
            set_speed: None,
            brake: None,
            gas: None,
            blinkers: None,
        };
        if car.dbcs.is_empty() {
            return Err(self.fault(CarFaultKind::Missing("dbc")));
        }
        if let Some(section) = self.section("speed")? {
            section.known("signals, unit")?;
            car.speed = Some(section.speed()?);
        }
        if let Some(section) = self.section("buttons")? {
            car.buttons = section.buttons()?;
        }
        if let Some(section) = self.section("cruise")? {
            section.known("available, engaged, set_speed, set_speed_unit")?;
            car.cruise_available = section.condition("available")?;
            car.cruise_engaged = section.condition("engaged")?;
            if let Some(place) = section.get("set_speed") {
                car.set_speed = Some((place.place()?, section.needed("set_speed_unit")?.unit()?));
            }
        }
        if let Some(section) = self.section("pedals")? {
            section.known("brake, gas")?;
            car.brake = section.condition("brake")?;
            car.gas = section.condition("gas")?;
        }
        if let Some(section) = self.section("blinkers")? {
            section.known("left, right")?;
            car.blinkers = Some((section.needed("left")?.condition()?, section.needed("right")?.condition()?));
        }
        Ok(car)
    }

    fn fault(&self, kind: CarFaultKind) -> CarFault {
        CarFault { line: self.line, kind }
    }

    fn line_at(&self, key: &str, item: &Item) -> usize {
        let span = self.table.key(key).and_then(toml_edit::Key::span).or_else(|| item.span());
        span.map_or(self.line, |span| line_of(&self.text.as_bytes()[..span.start.min(self.text.len())]))
    }

    /// Refuses a key that is not in the list.
    fn known(&self, known: &'static str) -> Result<(), CarFault> {
        for (key, item) in self.table.iter() {
            if !known.split(", ").any(|word| word == key) {
                let kind = CarFaultKind::UnknownKey { key: shortened(key), known };
                return Err(CarFault { line: self.line_at(key, item), kind });
            }
        }
        Ok(())
    }

    fn get(&self, key: &'static str) -> Option<Found<'a>> {
        let item = self.table.get(key)?;
        Some(Found { key, item, line: self.line_at(key, item) })
    }

    fn needed(&self, key: &'static str) -> Result<Found<'a>, CarFault> {
        self.get(key).ok_or_else(|| self.fault(CarFaultKind::Missing(key)))
    }

    fn section(&self, key: &'static str) -> Result<Option<Self>, CarFault> {
        let Some(found) = self.get(key) else { return Ok(None) };
        let table = found.item.as_table_like().ok_or_else(|| found.wrong("a table"))?;
        Ok(Some(Self { text: self.text, table, line: found.line }))
    }

    fn sections(&self, key: &'static str) -> Result<Vec<Self>, CarFault> {
        let Some(found) = self.get(key) else { return Ok(Vec::new()) };
        let line_of_item = |span: Option<std::ops::Range<usize>>| {
            span.map_or(found.line, |span| line_of(&self.text.as_bytes()[..span.start.min(self.text.len())]))
        };
        let mut sections = Vec::new();
        if let Some(list) = found.item.as_array_of_tables() {
            for table in list {
                sections.push(Self { text: self.text, table, line: line_of_item(table.span()) });
            }
        } else {
            let list = found.item.as_array().ok_or_else(|| found.wrong("a list of tables"))?;
            for item in list {
                let table = item.as_inline_table().ok_or_else(|| found.wrong("a list of tables"))?;
                sections.push(Self { text: self.text, table, line: line_of_item(table.span()) });
            }
        }
        if sections.len() > ITEMS_MAX {
            return Err(found.fault(CarFaultKind::TooMany(found.key)));
        }
        Ok(sections)
    }

    fn names(&self, key: &'static str) -> Result<Vec<String>, CarFault> {
        let Some(found) = self.get(key) else { return Ok(Vec::new()) };
        found.list("a list of texts")?.iter().map(|item| found.name_of(item.as_str())).collect()
    }

    fn condition(&self, key: &'static str) -> Result<Option<Condition>, CarFault> {
        self.get(key).map(|found| found.condition()).transpose()
    }

    fn speed(&self) -> Result<CarSpeed, CarFault> {
        let found = self.needed("signals")?;
        let mut signals = Vec::new();
        for item in found.list("a list of texts")? {
            let text = item.as_str().ok_or_else(|| found.wrong("a list of texts"))?;
            signals.push(Place::parse(text, found.line).map_err(|kind| found.fault(kind))?);
        }
        let Some(first) = signals.first() else { return Err(found.fault(CarFaultKind::Empty("signals"))) };
        if signals.iter().any(|place: &Place| (&place.message, place.bus) != (&first.message, first.bus)) {
            return Err(found.fault(CarFaultKind::SeveralMessages));
        }
        Ok(CarSpeed { signals, unit: self.needed("unit")?.unit()? })
    }

    fn buttons(&self) -> Result<Vec<(String, Condition)>, CarFault> {
        let mut buttons = Vec::new();
        for (name, item) in self.table.iter() {
            let found = Found { key: "the button", item, line: self.line_at(name, item) };
            buttons.push((found.name_of(Some(name))?, found.condition()?, found.line));
        }
        if buttons.len() > ITEMS_MAX {
            return Err(self.fault(CarFaultKind::TooMany("buttons")));
        }
        buttons.sort_by_key(|(.., line)| *line);
        Ok(buttons.into_iter().map(|(name, condition, _)| (name, condition)).collect())
    }
}

impl<'a> Found<'a> {
    fn fault(&self, kind: CarFaultKind) -> CarFault {
        CarFault { line: self.line, kind }
    }

    fn wrong(&self, wanted: &'static str) -> CarFault {
        self.fault(CarFaultKind::WrongKind { key: self.key.to_owned(), wanted })
    }

    fn text(&self) -> Result<&'a str, CarFault> {
        self.item.as_str().ok_or_else(|| self.wrong("a text in quotes"))
    }

    fn name(&self) -> Result<String, CarFault> {
        self.name_of(Some(self.text()?))
    }

    fn name_of(&self, text: Option<&str>) -> Result<String, CarFault> {
        let text = text.ok_or_else(|| self.wrong("a list of texts"))?;
        let is_name = (1..=NAME_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        if is_name { Ok(text.to_owned()) } else { Err(self.fault(CarFaultKind::BadName(shortened(text)))) }
    }

    fn bus(&self) -> Result<Bus, CarFault> {
        let number = self.item.as_integer().and_then(|number| u8::try_from(number).ok());
        number.map(Bus).ok_or_else(|| self.wrong("a number from 0 to 255"))
    }

    fn list(&self, wanted: &'static str) -> Result<Vec<&'a Value>, CarFault> {
        let list = self.item.as_array().ok_or_else(|| self.wrong(wanted))?;
        if list.len() > ITEMS_MAX {
            return Err(self.fault(CarFaultKind::TooMany(self.key)));
        }
        Ok(list.iter().collect())
    }

    fn place(&self) -> Result<Place, CarFault> {
        Place::parse(self.text()?, self.line).map_err(|kind| self.fault(kind))
    }

    fn condition(&self) -> Result<Condition, CarFault> {
        Condition::parse(self.text()?, self.line).map_err(|kind| self.fault(kind))
    }

    fn unit(&self) -> Result<SpeedUnit, CarFault> {
        let text = self.text()?;
        SpeedUnit::from_word(text).ok_or_else(|| self.fault(CarFaultKind::BadUnit(shortened(text))))
    }
}

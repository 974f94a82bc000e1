//! The statements of a DBC file put together: who belongs to whom, which switch is meant, what cannot be.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use super::drafts::{Drafts, MessageDraft, Notes, PSEUDO_MESSAGE_ID, SignalDraft, Subject, Values};
use super::fault::{DbcFault, DbcFaultKind, DbcNoteKind};
use super::words::{Place, decoded};
use super::{Dbc, DbcMessage, DbcSignal, MUX_DEPTH_MAX, Mux, VALUES_MAX};
use crate::frame::Address;
use crate::signal::{NumberKind, Signal, SignalFault, SignalLayout};

/// Marks the id of a message with an extended address.
const EXTENDED_ID: u32 = 1 << 31;

/// The highest address of a frame.
const ADDRESS_MAX: u32 = (1 << 29) - 1;

/// What is said about a signal by other lines than its own.
#[derive(Clone, Default)]
struct Said<'a> {
    long_name: Option<&'a [u8]>,
    kind: Option<NumberKind>,
    /// Where the type is said.
    kind_place: Option<Place>,
    values: Vec<(i64, String)>,
    mux: Option<Mux>,
}

/// Finds messages and signals by what lines call them.
struct Directory<'a> {
    messages: HashMap<Address, usize>,
    /// By the index of the message and the own name.
    signals: HashMap<(usize, &'a [u8]), usize>,
}

/// Puts a file together.
pub(super) fn dbc(mut drafts: Drafts<'_>) -> Result<Dbc, DbcFault> {
    let directory = Directory::new(&drafts)?;
    let mut said = vec![Said::default(); drafts.signals.len()];
    types(&mut drafts, &directory, &mut said);
    descriptions(&mut drafts, &directory, &mut said)?;
    switches(&mut drafts, &directory, &mut said)?;
    long_names(&mut drafts, &directory, &mut said);
    let mut messages = Vec::with_capacity(drafts.messages.len());
    let mut said = said.into_iter();
    for draft in &drafts.messages {
        let first = draft.signals.start;
        let own = &drafts.signals[draft.signals.clone()];
        let said: Vec<Said<'_>> = said.by_ref().take(own.len()).collect();
        let message = message(&drafts, draft, own, said)?;
        for (signal, draft) in message.signals.iter().zip(&drafts.signals[first..]) {
            if signal.signal.payload_bytes_min() > usize::from(message.length_bytes) {
                let signal = signal.name.clone();
                let length_bytes = message.length_bytes;
                drafts.notes.push(draft.place, || DbcNoteKind::BeyondMessage { signal, length_bytes });
            }
        }
        messages.push(message);
    }
    messages.sort_by_key(|message| message.address);
    drafts.notes.kept.sort_by_key(|note| note.line);
    Ok(Dbc { messages, notes: drafts.notes.kept, notes_left_out: drafts.notes.left_out })
}

/// Returns the address of the frames of a message.
fn address(id: u32) -> Option<Address> {
    // Logs do not tell extended frames apart, and some files forget the mark.
    let address = id & !EXTENDED_ID;
    (address <= ADDRESS_MAX).then_some(Address(address))
}

impl<'a> Directory<'a> {
    fn new(drafts: &Drafts<'a>) -> Result<Self, DbcFault> {
        let mut messages = HashMap::with_capacity(drafts.messages.len());
        let mut signals = HashMap::with_capacity(drafts.signals.len());
        for (index, message) in drafts.messages.iter().enumerate() {
            let fault = |kind| Err(message.place.fault(drafts.file, kind));
            let Some(address) = address(message.id) else { return fault(DbcFaultKind::BadId(message.id)) };
            if let Some(other) = messages.insert(address, index) {
                let line = drafts.messages[other].place.line();
                return fault(DbcFaultKind::SameAddress { address, line });
            }
            for place in message.signals.clone() {
                let signal = &drafts.signals[place];
                if let Some(other) = signals.insert((index, signal.name), place) {
                    let name = decoded(signal.name);
                    let line = drafts.signals[other].place.line();
                    return Err(signal.place.fault(drafts.file, DbcFaultKind::SameSignal { name, line }));
                }
            }
        }
        Ok(Self { messages, signals })
    }

    /// Returns the indices of the message and the signal.
    fn find(&self, id: u32, name: &[u8]) -> Option<(usize, usize)> {
        let message = *self.messages.get(&address(id)?)?;
        Some((message, *self.signals.get(&(message, name))?))
    }

    /// Returns the indices of the message and the signal that a line is about, or notes that there are none.
    fn subject(&self, subject: &Subject<'_>, notes: &mut Notes) -> Option<(usize, usize)> {
        let found = self.find(subject.id, subject.name);
        if found.is_none() && subject.id != PSEUDO_MESSAGE_ID {
            let signal = || decoded(subject.name);
            notes.push(subject.place, || DbcNoteKind::UnknownSignal { id: subject.id, signal: signal() });
        }
        found
    }
}

fn types(drafts: &mut Drafts<'_>, directory: &Directory<'_>, said: &mut [Said<'_>]) {
    for draft in &drafts.types {
        let Some((_, signal)) = directory.subject(&draft.subject, &mut drafts.notes) else { continue };
        said[signal].kind_place = Some(draft.subject.place);
        said[signal].kind = match draft.number {
            1 => Some(NumberKind::Float32),
            2 => Some(NumberKind::Float64),
            _ => None,
        };
    }
}

fn descriptions(drafts: &mut Drafts<'_>, directory: &Directory<'_>, said: &mut [Said<'_>]) -> Result<(), DbcFault> {
    let tables: HashMap<_, _> = drafts.tables.iter().cloned().collect();
    let mut count = 0;
    for draft in &drafts.descriptions {
        let range = match &draft.values {
            Values::Own(range) => range.clone(),
            Values::Table(name) => match tables.get(name) {
                Some(range) => range.clone(),
                None => {
                    drafts.notes.push(draft.subject.place, || DbcNoteKind::UnknownTable(decoded(name)));
                    continue;
                }
            },
        };
        let Some((_, signal)) = directory.subject(&draft.subject, &mut drafts.notes) else { continue };
        count += range.len();
        if count > VALUES_MAX {
            let kind = DbcFaultKind::TooMany { what: "descriptions of values", limit: VALUES_MAX };
            return Err(draft.subject.place.fault(drafts.file, kind));
        }
        let values = drafts.values[range].iter().map(|(number, text)| (*number, decoded(text)));
        said[signal].values.extend(values);
    }
    for said in said {
        // Of several descriptions of a number the last one counts.
        said.values.reverse();
        said.values.sort_by_key(|(number, _)| *number);
        said.values.dedup_by_key(|(number, _)| *number);
    }
    Ok(())
}

/// Finds the switch of every multiplexed signal: by a line of its own, or because the message has but one.
fn switches(drafts: &mut Drafts<'_>, directory: &Directory<'_>, said: &mut [Said<'_>]) -> Result<(), DbcFault> {
    for draft in &drafts.switches {
        let Subject { place, id, name } = draft.subject;
        let Some((message, signal)) = directory.subject(&draft.subject, &mut drafts.notes) else { continue };
        let switch = Subject { place, id, name: draft.switch };
        let Some((_, switch)) = directory.subject(&switch, &mut drafts.notes) else { continue };
        let switch = switch - drafts.messages[message].signals.start;
        let mux = said[signal].mux.get_or_insert(Mux { switch, values: Vec::new() });
        if mux.switch != switch {
            return Err(place.fault(drafts.file, DbcFaultKind::SecondSwitch { name: decoded(name) }));
        }
        mux.values.extend(drafts.ranges[draft.ranges.clone()].iter().map(|(least, greatest)| *least..=*greatest));
    }
    for message in &drafts.messages {
        let own = &drafts.signals[message.signals.clone()];
        let mut roots =
            own.iter().enumerate().filter(|(_, signal)| signal.mark.is_switch && signal.mark.value.is_none());
        let (root, second_root) = (roots.next().map(|(index, _)| index), roots.next());
        for (signal, said) in own.iter().zip(&mut said[message.signals.clone()]) {
            let Some(value) = signal.mark.value.filter(|_| said.mux.is_none()) else { continue };
            match root {
                Some(_) if second_root.is_some() => {
                    let kind = DbcFaultKind::AmbiguousSwitch { name: decoded(signal.name) };
                    return Err(signal.place.fault(drafts.file, kind));
                }
                Some(switch) => said.mux = Some(Mux { switch, values: vec![value..=value] }),
                None => drafts.notes.push(signal.place, || DbcNoteKind::NoSwitch(decoded(signal.name))),
            }
        }
    }
    for message in &drafts.messages {
        let own = &mut said[message.signals.clone()];
        for (index, draft) in drafts.signals[message.signals.clone()].iter().enumerate() {
            if is_too_deep(own, index) {
                let kind = DbcFaultKind::DeepSwitch { name: decoded(draft.name) };
                return Err(draft.place.fault(drafts.file, kind));
            }
        }
        for said in own {
            if let Some(mux) = &mut said.mux {
                join(&mut mux.values);
            }
        }
    }
    Ok(())
}

/// Returns whether so many switches stand above a signal that they may go round in a circle.
fn is_too_deep(said: &[Said<'_>], mut index: usize) -> bool {
    for _ in 0..=MUX_DEPTH_MAX {
        match &said[index].mux {
            Some(mux) => index = mux.switch,
            None => return false,
        }
    }
    true
}

/// Sorts ranges and joins those that overlap or touch.
fn join(ranges: &mut Vec<RangeInclusive<u64>>) {
    ranges.sort_by_key(|range| *range.start());
    ranges.dedup_by(|range, before| {
        let touches = *range.start() <= before.end().saturating_add(1);
        if touches {
            *before = *before.start()..=*before.end().max(range.end());
        }
        touches
    });
}

/// Takes the whole names of what has a name that was cut.
fn long_names<'a>(drafts: &mut Drafts<'a>, directory: &Directory<'_>, said: &mut [Said<'a>]) {
    for draft in &drafts.long_names {
        match draft.signal {
            Some(signal) => {
                if let Some((_, signal)) = directory.find(draft.id, signal) {
                    said[signal].long_name = Some(draft.name);
                }
            }
            None => {
                let message = address(draft.id).and_then(|address| directory.messages.get(&address));
                if let Some(message) = message {
                    drafts.messages[*message].name = draft.name;
                }
            }
        }
    }
}

fn message(
    drafts: &Drafts<'_>,
    draft: &MessageDraft<'_>,
    own: &[SignalDraft<'_>],
    said: Vec<Said<'_>>,
) -> Result<DbcMessage, DbcFault> {
    let mut signals = Vec::with_capacity(own.len());
    for (draft, said) in own.iter().zip(said) {
        let unsaid = if draft.is_signed { NumberKind::Signed } else { NumberKind::Unsigned };
        let layout = SignalLayout {
            start: draft.start,
            length: draft.length,
            order: draft.order,
            kind: said.kind.unwrap_or(unsaid),
            factor: draft.factor,
            offset: draft.offset,
        };
        let place = said.kind_place.filter(|_| said.kind.is_some()).unwrap_or(draft.place);
        let signal = Signal::new(layout).map_err(|fault| {
            let place = if matches!(fault, SignalFault::FloatLength { .. }) { place } else { draft.place };
            place.fault(drafts.file, DbcFaultKind::BadSignal(fault))
        })?;
        let (name, unit) = (decoded(said.long_name.unwrap_or(draft.name)), decoded(draft.unit));
        signals.push(DbcSignal { name, unit, signal, values: said.values, mux: said.mux });
    }
    let mut by_name: Vec<usize> = (0..signals.len()).collect();
    by_name.sort_by_key(|index| signals[*index].name.as_str());
    // Names that the file writes in different ways may be the same.
    if let Some([first, second]) =
        by_name.array_windows().find(|[first, second]| signals[*first].name == signals[*second].name)
    {
        let kind = DbcFaultKind::SameSignal { name: signals[*second].name.clone(), line: own[*first].place.line() };
        return Err(own[*second].place.fault(drafts.file, kind));
    }
    let address = address(draft.id).ok_or_else(|| draft.place.fault(drafts.file, DbcFaultKind::BadId(draft.id)))?;
    let is_multiplexed = signals.iter().any(|signal| signal.mux.is_some());
    let name = decoded(draft.name);
    Ok(DbcMessage { address, name, length_bytes: draft.length_bytes, signals, by_name, is_multiplexed })
}

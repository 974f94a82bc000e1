//! The line of a signal: `SG_ name mark : start|length@order (factor,offset) [least|greatest] "unit" receivers`.

use super::expect::parsed;
use super::{Current, Reader};
use crate::dbc::SIGNALS_MAX;
use crate::dbc::drafts::{MuxMark, SignalDraft};
use crate::dbc::fault::{DbcFault, DbcFaultKind, wanted};
use crate::dbc::words::{Place, Token};
use crate::signal::ByteOrder;

impl<'a> Reader<'a> {
    pub(super) fn signal(&mut self, place: Place) -> Result<(), DbcFault> {
        let name = self.name(wanted::SIGNAL_NAME)?;
        let mark = self.mux_mark()?;
        self.mark(b':', wanted::SIGNAL_COLON)?;
        let start = self.number(wanted::START)?;
        self.mark(b'|', wanted::BAR)?;
        let length = self.number(wanted::LENGTH)?;
        self.mark(b'@', wanted::AT)?;
        let (order, is_signed) = self.order()?;
        self.mark(b'(', wanted::SCALE)?;
        let factor = self.number(wanted::SCALE)?;
        self.mark(b',', wanted::SCALE)?;
        let offset = self.number(wanted::SCALE)?;
        self.mark(b')', wanted::SCALE)?;
        self.skip_range()?;
        let unit = self.unit()?;
        self.skip_line()?;
        match self.current {
            Current::Nothing => return Err(self.fault(place, DbcFaultKind::SignalOutside)),
            Current::Pseudo => return Ok(()),
            Current::Message => {}
        }
        let signal = SignalDraft { place, name, mark, start, length, order, is_signed, factor, offset, unit };
        self.drafts.signals.push(signal);
        let count = self.drafts.signals.len();
        if let Some(message) = self.drafts.messages.last_mut() {
            message.signals.end = count;
        }
        self.limit(place, count, "signals", SIGNALS_MAX)
    }

    /// Nothing, `M`, `m3` or `m3M`.
    fn mux_mark(&mut self) -> Result<MuxMark, DbcFault> {
        let Some(Token::Word(word)) = self.words.peek()?.map(|next| next.token) else {
            return Ok(MuxMark { is_switch: false, value: None });
        };
        let (value, is_switch) = match word.strip_suffix(b"M") {
            Some(value) => (value, true),
            None => (word, false),
        };
        let value = match value.strip_prefix(b"m") {
            Some(digits) => parsed::<u64>(Token::Word(digits)).map(Some),
            None => (value.is_empty() && is_switch).then_some(None),
        };
        let Some(value) = value else { return Err(self.wrong(wanted::SIGNAL_COLON)) };
        self.words.take()?;
        Ok(MuxMark { is_switch, value })
    }

    /// `0` or `1`, then `+` or `-`; with or without a space between.
    fn order(&mut self) -> Result<(ByteOrder, bool), DbcFault> {
        let Some(Token::Word(word)) = self.words.peek()?.map(|next| next.token) else {
            return Err(self.wrong(wanted::ORDER));
        };
        let order = match word.first() {
            Some(b'0') => ByteOrder::Motorola,
            Some(b'1') => ByteOrder::Intel,
            _ => return Err(self.wrong(wanted::ORDER)),
        };
        let is_signed = |sign: &[u8]| match sign {
            b"+" => Some(false),
            b"-" => Some(true),
            _ => None,
        };
        let sign = match &word[1..] {
            [] => {
                self.words.take()?;
                match self.words.peek()?.map(|next| next.token) {
                    Some(Token::Word(sign)) => is_signed(sign),
                    _ => None,
                }
            }
            sign => is_signed(sign),
        };
        let Some(is_signed) = sign else { return Err(self.wrong(wanted::ORDER)) };
        self.words.take()?;
        Ok((order, is_signed))
    }

    /// `[least|greatest]`; tools write many things there, and no value depends on it.
    fn skip_range(&mut self) -> Result<(), DbcFault> {
        self.mark(b'[', wanted::RANGE)?;
        loop {
            match self.words.peek()?.map(|next| next.token) {
                Some(Token::Mark(b']')) => return self.words.take().map(|_| ()),
                Some(Token::Mark(b'|' | b',')) => {}
                Some(token @ Token::Word(_)) if parsed::<f64>(token).is_some() => {}
                _ => return Err(self.wrong(wanted::RANGE)),
            }
            self.words.take()?;
        }
    }

    fn unit(&mut self) -> Result<&'a [u8], DbcFault> {
        let Some(next) = self.words.peek()? else { return Err(self.wrong(wanted::UNIT)) };
        let Token::Text(unit) = next.token else { return Err(self.wrong(wanted::UNIT)) };
        // A missing quote is best told where it is missing, not where a later one is left over.
        if unit.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            return Err(self.fault(next.place, DbcFaultKind::OpenUnit));
        }
        self.words.take()?;
        Ok(unit)
    }
}

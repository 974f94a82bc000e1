//! A row's cells, as Python's `csv` module splits them.
//!
//! A row without quotes is split where it lies. One with quotes is unquoted into a scratch buffer first.

/// Where the cells of one row lie.
#[derive(Debug, Default)]
pub(super) struct Cells {
    /// Begin and end, in the row or in `unquoted`.
    ranges: Vec<(usize, usize)>,
    unquoted: Vec<u8>,
    is_quoted: bool,
    /// Bytes of the row with its line end.
    pub(super) consumed: usize,
    /// Lines that the row takes: a quoted cell may hold some.
    pub(super) lines: u64,
    /// Whether the row has nothing, not even one cell.
    pub(super) blank: bool,
}

impl Cells {
    /// Returns a cell of the row whose bytes are given; none where the row is too short to have it.
    #[inline]
    pub(super) fn get<'a>(&'a self, index: usize, row: &'a [u8]) -> Option<&'a [u8]> {
        let (begin, end) = *self.ranges.get(index)?;
        let bytes = if self.is_quoted { &self.unquoted } else { row };
        Some(&bytes[begin..end])
    }

    pub(super) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Splits the first row of `bytes`; returns false where that holds no whole row. Cells after the last one that is
    /// needed are passed over.
    #[inline]
    pub(super) fn split(&mut self, bytes: &[u8], is_last: bool, last_needed: usize) -> bool {
        self.ranges.clear();
        self.is_quoted = false;
        let (mut begin, mut at) = (0, 0);
        let line_end = loop {
            match bytes.get(at) {
                Some(b',') => {
                    if self.ranges.len() <= last_needed {
                        self.ranges.push((begin, at));
                    }
                    begin = at + 1;
                }
                Some(b'\n') => break 1,
                Some(b'\r') => match bytes.get(at + 1) {
                    Some(b'\n') => break 2,
                    None if !is_last => return false,
                    _ => break 1,
                },
                Some(b'"') if at == begin => return self.split_quoted(bytes, is_last, last_needed),
                Some(_) => {}
                None if is_last && at > 0 => break 0,
                None => return false,
            }
            at += 1;
        };
        self.blank = at == 0;
        if self.ranges.len() <= last_needed {
            self.ranges.push((begin, at));
        }
        (self.consumed, self.lines) = (at + line_end, 1);
        true
    }

    #[cold]
    fn split_quoted(&mut self, bytes: &[u8], is_last: bool, last_needed: usize) -> bool {
        self.ranges.clear();
        self.unquoted.clear();
        (self.is_quoted, self.blank, self.lines) = (true, false, 1);
        let (mut begin, mut at) = (0, 0);
        let (mut is_inside, mut is_begin) = (false, true);
        loop {
            let end_cell = |cells: &mut Self, begin: &mut usize| {
                if cells.ranges.len() <= last_needed {
                    cells.ranges.push((*begin, cells.unquoted.len()));
                }
                *begin = cells.unquoted.len();
            };
            let was_begin = std::mem::replace(&mut is_begin, false);
            match (bytes.get(at), is_inside) {
                (Some(b'"'), true) => match bytes.get(at + 1) {
                    Some(b'"') => {
                        self.unquoted.push(b'"');
                        at += 1;
                    }
                    None if !is_last => return false,
                    _ => is_inside = false,
                },
                (Some(b'"'), false) if was_begin => is_inside = true,
                (Some(b','), false) => {
                    end_cell(self, &mut begin);
                    is_begin = true;
                }
                (Some(b'\n' | b'\r'), false) => {
                    let is_pair = bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n');
                    if bytes[at] == b'\r' && at + 1 == bytes.len() && !is_last {
                        return false;
                    }
                    end_cell(self, &mut begin);
                    self.consumed = at + 1 + usize::from(is_pair);
                    return true;
                }
                (Some(byte), _) => {
                    self.lines += u64::from(*byte == b'\n');
                    self.unquoted.push(*byte);
                }
                (None, _) if is_last => {
                    end_cell(self, &mut begin);
                    self.consumed = at;
                    return true;
                }
                (None, _) => return false,
            }
            at += 1;
        }
    }
}

/// Which column holds what.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// `segment`, then `seg`.
    pub(super) segments: [Option<usize>; 2],
    pub(super) time: Option<usize>,
    pub(super) address: Option<usize>,
    pub(super) bus: Option<usize>,
    /// `data_hex`, then `data`.
    pub(super) data: [Option<usize>; 2],
    /// The last one of them.
    pub(super) last: usize,
}

impl Columns {
    /// Finds the columns by their names; of two columns with one name the last is taken.
    pub(super) fn from_header(cells: &Cells, row: &[u8]) -> Self {
        let mut columns = Self::default();
        // Names of Cabana's tables stand behind the own ones.
        let (mut time, mut address) = (None, None);
        for index in 0..cells.len() {
            let place = match cells.get(index, row).unwrap_or_default() {
                b"segment" => &mut columns.segments[0],
                b"seg" => &mut columns.segments[1],
                b"timestamp" => &mut columns.time,
                b"time" => &mut time,
                b"address" => &mut columns.address,
                b"addr" => &mut address,
                b"bus" => &mut columns.bus,
                b"data_hex" => &mut columns.data[0],
                b"data" => &mut columns.data[1],
                _ => continue,
            };
            *place = Some(index);
            columns.last = index;
        }
        columns.time = columns.time.or(time);
        columns.address = columns.address.or(address);
        columns
    }
}

//! Tables as people write them.

use proptest::prelude::*;

use super::*;

type Row = (f64, Option<Segment>, u32, u8, Vec<u8>);

fn read(table: &[u8]) -> Result<Vec<Row>, String> {
    let mut reader = FrameReader::new(table);
    let mut rows = Vec::new();
    loop {
        match reader.next_row() {
            Ok(Some(row)) => rows.push((row.time, row.segment, row.address.0, row.bus.0, row.data.to_vec())),
            Ok(None) => return Ok(rows),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn cell(column: &str, text: &str) -> Result<Row, String> {
    let cell = |name, other: &str| if name == column { text.to_owned() } else { other.to_owned() };
    let [time, address, bus, data] = [("timestamp", "1"), ("address", "1"), ("bus", "0"), ("data", "")]
        .map(|(name, other)| format!("\"{}\"", cell(name, other)));
    let table = format!("segment,timestamp,address,bus,data\npre,{time},{address},{bus},{data}\n");
    read(table.as_bytes()).map(|rows| rows[0].clone())
}

#[test]
fn a_row_is_found_by_the_names_of_its_columns() {
    let row = (1.5, Some(Segment::Window), 0x123, 2, vec![1, 0xAB]);
    for table in [
        "window,segment,timestamp,address,bus,data_hex\r\n1,window,1.500000,0x123,2,01AB\r\n",
        "data,bus,seg,note,address,timestamp\n01ab,2, WINDOW ,\"a \"\"b\"\",\nc\",291,1.5",
        "\u{FEFF}segment,timestamp,address,bus,data_hex,data\n\nwindow,1.5,0X123,2,,01AB\n\n",
        "segment,time,addr,bus,data\rwindow,1.5,0x123,2,0x01AB\r",
        "segment,segment,timestamp,address,bus,data\nx,window,1.5,0x123,2,\"01,AB\",more,cells\n",
    ] {
        assert_eq!(read(table.as_bytes()), Ok(vec![row.clone()]), "{table}");
    }
}

#[test]
fn tables_without_rows_are_empty() {
    for table in ["", "\n", "segment,timestamp", "\u{FEFF}", "segment,timestamp,address\r\n\r\n"] {
        assert_eq!(read(table.as_bytes()), Ok(Vec::new()), "{table:?}");
    }
}

#[test]
fn values_are_read_as_python_reads_them() {
    for (text, time) in
        [("1e-3", 0.001), (" 2 ", 2.0), ("-.5", -0.5), ("1_0.0", 10.0), ("59.9996", 59.9996), ("5.", 5.0)]
    {
        assert_eq!(cell("timestamp", text).map(|row| row.0), Ok(time), "{text}");
    }
    for (text, address) in
        [("123", 123), ("ABC", 0xABC), ("0X7ff", 0x7FF), (" 0x18DAF110 ", 0x18DA_F110), ("12A", 0x12A)]
    {
        assert_eq!(cell("address", text).map(|row| row.2), Ok(address), "{text}");
    }
    for (text, data) in [
        ("00 01", &[0, 1][..]),
        ("00,02", &[0, 2]),
        ("0x0102", &[1, 2]),
        ("ABC", &[0x0A, 0xBC]),
        ("0x01, 0x02", &[1, 2]),
        ("", &[]),
    ] {
        assert_eq!(cell("data", text).map(|row| row.4), Ok(data.to_vec()), "{text}");
    }
}

#[test]
fn a_row_that_is_no_frame_is_refused_with_its_line() {
    for (column, text, fault) in [
        ("timestamp", "x", "the time is no number"),
        ("timestamp", "inf", "the time is not finite"),
        ("timestamp", "nan", "the time is not finite"),
        ("timestamp", "_1", "the time is no number"),
        ("timestamp", "", "the time is no number"),
        ("address", "0xGG", "the address is no number of 32 bits"),
        ("address", "0x1FFFFFFFF", "the address is no number of 32 bits"),
        ("address", "-1", "the address is no number of 32 bits"),
        ("bus", "", "the bus is no number from 0 to 255"),
        ("bus", "256", "the bus is no number from 0 to 255"),
        ("data", "GG", "the payload is not hexadecimal"),
        ("data", "0X01", "the payload is not hexadecimal"),
    ] {
        assert_eq!(cell(column, text), Err(format!("line 2: {fault}")), "{column} {text:?}");
    }
    assert_eq!(read(b"segment\n\npre\n"), Err("line 3: there is no time".into()));
    let long = [b"timestamp,note\n1,".as_slice(), &vec![b'x'; 3 * ROW_BYTES_MAX]].concat();
    assert_eq!(read(&long), Err("line 2: the row is too long".into()));
}

/// Gives a few bytes at a time.
struct Slowly<'a>(&'a [u8], usize);

impl Read for Slowly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(self.0.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(body in "([ -~]|\"|,|\r|\n|0x|pre|window|1\\.5){0,200}", any in prop::collection::vec(any::<u8>(), 0..200)) {
        for header in ["", "segment,timestamp,address,bus,data\n"] {
            let _ = read(&[header.as_bytes(), body.as_bytes()].concat());
            let _ = read(&[header.as_bytes(), &any].concat());
        }
    }

    #[test]
    fn cells_do_not_depend_on_how_the_text_arrives(body in "(\"|,|\r|\n|a){0,30}") {
        let bytes = body.as_bytes();
        let mut cells = Cells::default();
        let mut whole = Cells::default();
        let found = whole.split(bytes, true, usize::MAX);
        for length in 0..bytes.len() {
            // Where a part is taken for a whole row, it is the same row.
            if cells.split(&bytes[..length], false, usize::MAX) {
                prop_assert!(found);
                prop_assert_eq!((cells.consumed, cells.len()), (whole.consumed, whole.len()));
                for index in 0..cells.len() {
                    prop_assert_eq!(cells.get(index, bytes), whole.get(index, bytes));
                }
            }
        }
    }

    #[test]
    fn times_are_the_nearest_doubles(whole in 0_u64..10_000_000, micros in 0_u32..1_000_000) {
        let text = format!("{whole}.{micros:06}");
        prop_assert_eq!(values::time(text.as_bytes()).unwrap(), text.parse::<f64>().unwrap());
    }
}

#[test]
fn a_table_that_comes_in_pieces_is_the_same_table() {
    let table = b"segment,timestamp,address,bus,data\r\npre,1,1,0,\"00\"\r\nwindow,2,0x2,1,0102\r\n";
    let mut reader = FrameReader::new(Slowly(table, 1));
    let mut count = 0;
    while reader.next_row().unwrap().is_some() {
        count += 1;
    }
    assert_eq!((count, reader.bytes_read()), (2, table.len() as u64));
}

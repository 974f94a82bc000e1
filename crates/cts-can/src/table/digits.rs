//! Numbers as text, from tables: addresses, buses, and the hexadecimal digits of payloads.
//!
//! Everything is put to the front of a slice with copies of fixed sizes, so up to eight bytes behind a text may be
//! overwritten. The caller has seen to it that there is room.

use crate::frame::{Address, Bus, STANDARD_ADDRESS_MAX};

/// Puts `0x`, at least three upper-case digits and a comma; returns how long it is without the comma.
#[inline]
pub(super) fn put_address(line: &mut [u8], address: Address) -> usize {
    if address.0 <= STANDARD_ADDRESS_MAX {
        line[..8].copy_from_slice(&STANDARD_ADDRESSES[address.0 as usize]);
        return STANDARD_ADDRESS_BYTES;
    }
    let digits = eight_digits(address);
    let digits = &digits[address.0.leading_zeros() as usize / 4..];
    let end = 2 + digits.len();
    line[..2].copy_from_slice(b"0x");
    line[2..end].copy_from_slice(digits);
    line[end] = b',';
    end
}

/// Returns the upper-case digits of an address, with leading zeros.
#[inline]
pub(super) fn eight_digits(address: Address) -> [u8; 8] {
    let [a, b, c, d] = address.0.to_be_bytes().map(|byte| HEX[usize::from(byte)]);
    [a[0], a[1], b[0], b[1], c[0], c[1], d[0], d[1]]
}

/// Puts a bus and a comma; returns how long it is without the comma.
#[inline]
pub(super) fn put_bus(line: &mut [u8], bus: Bus) -> usize {
    line[..4].copy_from_slice(&BUSES[usize::from(bus.0)]);
    1 + usize::from(bus.0 >= 10) + usize::from(bus.0 >= 100)
}

/// Puts the upper-case digits of a payload; there are twice as many as bytes.
#[inline]
pub(super) fn put_payload(line: &mut [u8], data: &[u8]) {
    if let Ok(data) = data.try_into() {
        line[..16].copy_from_slice(&hex_of_8(data));
        return;
    }
    let digits = &mut line[..2 * data.len()];
    for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(data) {
        *pair = HEX[usize::from(*byte)];
    }
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// The two digits of every byte.
static HEX: [[u8; 2]; 256] = {
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    table
};

/// `0x123,` for every standard address; two more bytes make it one copy.
static STANDARD_ADDRESSES: [[u8; 8]; STANDARD_ADDRESS_MAX as usize + 1] = {
    let mut table = [*b"0x000,  "; STANDARD_ADDRESS_MAX as usize + 1];
    let mut address = 0;
    while address < table.len() {
        table[address][2] = DIGITS[address >> 8];
        table[address][3] = DIGITS[address >> 4 & 15];
        table[address][4] = DIGITS[address & 15];
        address += 1;
    }
    table
};
const STANDARD_ADDRESS_BYTES: usize = 5;

/// `0,` to `255,`.
static BUSES: [[u8; 4]; 256] = {
    let mut table = [*b"    "; 256];
    let mut bus = 0;
    while bus < 256 {
        let (hundreds, tens, ones) = (DIGITS[bus / 100], DIGITS[bus / 10 % 10], DIGITS[bus % 10]);
        table[bus] = match bus {
            0..10 => [ones, b',', b' ', b' '],
            10..100 => [tens, ones, b',', b' '],
            _ => [hundreds, tens, ones, b','],
        };
        bus += 1;
    }
    table
};

/// Returns the digits of eight bytes, all at once where the table would need eight turns.
#[inline]
fn hex_of_8(data: [u8; 8]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h] = data;
    let first = hex_of_4([a, b, c, d]).to_le_bytes();
    let second = hex_of_4([e, f, g, h]).to_le_bytes();
    let mut digits = [0; 16];
    digits[..8].copy_from_slice(&first);
    digits[8..].copy_from_slice(&second);
    digits
}

/// Spreads eight half bytes over eight bytes, then turns each into its digit.
#[inline]
fn hex_of_4(data: [u8; 4]) -> u64 {
    let mut spread = u64::from(u32::from_le_bytes(data));
    spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF;
    spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF;
    let halves = (spread >> 4 | spread << 8) & 0x0F0F_0F0F_0F0F_0F0F;
    let letters = (halves + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    halves + 0x3030_3030_3030_3030 + letters * u64::from(b'A' - b'0' - 10)
}

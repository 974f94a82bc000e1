//! The text of a token: `cts_`, its id, `_`, 256 bits of randomness, a checksum. All but the separators are letters and
//! digits, so that a double click takes it whole and a scanner finds it with `cts_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}`.
//!
//! The id says which token is meant without a search; the checksum tells a typo from a guess without a database. Neither
//! is secret. The text itself is a [`Secret`] and cannot be printed.

use uuid::Uuid;

use crate::id::TokenId;
use crate::secret::Secret;

/// What every token begins with.
pub const PREFIX: &str = "cts_";
/// Characters of a token.
pub const LENGTH: usize = PREFIX.len() + ID_LENGTH + 1 + RANDOM_LENGTH + CHECKSUM_LENGTH;

/// 128 bits in base 62.
const ID_LENGTH: usize = 22;
/// 43 digits of base 62 hold 256.03 bits.
const RANDOM_LENGTH: usize = 43;
/// 32 bits in base 62.
const CHECKSUM_LENGTH: usize = 6;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Bytes below this are spread evenly over the digits; 248 is four times 62.
const EVEN_BELOW: u8 = 248;

/// A text that is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// It has another form.
    #[error("it does not have the form of a token, which begins with cts_ and has 76 characters")]
    Form,
    /// It has the form, but was changed on the way.
    #[error("its checksum is wrong: a character was lost or changed when it was copied")]
    Checksum,
}

/// Makes the text of a token from even randomness.
pub fn new(id: TokenId, mut random: impl FnMut() -> u8) -> Secret {
    let mut text = String::with_capacity(LENGTH);
    text.push_str(PREFIX);
    push_number(&mut text, id.uuid().as_u128(), ID_LENGTH);
    text.push('_');
    for _ in 0..RANDOM_LENGTH {
        let byte = loop {
            let byte = random();
            if byte < EVEN_BELOW {
                break byte;
            }
        };
        text.push(char::from(DIGITS[usize::from(byte) % DIGITS.len()]));
    }
    let checksum = crc32(text.as_bytes());
    push_number(&mut text, u128::from(checksum), CHECKSUM_LENGTH);
    Secret::new(text)
}

/// Returns which token a text claims to be. Whether it is that one only its hash can tell.
///
/// # Errors
/// [`BadKey`]; it repeats nothing of the text.
pub fn id_of(text: &str) -> Result<TokenId, BadKey> {
    let bytes = text.as_bytes();
    let rest = bytes.strip_prefix(PREFIX.as_bytes()).filter(|_| bytes.len() == LENGTH).ok_or(BadKey::Form)?;
    let (id, rest) = rest.split_at(ID_LENGTH);
    let Some((b'_', rest)) = rest.split_first() else { return Err(BadKey::Form) };
    let (random, checksum) = rest.split_at(RANDOM_LENGTH);
    let id = number(id).ok_or(BadKey::Form)?;
    let checksum = number(checksum).ok_or(BadKey::Form)?;
    if !random.iter().all(u8::is_ascii_alphanumeric) {
        return Err(BadKey::Form);
    }
    if checksum != u128::from(crc32(&bytes[..LENGTH - CHECKSUM_LENGTH])) {
        return Err(BadKey::Checksum);
    }
    Ok(TokenId::from(Uuid::from_u128(id)))
}

/// Appends a number in base 62, the highest digit first.
fn push_number(text: &mut String, mut number: u128, length: usize) {
    let mut digits = [b'0'; ID_LENGTH];
    for digit in digits[..length].iter_mut().rev() {
        let low = usize::try_from(number % 62).expect("a remainder of 62 fits");
        *digit = DIGITS[low];
        number /= 62;
    }
    text.extend(digits[..length].iter().copied().map(char::from));
}

/// Reads a number in base 62; none for other characters and for one that is too large.
fn number(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0_u128, |number, &digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'Z' => digit - b'A' + 10,
            b'a'..=b'z' => digit - b'a' + 36,
            _ => return None,
        };
        number.checked_mul(62)?.checked_add(u128::from(value))
    })
}

/// CRC-32 of IEEE 802.3, as in zip and png.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, &byte| {
        let [low, ..] = sum.to_le_bytes();
        CRC_TABLE[usize::from(low ^ byte)] ^ (sum >> 8)
    })
}

static CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "it is below 256")]
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(id: u128, seed: u8) -> String {
        let mut next = seed;
        let random = move || {
            next = next.wrapping_mul(91).wrapping_add(53);
            next
        };
        new(TokenId::from(Uuid::from_u128(id)), random).reveal().to_owned()
    }

    #[test]
    fn the_checksum_is_the_one_of_zip_and_png() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_key_has_a_form_that_scanners_find() {
        let text = key(0x0193_a5c0_7b1e_7c3a_9f00_2b7d_1e5a_4c11, 7);
        assert_eq!(text.len(), 76);
        let form = regex_lite::Regex::new("^cts_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}$").unwrap();
        assert!(form.is_match(&text), "{text}");
        assert!(!format!("{:?}", new(TokenId::from(Uuid::nil()), || 1)).contains("cts_"));
    }

    #[test]
    fn what_is_no_key_is_told_from_a_key_with_a_typo() {
        let good = key(1, 1);
        for bad in [
            "",
            "cts_",
            "hunter2",
            &good[1..],
            &format!("{good}0"),
            &good.replace("cts_", "gts_"),
            &good.to_uppercase(),
        ] {
            assert_eq!(id_of(bad), Err(BadKey::Form), "{bad}");
        }
        // An id that no 128 bits hold.
        assert_eq!(id_of(&format!("cts_{}_{}", "z".repeat(22), &good[27..])), Err(BadKey::Form));
        let last = if good.ends_with('A') { "B" } else { "A" };
        assert_eq!(id_of(&format!("{}{last}", &good[..75])), Err(BadKey::Checksum));
    }

    proptest! {
        #[test]
        fn a_key_names_its_token(id in any::<u128>(), seed in any::<u8>()) {
            prop_assert_eq!(id_of(&key(id, seed)), Ok(TokenId::from(Uuid::from_u128(id))));
        }

        #[test]
        fn one_changed_character_is_found(id in any::<u128>(), at in 0_usize..LENGTH, other in "[0-9A-Za-z_]") {
            let mut text = key(id, 9);
            if text[at..=at] != *other {
                text.replace_range(at..=at, &other);
                prop_assert!(id_of(&text).is_err(), "{}", text);
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,90}") {
            prop_assert!(id_of(&text).is_err());
        }
    }
}

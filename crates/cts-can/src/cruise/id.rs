//! A name for an analysis: the same for the same logs, options and profile, and hardly ever for others.

/// The hash of Fowler, Noll and Vo (variant 1a) with 128 bits.
struct Hash(u128);

impl Hash {
    const BASIS: u128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;

    fn add(&mut self, text: &str) {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(Self::PRIME);
        }
    }
}

/// Returns 32 hexadecimal digits for what an analysis is made from, told as texts.
#[must_use]
pub fn analysis_name<'t>(told: impl IntoIterator<Item = &'t str>) -> String {
    let mut hash = Hash(Hash::BASIS);
    told.into_iter().for_each(|text| hash.add(text));
    format!("{:032x}", hash.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_its_authors() {
        assert_eq!(analysis_name(["a"]), "d228cb696f1a8caf78912b704e4a8964");
        assert_eq!(analysis_name(["fo", "o"]), analysis_name(["foo"]));
    }
}

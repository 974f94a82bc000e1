//! The order in which the files of a folder or glob come: numbers in names count as numbers.
//!
//! `seg--2--rlog.zst` comes before `seg--10--rlog.zst`, whatever stands before and after.

use std::cmp::Ordering;
use std::path::Path;

/// Compares two paths part by part; runs of digits are compared as numbers of any length.
#[must_use]
pub fn natural_order(left: &Path, right: &Path) -> Ordering {
    let (mut left_parts, mut right_parts) = (left.iter(), right.iter());
    loop {
        match (left_parts.next(), right_parts.next()) {
            (Some(left_part), Some(right_part)) => {
                let by_name = natural(left_part.as_encoded_bytes(), right_part.as_encoded_bytes());
                if by_name != Ordering::Equal {
                    return by_name;
                }
            }
            (None, None) => break,
            (left_part, right_part) => return left_part.is_some().cmp(&right_part.is_some()),
        }
    }
    // Names that differ in leading zeros only still have one order.
    left.cmp(right)
}

fn natural(left: &[u8], right: &[u8]) -> Ordering {
    let (mut left, mut right) = (left, right);
    loop {
        match (left.first(), right.first()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let (left_number, left_rest) = digits(left);
                let (right_number, right_rest) = digits(right);
                // Without leading zeros the longer number is the greater one.
                let by_number = left_number.len().cmp(&right_number.len()).then_with(|| left_number.cmp(right_number));
                if by_number != Ordering::Equal {
                    return by_number;
                }
                (left, right) = (left_rest, right_rest);
            }
            (Some(a), Some(b)) if a == b => (left, right) = (&left[1..], &right[1..]),
            (Some(a), Some(b)) => return a.cmp(b),
        }
    }
}

/// Splits leading digits, without their leading zeros, from the rest.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let zeros = number.iter().take_while(|byte| **byte == b'0').count();
    (&number[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn segments_come_in_the_order_of_their_numbers() {
        let mut paths: Vec<PathBuf> = [
            "/d/seg--10--rlog.zst",
            "/d/seg--2--rlog.zst",
            "/d/seg--02--rlog.zst",
            "/d/seg--0--rlog.zst",
            "/d/route--11/rlog.zst",
            "/d/route--9/rlog.zst",
            "/d/2024-05-01--12-00-00--3/rlog",
            "/d/seg",
        ]
        .map(PathBuf::from)
        .to_vec();
        paths.sort_by(|left, right| natural_order(left, right));
        let names: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap().strip_prefix("/d/").unwrap()).collect();
        let expected = [
            "2024-05-01--12-00-00--3/rlog",
            "route--9/rlog.zst",
            "route--11/rlog.zst",
            "seg",
            "seg--0--rlog.zst",
            "seg--02--rlog.zst",
            "seg--2--rlog.zst",
            "seg--10--rlog.zst",
        ];
        assert_eq!(names, expected);
    }

    proptest! {
        #[test]
        fn it_is_a_total_order(a in "[ab0-2/-]{0,8}", b in "[ab0-2/-]{0,8}", c in "[ab0-2/-]{0,8}") {
            let (a, b, c) = (Path::new(&a), Path::new(&b), Path::new(&c));
            prop_assert_eq!(natural_order(a, b), natural_order(b, a).reverse());
            if natural_order(a, b) != Ordering::Greater && natural_order(b, c) != Ordering::Greater {
                prop_assert_ne!(natural_order(a, c), Ordering::Greater);
            }
        }

        #[test]
        fn segment_numbers_decide(mut numbers in prop::collection::vec(0_u32..5000, 1..20)) {
            let mut paths: Vec<PathBuf> = numbers.iter().map(|n| format!("/r/seg--{n}--rlog.zst").into()).collect();
            paths.sort_by(|left, right| natural_order(left, right));
            numbers.sort_unstable();
            let expected: Vec<PathBuf> = numbers.iter().map(|n| format!("/r/seg--{n}--rlog.zst").into()).collect();
            prop_assert_eq!(paths, expected);
        }
    }
}

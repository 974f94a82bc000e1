//! A list with a limit: what comes after it is full is counted and left out.
//!
//! Whatever a log holds, the memory for what was found in it has a bound.

/// The first so many things that were found.
#[derive(Debug)]
pub(super) struct Limited<T> {
    kept: Vec<T>,
    left_out: u64,
    limit: usize,
}

impl<T> Limited<T> {
    pub(super) fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), left_out: 0, limit }
    }

    pub(super) fn push(&mut self, thing: T) {
        if self.kept.len() < self.limit {
            self.kept.push(thing);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut T> {
        self.kept.last_mut()
    }

    /// Returns what was kept, and how much was left out.
    pub(super) fn into_parts(self) -> (Vec<T>, u64) {
        (self.kept, self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut list = Limited::new(2);
        for number in 0..5 {
            list.push(number);
        }
        assert_eq!(list.into_parts(), (vec![0, 1], 3));
    }
}

//! The id of a request: the client's where it is fit to be one, else a new one.
//!
//! An unfit id is never echoed, logged or passed on: it could carry line breaks or markup into every place that shows it.

use std::str::FromStr as _;

use cts_model::{Ids, RequestId};

/// Returns the client's id, or a new one where there is none that is fit.
#[must_use]
pub fn accept_or_make(given: Option<&str>, ids: &Ids) -> RequestId {
    given.and_then(|text| RequestId::from_str(text).ok()).unwrap_or_else(|| RequestId::new(ids))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cts_model::SystemClock;

    use super::*;

    #[test]
    fn a_fit_id_is_taken_and_any_other_replaced() {
        let ids = Ids::new(Arc::new(SystemClock));
        assert_eq!(accept_or_make(Some("abc-1.2_3"), &ids).as_str(), "abc-1.2_3");
        for unfit in [None, Some(""), Some("a b"), Some("a\nb"), Some("ü"), Some(&*"x".repeat(129))] {
            let made = accept_or_make(unfit, &ids);
            assert_eq!(made.as_str().len(), 36, "{unfit:?}");
            assert_ne!(made, accept_or_make(unfit, &ids));
        }
    }
}

//! Query parameters: each known by name, every fault at once.

use std::ops::RangeInclusive;

use axum::extract::FromRequestParts;
use cts_model::{Code, FieldFault, Timestamp};
use http::request::Parts;

use crate::problem::Refusal;

/// A type that can be read from the query of a request.
pub(crate) trait FromQuery: Sized {
    /// Reads the parameters; what is wrong goes into `fields`.
    fn read(fields: &mut QueryFields) -> Option<Self>;
}

/// The parameters of a query, while they are read.
#[derive(Debug)]
pub(crate) struct QueryFields {
    pairs: Vec<(String, String)>,
    asked: Vec<&'static str>,
    faults: Vec<FieldFault>,
}

impl QueryFields {
    /// Adds a fault of the parameter `name`.
    pub(crate) fn fault(&mut self, name: &str, code: &str, message: impl Into<String>) {
        self.faults.push(FieldFault::new(format!("?{name}"), code, message));
    }

    /// Returns every value of a parameter that may be given several times; commas separate values too.
    pub(crate) fn many(&mut self, name: &'static str) -> Vec<String> {
        self.asked.push(name);
        let values = self.pairs.iter().filter(|(known, _)| known == name).flat_map(|(_, value)| value.split(','));
        values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    /// Returns every value of a parameter that may be given several times, as it is.
    pub(crate) fn each(&mut self, name: &'static str) -> Vec<String> {
        self.asked.push(name);
        self.pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    /// Returns the value of a parameter that may be given once.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        let mut values = self.each(name);
        if values.len() > 1 {
            self.fault(name, "repeated", format!("{name} is given {} times", values.len()));
        }
        values.pop()
    }

    /// Returns a whole number within a range.
    pub(crate) fn integer(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let text = self.text(name)?;
        let (least, most) = (range.start(), range.end());
        let number =
            Some(&text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())).and_then(|t| t.parse().ok());
        if let Some(number) = number.filter(|number| range.contains(number)) {
            return Some(number);
        }
        let shown: String = text.chars().take(32).collect();
        self.fault(name, "range", format!("{name} is {shown:?}; allowed is a whole number from {least} to {most}"));
        None
    }

    /// Returns a moment.
    pub(crate) fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        let text = self.text(name)?;
        match text.parse() {
            Ok(time) => Some(time),
            Err(error) => {
                let error: cts_model::clock::BadTimestamp = error;
                self.fault(name, "pattern", error.to_string());
                None
            }
        }
    }

    fn finish(mut self) -> Result<(), Refusal> {
        for (name, _) in &self.pairs {
            if !self.asked.contains(&name.as_str()) {
                let shown: String = name.chars().take(64).collect();
                let mut fault = FieldFault::unknown(format!("?{shown}"), name, self.asked.iter().copied());
                if self.asked.is_empty() {
                    fault.message += "; this request takes no query parameters";
                }
                self.faults.push(fault);
            }
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::InvalidRequest, self.faults)) }
    }
}

/// The query of a request.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: FromQuery, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parse(&parts.uri).map(Self)
    }
}

/// Reads the query of an address.
pub(crate) fn parse<T: FromQuery>(uri: &http::Uri) -> Result<T, Refusal> {
    let pairs = match uri.query() {
        None | Some("") => Vec::new(),
        Some(_) => pairs(uri)?,
    };
    let mut fields = QueryFields { pairs, asked: Vec::new(), faults: Vec::new() };
    let value = T::read(&mut fields);
    fields.finish()?;
    value.ok_or_else(|| Refusal::new(Code::InvalidRequest, "the query is wrong"))
}

#[expect(clippy::disallowed_types, reason = "this is the extractor that the others must use")]
fn pairs(uri: &http::Uri) -> Result<Vec<(String, String)>, Refusal> {
    let query = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
    query.map(|query| query.0).map_err(|error| Refusal::new(Code::InvalidRequest, error.to_string()))
}

/// The query of a request that takes no parameters.
#[derive(Debug)]
pub(crate) struct NoQuery;

impl FromQuery for NoQuery {
    fn read(_: &mut QueryFields) -> Option<Self> {
        Some(Self)
    }
}

impl<S: Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        if parts.uri.query().is_none_or(str::is_empty) { Ok(Self) } else { parse(&parts.uri) }
    }
}

#[cfg(test)]
mod tests {
    use cts_model::FaultDetails;
    use expect_test::{Expect, expect};

    use super::*;

    #[derive(Debug)]
    struct Sample;

    impl FromQuery for Sample {
        fn read(fields: &mut QueryFields) -> Option<Self> {
            fields.integer("limit", 1..=1000);
            fields.time("since");
            fields.many("status");
            Some(Self)
        }
    }

    fn check(query: &str, expected: &Expect) {
        let uri = format!("/x?{query}").parse().unwrap();
        let text = match parse::<Sample>(&uri) {
            Ok(_) => "fine\n".to_owned(),
            Err(refusal) => match &refusal.fault().details {
                FaultDetails::Fields(faults) => faults
                    .iter()
                    .map(|fault| format!("{} {}: {}\n", fault.pointer, fault.code, fault.message))
                    .collect(),
                other => format!("{other:?}"),
            },
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn every_fault_of_a_query_is_told_at_once() {
        check(
            "limit=5&status=a,b&status=c&since=2026-01-01T00:00:00Z",
            &expect![["
            fine
        "]],
        );
        check(
            "limit=0&limt=3&since=yesterday&limit=7",
            &expect![[r#"
            ?limit repeated: limit is given 2 times
            ?since pattern: "yesterday" is not a time in RFC 3339, for example 2026-11-25T09:30:00Z
            ?limt unknown: unknown name "limt"; did you mean "limit"?
        "#]],
        );
        check(
            "limit=%2B5",
            &expect![[r#"
            ?limit range: limit is "+5"; allowed is a whole number from 1 to 1000
        "#]],
        );
    }
}

//! A JSON tree in which no object has a name twice: which of the two a client means cannot be known, and the one that is
//! dropped could be the one that somebody else looked at.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A tree without a name that stands twice in one object.
#[derive(Debug, PartialEq)]
pub(crate) struct Tree(pub(crate) Value);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor).map(Self)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Tree(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Tree(value))) = members.next_entry::<String, Tree>()? {
            if object.insert(name, value).is_some() {
                // The name itself is not repeated: it may be a secret that slipped into the wrong place.
                return Err(A::Error::custom("an object has a name twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read_as_any_other_reader_does() {
        for text in [
            "null",
            "true",
            "-3",
            "18446744073709551615",
            "1.5",
            "1e300",
            r#""a\u00fc\n""#,
            r#"[1,[],{}]"#,
            r#"{"b":{"a":1},"a":null}"#,
        ] {
            let Tree(tree) = serde_json::from_str(text).unwrap();
            assert_eq!(tree, serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
        assert!(serde_json::from_str::<Tree>("[1").is_err());
        assert!(serde_json::from_str::<Tree>(&"[".repeat(1000)).is_err(), "depth is limited");
    }

    #[test]
    fn a_name_that_stands_twice_is_refused() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"\u0061":2}}]"#] {
            let error = serde_json::from_str::<Tree>(text).unwrap_err().to_string();
            assert!(error.starts_with("an object has a name twice at line 1"), "{error}");
        }
        assert!(serde_json::from_str::<Tree>(r#"{"a":{"a":1}}"#).is_ok());
    }
}

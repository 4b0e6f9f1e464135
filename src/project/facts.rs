//! Which keys of `[distribution.<name>]` are facts: those that the distribution floor reads, asked of its own type.

use serde::Deserialize;
use serde::de::value::Error;
use serde::de::{Error as _, Visitor};

use crate::distribution::Distribution;

/// Names of all facts, and `like`, which names the distribution to take the rest from.
pub(super) fn keys() -> Vec<&'static str> {
    let mut keys = vec!["like"];
    // The deserializer below has no value to give, so this always ends in its error.
    let _ = Distribution::deserialize(FieldNames(&mut keys));
    keys
}

/// Notes the names of a struct's fields, as its `Deserialize` asks for them.
struct FieldNames<'a>(&'a mut Vec<&'static str>);

impl<'de> serde::Deserializer<'de> for FieldNames<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("only the names of the fields are wanted"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.extend(fields);
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_distribution_floor_names_its_facts() {
        let keys = super::keys();
        for key in ["like", "title", "glibc", "pythons", "dist-tag"] {
            assert!(keys.contains(&key), "{key} is missing in {keys:?}");
        }
        assert!(!keys.contains(&"relations"));
    }
}

//! The order in which a configuration's fields are declared, which its schema does not keep.
//!
//! Serialising the defaults writes the fields in that order; reading the text back with a visitor keeps it.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, IgnoredAny, MapAccess, SeqAccess},
};

use super::schema::FILE_SUFFIX;

/// Names of a section's fields as declared, each with those below it.
#[derive(Debug, Default)]
pub(super) struct Order(Vec<(String, Order)>);

impl Order {
    pub(super) fn of<T: Default + Serialize>() -> Self {
        let text = serde_json::to_string(&T::default()).expect("a configuration can be serialised");
        serde_json::from_str(&text).expect("what was just written can be read")
    }

    pub(super) fn below(&self, name: &str) -> Option<&Order> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, below)| below)
    }

    /// Sorts by this; a secret's file stands behind the secret.
    pub(super) fn rank(&self, name: &str) -> (usize, usize) {
        let place = |name: &str| self.0.iter().position(|(field, _)| field == name);
        let of_secret = || Some((place(name.strip_suffix(FILE_SUFFIX)?)?, 1));
        place(name).map(|place| (place, 0)).or_else(of_secret).unwrap_or((usize::MAX, 0))
    }
}

impl<'de> Deserialize<'de> for Order {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Order;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Order, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Order(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Order, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Order::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Order, E> {
        Ok(Order::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Order, E> {
        Ok(Order::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Order, E> {
        Ok(Order::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Order, E> {
        Ok(Order::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Order, E> {
        Ok(Order::default())
    }

    fn visit_unit<E>(self) -> Result<Order, E> {
        Ok(Order::default())
    }
}

//! A list of texts, written as a list or, as other tools write theirs, as one text with commas between.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// Items in their order. In a text `\,` is a comma that belongs to an item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct List(Vec<String>);

impl List {
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn from_text(text: &str) -> Self {
        const KEPT: char = '\u{0}';
        let items = text.replace("\\,", &KEPT.to_string());
        let items = items.split(',').map(|item| item.trim().replace(KEPT, ","));
        Self(items.filter(|item| !item.is_empty()).collect())
    }
}

impl<T: Into<String>> FromIterator<T> for List {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().map(Into::into).collect())
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expects a list of texts, or one text with commas between")]
        enum Written {
            Text(String),
            Items(Vec<String>),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::Text(text) => Self::from_text(&text),
            Written::Items(items) => Self(items),
        })
    }
}

impl JsonSchema for List {
    fn schema_name() -> Cow<'static, str> {
        "List".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["array", "string"], "items": {"type": "string"}})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<String> {
        serde_json::from_str::<List>(json).expect(json).0
    }

    #[test]
    fn a_text_with_commas_is_a_list() {
        assert_eq!(read(r#"" shop.a, shop.b,""#), ["shop.a", "shop.b"]);
        assert_eq!(read(r#"["x{1,2}", "y"]"#), ["x{1,2}", "y"]);
        assert_eq!(read(r#""x{1\\,2},y""#), ["x{1,2}", "y"]);
        assert!(read(r#""""#).is_empty());
        assert!(serde_json::from_str::<List>("7").is_err());
    }
}

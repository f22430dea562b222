//! A pass-through map of a library's own options (librdkafka's), its secrets redacted by name.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

const REDACTED: &str = "(redacted)";

/// Options handed to a library as they are; values may be written as text, number or boolean.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<String, String>);

impl Options {
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The text without the values that are secret: a library quotes them in its complaints.
    pub fn redact(&self, text: &str) -> String {
        // A value of one or two characters would tear the text to pieces, and is no secret.
        let secrets = self.iter().filter(|(name, value)| is_secret(name) && value.len() > 2);
        secrets.fold(text.to_owned(), |text, (_, value)| text.replace(value, REDACTED))
    }

    fn printable(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().map(|(name, value)| (name, if is_secret(name) { REDACTED } else { value }))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Options {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// By the words that librdkafka's own names for secrets hold (sasl.password, ssl.key.pem,
/// sasl.oauthbearer.client.secret, ssl.keystore.password, ...); and whatever else concerns a login or a key and is
/// not known to be harmless: `sasl.pasword` is a slip, and its value a password all the same.
fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 7] = ["password", "passphrase", "secret", "token", "credential", "pem", "jaas"];
    const HARMLESS: [&str; 12] = [
        "sasl.mechanism",
        "sasl.mechanisms",
        "sasl.username",
        "sasl.kerberos.service.name",
        "sasl.kerberos.principal",
        "sasl.kerberos.keytab",
        "sasl.oauthbearer.method",
        "sasl.oauthbearer.client.id",
        "sasl.oauthbearer.scope",
        "ssl.endpoint.identification.algorithm",
        "ssl.cipher.suites",
        "ssl.curves.list",
    ];
    let name = name.to_lowercase();
    let about_login = name.starts_with("sasl.") || name.starts_with("ssl.");
    WORDS.iter().any(|word| name.contains(word))
        || (about_login && !HARMLESS.contains(&name.as_str()) && !name.ends_with(".location"))
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.printable()).finish()
    }
}

impl Serialize for Options {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.printable())
    }
}

impl<'de> Deserialize<'de> for Options {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By hand, as serde's own messages would quote a value, and it may be a password.
        let Value::Object(entries) = Value::deserialize(deserializer)? else {
            return Err(de::Error::custom("expects a table of options"));
        };
        let mut options = BTreeMap::new();
        for (name, value) in entries {
            let text = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(truth) => truth.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    let cause = format!(
                        "option \"{name}\" must be a text, number or boolean (names with dots in quotes)"
                    );
                    return Err(de::Error::custom(cause));
                }
            };
            options.insert(name, text);
        }
        Ok(Self(options))
    }
}

impl JsonSchema for Options {
    fn schema_name() -> Cow<'static, str> {
        "Options".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "additionalProperties": {"type": ["string", "integer", "boolean", "number"]}})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        [
            ("sasl.username", "strait"),
            ("sasl.pasword", "hush-1"),
            ("ssl.key.passphrase", "hush-2"),
            ("ssl.ca.location", "/etc/ca.pem"),
            ("linger.ms", "5"),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn a_misspelt_secret_is_not_shown() {
        let shown = format!("{:?}", options());
        assert!(!shown.contains("hush"), "{shown}");
        assert!(shown.contains("\"strait\"") && shown.contains("/etc/ca.pem"), "{shown}");
    }

    #[test]
    fn secrets_are_taken_out_of_a_text() {
        assert_eq!(
            options().redact("5: \"hush-2\" of strait is wrong"),
            format!("5: \"{REDACTED}\" of strait is wrong")
        );
    }
}

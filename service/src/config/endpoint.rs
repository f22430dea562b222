//! A URL that may carry `user:password@`; printed without it, wherever it is printed.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An http or https URL; empty by default, which means "not set".
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// User and password as they stand in the URL; the password is empty if there is none.
    pub(crate) fn credentials(&self) -> Option<(&str, &str)> {
        let (start, end) = self.userinfo()?;
        let userinfo = &self.0[start..end];
        Some(userinfo.split_once(':').unwrap_or((userinfo, "")))
    }

    /// Where the userinfo begins, and its `@`. The authority ends at the first slash, and the last `@` in it counts.
    /// A password with unescaped characters must be hidden as well: what looks like `host:port` but has no number
    /// for a port is a user and the beginning of a password with a slash in it.
    fn userinfo(&self) -> Option<(usize, usize)> {
        let start = self.0.find("://").map_or(0, |at| at + 3);
        let rest = &self.0[start..];
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
        let whole = if port.bytes().all(|byte| byte.is_ascii_digit()) || port.ends_with(']') {
            authority
        } else {
            rest
        };
        whole.rfind('@').map(|at| (start, start + at))
    }

    /// The URL with its credentials: for the client only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.userinfo() {
            Some((start, end)) => write!(f, "{}{}", &self.0[..start], &self.0[end + 1..]),
            None => f.write_str(&self.0),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer) {
            Ok(serde_json::Value::String(url)) => Ok(Self(url)),
            _ => Err(de::Error::custom("a URL must be a text in quotes (its value is not shown)")),
        }
    }
}

impl JsonSchema for Endpoint {
    fn schema_name() -> Cow<'static, str> {
        "Endpoint".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "uri"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_never_printed() {
        for (url, shown) in [
            ("http://u:pw@h:1/p", "http://h:1/p"),
            ("http://u:p@w@h", "http://h"),
            ("http://u:p/w@h/x", "http://h/x"),
            ("http://u:p?w@h", "http://h"),
            ("http://h:1/p@q", "http://h:1/p@q"),
            ("http://[::1]:80/p@q", "http://[::1]:80/p@q"),
            ("http://[::1]/p@q", "http://[::1]/p@q"),
            ("u:pw@h", "h"),
            ("", ""),
        ] {
            let endpoint = Endpoint::new(url);
            assert_eq!(endpoint.to_string(), shown);
            assert_eq!(format!("{endpoint:?}"), shown);
            assert_eq!(endpoint.reveal(), url);
        }
    }
}

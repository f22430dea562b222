//! What operators ask of a running connector, in Debezium's words: rows of a table of the source, or records of a topic,
//! with `id`, `type` and `data`.
//!
//! A signal is first noted in the position, together with how far its channel is read, and carried out between two
//! transactions; with what it led to it leaves the position. So none is lost by a crash, and none is done twice.

mod table;

use serde::Deserialize;
use strait_schemas::Signal;

pub use table::read;

/// A signal that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Snapshots of all tables that any of these means, while streaming.
    Execute(Vec<Wanted>),
    /// Of the snapshot under way, all that these patterns mean; of none, all.
    Stop(Vec<String>),
    Pause,
    Resume,
    Log(String),
}

/// Tables, and which of their rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Regular expression over whole names, `database.table`.
    pub tables: String,
    /// SQL.
    pub condition: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Data {
    #[serde(rename = "type")]
    kind: Option<String>,
    data_collections: Vec<String>,
    additional_condition: Option<String>,
    additional_conditions: Vec<Condition>,
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Condition {
    data_collection: String,
    filter: String,
}

/// # Errors
/// Why it cannot be understood.
pub fn understand(signal: &Signal) -> Result<Asked, String> {
    let data: Data = match &signal.data {
        serde_json::Value::Null => Data::default(),
        data => serde_json::from_value(data.clone()).map_err(|error| format!("its data: {error}"))?,
    };
    if let Some(kind) = data.kind.as_deref()
        && !kind.eq_ignore_ascii_case("incremental")
    {
        return Err(format!(
            "a snapshot of type {kind}: there is \"incremental\" only, which holds nothing up"
        ));
    }
    match signal.kind.as_str() {
        "execute-snapshot" if data.data_collections.is_empty() => {
            Err("no tables are named in data-collections".into())
        }
        "execute-snapshot" => Ok(Asked::Execute(data.wanted())),
        "stop-snapshot" => Ok(Asked::Stop(data.data_collections)),
        "pause-snapshot" => Ok(Asked::Pause),
        "resume-snapshot" => Ok(Asked::Resume),
        "log" => Ok(Asked::Log(data.message.unwrap_or_default())),
        other => Err(format!(
            "type {other}; there are execute-snapshot, stop-snapshot, pause-snapshot, resume-snapshot and log"
        )),
    }
}

impl Data {
    fn wanted(self) -> Vec<Wanted> {
        let Self { data_collections, additional_condition, additional_conditions, .. } = self;
        let wanted = |tables: String| {
            let own = additional_conditions.iter().find(|it| it.data_collection == tables);
            let condition = own.map(|it| it.filter.clone()).or_else(|| additional_condition.clone());
            Wanted { tables, condition: condition.filter(|text| !text.trim().is_empty()) }
        };
        data_collections.into_iter().map(wanted).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str, data: &str) -> Result<Asked, String> {
        let data = serde_json::from_str(data).expect("JSON");
        understand(&Signal { id: "1".into(), kind: kind.into(), data })
    }

    #[test]
    fn they_are_debeziums() {
        let wanted = |tables: &str, condition: Option<&str>| Wanted {
            tables: tables.into(),
            condition: condition.map(Into::into),
        };
        let data = r#"{"type": "incremental", "data-collections": ["shop.a", "shop.b.*"],
                       "additional-conditions": [{"data-collection": "shop.a", "filter": "id > 5"}]}"#;
        let expected = Asked::Execute(vec![wanted("shop.a", Some("id > 5")), wanted("shop.b.*", None)]);
        assert_eq!(of("execute-snapshot", data), Ok(expected));
        assert_eq!(of("stop-snapshot", "{}"), Ok(Asked::Stop(Vec::new())));
        assert_eq!(of("pause-snapshot", "null"), Ok(Asked::Pause));
        assert_eq!(of("resume-snapshot", r#"{"type": "INCREMENTAL"}"#), Ok(Asked::Resume));
        assert_eq!(of("log", r#"{"message": "here"}"#), Ok(Asked::Log("here".into())));
    }

    #[test]
    fn what_is_not_understood_says_why() {
        for (kind, data, why) in [
            ("execute-snapshot", "{}", "data-collections"),
            ("execute-snapshot", r#"{"type": "blocking", "data-collections": ["a.b"]}"#, "blocking"),
            ("schema-changes", "{}", "schema-changes"),
            ("stop-snapshot", "[1]", "data"),
        ] {
            let refused = of(kind, data).expect_err(kind);
            assert!(refused.contains(why), "{refused}");
        }
    }
}

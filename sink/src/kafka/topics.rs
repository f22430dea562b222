//! Which topics are read by a member of a group: those of the prefix that hold rows, or those that are named.

use strait_schemas::topics;

#[derive(Debug, Clone)]
pub struct Topics {
    pub prefix: String,
    /// Empty: all of the prefix that hold rows.
    pub named: Vec<String>,
}

impl Topics {
    /// Those to read, of all that there are.
    pub fn choose(&self, all: &[String]) -> Vec<String> {
        if self.named.is_empty() {
            return data_topics(&self.prefix, all).into_iter().map(str::to_owned).collect();
        }
        self.named.iter().filter(|name| all.contains(name)).cloned().collect()
    }
}

/// The topics that hold rows of tables. A longer prefix may begin with this one and a dot: where our connector writes there is its spine; where
/// Debezium does, its heartbeats, or the schema changes in a topic that is called as the prefix is.
pub fn data_topics<'a>(prefix: &str, topics: &'a [String]) -> Vec<&'a str> {
    let own = format!("{}.", topics::sanitise(prefix));
    let others: Vec<String> = topics
        .iter()
        .filter_map(|topic| match topic.strip_suffix(".strait.spine") {
            Some(prefix) => Some(prefix),
            None => topic.strip_prefix("__debezium-heartbeat."),
        })
        .chain(topics.iter().map(String::as_str).filter(|topic| {
            // What has another dot may be a table's as well.
            topic.strip_prefix(&own).is_some_and(|rest| !rest.contains('.'))
        }))
        .map(|prefix| format!("{prefix}."))
        .filter(|other| other.len() > own.len() && other.starts_with(&own))
        .collect();
    topics
        .iter()
        .map(String::as_str)
        .filter(|topic| !others.iter().any(|other| topic.starts_with(&**other)))
        .filter(|topic| {
            let rest = topic.strip_prefix(&own).unwrap_or_default();
            rest.contains('.') && !rest.starts_with("strait.")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::data_topics;

    #[test]
    fn topics_of_tables_are_told_from_our_own_and_from_another_prefix_s() {
        let topics = [
            "p.shop.orders",
            "p.strait.spine",
            "p.strait.position",
            "p.transaction",
            "p",
            "px.shop.a",
            "p.a.b.c",
            "p.east.strait.spine",
            "p.east.shop.orders",
            "p.west",
            "p.west.shop.orders",
            "__debezium-heartbeat.p.south.one",
            "p.south.one.shop.orders",
        ]
        .map(String::from);
        assert_eq!(data_topics("p", &topics), ["p.shop.orders", "p.a.b.c"]);
        assert_eq!(data_topics("p.east", &topics), ["p.east.shop.orders"]);
    }
}

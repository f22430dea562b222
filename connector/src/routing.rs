//! Which topic the rows of a table go to, and by which columns their partition is chosen.
//!
//! Order: all records of one key must lie in one partition, for whoever reads partitions side by side knows no order between
//! them. So the columns that choose it must be part of the key: then the key alone decides. (Our own sink orders by the spine,
//! whatever the partition.) Rows of different tables with equal values in the columns chosen meet in partitions of one number, if
//! their topics have equally many.

use strait_mysql::binlog::{ColumnType, TableMap};
use strait_schemas::{Value, topics};
use strait_service::{
    Finding, Patterns,
    config::{Ambiguous, Rewrite},
};

use crate::config;

/// The settings `topics.names` and `topics.partition_by`.
#[derive(Debug)]
pub struct Routing {
    names: Vec<Rewrite>,
    partition_by: Vec<(String, Patterns, Vec<String>)>,
}

/// A setting that cannot be followed for a table.
#[derive(Debug, PartialEq, Eq)]
pub struct Misrouted {
    pub setting: String,
    pub cause: String,
}

impl Routing {
    pub fn new(config: &config::Topics) -> Result<Self, Vec<Finding>> {
        let (mut names, mut partition_by, mut findings) = (Vec::new(), Vec::new(), Vec::new());
        for (pattern, name) in &config.names {
            match Rewrite::new("topics.names", pattern, name) {
                Ok(naming) => names.push(naming),
                Err(finding) => findings.push(finding),
            }
        }
        for (pattern, columns) in &config.partition_by {
            let setting = format!("topics.partition_by.\"{pattern}\"");
            match Patterns::new(&setting, &std::iter::once(pattern.as_str()).collect()) {
                Ok(tables) => {
                    partition_by.push((setting, tables, columns.iter().map(str::to_owned).collect()));
                }
                Err(finding) => findings.push(finding),
            }
        }
        if findings.is_empty() { Ok(Self { names, partition_by }) } else { Err(findings) }
    }

    /// The name of a table's topic.
    pub fn topic(&self, prefix: &str, database: &str, table: &str) -> Result<String, Misrouted> {
        let full = format!("{database}.{table}");
        let ambiguous = |Ambiguous { setting, other }| Misrouted {
            setting,
            cause: format!("{other} names the table, too"),
        };
        let Some(naming) = Rewrite::sole(&self.names, &full).map_err(ambiguous)? else {
            return Ok(topics::data_topic(prefix, database, table));
        };
        let name = naming.apply(&full);
        if name.is_empty() || name == "transaction" || name.starts_with("strait.") {
            let cause = format!("the topic {prefix}.{name} has another use");
            return Err(Misrouted { setting: naming.setting().to_owned(), cause });
        }
        Ok(topics::sanitise(&format!("{prefix}.{name}")))
    }

    /// Places, among the published columns, of those that choose the partition; `None`: the key as a whole does.
    pub fn partition_columns(
        &self,
        map: &TableMap,
        key: &[usize],
        published: &[usize],
    ) -> Result<Option<Box<[usize]>>, Misrouted> {
        let full = format!("{}.{}", map.database, map.table);
        let mut choosing = self.partition_by.iter().filter(|(_, tables, _)| tables.matches(&full));
        let Some((setting, _, columns)) = choosing.next() else { return Ok(None) };
        let misrouted = |cause| Misrouted { setting: setting.clone(), cause };
        if let Some((other, ..)) = choosing.next() {
            return Err(misrouted(format!("{other} names the table, too")));
        }
        let place = |name: &String| {
            let at = map.column(name).ok_or_else(|| misrouted(format!("the table has no column {name}")))?;
            if !key.contains(&at) {
                return Err(misrouted(format!(
                    "column {name} is no part of the key: an update could move a row to another partition, and its changes would be \
                     read out of order"
                )));
            }
            if matches!(map.columns[at].ty, ColumnType::Float | ColumnType::Double) {
                return Err(misrouted(format!("column {name} has no exact values")));
            }
            published
                .iter()
                .position(|published| *published == at)
                .ok_or_else(|| misrouted(format!("column {name} is left out")))
        };
        columns.iter().map(place).collect::<Result<_, _>>().map(Some)
    }
}

/// Appends what a value's partition is chosen by: numbers as text, all others as their bytes, each with a comma after it.
pub fn write_chosen(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Bool(truth) => out.push(u8::from(*truth)),
        Value::Text(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bytes(bytes) => out.extend_from_slice(bytes),
        _ => {}
    }
    out.push(b',');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::tests::column;

    fn routing(names: &[(&str, &str)], by: &[(&str, &str)]) -> Routing {
        let own = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        let list = |(a, b): &(&str, &str)| ((*a).to_owned(), b.split(' ').collect());
        let config = config::Topics {
            names: names.iter().map(own).collect(),
            partition_by: by.iter().map(list).collect(),
            ..config::Topics::default()
        };
        Routing::new(&config).expect("regular expressions")
    }

    #[test]
    fn a_topic_is_named_by_the_pattern_s_parts() {
        let routing = routing(&[(r"shop_(\d+)\.(.*)", "shops.$2-$1"), (r".*\.bad", "strait.spine")], &[]);
        assert_eq!(routing.topic("p", "shop_7", "orders"), Ok("p.shops.orders-7".into()));
        assert_eq!(routing.topic("p", "crm", "users"), Ok("p.crm.users".into()));
        let reserved = routing.topic("p", "crm", "bad").expect_err("ours");
        assert!(reserved.cause.contains("another use"), "{reserved:?}");
        assert!(routing.topic("p", "shop_1", "bad").expect_err("two").cause.contains("too"));
    }

    #[test]
    fn only_columns_of_the_key_choose_the_partition() {
        let columns = ["customer", "id", "note"].map(|name| column(name, ColumnType::Long));
        let map = TableMap::new("shop".into(), "orders".into(), columns.into(), Vec::new(), true);
        let by = |list| routing(&[], &[(r"shop\.orders", list)]).partition_columns(&map, &[0, 1], &[0, 1]);
        assert_eq!(by("customer"), Ok(Some([0].into())));
        assert_eq!(by("ID customer"), Ok(Some([1, 0].into())));
        assert!(by("note").expect_err("no part of the key").cause.contains("another partition"));
        assert!(by("gone").expect_err("none").cause.contains("no column gone"));
    }
}

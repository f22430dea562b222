//! Which rows are published: a condition for the tables that a pattern names.

use strait_mysql::binlog::TableMap;
use strait_service::{Finding, List, Patterns, config::refuse};

use crate::{
    condition::{Bound, Condition},
    config::Rows,
};

/// The settings under `[rows]`.
#[derive(Debug, Clone)]
pub struct RowRules(Vec<RowRule>);

#[derive(Debug, Clone)]
struct RowRule {
    setting: String,
    tables: Patterns,
    condition: Condition,
}

/// Why the rows of a table cannot be chosen.
#[derive(Debug, PartialEq, Eq)]
pub struct Unchoosable {
    pub setting: String,
    pub cause: String,
}

impl RowRules {
    pub fn new(config: &Rows) -> Result<Self, Vec<Finding>> {
        let (mut rules, mut findings) = (Vec::new(), Vec::new());
        for (pattern, text) in &config.filter {
            let setting = format!("rows.filter.\"{pattern}\"");
            let tables = Patterns::new(&setting, &[pattern.as_str()].into_iter().collect::<List>());
            let condition = Condition::parse(text).map_err(|cause| {
                refuse(
                    &setting,
                    format!("the condition cannot be used: {cause}"),
                    "a condition on the row's own columns, such as \"region = 'EU' AND (size > 3 OR note IS NULL)\"",
                )
            });
            match (tables, condition) {
                (Ok(tables), Ok(condition)) => rules.push(RowRule { setting, tables, condition }),
                (tables, condition) => findings.extend(tables.err().into_iter().chain(condition.err())),
            }
        }
        if findings.is_empty() { Ok(Self(rules)) } else { Err(findings) }
    }

    /// Settings that are about none of these tables (`database.table`).
    pub fn idle(&self, names: &[String]) -> Vec<String> {
        let is_idle = |rule: &&RowRule| !names.iter().any(|name| rule.tables.matches(name));
        self.0.iter().filter(is_idle).map(|rule| rule.setting.clone()).collect()
    }

    /// The condition for a table's rows; `None`: all of them are published.
    pub fn of(&self, map: &TableMap) -> Result<Option<Bound>, Unchoosable> {
        let name = format!("{}.{}", map.database, map.table);
        let mut rules = self.0.iter().filter(|rule| rule.tables.matches(&name));
        let Some(rule) = rules.next() else { return Ok(None) };
        let refused = |cause| Unchoosable { setting: rule.setting.clone(), cause };
        if let Some(other) = rules.next() {
            return Err(refused(format!("{} names the table, too", other.setting)));
        }
        Bound::new(&rule.condition, map).map(Some).map_err(|cause| refused(cause.to_string()))
    }
}

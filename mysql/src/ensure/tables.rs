//! What the tables that rows are applied to must be like. These checks are made again whenever a table's
//! definition may have changed.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{Finding, Grants, words::words};
use crate::{
    catalog::{ScheduledEvent, Table, TableName, Trigger},
    client::{quote_name, quote_text},
    server::ServerFacts,
};

/// The session variable that the sink sets, and guarded triggers look at.
pub const GUARD: &str = "@strait_apply";

/// Rows and the checkpoint must commit together.
pub fn ensure_transactional_engine(facts: &ServerFacts, tables: &[Table]) -> Vec<Finding> {
    tables
        .iter()
        .filter(|table| !table.transactional)
        .map(|table| {
            Finding::refusal(
                "transactional_engine",
                on(facts, &table.name),
                format!(
                    "the table's engine {} knows no transactions: after a crash its rows would be applied twice or not \
                     at all",
                    table.engine
                ),
                format!("ALTER TABLE {} ENGINE = InnoDB;", table.name.quoted()),
            )
        })
        .collect()
}

/// A trigger fires again for applied rows, while its effects at the source arrive as rows of their own.
pub fn ensure_no_unguarded_triggers(facts: &ServerFacts, tables: &[Table]) -> Vec<Finding> {
    tables
        .iter()
        .flat_map(|table| &table.triggers)
        .filter(|trigger| !is_guarded(&trigger.body))
        .map(|trigger| {
            Finding::refusal(
                "unguarded_trigger",
                format!("{}, trigger {}", on(facts, &trigger.table), trigger.name),
                format!(
                    "the trigger ({} {}) would fire for applied rows too, whose effects at the source arrive as rows of \
                     their own",
                    trigger.timing.as_sql(),
                    trigger.event.as_sql()
                ),
                format!("let it pass over applied rows, at both sites:\n{}", guarded_trigger(trigger)),
            )
        })
        .collect()
}

/// The server hides triggers from accounts without the TRIGGER right: none to be seen is no proof.
pub fn ensure_triggers_visible(facts: &ServerFacts, grants: &Grants, tables: &[TableName]) -> Vec<Finding> {
    lacking(grants, tables, &["TRIGGER"])
        .into_iter()
        .map(|lack| {
            Finding::refusal(
                "trigger_right",
                format!("{}, database {}", facts.place, lack.database),
                format!(
                    "the account has no right TRIGGER on {}: triggers that would fire for applied rows cannot be seen",
                    lack.tables_text()
                ),
                format!("GRANT TRIGGER ON {}.* TO {};", quote_name(&lack.database), grants.grantee()),
            )
        })
        .collect()
}

/// Whether a trigger asks for the guard before it writes anything.
pub fn is_guarded(body: &str) -> bool {
    let words = words(body);
    let is = |at: usize, word: &str| words.get(at).is_some_and(|found| found == word);
    let guard = (0..words.len()).find(|&at| {
        is(at, "if")
            && is(at + 1, GUARD)
            && is(at + 2, "is")
            && (is(at + 3, "null") || is(at + 3, "not") && is(at + 4, "null"))
    });
    let write = words.iter().position(|word| {
        matches!(word.as_str(), "insert" | "update" | "delete" | "replace" | "call" | "set")
    });
    guard.is_some_and(|guard| write.is_none_or(|write| guard < write))
}

/// The statements that put the guard into a trigger, for the `mysql` client.
pub fn guarded_trigger(trigger: &Trigger) -> String {
    let name = format!("{}.{}", quote_name(&trigger.table.database), quote_name(&trigger.name));
    let (user, host) = trigger.definer.rsplit_once('@').unwrap_or((&trigger.definer, "%"));
    format!(
        "SET sql_mode = {};\nDELIMITER //\nDROP TRIGGER {name}//\nCREATE DEFINER = {}@{} TRIGGER {name} {} {} ON {} \
         FOR EACH ROW\nIF {GUARD} IS NULL THEN\n{};\nEND IF//\nDELIMITER ;",
        quote_text(&trigger.sql_mode),
        quote_name(user),
        quote_name(host),
        trigger.timing.as_sql(),
        trigger.event.as_sql(),
        trigger.table.quoted(),
        trigger.body.trim_end().trim_end_matches(';'),
    )
}

/// Enabled events that name applied tables write at this site what the other site's event writes there, and
/// both arrive at both.
pub fn ensure_no_events(
    facts: &ServerFacts,
    tables: &[TableName],
    events: &[ScheduledEvent],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for event in events {
        let words = words(&event.body);
        let names = |name: &str| words.contains(&name.to_lowercase());
        let Some(table) = tables.iter().find(|table| {
            names(&table.table) && (table.database == event.database || names(&table.database))
        }) else {
            continue;
        };
        let event_name = format!("{}.{}", quote_name(&event.database), quote_name(&event.name));
        let place = format!("{}, event {}.{}", facts.place, event.database, event.name);
        let remedy = format!("let it run at one site only: ALTER EVENT {event_name} DISABLE; at the other");
        let cause =
            format!("the event names the applied table {table}: what it writes is replicated as well");
        findings.push(if facts.event_scheduler {
            Finding::refusal("scheduled_event", place, cause, remedy)
        } else {
            Finding::warning(
                "scheduled_event",
                place,
                format!("{cause} (event_scheduler is OFF now)"),
                remedy,
            )
        });
    }
    findings
}

/// SELECT, INSERT, UPDATE and DELETE on each table; one finding a database.
pub fn ensure_table_rights(facts: &ServerFacts, grants: &Grants, tables: &[TableName]) -> Vec<Finding> {
    lacking(grants, tables, &["SELECT", "INSERT", "UPDATE", "DELETE"])
        .into_iter()
        .map(|lack| {
            let rights = lack.privileges.join(", ");
            Finding::refusal(
                "table_rights",
                format!("{}, database {}", facts.place, lack.database),
                format!("the account has no right {rights} on {}", lack.tables_text()),
                format!("GRANT {rights} ON {}.* TO {};", quote_name(&lack.database), grants.grantee()),
            )
        })
        .collect()
}

/// Rights that are missing in one database.
struct Lack<'a> {
    database: String,
    privileges: Vec<&'a str>,
    tables: Vec<String>,
}

impl Lack<'_> {
    fn tables_text(&self) -> String {
        const SHOWN: usize = 5;
        let mut text = String::from(if self.tables.len() == 1 { "table " } else { "tables " });
        text.push_str(&self.tables.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", "));
        if self.tables.len() > SHOWN {
            write!(text, " and {} more", self.tables.len() - SHOWN).expect("writing to a String cannot fail");
        }
        text
    }
}

fn lacking<'a>(grants: &Grants, tables: &[TableName], privileges: &[&'a str]) -> Vec<Lack<'a>> {
    let mut lacks: BTreeMap<&str, Lack<'a>> = BTreeMap::new();
    for name in tables {
        let missing: Vec<&'a str> = privileges
            .iter()
            .copied()
            .filter(|privilege| !grants.on_table(privilege, &name.database, &name.table))
            .collect();
        if missing.is_empty() {
            continue;
        }
        let lack = lacks.entry(&name.database).or_insert_with(|| Lack {
            database: name.database.clone(),
            privileges: Vec::new(),
            tables: Vec::new(),
        });
        lack.tables.push(name.table.clone());
        for privilege in missing {
            if !lack.privileges.contains(&privilege) {
                lack.privileges.push(privilege);
            }
        }
    }
    lacks.into_values().collect()
}

fn on(facts: &ServerFacts, table: &TableName) -> String {
    format!("{}, table {table}", facts.place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensure::facts_for_tests;

    #[test]
    fn the_guard_must_come_before_any_write() {
        for guarded in [
            "IF @strait_apply IS NULL THEN INSERT INTO log VALUES (1); END IF",
            "BEGIN\n -- skip applied rows\n if @`strait_apply` is null then set new.a = 1; end if; end",
            "b: BEGIN IF @Strait_Apply IS NOT NULL THEN LEAVE b; END IF; DELETE FROM t; END",
        ] {
            assert!(is_guarded(guarded), "{guarded}");
        }
        for bare in [
            "SET NEW.a = 1",
            "BEGIN INSERT INTO log VALUES (1); IF @strait_apply IS NULL THEN SET @x = 1; END IF; END",
            "/* IF @strait_apply IS NULL */ INSERT INTO log VALUES (1)",
            "INSERT INTO log VALUES ('IF @strait_apply IS NULL THEN')",
            "IF @strait IS NULL THEN SET @x = 1; END IF",
        ] {
            assert!(!is_guarded(bare), "{bare}");
        }
    }

    #[test]
    fn events_are_matched_by_the_tables_they_name() {
        let mut facts = facts_for_tests();
        let tables = [TableName::new("shop", "Orders"), TableName::new("other", "t")];
        let event = |body: &str| ScheduledEvent {
            database: "shop".into(),
            name: "e".into(),
            body: body.into(),
            definer: "root@localhost".into(),
        };
        assert!(ensure_no_events(&facts, &tables, &[event("DELETE FROM t WHERE 'orders' = 1")]).is_empty());
        let found = ensure_no_events(&facts, &tables, &[event("DELETE FROM `orders`")]);
        assert_eq!(found[0].severity, crate::ensure::Severity::Warning);
        facts.event_scheduler = true;
        let found = ensure_no_events(&facts, &tables, &[event("DELETE FROM other.t")]);
        assert_eq!(found[0].severity, crate::ensure::Severity::Refusal);
        assert!(found[0].cause.contains("other.t"));
    }

    #[test]
    fn rights_are_gathered_by_database() {
        let facts = facts_for_tests();
        let grants = Grants::parse([
            "GRANT SELECT, INSERT ON `shop`.* TO `u`@`%`",
            "GRANT DELETE ON `shop`.`b` TO `u`@`%`",
        ]);
        let tables: Vec<TableName> = ["a", "b"].map(|table| TableName::new("shop", table)).to_vec();
        let found = ensure_table_rights(&facts, &grants, &tables);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].remedy, "GRANT UPDATE, DELETE ON `shop`.* TO `u`@`%`;");
        assert!(found[0].cause.contains("tables a, b"));
    }
}

//! The accounts of our processes, made by the manual's own statements: what they lack here, they would lack where
//! somebody followed the manual.

use anyhow::Result;

use crate::mysql::{Flavor, MySql};

pub const CONNECTOR: &str = "repl";
pub const SINK: &str = "strait";
pub const PASSWORD: &str = "lab";

const MANUAL: &str = include_str!("../../../docs/operations.md");

/// Outside the binary log: each server has its own.
pub async fn create(server: &MySql, databases: &[String]) -> Result<()> {
    let outside = "SET SESSION sql_log_bin = 0".to_owned();
    server.run([outside].into_iter().chain(statements(databases, server.flavor()))).await
}

/// What the manual wants for a snapshot of a MySQL without GTIDs.
pub fn watermarks() -> impl Iterator<Item = &'static str> {
    MANUAL.lines().skip_while(|line| !line.starts_with("CREATE DATABASE IF NOT EXISTS strait;")).take(3)
}

/// The manual's, for these databases in place of its `shop`. Not those that it wants of the other kind of server only.
fn statements(databases: &[String], flavor: Flavor) -> Vec<String> {
    let concerns = |line: &str| match line.split_once("-- only where") {
        Some((_, case)) => case.contains(match flavor {
            Flavor::MySql => "is MySQL",
            Flavor::MariaDb => "is MariaDB",
        }),
        None => true,
    };
    let lines = MANUAL.lines().filter(|line| line.starts_with("CREATE USER") || line.starts_with("GRANT"));
    lines
        .filter(|line| concerns(line))
        .filter_map(|line| line.split_once(';'))
        .flat_map(|(statement, _)| {
            let statement = statement.replace("'...'", &format!("'{PASSWORD}'"));
            if statement.contains("shop.*") {
                databases.iter().map(|name| statement.replace("shop.*", &format!("`{name}`.*"))).collect()
            } else {
                vec![statement]
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manuals_statements_are_found() {
        let databases = ["one".to_owned(), "two".to_owned()];
        let (found, at_mariadb) =
            (statements(&databases, Flavor::MySql), statements(&databases, Flavor::MariaDb));
        assert_eq!(at_mariadb.len(), found.len() + 1 + databases.len());
        for (right, told) in [("PROCESS", &at_mariadb), ("REPLICATION_APPLIER, SET_ANY_DEFINER", &found)] {
            assert!(told.contains(&format!("GRANT {right} ON *.* TO strait")), "{right}: {told:#?}");
        }
        assert_eq!(found.iter().filter(|statement| statement.starts_with("CREATE USER")).count(), 2);
        for expected in [
            "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO repl",
            "GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON `two`.* TO strait",
            "GRANT ALL ON strait.* TO strait",
        ] {
            assert!(
                found.iter().any(|statement| statement == expected),
                "{expected} is not among {found:#?}"
            );
        }
        assert!(found.iter().all(|statement| !statement.contains("shop")), "{found:#?}");
    }
}

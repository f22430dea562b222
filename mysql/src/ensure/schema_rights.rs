//! Whether the account may make the schema changes that the log brings.

use super::{Finding, Grants};
use crate::{client::quote_name, server::ServerFacts};

/// What nearly every source does to its tables sooner or later, and a snapshot needs to make them.
const RIGHTS: [&str; 5] = ["CREATE", "ALTER", "DROP", "INDEX", "REFERENCES"];
/// Views and routines, which many never have.
const MORE: &str = "CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EXECUTE";

/// A warning for each database: a source that never changes its tables needs none of these.
pub fn ensure_schema_rights(facts: &ServerFacts, grants: &Grants, databases: &[&str]) -> Vec<Finding> {
    let missing = |database: &str| -> Vec<&str> {
        RIGHTS.into_iter().filter(|right| !grants.in_database(right, database)).collect()
    };
    databases
        .iter()
        .map(|database| (database, missing(database)))
        .filter(|(_, missing)| !missing.is_empty())
        .map(|(database, missing)| {
            Finding::warning(
                "schema_changes",
                format!("{}, database {database}", facts.place),
                format!(
                    "the account has no right {}: the sink halts at the first schema change that needs it, and cannot make the \
                     tables of a snapshot",
                    missing.join(", ")
                ),
                format!(
                    "GRANT {}, {MORE} ON {}.* TO {}; or, if none are to be made, ddl.policy = \"ignore\" or \"halt\"",
                    RIGHTS.join(", "),
                    quote_name(database),
                    grants.grantee()
                ),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensure::facts_for_tests;

    #[test]
    fn each_database_needs_them() {
        let facts = facts_for_tests();
        let some = Grants::parse([
            "GRANT SELECT, INSERT ON *.* TO `u`@`%`",
            "GRANT CREATE, ALTER, DROP, INDEX, REFERENCES ON `shop`.* TO `u`@`%`",
            "GRANT CREATE, ALTER ON `books`.* TO `u`@`%`",
        ]);
        let found = ensure_schema_rights(&facts, &some, &["shop", "books"]);
        let [found] = found.as_slice() else { panic!("{found:?}") };
        assert!(found.place.ends_with("database books"), "{found:?}");
        assert!(found.cause.contains("no right DROP, INDEX, REFERENCES:"), "{found:?}");
        assert!(found.remedy.contains("ON `books`.* TO `u`@`%`"), "{found:?}");
        let all = Grants::parse(["GRANT ALL PRIVILEGES ON *.* TO `u`@`%`"]);
        assert_eq!(ensure_schema_rights(&facts, &all, &["shop"]), []);
    }
}

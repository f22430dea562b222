//! Whether an account may run a statement under a GTID of its own choice: then the server can tell after any crash
//! whether the statement took effect.

use super::{Finding, Grants, Verdict};
use crate::server::{Flavor, ServerFacts};

/// Any of them allows `SET gtid_next`.
const RIGHTS: [&str; 4] =
    ["REPLICATION_APPLIER", "SESSION_VARIABLES_ADMIN", "SYSTEM_VARIABLES_ADMIN", "SUPER"];

/// Any of them allows `SET SESSION server_id`, which is what tells there.
const RIGHTS_OF_MARIADB: [&str; 2] = ["BINLOG REPLAY", "SUPER"];

pub fn may_choose_gtids(facts: &ServerFacts, grants: &Grants) -> bool {
    let rights: &[&str] = match facts.flavor {
        Flavor::Mysql if facts.gtids_on() => &RIGHTS,
        Flavor::Mysql => &[],
        Flavor::MariaDb => &RIGHTS_OF_MARIADB,
    };
    rights.iter().any(|right| grants.globally(right))
}

/// What is lost without it.
pub fn ensure_gtid_choice(facts: &ServerFacts, grants: &Grants) -> Verdict {
    if may_choose_gtids(facts, grants) {
        return Ok(());
    }
    let (why, remedy) = match facts.flavor {
        Flavor::MariaDb => (
            "the account may not choose the server_id of a statement",
            format!("GRANT BINLOG REPLAY ON *.* TO {};", grants.grantee()),
        ),
        Flavor::Mysql if !facts.gtids_on() => (
            "GTIDs are off at the target",
            "SET PERSIST gtid_mode = ON, step by step as MySQL's manual says".to_owned(),
        ),
        Flavor::Mysql => (
            "the account may not choose the GTID of a statement",
            format!("GRANT REPLICATION_APPLIER ON *.* TO {};", grants.grantee()),
        ),
    };
    Err(Finding::warning(
        "schema_changes",
        &facts.place,
        format!(
            "{why}: after a crash in the middle of a schema change nobody can tell whether it took effect, and the sink \
             would halt for somebody to look"
        ),
        remedy,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensure::facts_for_tests;

    #[test]
    fn gtids_and_one_of_four_rights_are_needed() {
        let mut facts = facts_for_tests();
        let plain = Grants::parse(["GRANT SELECT ON *.* TO `u`@`%`"]);
        let warned = ensure_gtid_choice(&facts, &plain).expect_err("no right");
        assert!(warned.remedy.contains("GRANT REPLICATION_APPLIER ON *.* TO `u`@`%`"), "{warned:?}");
        for right in RIGHTS {
            let grants = Grants::parse([format!("GRANT {right} ON *.* TO `u`@`%`").as_str()]);
            assert_eq!(ensure_gtid_choice(&facts, &grants), Ok(()));
        }
        let all = Grants::parse(["GRANT ALL PRIVILEGES ON *.* TO `u`@`%`"]);
        facts.gtid_mode = Some("OFF".to_owned());
        assert!(ensure_gtid_choice(&facts, &all).is_err());
        facts.flavor = Flavor::MariaDb;
        assert!(may_choose_gtids(&facts, &all));
        let warned = ensure_gtid_choice(&facts, &plain).expect_err("no right");
        assert!(warned.remedy.contains("GRANT BINLOG REPLAY ON *.* TO `u`@`%`"), "{warned:?}");
    }
}

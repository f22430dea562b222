//! MariaDB's sequences and tables with system versioning. Both log rows as a table does. But those of a sequence are its numbers, which
//! a target makes itself, and those of a versioned table have its history in them, which no target takes as rows. So they are refused by
//! name before anything of them is published: what is in the topics already could not be taken back.

use strait_mysql::catalog::TableName;
use strait_service::{Finding, Severity};

use crate::Error;

/// `kind`: the word in `information_schema.TABLES.TABLE_TYPE`.
pub fn refused(name: &TableName, kind: &str, place: &str) -> Error {
    Error::refused(cause(name, kind), place, remedy(name, kind))
}

pub fn finding(name: &TableName, kind: &str, place: String) -> Finding {
    Finding {
        check: "special_tables".into(),
        severity: Severity::Refusal,
        cause: cause(name, kind),
        place,
        remedy: remedy(name, kind),
    }
}

fn cause(name: &TableName, kind: &str) -> String {
    match kind {
        "SEQUENCE" => format!("{name} is a sequence, whose numbers are not replicated"),
        _ => format!("{name} has system versioning, and its history is not replicated"),
    }
}

fn remedy(name: &TableName, kind: &str) -> String {
    let pattern = format!(r"{}\.{}", name.database, name.table);
    let more = match kind {
        "SEQUENCE" => {
            format!(
                "and make it at the target by hand (SHOW CREATE SEQUENCE {name}), with numbers of its own"
            )
        }
        _ => format!("or ALTER TABLE {name} DROP SYSTEM VERSIONING before anything of it is published"),
    };
    format!("table.exclude.list: add '{pattern}', {more}")
}

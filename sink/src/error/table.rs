//! What mends a table of the target that is not as the source's.

use super::Error;
use crate::routes::in_sql;

impl Error {
    pub(super) fn table_remedy(&self) -> Option<String> {
        Some(match self {
            Self::MissingTable { table, .. } => {
                let (_, source) = in_sql(table);
                format!(
                    "create it at the target as it is at the source (SHOW CREATE TABLE {source}); if it is there, the account does not see it: \
                     GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON its database; then start again"
                )
            }
            Self::NotEmpty { table, .. } => format!(
                "SET SESSION sql_log_bin = 0; DELETE FROM {table}; at the target, if what it holds is the source's (logged, the DELETE would go to \
                 the other sites, too); or snapshot.rows = \"replace\", if nobody else writes there",
                table = in_sql(table).0,
            ),
            Self::NoKey { table, key, .. } => format!(
                "changes of it that came before are missing at the target: ALTER TABLE {table} ADD PRIMARY KEY {key} there, start again, \
                 and ask the connector for a snapshot of the table (execute-snapshot)",
                table = in_sql(table).0,
            ),
            Self::MissingColumn { table, column, column_type, .. } => {
                let (table, _) = in_sql(table);
                format!(
                    "ALTER TABLE {table} ADD COLUMN `{column}` {column_type} at the target, then start again"
                )
            }
            Self::UnfilledColumn { table, column, .. } => format!(
                "give it a default (ALTER TABLE {table} ALTER COLUMN `{column}` SET DEFAULT ...), allow NULL, or \
                 drop it",
                table = in_sql(table).0,
            ),
            Self::ColumnType { table, column, source_type, .. } => {
                let (table, _) = in_sql(table);
                format!(
                    "ALTER TABLE {table} MODIFY COLUMN `{column}` {source_type} at the target, then start again"
                )
            }
            Self::ColumnRoom { table, column, source_type, .. } => room_remedy(table, column, source_type),
            _ => return None,
        })
    }
}

fn room_remedy(table: &str, column: &str, source_type: &str) -> String {
    let (table, _) = in_sql(table);
    format!(
        "ALTER TABLE {table} MODIFY COLUMN `{column}` {source_type} at the target, with the rest of its definition as SHOW CREATE \
         TABLE {table} has it, then start again; or apply.allow_narrower = true, if all values are known to fit"
    )
}

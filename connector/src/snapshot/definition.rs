//! How the log tells what SHOW CREATE printed: as a schema change that no session of the source made.

use strait_mysql::server::Flavor;
use strait_schemas::{Ddl, DdlSession};

/// utf8mb4_general_ci, which every server has.
const COLLATION: u16 = 45;
/// NO_ENGINE_SUBSTITUTION: a default may be a zero date.
const SQL_MODE: u64 = 1 << 30;

/// `create`: SHOW CREATE DATABASE. `flavor`: of the source.
pub fn create_database(create: &str, flavor: Flavor, now_us: i64) -> Ddl {
    statement("", create, "create-database", (flavor, now_us))
}

/// `create`: SHOW CREATE TABLE, which does not name the database.
pub fn create_table(database: &str, create: &str, flavor: Flavor, now_us: i64) -> Ddl {
    statement(database, create, "create-table", (flavor, now_us))
}

fn statement(database: &str, create: &str, kind: &str, (flavor, now_us): (Flavor, i64)) -> Ddl {
    let session = DdlSession {
        mariadb: flavor == Flavor::MariaDb,
        sql_mode: SQL_MODE,
        charset: [COLLATION; 3],
        timestamp_us: now_us,
        // A parent may come later.
        foreign_key_checks: false,
        unique_checks: true,
        time_zone: Some("+00:00".into()),
        lc_time_names: None,
        auto_increment: None,
        default_collation_for_utf8mb4: None,
        explicit_defaults_for_timestamp: Some(true),
        sql_require_primary_key: None,
        default_table_encryption: None,
    };
    Ddl {
        database: database.to_owned(),
        statement: create.to_owned(),
        kind: kind.to_owned(),
        session: Some(session),
        ..Ddl::default()
    }
    .bounded()
}

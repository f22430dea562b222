//! MariaDB's sequences and tables with system versioning log rows that are no table's: refused by name before any of it is
//! published, by `check` and where the first of them comes; the rest arrives where they are left out.

use anyhow::{Result, ensure};
use e2e::{SitesOptions, mysql::Flavor};

use crate::OneWay;

const TABLE: &str = "CREATE TABLE v.t (id INT PRIMARY KEY, v VARCHAR(50))";
const VERSIONED: &str = "CREATE TABLE v.history (id INT PRIMARY KEY, v VARCHAR(50)) WITH SYSTEM VERSIONING";
const SEQUENCE: &str = "CREATE SEQUENCE v.numbers";
const EXCLUDES_VERSIONED: &str = r"table.exclude.list: add 'v\.history'";
const EXCLUDES_SEQUENCE: &str = r"table.exclude.list: add 'v\.numbers'";

fn options(connector: &str) -> SitesOptions {
    SitesOptions { flavors: [Flavor::MariaDb; 2], ..OneWay::options(&[], connector) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_history_and_a_sequence_are_refused_by_name() -> Result<()> {
    let one = OneWay::start_with(options(""), &[TABLE]).await?;
    one.run([VERSIONED, SEQUENCE, "INSERT INTO t VALUES (1, 'one')"]).await?;
    one.arrives(1).await?;
    let (_, check) = one.site().connector.run("check").await?;
    ensure!(check.contains("v.numbers is a sequence") && check.contains(EXCLUDES_VERSIONED), "{check}");
    one.run(["INSERT INTO history VALUES (1, 'first')"]).await?;
    one.halts(&["v.history has system versioning, and its history is not replicated", EXCLUDES_VERSIONED])
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_halts_where_it_is_used() -> Result<()> {
    let one = OneWay::start_with(options(""), &[TABLE]).await?;
    one.run([SEQUENCE, "DO NEXTVAL(numbers)"]).await?;
    one.halts(&["v.numbers is a sequence, whose numbers are not replicated", EXCLUDES_SEQUENCE]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn left_out_they_are_in_nobodys_way() -> Result<()> {
    let filter = r"table.exclude.list = ['v\.history', 'v\.numbers']";
    let one = OneWay::start_with(options(filter), &[TABLE]).await?;
    one.run([
        VERSIONED,
        SEQUENCE,
        "INSERT INTO history VALUES (1, 'first')",
        "INSERT INTO t VALUES (NEXTVAL(numbers), 'one')",
        "UPDATE history SET v = 'second'",
        "INSERT INTO t VALUES (NEXTVAL(numbers), 'two')",
        "DROP TABLE history",
        "DROP SEQUENCE numbers",
    ])
    .await?;
    one.arrives(2).await
}

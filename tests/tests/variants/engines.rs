//! MyISAM at the source, triggers, savepoints: what the log has of them.

use anyhow::Result;

use crate::OneWay;

#[tokio::test(flavor = "multi_thread")]
async fn myisam_triggers_and_savepoints_arrive_as_rows() -> Result<()> {
    let tables = [
        "CREATE TABLE v.t (id INT PRIMARY KEY, v INT)",
        "CREATE TABLE v.log (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(50))",
        "CREATE TABLE v.m (id INT PRIMARY KEY, v INT)",
    ];
    let one = OneWay::start(&[], "", &tables).await?;
    let outside = "SET SESSION sql_log_bin = 0";
    // The target keeps InnoDB, and has no trigger: what it did comes as rows.
    one.run([outside, "ALTER TABLE m ENGINE = MyISAM"]).await?;
    one.run([
        outside,
        "CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW INSERT INTO log (what) VALUES (NEW.id)",
    ])
    .await?;
    one.run([
        "BEGIN",
        "INSERT INTO t VALUES (1, 1)",
        "SAVEPOINT a",
        "INSERT INTO t VALUES (2, 2)",
        "ROLLBACK TO a",
        "SAVEPOINT b",
        "INSERT INTO t VALUES (3, 3)",
        "RELEASE SAVEPOINT b",
        "COMMIT",
        "INSERT INTO m VALUES (1, 1), (2, 2)",
        "UPDATE m SET v = 7 WHERE id = 2",
        "BEGIN",
        "INSERT INTO t VALUES (4, 4)",
        "ROLLBACK",
        "INSERT INTO t VALUES (5, 5)",
    ])
    .await?;
    // t: 1, 3, 5. log: one each. m: 1, 2.
    one.arrives(8).await?;
    one.sites.stop().await
}

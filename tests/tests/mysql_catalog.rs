//! The catalog against a server's own dictionary.

use std::slice::from_ref;

use anyhow::{Context, Result};
use e2e::{Lab, MySql};
use strait_mysql::catalog::{
    ForeignKey, Generated, Rule, Table, TableName, TriggerEvent, TriggerTiming, list_tables, read_events,
    read_table, read_tables,
};
use strait_mysql::server::{ServerOptions, connect};

fn options(server: &MySql) -> ServerOptions {
    ServerOptions::new(server.host(), server.port(), server.user())
}

/// Makes tables in a database of their own and reads them all.
async fn tables(prefix: &str, statements: &[&str]) -> Result<(String, Vec<Table>)> {
    let server = Lab::shared().mysql().await?;
    let database = server.database(prefix).await?;
    let in_database = [format!("USE `{database}`")];
    server.run(in_database.iter().map(String::as_str).chain(statements.iter().copied())).await?;
    let mut conn = connect(&options(server)).await?;
    let names = list_tables(&mut conn, from_ref(&database)).await?;
    let tables = read_tables(&mut conn, &names).await?;
    Ok((database, tables))
}

fn only(tables: Vec<Table>) -> Result<Table> {
    assert_eq!(tables.len(), 1);
    tables.into_iter().next().context("one table")
}

#[tokio::test]
async fn columns_come_with_all_that_decides_how_they_are_read_and_written() -> Result<()> {
    let (database, tables) = tables(
        "columns",
        &["CREATE TABLE t (
            id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
            name VARCHAR(40) CHARACTER SET latin1 NOT NULL DEFAULT 'it''s',
            price DECIMAL(12,3) DEFAULT 1.5,
            at DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
            doubled DECIMAL(13,3) AS (price * 2) VIRTUAL,
            tripled DECIMAL(13,3) AS (price * 3) STORED,
            hidden INT INVISIBLE DEFAULT 7,
            place POINT NOT NULL SRID 4326,
            flags BIT(5),
            choice ENUM('so unsigned', 'b') DEFAULT 'b',
            doc JSON DEFAULT (JSON_ARRAY()),
            body LONGTEXT,
            raw VARBINARY(16)
        ) ENGINE = InnoDB"],
    )
    .await?;
    let table = only(tables)?;
    assert_eq!(table.name, TableName::new(&database, "t"));
    assert_eq!((table.engine.as_str(), table.transactional), ("InnoDB", true));
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "id", "name", "price", "at", "doubled", "tripled", "hidden", "place", "flags", "choice", "doc",
            "body", "raw"
        ]
    );
    let ordinals: Vec<u32> = table.columns.iter().map(|column| column.ordinal).collect();
    assert_eq!(ordinals, (1..=13).collect::<Vec<u32>>());
    let column = |name: &str| table.column(name).expect("it is in the table");

    let id = column("ID");
    assert!(id.unsigned && id.auto_increment && !id.nullable);
    assert_eq!((id.data_type.as_str(), id.column_type.as_str()), ("bigint", "bigint unsigned"));
    let name = column("name");
    assert_eq!(
        (name.charset.as_deref(), name.max_characters, name.max_octets),
        (Some("latin1"), Some(40), Some(40))
    );
    assert_eq!((name.default.as_deref(), name.default_is_expression), (Some("it's"), false));
    let price = column("price");
    assert_eq!((price.numeric_precision, price.numeric_scale, price.nullable), (Some(12), Some(3), true));
    assert_eq!(price.default.as_deref(), Some("1.500"));
    let at = column("at");
    assert_eq!((at.fsp, at.default_is_expression), (Some(3), true));
    assert_eq!(column("doubled").generated, Some(Generated::Virtual));
    assert_eq!(column("tripled").generated, Some(Generated::Stored));
    assert!(!column("tripled").is_written());
    assert!(column("hidden").invisible && column("hidden").is_written());
    assert_eq!(column("place").srid, Some(4326));
    assert_eq!(column("flags").numeric_precision, Some(5));
    assert!(!column("choice").unsigned, "an element of an ENUM is no attribute");
    assert_eq!(column("choice").column_type, "enum('so unsigned','b')");
    assert!(column("doc").default_is_expression);
    assert_eq!(column("body").max_octets, Some(4_294_967_295));
    assert_eq!((column("raw").charset.as_deref(), column("raw").max_octets), (None, Some(16)));
    Ok(())
}

#[tokio::test]
async fn indexes_tell_what_makes_two_rows_collide() -> Result<()> {
    let (_, tables) = tables(
        "indexes",
        &["CREATE TABLE t (
            b INT NOT NULL, a INT NOT NULL, name VARCHAR(40), body TEXT, n INT NOT NULL,
            PRIMARY KEY (b, a),
            UNIQUE KEY by_body (body(10), n DESC),
            UNIQUE KEY by_lower ((LOWER(name))),
            UNIQUE KEY by_n (n),
            KEY plain (name)
        )"],
    )
    .await?;
    let table = only(tables)?;
    let primary = table.primary_key.as_ref().context("a primary key")?;
    assert_eq!(primary.columns().collect::<Vec<_>>(), ["b", "a"], "in index order, not in column order");
    assert!(primary.plain() && !primary.nullable());
    let names: Vec<&str> = table.unique.iter().map(|index| index.name.as_str()).collect();
    assert_eq!(names, ["by_body", "by_lower", "by_n"]);
    let [by_body, by_lower, by_n] = table.unique.as_slice() else { panic!("three unique indexes") };
    assert_eq!(by_body.columns().collect::<Vec<_>>(), ["body", "n"]);
    assert_eq!(by_body.parts[0].prefix, Some(10));
    assert!(by_body.nullable() && !by_body.plain() && !by_body.functional());
    assert!(by_lower.functional() && by_lower.nullable());
    assert_eq!(by_lower.parts[0].expression.as_deref(), Some("lower(`name`)"));
    assert!(by_n.plain() && !by_n.nullable());
    Ok(())
}

#[tokio::test]
async fn foreign_keys_are_known_to_both_of_their_tables() -> Result<()> {
    let (database, tables) = tables(
        "keys",
        &[
            "CREATE TABLE parent (x INT NOT NULL, y INT NOT NULL, PRIMARY KEY (x, y))",
            "CREATE TABLE child (id INT PRIMARY KEY, py INT, px INT,
                CONSTRAINT up FOREIGN KEY (px, py) REFERENCES parent (x, y) ON DELETE CASCADE ON UPDATE SET NULL)",
            "CREATE TABLE self (id INT PRIMARY KEY, boss INT, CONSTRAINT boss FOREIGN KEY (boss) REFERENCES self (id))",
        ],
    )
    .await?;
    let up = ForeignKey {
        name: "up".into(),
        child: TableName::new(&database, "child"),
        child_columns: vec!["px".into(), "py".into()],
        parent: TableName::new(&database, "parent"),
        parent_columns: vec!["x".into(), "y".into()],
        on_update: Rule::SetNull,
        on_delete: Rule::Cascade,
    };
    let [child, parent, own] = tables.as_slice() else { panic!("three tables") };
    assert_eq!(child.foreign_keys, from_ref(&up));
    assert!(child.referenced_by.is_empty());
    assert_eq!(parent.referenced_by, from_ref(&up));
    assert!(parent.foreign_keys.is_empty());
    assert_eq!(own.foreign_keys, own.referenced_by);
    assert_eq!(own.foreign_keys[0].on_delete, Rule::NoAction);

    let server = Lab::shared().mysql().await?;
    let other = server.database("keys_other").await?;
    server
        .run([format!(
            "CREATE TABLE `{other}`.t (id INT PRIMARY KEY, FOREIGN KEY (id, id) REFERENCES `{database}`.parent (x, y))"
        )])
        .await
        .expect_err("a column may not be named twice");
    server
        .run([format!(
            "CREATE TABLE `{other}`.t (x INT, y INT, FOREIGN KEY (x, y) REFERENCES `{database}`.parent (x, y))"
        )])
        .await?;
    let mut conn = connect(&options(server)).await?;
    let parent = read_table(&mut conn, &parent.name).await?.context("it is there")?;
    let children: Vec<String> = parent.referenced_by.iter().map(|key| key.child.to_string()).collect();
    assert_eq!(
        children,
        [format!("{database}.child"), format!("{other}.t")],
        "children of other databases as well"
    );
    Ok(())
}

#[tokio::test]
async fn triggers_and_events_come_with_their_text() -> Result<()> {
    let (database, tables) = tables(
        "triggers",
        &[
            "CREATE TABLE t (id INT PRIMARY KEY)",
            "CREATE TRIGGER second BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id",
            "CREATE TRIGGER first BEFORE INSERT ON t FOR EACH ROW PRECEDES second SET @a = 'x;y'",
            "CREATE TRIGGER gone AFTER DELETE ON t FOR EACH ROW BEGIN SET @b = 1; END",
            "CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM t",
            "CREATE EVENT off ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM t",
        ],
    )
    .await?;
    let table = only(tables)?;
    let seen: Vec<_> =
        table.triggers.iter().map(|t| (t.name.as_str(), t.timing, t.event, t.body.as_str())).collect();
    let of = |name| seen.iter().find(|trigger| trigger.0 == name).copied();
    assert_eq!(
        of("gone"),
        Some(("gone", TriggerTiming::After, TriggerEvent::Delete, "BEGIN SET @b = 1; END"))
    );
    assert_eq!(of("first"), Some(("first", TriggerTiming::Before, TriggerEvent::Insert, "SET @a = 'x;y'")));
    let position = |name| seen.iter().position(|trigger| trigger.0 == name);
    assert!(position("first") < position("second"), "in the order in which they fire");
    assert!(table.triggers[0].sql_mode.contains("STRICT_TRANS_TABLES"));
    assert_eq!(table.triggers[0].definer.split('@').next(), Some("root"));

    let mut conn = connect(&options(Lab::shared().mysql().await?)).await?;
    let events = read_events(&mut conn, from_ref(&database)).await?;
    assert_eq!(events.len(), 1, "only what is enabled");
    assert_eq!((events[0].name.as_str(), events[0].body.as_str()), ("nightly", "DELETE FROM t"));
    Ok(())
}

#[tokio::test]
async fn tables_are_found_by_exactly_their_name() -> Result<()> {
    let (database, tables) = tables(
        "names",
        &[
            "CREATE TABLE `Odd ``name's\\\\` (id INT)",
            "CREATE TABLE upper (id INT)",
            "CREATE TABLE UPPER (id INT)",
            "CREATE TABLE plain (id INT) ENGINE = MyISAM",
            "CREATE VIEW v AS SELECT 1",
        ],
    )
    .await?;
    let names: Vec<&str> = tables.iter().map(|table| table.name.table.as_str()).collect();
    assert_eq!(names, ["Odd `name's\\\\", "UPPER", "plain", "upper"], "a view is no table");
    assert!(!tables[2].transactional);
    assert_eq!(tables[2].primary_key, None);

    let mut conn = connect(&options(Lab::shared().mysql().await?)).await?;
    let found = read_table(&mut conn, &TableName::new(&database, "upper")).await?.context("it is there")?;
    assert_eq!(found.name.table, "upper");
    assert_eq!(read_table(&mut conn, &TableName::new(&database, "absent")).await?, None);
    assert_eq!(read_table(&mut conn, &TableName::new("absent", "t")).await?, None);
    assert!(list_tables(&mut conn, &[]).await?.iter().all(|name| name.database != "mysql"));
    Ok(())
}

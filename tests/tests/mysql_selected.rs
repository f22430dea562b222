//! A table that is read by SELECT looks like the same table in the log: its shape, and every value of its rows.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{Lab, MySql};
use strait_mysql::{
    binlog::{Framer, Step, TableMap, expand},
    catalog::TableName,
    client::Queryable,
    jsonb,
    server::{ServerOptions, Session, connect, connect_session, read_facts},
    snapshot::{SelectedRow, key_values, read_shape},
    stream::{BinlogStream, StartAt},
    value::ColumnValue,
};

const PATIENT: Duration = Duration::from_secs(20);

/// Every type with its edges; NULLs are added.
const COLUMNS: &[(&str, &[&str])] = &[
    ("TINYINT", &["-128", "127", "0"]),
    ("TINYINT UNSIGNED", &["255"]),
    ("SMALLINT", &["-32768"]),
    ("SMALLINT UNSIGNED ZEROFILL", &["65535"]),
    ("MEDIUMINT", &["-8388608", "-1"]),
    ("MEDIUMINT UNSIGNED", &["16777215"]),
    ("INT", &["-2147483648"]),
    ("INT UNSIGNED", &["4294967295"]),
    ("BIGINT", &["-9223372036854775808", "9223372036854775807"]),
    ("BIGINT UNSIGNED", &["18446744073709551615", "1"]),
    ("BOOLEAN", &["TRUE"]),
    ("FLOAT", &["1.1", "-0e0", "3.4028234e38", "1e-45"]),
    ("DOUBLE", &["1.1e0", "-0e0", "1.7976931348623157e308", "5e-324"]),
    ("DECIMAL(65,30)", &["-12345678901234567890123456789012345.123456789012345678901234567890", "0.1"]),
    ("DECIMAL(5,5)", &["0.00001", "-0.99999"]),
    ("DECIMAL(9)", &["-999999999"]),
    ("DATE", &["'2024-02-29'", "'0000-00-00'", "'2024-00-00'", "'9999-12-31'", "'0000-01-01'"]),
    ("DATETIME", &["'9999-12-31 23:59:59'", "'0000-00-00 00:00:00'", "'2024-02-00 01:02:03'"]),
    ("DATETIME(6)", &["'2024-02-29 01:02:03.000001'"]),
    ("DATETIME(1)", &["'1000-01-01 00:00:00.9'"]),
    ("TIMESTAMP NULL", &["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "0"]),
    ("TIMESTAMP(4) NULL", &["'2024-02-29 01:02:03.0004'"]),
    ("TIME", &["'-838:59:59'", "'838:59:59'", "'00:00:00'"]),
    ("TIME(3)", &["'-00:00:00.001'", "'100:00:00.5'"]),
    ("YEAR", &["0", "1901", "2155"]),
    ("BIT(1)", &["1", "0"]),
    ("BIT(64)", &["x'fedcba9876543210'"]),
    ("BIT(10)", &["513"]),
    ("ENUM('a','b,c','it''s','')", &["'it''s'", "''", "0", "2"]),
    ("SET('x','y','z')", &["'x,z'", "''"]),
    ("CHAR(10)", &["'a'", "'ä€😀'", "''"]),
    ("CHAR(4) CHARACTER SET latin1", &["'ÄÖ'"]),
    ("VARCHAR(20) CHARACTER SET utf16", &["'a€'"]),
    ("VARCHAR(300) COLLATE utf8mb4_bin", &["'x  '", "REPEAT('y', 300)"]),
    ("BINARY(6)", &["x'00ff'", "x''"]),
    ("VARBINARY(6)", &["x'00ff0000'", "x''"]),
    ("TINYTEXT", &["'t'"]),
    ("TEXT CHARACTER SET sjis", &["'あ'"]),
    ("MEDIUMTEXT", &["''"]),
    ("LONGTEXT", &["REPEAT('l', 70000)"]),
    ("TINYBLOB", &["x'00'"]),
    ("BLOB", &["x'ff'"]),
    ("MEDIUMBLOB", &["x'fe'"]),
    ("LONGBLOB", &["REPEAT(x'fd', 70000)"]),
    ("JSON", &["'{\"a\": [1, 2.5, null, true, \"ä\"]}'", "'[]'", "'\"x\"'", "'-5'"]),
    ("GEOMETRY", &["ST_GeomFromText('LINESTRING(0 0,1 1)', 4326)"]),
    ("POINT SRID 0", &["POINT(1, -2.5)"]),
    ("POLYGON", &["ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')"]),
    ("GEOMETRYCOLLECTION", &["ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1))')"]),
    ("VECTOR(3)", &["STRING_TO_VECTOR('[1,-2.5,3e10]')"]),
    ("INT INVISIBLE", &["5"]),
];

fn options(server: &MySql) -> ServerOptions {
    ServerOptions::new(server.host(), server.port(), server.user())
}

/// Text and binary JSON of one document are the same value.
fn same(logged: &ColumnValue<'_>, selected: &ColumnValue<'_>) -> Result<bool> {
    Ok(match (logged, selected) {
        (ColumnValue::Json(bytes), ColumnValue::JsonText(text)) => {
            let mut printed = String::new();
            jsonb::to_text(bytes, &mut printed)?;
            printed == *text
        }
        (ColumnValue::Json(a), ColumnValue::Json(b)) => {
            let (mut logged, mut selected) = (String::new(), String::new());
            jsonb::to_expression(a, &mut logged)?;
            jsonb::to_expression(b, &mut selected)?;
            logged == selected
        }
        (ColumnValue::Binary(a), ColumnValue::Binary(b)) => a.to_bytes() == b.to_bytes(),
        (ColumnValue::Float(a), ColumnValue::Float(b)) => a.to_bits() == b.to_bits(),
        (ColumnValue::Double(a), ColumnValue::Double(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    })
}

#[tokio::test]
async fn shape_and_values_are_those_of_the_log() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let database = server.database("selected").await?;
    let mut conn = server.conn_to(&database).await?;
    conn.query_drop(
        "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES', time_zone = '+00:00'",
    )
    .await?;
    let columns: Vec<String> =
        COLUMNS.iter().enumerate().map(|(at, (ty, _))| format!("c{at} {ty}")).collect();
    conn.query_drop(format!(
        "CREATE TABLE t (id INT AUTO_INCREMENT, k VARCHAR(9) COLLATE utf8mb4_bin, {}, made INT AS (LENGTH(k) + 1) VIRTUAL, \
         PRIMARY KEY (k, id), KEY (id))",
        columns.join(", ")
    ))
    .await?;
    let start = StartAt::Gtid(read_facts(&mut connect(&options(server)).await?).await?.executed()?);
    let mut rows = 0;
    let most = COLUMNS.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    for row in 0..=most {
        let names: Vec<String> = (0..COLUMNS.len()).map(|at| format!("c{at}")).collect();
        let values: Vec<&str> =
            COLUMNS.iter().map(|(_, values)| *values.get(row).unwrap_or(&"NULL")).collect();
        conn.query_drop(format!("INSERT INTO t (k, {}) VALUES ('k', {})", names.join(","), values.join(",")))
            .await?;
        rows += 1;
    }

    let session = Session {
        setup: vec!["SET SESSION character_set_results = NULL, time_zone = '+00:00'".into()],
        ..Session::default()
    };
    let mut reader = connect_session(&options(server), &session).await?;
    let name = TableName::new(&database, "t");
    let shape = read_shape(&mut reader, &name).await?.context("the table is there")?;
    let mut selected = Vec::new();
    let mut above = None;
    // In chunks of two rows: a bound is a value that comes back as the same key.
    loop {
        let sql = shape.chunk(above.as_deref(), None, 2);
        let chunk: Vec<strait_mysql::client::Row> = reader.exec(sql, ()).await?;
        let Some(last) = chunk.len().checked_sub(1) else { break };
        for (at, row) in chunk.into_iter().enumerate() {
            let row = SelectedRow::new(&shape.map.columns, row)?;
            if at == last {
                let mut values = Vec::new();
                row.values(&shape.map.columns, &mut values)?;
                above = Some(key_values(&shape.map.columns, &shape.key, &values).context("a key")?);
            }
            selected.push(row);
        }
    }
    ensure!(selected.len() == rows, "{} of {rows} rows", selected.len());

    let mut stream = BinlogStream::open(&options(server), 3_100_000_000, &start, PATIENT).await?;
    let mut framer = Framer::new("", 0);
    let mut seen = 0;
    while seen < rows {
        for event in expand(stream.next().await?) {
            let event = event?;
            let Step::Rows { table, rows: images, .. } = framer.step(&event)? else { continue };
            if table.database != database {
                continue;
            }
            compare_shape(&table, &shape.map)?;
            let mut images = images.rows(&table)?;
            let (mut before, mut after) = (Vec::new(), Vec::new());
            while images.next(&mut before, &mut after)? {
                let mut values = Vec::new();
                selected[seen].values(&shape.map.columns, &mut values)?;
                for ((column, logged), selected) in table.columns.iter().zip(&after).zip(&values) {
                    ensure!(
                        same(logged, selected)?,
                        "{column:?}: {logged:?} in the log, {selected:?} by SELECT"
                    );
                }
                assert_eq!(
                    key_values(&table.columns, &shape.key, &after),
                    key_values(&table.columns, &shape.key, &values)
                );
                seen += 1;
            }
        }
    }
    Ok(())
}

fn compare_shape(logged: &TableMap, read: &TableMap) -> Result<()> {
    for (logged, read) in logged.columns.iter().zip(&read.columns) {
        ensure!(logged == read, "{logged:?} in the log, {read:?} read");
    }
    assert_eq!(logged.columns.len(), read.columns.len());
    assert_eq!(logged.primary_key, read.primary_key);
    Ok(())
}

/// Where there is no primary key the server names a unique key, and so do we, the same one.
#[tokio::test]
async fn the_key_is_the_one_that_the_log_names() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let database = server.database("keyed").await?;
    let mut conn = server.conn_to(&database).await?;
    let tables = [
        ("a", "a INT NULL UNIQUE, b INT NOT NULL, c INT NOT NULL, UNIQUE z (c, b), UNIQUE y (b)"),
        ("b", "a INT NOT NULL, b INT NOT NULL, UNIQUE y (b), UNIQUE z (a)"),
        ("c", "a VARCHAR(20), b INT, PRIMARY KEY (a(5), b)"),
        ("d", "a INT NULL UNIQUE, b INT"),
        ("e", "b INT NOT NULL, a VARCHAR(20) NOT NULL, UNIQUE (a(3)), UNIQUE (b)"),
    ];
    let mut reader = connect(&options(server)).await?;
    for (name, definition) in tables {
        conn.query_drop(format!("CREATE TABLE {name} ({definition})")).await?;
        let start = StartAt::Gtid(read_facts(&mut reader).await?.executed()?);
        conn.query_drop(format!("INSERT INTO {name} SET a = 1, b = 1")).await.or_else(|error| {
            // A column without a default.
            if name == "a" { Ok(()) } else { Err(error) }
        })?;
        if name == "a" {
            conn.query_drop("INSERT INTO a VALUES (1, 1, 1)").await?;
        }
        let shape = read_shape(&mut reader, &TableName::new(&database, name)).await?.context("a shape")?;
        let mut stream = BinlogStream::open(&options(server), 3_100_000_001, &start, PATIENT).await?;
        let mut framer = Framer::new("", 0);
        'logged: loop {
            for event in expand(stream.next().await?) {
                let event = event?;
                if let Step::Rows { table, .. } = framer.step(&event)?
                    && table.database == database
                {
                    assert_eq!(table.primary_key, shape.map.primary_key, "{name} ({definition})");
                    break 'logged;
                }
            }
        }
        let whole = !shape.key.is_empty();
        assert_eq!(whole, matches!(name, "a" | "b" | "e"), "{name}: {:?}", shape.map.primary_key);
    }
    Ok(())
}

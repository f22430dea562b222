//! Every value that MySQL can hold is written to the bit, found again by its image, and changed and deleted in
//! each form; judged by the server itself.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use e2e::{Lab, MySql};
use mysql_async::{Conn, prelude::Queryable};
use strait_mysql::{
    catalog::{TableName, read_table},
    server::{ServerOptions, connect_session},
};
use strait_schemas::{Column, Kind, SourceType, TableSchema};
use strait_sink::{
    apply::{Form, Work, session},
    datum::Datum,
    merge::PartitionId,
    plan::{Batch, Change, Operation, Places, RecordAt, Stage},
    sql::{Dialect, SqlBatch},
    table_map::{Mapping, Target},
};

fn text(text: &str) -> Datum {
    Datum::Text(Bytes::copy_from_slice(text.as_bytes()))
}

fn literal(text: &'static str) -> Datum {
    Datum::Literal(Bytes::from_static(text.as_bytes()))
}

fn decimal(unscaled: i128, scale: u8) -> Datum {
    Datum::Decimal { unscaled: Bytes::copy_from_slice(&unscaled.to_be_bytes()), scale }
}

struct Case {
    definition: &'static str,
    kind: Kind,
    value: Datum,
    /// The same value, as an independent SQL expression.
    truth: String,
}

fn case(definition: &'static str, kind: Kind, value: Datum, truth: &str) -> Case {
    Case { definition, kind, value, truth: truth.to_owned() }
}

fn numbers() -> Vec<Case> {
    let decimal_kind = |scale| Kind::Decimal { precision: 65, scale };
    vec![
        case("BIGINT UNSIGNED", Kind::Int64, Datum::UInt(u64::MAX), "18446744073709551615"),
        case("BIGINT", Kind::Int64, Datum::Int(i64::MIN), "-9223372036854775808"),
        case("TINYINT(1)", Kind::Boolean, Datum::Int(1), "1"),
        case("DECIMAL(65,30)", decimal_kind(30), decimal(-1, 30), "-0.000000000000000000000000000001"),
        case(
            "DECIMAL(38,2)",
            decimal_kind(2),
            decimal(i128::MAX / 100, 2),
            "17014118346046923173168730371588410.57",
        ),
        case("FLOAT", Kind::Float32, Datum::Float(0.1), "0.1"),
        case("FLOAT", Kind::Float32, Datum::Float(f32::MAX), "3.4028234663852886e38"),
        case("FLOAT", Kind::Float32, Datum::Float(f32::from_bits(1)), "1.401298464324817e-45"),
        case("FLOAT", Kind::Float32, Datum::Float(-0.0), "-0e0"),
        case("DOUBLE", Kind::Float64, Datum::Double(f64::from_bits(1)), "5e-324"),
        case("DOUBLE", Kind::Float64, Datum::Double(f64::MAX), "1.7976931348623157e308"),
        case("DOUBLE", Kind::Float64, Datum::Double(0.1 + 0.2), "0.30000000000000004e0"),
        case("DOUBLE", Kind::Float64, Datum::Double(-0.0), "-0e0"),
        case("BIT(64)", Kind::Bits { length: 64 }, Datum::UInt(u64::MAX - 1), "18446744073709551614"),
        case("BIT(1)", Kind::Boolean, Datum::Int(1), "b'1'"),
        case("YEAR", Kind::Year, Datum::Int(0), "0000"),
        case("YEAR", Kind::Year, Datum::Int(2155), "2155"),
    ]
}

fn times() -> Vec<Case> {
    vec![
        case("DATE", Kind::Date, Datum::Date(2_932_896), "'9999-12-31'"),
        case("DATE", Kind::Date, Datum::Date(-719_162), "'0001-01-01'"),
        case("DATE", Kind::Date, literal("0000-00-00"), "'0000-00-00'"),
        case("DATE", Kind::Date, literal("2024-00-15"), "'2024-00-15'"),
        case("DATE", Kind::Date, literal("2023-02-31"), "'2023-02-31'"),
        case("TIME(6)", Kind::MicroTime, Datum::Time(-3_020_399_000_000), "'-838:59:59'"),
        case("TIME(6)", Kind::MicroTime, Datum::Time(0), "0"),
        case("TIME(6)", Kind::MicroTime, Datum::Time(-1), "'-00:00:00.000001'"),
        case(
            "DATETIME(6)",
            Kind::MicroTimestamp,
            Datum::DateTime(253_402_300_799_999_999),
            "'9999-12-31 23:59:59.999999'",
        ),
        case(
            "DATETIME(3)",
            Kind::Timestamp,
            Datum::DateTime(-62_135_596_800_000_000 + 1000),
            "'0001-01-01 00:00:00.001'",
        ),
        case("DATETIME", Kind::Timestamp, literal("0000-00-00 00:00:00"), "'0000-00-00'"),
        case(
            "TIMESTAMP(6)",
            Kind::ZonedTimestamp,
            Datum::DateTime(2_147_483_647_999_999),
            "'2038-01-19 03:14:07.999999'",
        ),
        case("TIMESTAMP", Kind::ZonedTimestamp, literal("0000-00-00 00:00:00"), "0"),
    ]
}

fn bytes_and_text() -> Vec<Case> {
    let all: Vec<u8> = (0..=255).collect();
    let hex: String = all.iter().map(|byte| format!("{byte:02x}")).collect();
    let quotes = "it's \\ \"q\" `b` \0 \n % _ 😀 '' ;--";
    let of_quotes: String = quotes.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![
        case("VARBINARY(300)", Kind::Bytes, Datum::Binary(all.clone().into()), &format!("x'{hex}'")),
        case("LONGBLOB", Kind::Bytes, Datum::Binary(Bytes::from_static(b"'\\'")), "x'275c27'"),
        case("BINARY(4)", Kind::Bytes, Datum::Binary(Bytes::from_static(b"a\0\0\0")), "x'61000000'"),
        case(
            "VARCHAR(100) CHARACTER SET utf8mb4",
            Kind::Text,
            text(quotes),
            &format!("_utf8mb4 x'{of_quotes}'"),
        ),
        case("VARCHAR(10)", Kind::Text, text(""), "''"),
        case("CHAR(10)", Kind::Text, text("Zoë"), "'Zoë'"),
        case("VARCHAR(10)", Kind::Text, text("a  "), "'a  '"),
        case("VARCHAR(10) CHARACTER SET latin1", Kind::Text, text("é€"), "_latin1 x'e980'"),
        case(
            "VARCHAR(10) CHARACTER SET gbk",
            Kind::Text,
            Datum::Raw(Bytes::from_static(b"\xc4\xe3\x61")),
            "_gbk x'c4e361'",
        ),
        case("TEXT CHARACTER SET utf16", Kind::Text, text("你'好"), "'你''好'"),
        case("ENUM('a','it''s','2')", Kind::Enum { allowed: String::new() }, text("it's"), "2"),
        case("ENUM('a','it''s','2')", Kind::Enum { allowed: String::new() }, text("2"), "3"),
        case("SET('a','b','c')", Kind::EnumSet { allowed: String::new() }, text("a,b"), "3"),
        case("SET('a','b','c')", Kind::EnumSet { allowed: String::new() }, Datum::Index(5), "5"),
        case(
            "JSON",
            Kind::Json,
            Datum::Json(Bytes::from_static(br#"{"a": [1, 2.5, "it's \\ \""], "b": null}"#)),
            r#"'{"a": [1, 2.5, "it''s \\ \""], "b": null}'"#,
        ),
        case(
            "POINT SRID 4326",
            Kind::Point,
            Datum::Binary(point()),
            "ST_GeomFromText('POINT(1 2)', 4326, 'axis-order=long-lat')",
        ),
        case(
            "VECTOR(3)",
            Kind::FloatVector,
            Datum::Binary([1f32, -0.5, 3e9].iter().flat_map(|f| f.to_le_bytes()).collect()),
            "STRING_TO_VECTOR('[1,-0.5,3e9]')",
        ),
    ]
}

fn point() -> Bytes {
    let mut bytes = 4326u32.to_le_bytes().to_vec();
    bytes.extend_from_slice(&[1, 1, 0, 0, 0]);
    bytes.extend_from_slice(&1f64.to_le_bytes());
    bytes.extend_from_slice(&2f64.to_le_bytes());
    bytes.into()
}

/// A table with one column for each case, once keyed and once not, and the truth beside it.
struct Scene {
    server: &'static MySql,
    database: String,
    conn: Conn,
    cases: Vec<Case>,
}

impl Scene {
    async fn new(cases: Vec<Case>) -> Result<Self> {
        let server = Lab::shared().mysql().await?;
        let database = server.database("values").await?;
        let options = ServerOptions::new(server.host(), server.port(), server.user());
        let mut conn = connect_session(&options, &session(5)).await?;
        conn.query_drop(format!("USE `{database}`")).await?;
        let columns: Vec<String> =
            cases.iter().enumerate().map(|(at, case)| format!("c{at} {}", case.definition)).collect();
        for (table, key) in [("keyed", "PRIMARY KEY"), ("unkeyed", ""), ("truth", "")] {
            conn.query_drop(format!("CREATE TABLE {table} (id INT {key}, {})", columns.join(", "))).await?;
        }
        let truths: Vec<&str> = cases.iter().map(|case| case.truth.as_str()).collect();
        conn.query_drop(format!("INSERT INTO truth VALUES (1, {})", truths.join(", "))).await?;
        Ok(Self { server, database, conn, cases })
    }

    async fn mapping(&mut self, table: &str) -> Result<Arc<Mapping>> {
        let name = TableName::new(&self.database, table);
        let options = ServerOptions::new(self.server.host(), self.server.port(), self.server.user());
        let mut conn = strait_mysql::server::connect(&options).await?;
        let found = read_table(&mut conn, &name).await?.context("the table")?;
        let column = |name: String, kind: Kind| Column {
            name,
            kind,
            optional: true,
            source_type: SourceType::default(),
        };
        let mut columns = vec![column("id".into(), Kind::Int32)];
        columns.extend(
            self.cases.iter().enumerate().map(|(at, case)| column(format!("c{at}"), case.kind.clone())),
        );
        let schema = TableSchema {
            prefix: "p".into(),
            database: self.database.clone(),
            table: table.into(),
            columns,
            key: Vec::new(),
        };
        let target = Arc::new(Target::new(found, &[], &[]));
        let names: Vec<String> = schema.columns.iter().map(|column| column.name.clone()).collect();
        Ok(Arc::new(Mapping::new(&schema, &names, target).map_err(|refused| anyhow::anyhow!("{refused:?}"))?))
    }

    fn row(&self, id: i64) -> Box<[Datum]> {
        std::iter::once(Datum::Int(id)).chain(self.cases.iter().map(|case| case.value.clone())).collect()
    }

    fn nulls(&self, id: i64) -> Box<[Datum]> {
        std::iter::once(Datum::Int(id)).chain(self.cases.iter().map(|_| Datum::Null)).collect()
    }

    /// Executes changes; each statement must match as many rows as it should.
    async fn apply(&mut self, form: Form, changes: Vec<Change>) -> Result<()> {
        let batch = Batch { changes, places: Places::default(), fold: form == Form::Folded };
        let work = SqlBatch { batch, dialect: Dialect::Mysql, packet_bytes: 1 << 26 };
        for statement in work.statements(form)? {
            let sql = String::from_utf8_lossy(&statement.sql).into_owned();
            self.conn.query_drop(statement.sql).await.with_context(|| sql.clone())?;
            let matched = self.conn.affected_rows();
            ensure!(matched >= 1, "{sql}\nmatched nothing");
            if let Some(invalid) = &statement.invalid {
                let warned: Vec<(String, u16, String)> = self.conn.query("SHOW WARNINGS").await?;
                let expected = |text: &str| invalid.iter().any(|name| text.contains(&format!("'{name}'")));
                ensure!(
                    warned.iter().all(|(_, number, text)| *number == 1265 && expected(text)),
                    "{sql}\n{warned:?}"
                );
            }
        }
        Ok(())
    }

    /// The server's own view of where a table differs from the truth.
    async fn compare(&mut self, table: &str) -> Result<()> {
        for (at, case) in self.cases.iter().enumerate() {
            let shown = match case.kind {
                Kind::Float32 | Kind::Float64 => format!("CAST(CAST(c{at} AS DOUBLE) AS CHAR)"),
                Kind::Bits { .. } | Kind::Boolean => format!("CAST(c{at} + 0 AS CHAR)"),
                Kind::Text
                | Kind::Bytes
                | Kind::Enum { .. }
                | Kind::EnumSet { .. }
                | Kind::Json
                | Kind::Point
                | Kind::FloatVector => format!("HEX(c{at})"),
                _ => format!("CAST(c{at} AS CHAR)"),
            };
            let of = |table: &str| format!("SELECT {shown} FROM {table} WHERE id = 1");
            let found: Option<Option<String>> = self.conn.query_first(of(table)).await?;
            let truth: Option<Option<String>> = self.conn.query_first(of("truth")).await?;
            ensure!(
                matches!(found, Some(Some(_))) && found == truth,
                "{} {:?}: {found:?}, not {truth:?}",
                case.definition,
                case.value
            );
        }
        Ok(())
    }

    async fn count(&mut self, table: &str) -> Result<u64> {
        Ok(self.conn.query_first(format!("SELECT COUNT(*) FROM {table}")).await?.unwrap_or(0))
    }
}

fn change(
    mapping: &Arc<Mapping>,
    operation: Operation,
    before: Option<Box<[Datum]>>,
    after: Option<Box<[Datum]>>,
) -> Change {
    let at = RecordAt { partition: PartitionId(0), offset: 0, index: 0, transaction: 0 };
    Change {
        mapping: mapping.clone(),
        operation,
        before,
        after,
        flags: 0x10,
        stage: Stage::Steady,
        partial_log: false,
        at,
    }
}

/// Insert, update to nothing and back, and delete, by key and by image.
async fn survive(cases: Vec<Case>) -> Result<()> {
    let mut scene = Scene::new(cases).await?;
    for table in ["keyed", "unkeyed"] {
        let mapping = scene.mapping(table).await?;
        for form in [Form::Folded, Form::Original] {
            let (row, nulls) = (scene.row(1), scene.nulls(1));
            let insert = change(&mapping, Operation::Insert, None, Some(row.clone()));
            scene.apply(form, vec![insert]).await?;
            scene.compare(table).await?;
            let other = change(&mapping, Operation::Insert, None, Some(scene.row(2)));
            scene.apply(form, vec![other]).await?;
            let out = change(&mapping, Operation::Update, Some(row.clone()), Some(nulls.clone()));
            scene.apply(form, vec![out]).await?;
            let back = change(&mapping, Operation::Update, Some(nulls), Some(row.clone()));
            scene.apply(form, vec![back]).await?;
            scene.compare(table).await?;
            scene.apply(form, vec![change(&mapping, Operation::Delete, Some(row), None)]).await?;
            assert_eq!(scene.count(table).await?, 1, "the other row stays");
            let other = scene.row(2);
            scene.apply(form, vec![change(&mapping, Operation::Delete, Some(other), None)]).await?;
            assert_eq!(scene.count(table).await?, 0);
        }
    }
    Ok(())
}

/// As a part of the primary key each value is found, also where it is the only one in a list.
async fn lead(cases: Vec<Case>) -> Result<()> {
    for case in cases {
        if ["JSON", "BLOB", "TEXT", "POINT", "VECTOR"].iter().any(|none| case.definition.contains(none)) {
            continue;
        }
        let mut scene = Scene::new(vec![case]).await?;
        let definition = scene.cases[0].definition;
        let table = format!("CREATE TABLE by_value (id INT, c0 {definition} NOT NULL, PRIMARY KEY (c0, id))");
        scene.conn.query_drop(table).await?;
        let mapping = scene.mapping("by_value").await?;
        for form in [Form::Folded, Form::Original] {
            let (row, other) = (scene.row(1), scene.row(2));
            let insert = |row| change(&mapping, Operation::Insert, None, Some(row));
            scene.apply(form, vec![insert(row.clone()), insert(other.clone())]).await?;
            scene.apply(form, vec![change(&mapping, Operation::Delete, Some(row), None)]).await?;
            let moved = change(&mapping, Operation::Update, Some(other), Some(scene.row(3)));
            scene.apply(form, vec![moved]).await?;
            let found: Vec<i64> = scene.conn.query("SELECT id FROM by_value").await?;
            assert_eq!(found, [3], "{definition}");
            scene.apply(form, vec![change(&mapping, Operation::Delete, Some(scene.row(3)), None)]).await?;
            assert_eq!(scene.count("by_value").await?, 0, "{definition}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn rows_are_found_by_keys_of_every_kind() -> Result<()> {
    lead(numbers()).await?;
    lead(times()).await?;
    lead(bytes_and_text()).await?;
    let odd = "VARCHAR(10) CHARACTER SET latin1 COLLATE latin1_german2_ci";
    lead(vec![case(odd, Kind::Text, text("ß"), "'ß'")]).await
}

#[tokio::test]
async fn numbers_arrive_to_the_bit() -> Result<()> {
    survive(numbers()).await
}

#[tokio::test]
async fn dates_and_times_arrive_the_impossible_ones_too() -> Result<()> {
    survive(times()).await
}

#[tokio::test]
async fn bytes_and_text_arrive_as_they_are() -> Result<()> {
    survive(bytes_and_text()).await
}

/// Strict sessions refuse the invalid value of an ENUM; a row that has one is written with the strict mode off,
/// and only it.
#[tokio::test]
async fn the_invalid_value_of_an_enum_arrives() -> Result<()> {
    let kind = Kind::Enum { allowed: String::new() };
    let mut scene = Scene::new(vec![case("ENUM('a','b')", kind, Datum::Index(0), "NULL")]).await?;
    let mapping = scene.mapping("keyed").await?;
    for form in [Form::Folded, Form::Original] {
        let row = scene.row(1);
        scene.apply(form, vec![change(&mapping, Operation::Insert, None, Some(row.clone()))]).await?;
        let found: Option<i64> = scene.conn.query_first("SELECT c0 + 0 FROM keyed").await?;
        assert_eq!(found, Some(0));
        scene
            .apply(form, vec![change(&mapping, Operation::Update, Some(row.clone()), Some(row.clone()))])
            .await?;
        scene.apply(form, vec![change(&mapping, Operation::Delete, Some(row), None)]).await?;
    }
    let strict: Option<String> = scene.conn.query_first("SELECT @@sql_mode").await?;
    assert!(strict.unwrap_or_default().contains("STRICT_ALL_TABLES"));
    Ok(())
}

/// What `=` does not tell apart is told apart where rows are found by all of their columns.
#[tokio::test]
async fn values_that_look_alike_are_told_apart() -> Result<()> {
    let kind = Kind::Enum { allowed: String::new() };
    told_apart("ENUM('a','')", kind, [text(""), Datum::Index(0)], ["2", "0"], "c0 + 0").await?;
    let zeros = ["0", "-0"];
    told_apart("FLOAT", Kind::Float32, [0.0, -0.0].map(Datum::Float), zeros, "c0").await?;
    told_apart("DOUBLE", Kind::Float64, [0.0, -0.0].map(Datum::Double), zeros, "c0").await
}

/// `shown`: the values as the server shows this expression.
async fn told_apart(
    definition: &'static str,
    kind: Kind,
    values: [Datum; 2],
    shown: [&str; 2],
    expression: &str,
) -> Result<()> {
    let mut scene = Scene::new(vec![case(definition, kind, values[0].clone(), "NULL")]).await?;
    let mapping = scene.mapping("unkeyed").await?;
    let rows = values.map(|value| vec![Datum::Int(1), value].into_boxed_slice());
    let delete = |row: &[Datum]| change(&mapping, Operation::Delete, Some(row.into()), None);
    for first in [0, 1] {
        // The one that is not meant comes first in the table.
        let (other, gone) = (first, 1 - first);
        for row in [&rows[other], &rows[gone]] {
            scene
                .apply(Form::Original, vec![change(&mapping, Operation::Insert, None, Some(row.clone()))])
                .await?;
        }
        scene.apply(Form::Original, vec![delete(&rows[gone])]).await?;
        let found: Vec<String> =
            scene.conn.query(format!("SELECT CAST({expression} AS CHAR) FROM unkeyed")).await?;
        assert_eq!(found, [shown[other]], "{definition}");
        scene.apply(Form::Original, vec![delete(&rows[other])]).await?;
    }
    Ok(())
}

/// An array in the server's binary form: of opaque scalars, and last of the unsigned 5.
fn json_array(scalars: &[(u8, Vec<u8>)]) -> Bytes {
    let count = scalars.len() + 1;
    let mut at = 4 + 3 * count;
    let (mut entries, mut bodies) = (Vec::new(), Vec::new());
    for (field, bytes) in scalars {
        entries.push(15);
        entries.extend((at as u16).to_le_bytes());
        let body = [&[*field, bytes.len() as u8][..], bytes].concat();
        at += body.len();
        bodies.extend(body);
    }
    entries.extend([6, 5, 0]);
    let head = [&[2][..], &(count as u16).to_le_bytes(), &(at as u16).to_le_bytes()].concat();
    [head, entries, bodies].concat().into()
}

/// Read from text, a DECIMAL would be a DOUBLE, a date a STRING, an UNSIGNED INTEGER an INTEGER.
#[tokio::test]
async fn json_scalars_of_sql_types_keep_them() -> Result<()> {
    let date = (2024_i64 * 13 + 1) << 22 | 31 << 17;
    let clock = 1_i64 << 12 | 2 << 6 | 3;
    let packed = |high: i64, micros: i64| ((high << 24) + micros).to_le_bytes().to_vec();
    let moment = packed(date | clock, 500_000);
    let document = json_array(&[
        (246, vec![4, 2, 0x93, 0x5a]),
        (10, packed(date, 0)),
        (11, (-((clock << 24) + 500_000)).to_le_bytes().to_vec()),
        (12, moment.clone()),
        (7, moment),
        (15, vec![0, 0xff, b'\'']),
        (252, vec![0, 0xff]),
        (251, vec![0, 0xff]),
        (254, vec![0, 0xff]),
        (16, vec![5]),
    ]);
    let types = 11;
    let mut scene = Scene::new(vec![case("JSON", Kind::Json, Datum::JsonBinary(document), "NULL")]).await?;
    scene
        .conn
        .query_drop(
            "CREATE TABLE odd (a DECIMAL(4,2), b DATE, c TIME(6), d DATETIME(6), e TIMESTAMP(6), f VARBINARY(9), \
             g BLOB, h LONGBLOB, i BINARY(2), j BIT(3), k INT UNSIGNED)",
        )
        .await?;
    let moment = "'2024-01-31 01:02:03.5'";
    scene
        .conn
        .query_drop(format!(
            "INSERT INTO odd VALUES (19.90, '2024-01-31', '-01:02:03.5', {moment}, {moment}, x'00ff27', x'00ff', \
             x'00ff', x'00ff', 5, 5)"
        ))
        .await?;
    scene
        .conn
        .query_drop("UPDATE truth SET c0 = (SELECT JSON_ARRAY(a, b, c, d, e, f, g, h, i, j, k) FROM odd)")
        .await?;
    let shown: Vec<String> = (0..types).map(|at| format!("JSON_TYPE(JSON_EXTRACT(c0, '$[{at}]'))")).collect();
    let shown = format!("CONCAT_WS(' ', HEX(CAST(c0 AS CHAR)), {})", shown.join(", "));
    let truth: Option<String> =
        scene.conn.query_first(format!("SELECT {shown} FROM truth WHERE id = 1")).await?;
    let truth = truth.context("the truth")?;
    ensure!(truth.contains("DECIMAL DATE TIME DATETIME") && truth.ends_with("UNSIGNED INTEGER"), "{truth}");
    for table in ["keyed", "unkeyed"] {
        let mapping = scene.mapping(table).await?;
        for form in [Form::Folded, Form::Original] {
            let row = scene.row(1);
            scene.apply(form, vec![change(&mapping, Operation::Insert, None, Some(row.clone()))]).await?;
            let found: Option<String> =
                scene.conn.query_first(format!("SELECT {shown} FROM {table} WHERE id = 1")).await?;
            assert_eq!(found.as_ref(), Some(&truth), "{table}");
            let again = change(&mapping, Operation::Update, Some(row.clone()), Some(row.clone()));
            scene.apply(form, vec![again]).await?;
            scene.apply(form, vec![change(&mapping, Operation::Delete, Some(row), None)]).await?;
            assert_eq!(scene.count(table).await?, 0);
        }
    }
    Ok(())
}

//! Random tables, rows and changes, and what an independent Avro reader must make of them.
#![allow(dead_code, reason = "each test program uses its part")]

use apache_avro::{Schema, reader::datum::GenericDatumReader, types::Value as Avro};
use proptest::{collection::vec, option, prelude::*};
use std::borrow::Cow;
use strait_schemas::{
    Change, Column, Kind, Op, Snapshot, Source, SourceType, TableSchema, TransactionBlock, Value,
};

pub fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        prop::sample::select(vec![
            Kind::Boolean,
            Kind::Int16,
            Kind::Int32,
            Kind::Int64,
            Kind::Float32,
            Kind::Float64,
            Kind::Text,
            Kind::Bytes,
            Kind::Json,
            Kind::Year,
            Kind::Date,
            Kind::MicroTime,
            Kind::Timestamp,
            Kind::MicroTimestamp,
            Kind::ZonedTimestamp,
            Kind::ConnectDate,
            Kind::ConnectTime,
            Kind::ConnectTimestamp,
            Kind::NanoTime,
            Kind::NanoTimestamp,
            Kind::IsoDate,
            Kind::IsoTime,
            Kind::IsoTimestamp,
            Kind::Point,
            Kind::Geometry,
            Kind::FloatVector,
        ]),
        (1u8..=65, any::<prop::sample::Index>()).prop_map(|(precision, scale)| Kind::Decimal {
            precision,
            scale: scale.index(31).min(precision.into()) as u8
        }),
        (2u16..=64).prop_map(|length| Kind::Bits { length }),
        "[\\PC\"\\\\]{0,12}".prop_map(|allowed| Kind::Enum { allowed }),
        "[a-z,']{0,12}".prop_map(|allowed| Kind::EnumSet { allowed }),
    ]
}

fn source_type() -> impl Strategy<Value = SourceType> {
    let named = ("[A-Z ()]{1,12}", option::of(any::<u32>()), option::of(0u32..31))
        .prop_map(|(name, length, scale)| SourceType { name, length, scale });
    prop_oneof![1 => Just(SourceType::default()), 4 => named]
}

fn column() -> impl Strategy<Value = Column> {
    let name = prop_oneof![4 => "[a-z_][a-z0-9_]{0,8}", 1 => "\\PC{1,8}"];
    (name, kind(), any::<bool>(), source_type()).prop_map(|(name, kind, optional, source_type)| Column {
        name,
        kind,
        optional,
        source_type,
    })
}

/// A table with distinct column names, and as key some of its columns.
pub fn table() -> impl Strategy<Value = TableSchema> {
    let name = || prop_oneof![4 => "[a-z_][a-z0-9_]{0,8}", 1 => "[\\PC--.]{1,8}"];
    (name(), name(), name(), vec(column(), 1..10), 0usize..4).prop_map(
        |(prefix, database, table, mut columns, keys)| {
            let mut seen = std::collections::HashSet::new();
            columns.retain(|column| seen.insert(column.name.clone()));
            let key = (0..columns.len()).rev().take(keys).collect();
            TableSchema { prefix, database, table, columns, key }
        },
    )
}

pub fn value(column: &Column) -> BoxedStrategy<Value<'static>> {
    let text = |regex: &'static str| regex.prop_map(|text| Value::Text(text.into())).boxed();
    let bytes = |size| vec(any::<u8>(), size).prop_map(|bytes| Value::Bytes(bytes.into())).boxed();
    let some = match &column.kind {
        Kind::Boolean => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Int16 => any::<i16>().prop_map(|v| Value::Int(v.into())).boxed(),
        Kind::Int32 | Kind::Year | Kind::Date | Kind::ConnectDate | Kind::ConnectTime => {
            any::<i32>().prop_map(|v| Value::Int(v.into())).boxed()
        }
        Kind::Int64
        | Kind::MicroTime
        | Kind::Timestamp
        | Kind::MicroTimestamp
        | Kind::ConnectTimestamp
        | Kind::NanoTime
        | Kind::NanoTimestamp => any::<i64>().prop_map(Value::Int).boxed(),
        Kind::Float32 => any::<f32>().prop_map(Value::Float).boxed(),
        Kind::Float64 => any::<f64>().prop_map(Value::Double).boxed(),
        Kind::Text
        | Kind::Enum { .. }
        | Kind::EnumSet { .. }
        | Kind::Json
        | Kind::ZonedTimestamp
        | Kind::IsoDate
        | Kind::IsoTime
        | Kind::IsoTimestamp => text("(?s).{0,20}"),
        Kind::Bytes | Kind::Bits { .. } => bytes(0..20),
        Kind::Decimal { .. } => bytes(1..27),
        Kind::Point => {
            (any::<f64>(), any::<f64>(), option::of(vec(any::<u8>(), 0..20)), option::of(any::<i32>()))
                .prop_map(|(x, y, wkb, srid)| Value::Point { x, y, wkb: wkb.map(Cow::Owned), srid })
                .boxed()
        }
        Kind::Geometry => (vec(any::<u8>(), 0..20), option::of(any::<i32>()))
            .prop_map(|(wkb, srid)| Value::Geometry { wkb: wkb.into(), srid })
            .boxed(),
        Kind::FloatVector => vec(any::<f32>(), 0..5).prop_map(Value::Vector).boxed(),
    };
    if column.optional { prop_oneof![1 => Just(Value::Null), 3 => some].boxed() } else { some }
}

pub fn row(table: &TableSchema) -> BoxedStrategy<Vec<Value<'static>>> {
    table.columns.iter().map(value).collect::<Vec<_>>().boxed()
}

/// A change that owns what it says.
#[derive(Debug, Clone)]
pub struct OwnedChange {
    pub before: Option<Vec<Value<'static>>>,
    pub after: Option<Vec<Value<'static>>>,
    pub op: Op,
    pub ts_us: i64,
    pub source_us: i64,
    pub snapshot: Snapshot,
    pub server_id: u32,
    pub gtid: Option<String>,
    pub file: String,
    pub pos: u64,
    pub row: u32,
    pub thread: Option<u64>,
    pub query: Option<String>,
    pub transaction: Option<(String, i64, i64)>,
}

impl OwnedChange {
    pub fn borrowed(&self) -> Change<'_> {
        Change {
            before: self.before.as_deref(),
            after: self.after.as_deref(),
            source: Source {
                ts_us: self.source_us,
                snapshot: self.snapshot,
                server_id: self.server_id,
                gtid: self.gtid.as_deref(),
                file: &self.file,
                pos: self.pos,
                row: self.row,
                thread: self.thread,
                query: self.query.as_deref(),
            },
            op: self.op,
            transaction: self.transaction.as_ref().map(|(id, total_order, data_collection_order)| {
                TransactionBlock {
                    id,
                    total_order: *total_order,
                    data_collection_order: *data_collection_order,
                }
            }),
            ts_us: self.ts_us,
        }
    }
}

const OPS: [Op; 5] = [Op::Create, Op::Update, Op::Delete, Op::Read, Op::Truncate];
const SNAPSHOTS: [Snapshot; 7] = [
    Snapshot::True,
    Snapshot::First,
    Snapshot::FirstInDataCollection,
    Snapshot::LastInDataCollection,
    Snapshot::Last,
    Snapshot::False,
    Snapshot::Incremental,
];

pub fn change(table: &TableSchema) -> impl Strategy<Value = OwnedChange> + use<> {
    // Up to the year 2200, so that nanoseconds fit.
    let time = -1_000_000_000_000_i64..7_258_118_400_000_000;
    let images = (option::of(row(table)), option::of(row(table)));
    let source = (
        (
            time.clone(),
            prop::sample::select(SNAPSHOTS.to_vec()),
            any::<u32>(),
            option::of("[0-9a-f:-]{0,40}"),
        ),
        ("\\PC{0,20}", 0..=i64::MAX as u64, 0..=i32::MAX as u32, option::of(0..=i64::MAX as u64)),
        option::of("(?s).{0,30}"),
    );
    let transaction = option::of(("\\PC{0,30}", any::<i64>(), any::<i64>()));
    (images, source, prop::sample::select(OPS.to_vec()), time, transaction).prop_map(
        |((before, after), source, op, ts_us, transaction)| {
            let ((source_us, snapshot, server_id, gtid), (file, pos, row, thread), query) = source;
            OwnedChange {
                before,
                after,
                op,
                ts_us,
                source_us,
                snapshot,
                server_id,
                gtid,
                file,
                pos,
                row,
                thread,
                query,
                transaction,
            }
        },
    )
}

pub fn table_and_change() -> impl Strategy<Value = (TableSchema, OwnedChange)> {
    table().prop_flat_map(|table| {
        let change = change(&table);
        (Just(table), change)
    })
}

/// Equal, floats by their bits (NaN is NaN, -0.0 is not 0.0).
pub fn same(a: &[Value<'_>], b: &[Value<'_>]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| match (a, b) {
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
            (Value::Vector(a), Value::Vector(b)) => {
                a.iter().map(|v| v.to_bits()).eq(b.iter().map(|v| v.to_bits()))
            }
            (
                Value::Point { x: ax, y: ay, wkb: aw, srid: asrid },
                Value::Point { x: bx, y: by, wkb: bw, srid: bsrid },
            ) => ax.to_bits() == bx.to_bits() && ay.to_bits() == by.to_bits() && aw == bw && asrid == bsrid,
            _ => a == b,
        })
}

/// What an independent reader of the key's schema must find.
pub fn expected_key(table: &TableSchema, row: &[Value<'_>]) -> Vec<Avro> {
    table.key.iter().map(|&at| expected(&table.columns[at], &row[at])).collect()
}

/// What an independent reader of the envelope's schema must find: the fields' values, names left out.
pub fn expected_envelope(table: &TableSchema, change: &OwnedChange, version: &str) -> Avro {
    let image = |row: &Option<Vec<Value<'_>>>| match row {
        None => none(),
        Some(row) => some(record(
            row.iter().zip(&table.columns).map(|(value, column)| expected(column, value)).collect(),
        )),
    };
    let text = |text: &str| Avro::String(text.to_owned());
    let long_or_null = |value: Option<i64>| value.map_or_else(none, |value| some(Avro::Long(value)));
    let source = record(vec![
        text(version),
        text("mysql"),
        text(&table.prefix),
        Avro::Long(change.source_us.div_euclid(1000)),
        Avro::Union(0, Box::new(text(change.snapshot.as_str()))),
        text(&table.database),
        none(),
        some(Avro::Long(change.source_us)),
        some(Avro::Long(change.source_us * 1000)),
        some(text(&table.table)),
        Avro::Long(change.server_id.into()),
        change.gtid.as_deref().map_or_else(none, |gtid| some(text(gtid))),
        text(&change.file),
        Avro::Long(change.pos as i64),
        Avro::Int(change.row as i32),
        long_or_null(change.thread.map(|thread| thread as i64)),
        change.query.as_deref().map_or_else(none, |query| some(text(query))),
    ]);
    let transaction = match &change.transaction {
        None => none(),
        Some((id, total, collection)) => {
            some(record(vec![text(id), Avro::Long(*total), Avro::Long(*collection)]))
        }
    };
    record(vec![
        image(&change.before),
        image(&change.after),
        source,
        transaction,
        text(change.op.as_str()),
        some(Avro::Long(change.ts_us.div_euclid(1000))),
        some(Avro::Long(change.ts_us)),
        some(Avro::Long(change.ts_us * 1000)),
    ])
}

fn none() -> Avro {
    Avro::Union(0, Box::new(Avro::Null))
}

fn some(value: Avro) -> Avro {
    Avro::Union(1, Box::new(value))
}

fn record(values: Vec<Avro>) -> Avro {
    Avro::Record(values.into_iter().map(|value| (String::new(), value)).collect())
}

fn expected(column: &Column, value: &Value<'_>) -> Avro {
    let int = |value: Option<i32>| value.map_or_else(none, |value| some(Avro::Int(value)));
    let bare = match value {
        Value::Null => return none(),
        Value::Bool(v) => Avro::Boolean(*v),
        Value::Int(v) => match column.kind {
            Kind::Int16 | Kind::Int32 | Kind::Year | Kind::Date | Kind::ConnectDate | Kind::ConnectTime => {
                Avro::Int(*v as i32)
            }
            _ => Avro::Long(*v),
        },
        Value::Float(v) => Avro::Float(*v),
        Value::Double(v) => Avro::Double(*v),
        Value::Text(v) => Avro::String(v.to_string()),
        Value::Bytes(v) => Avro::Bytes(v.to_vec()),
        Value::Point { x, y, wkb, srid } => record(vec![
            Avro::Double(*x),
            Avro::Double(*y),
            wkb.as_ref().map_or_else(none, |wkb| some(Avro::Bytes(wkb.to_vec()))),
            int(*srid),
        ]),
        Value::Geometry { wkb, srid } => record(vec![Avro::Bytes(wkb.to_vec()), int(*srid)]),
        Value::Vector(items) => Avro::Array(items.iter().map(|item| Avro::Float(*item)).collect()),
    };
    if column.optional { some(bare) } else { bare }
}

/// What apache-avro read, in the comparable form: names left out, decimals as their bytes, dates and times as their numbers.
pub fn plain(value: Avro) -> Avro {
    match value {
        Avro::Record(fields) => record(fields.into_iter().map(|(_, value)| plain(value)).collect()),
        Avro::Union(branch, value) => Avro::Union(branch, Box::new(plain(*value))),
        Avro::Array(items) => Avro::Array(items.into_iter().map(plain).collect()),
        Avro::Decimal(decimal) => Avro::Bytes(Vec::try_from(&decimal).expect("the bytes it was read from")),
        Avro::Date(number) | Avro::TimeMillis(number) => Avro::Int(number),
        Avro::TimestampMillis(number) => Avro::Long(number),
        other => other,
    }
}

/// Reads one datum as apache-avro does, and that nothing is left over.
pub fn read_avro(schema: &str, mut body: &[u8]) -> Avro {
    let schema = Schema::parse_str(schema).expect("a schema we made");
    let reader = GenericDatumReader::builder(&schema).build().expect("a schema is a plan");
    let value = reader.read_value(&mut body).expect("a body of this schema");
    assert!(body.is_empty(), "bytes are left over");
    plain(value)
}

/// NaN must equal NaN: compare what is printed.
pub fn printed(value: &Avro) -> String {
    format!("{value:?}")
}

//! Topics as Debezium's MySQL connector itself writes them: its envelope, without any header of ours, without a spine, a tombstone after
//! each delete.
//!
//! The envelopes are put together here, field by field, and not by our own encoder: what that leaves out or adds would not show.
//! The table is `t (id INT PRIMARY KEY, name VARCHAR(100), price DECIMAL(10,2), at DATETIME(6))`; without schemas its first two columns.

use std::time::Duration;

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use serde_json::{Value, json};
use strait_service::registry;

use crate::{Kafka, Registry, eventually, fresh_name};

pub const TABLE: &str =
    "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(100), price DECIMAL(10,2), at DATETIME(6))";
pub const PARTITIONS: i32 = 3;
/// When all changes were made, milliseconds since 1970.
const AT_MS: i64 = 1_700_000_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub id: i32,
    pub name: Option<&'static str>,
    /// In hundredths.
    pub price: i8,
    /// Microseconds since 1970.
    pub at: i64,
}

/// Its converter.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    Json,
    JsonWithoutSchemas,
    /// With these ids in the registry.
    Avro {
        key: u32,
        value: u32,
    },
}

pub struct Debezium {
    pub prefix: String,
    pub database: String,
    pub topic: String,
    pub form: Form,
    /// The key's column is a BIGINT from now on.
    pub long_keys: bool,
    /// The key has another column from now on (`message.key.columns`).
    pub named_keys: bool,
    producer: ThreadedProducer<DefaultProducerContext>,
}

impl Debezium {
    pub async fn new(kafka: &Kafka, database: &str, form: Form) -> Result<Self> {
        let prefix = fresh_name("dbz");
        let topic = format!("{prefix}.{database}.t");
        kafka.create_topic(&topic, PARTITIONS, &[]).await?;
        // They are there too, and hold no rows.
        kafka.create_topic(&prefix, 1, &[]).await?;
        kafka.create_topic(&format!("__debezium-heartbeat.{prefix}"), 1, &[]).await?;
        let producer = kafka.client().set("linger.ms", "1").create()?;
        Ok(Self {
            prefix,
            database: database.to_owned(),
            topic,
            form,
            long_keys: false,
            named_keys: false,
            producer,
        })
    }

    /// In Avro, its schemas registered as Confluent's converter does.
    pub async fn avro(kafka: &Kafka, registry: &Registry, database: &str) -> Result<Self> {
        let mut it = Self::new(kafka, database, Form::Json).await?;
        let config = registry::Config {
            url: strait_service::Endpoint::new(registry.url()),
            ..registry::Config::default()
        };
        let (topic, schemas) = (it.topic.clone(), [it.avro_key().to_string(), it.avro_value().to_string()]);
        let ids = tokio::task::spawn_blocking(move || {
            let registry = registry::Registry::new(&config)?;
            let key = registry.register(&format!("{topic}-key"), &schemas[0])?;
            anyhow::Ok((key, registry.register(&format!("{topic}-value"), &schemas[1])?))
        });
        let (key, value) = ids.await??;
        it.form = Form::Avro { key, value };
        Ok(it)
    }

    pub async fn read(&self, row: Row) -> Result<()> {
        self.send(row.id, Some(self.value("r", None, Some(row)))).await
    }

    pub async fn create(&self, row: Row) -> Result<()> {
        self.send(row.id, Some(self.value("c", None, Some(row)))).await
    }

    pub async fn update(&self, before: Row, after: Row) -> Result<()> {
        self.send(after.id, Some(self.value("u", Some(before), Some(after)))).await
    }

    /// The delete and its tombstone.
    pub async fn delete(&self, row: Row) -> Result<()> {
        self.send(row.id, Some(self.value("d", Some(row), None))).await?;
        self.send(row.id, None).await
    }

    /// As with `skipped.operations = none`.
    pub async fn truncate(&self) -> Result<()> {
        let value = self.value("t", None, None);
        self.produce(BaseRecord::<[u8], [u8]>::to(&self.topic).payload(&value)).await
    }

    async fn send(&self, id: i32, value: Option<Vec<u8>>) -> Result<()> {
        let key = self.key(id);
        let mut record = BaseRecord::<[u8], [u8]>::to(&self.topic).key(&key);
        if let Some(value) = &value {
            record = record.payload(value);
        }
        self.produce(record).await
    }

    async fn produce(&self, record: BaseRecord<'_, [u8], [u8]>) -> Result<()> {
        self.producer.send(record).map_err(|(error, _)| error)?;
        eventually(Duration::from_secs(20), || async {
            match self.producer.in_flight_count() {
                0 => Ok(()),
                left => Err(left),
            }
        })
        .await
    }

    fn key(&self, id: i32) -> Vec<u8> {
        match self.form {
            Form::JsonWithoutSchemas if self.named_keys => json!({"name": id.to_string()}).to_string().into(),
            Form::JsonWithoutSchemas => json!({"id": id}).to_string().into(),
            Form::Json => {
                let kind = if self.long_keys { "int64" } else { "int32" };
                let field = json!({"type": kind, "optional": false, "field": "id"});
                let name = format!("{}.{}.t.Key", self.prefix, self.database);
                let schema = json!({"type": "struct", "fields": [field], "optional": false, "name": name});
                json!({"schema": schema, "payload": {"id": id}}).to_string().into()
            }
            Form::Avro { key, .. } => {
                let mut out = framed(key);
                long(i64::from(id), &mut out);
                out
            }
        }
    }

    fn value(&self, op: &str, before: Option<Row>, after: Option<Row>) -> Vec<u8> {
        match self.form {
            Form::Json => {
                let rows = [before, after].map(|row| row.map(json_row));
                let payload = self.payload(op, rows[0].as_ref(), rows[1].as_ref());
                json!({"schema": self.json_schema(), "payload": payload}).to_string().into()
            }
            Form::JsonWithoutSchemas => {
                let row = |row: Row| json!({"id": row.id, "name": row.name});
                let rows = [before, after].map(|image| image.map(row));
                self.payload(op, rows[0].as_ref(), rows[1].as_ref()).to_string().into()
            }
            Form::Avro { value, .. } => self.avro_body(value, op, before, after),
        }
    }

    fn payload(&self, op: &str, before: Option<&Value>, after: Option<&Value>) -> Value {
        json!({
            "before": before, "after": after,
            "source": {
                "version": "3.6.0.Final", "connector": "mysql", "name": self.prefix, "ts_ms": AT_MS,
                "snapshot": if op == "r" { "true" } else { "false" }, "db": self.database, "sequence": null,
                "ts_us": AT_MS * 1000, "ts_ns": AT_MS * 1_000_000, "table": "t", "server_id": 223_344, "gtid": null,
                "file": "mysql-bin.000003", "pos": 484, "row": 0, "thread": 7, "query": null,
            },
            "transaction": null, "op": op, "ts_ms": AT_MS, "ts_us": AT_MS * 1000, "ts_ns": AT_MS * 1_000_000,
        })
    }

    fn json_schema(&self) -> Value {
        let table = format!("{}.{}.t", self.prefix, self.database);
        let row = |field: &str| {
            json!({"type": "struct", "optional": true, "name": format!("{table}.Value"), "field": field, "fields": [
                {"type": "int32", "optional": false, "field": "id"},
                {"type": "string", "optional": true, "field": "name"},
                {"type": "bytes", "optional": true, "name": "org.apache.kafka.connect.data.Decimal", "version": 1,
                    "parameters": {"scale": "2", "connect.decimal.precision": "10"}, "field": "price"},
                {"type": "int64", "optional": true, "name": "io.debezium.time.MicroTimestamp", "version": 1, "field": "at"},
            ]})
        };
        let fields = SOURCE.map(|(name, kind, optional)| {
            let kind = match kind {
                "long" => "int64",
                "int" => "int32",
                other => other,
            };
            json!({"type": kind, "optional": optional, "field": name})
        });
        let time = |name: &str| json!({"type": "int64", "optional": true, "field": name});
        json!({"type": "struct", "optional": false, "name": format!("{table}.Envelope"), "version": 2, "fields": [
            row("before"), row("after"),
            {"type": "struct", "optional": false, "name": "io.debezium.connector.mysql.Source", "version": 1,
                "field": "source", "fields": fields},
            {"type": "struct", "optional": true, "name": "event.block", "version": 1, "field": "transaction", "fields": [
                {"type": "string", "optional": false, "field": "id"},
                {"type": "int64", "optional": false, "field": "total_order"},
                {"type": "int64", "optional": false, "field": "data_collection_order"},
            ]},
            {"type": "string", "optional": false, "field": "op"}, time("ts_ms"), time("ts_us"), time("ts_ns"),
        ]})
    }

    fn namespace(&self) -> String {
        format!("{}.{}.t", self.prefix, self.database)
    }

    fn avro_key(&self) -> Value {
        let name = format!("{}.Key", self.namespace());
        json!({"type": "record", "name": "Key", "namespace": self.namespace(), "connect.name": name,
            "fields": [{"name": "id", "type": "int"}]})
    }

    fn avro_value(&self) -> Value {
        let namespace = self.namespace();
        let nullable =
            |name: &str, kind: Value| json!({"name": name, "type": ["null", kind], "default": null});
        let row = json!({"type": "record", "name": "Value", "connect.name": format!("{namespace}.Value"), "fields": [
            {"name": "id", "type": "int"},
            nullable("name", json!("string")),
            nullable("price", json!({"type": "bytes", "scale": 2, "precision": 10, "connect.version": 1, "logicalType": "decimal",
                "connect.parameters": {"scale": "2", "connect.decimal.precision": "10"},
                "connect.name": "org.apache.kafka.connect.data.Decimal"})),
            nullable("at", json!({"type": "long", "connect.version": 1,
                "connect.name": "io.debezium.time.MicroTimestamp"})),
        ]});
        let source = SOURCE.map(|(name, kind, optional)| match optional {
            true => nullable(name, json!(kind)),
            false => json!({"name": name, "type": kind}),
        });
        let block = json!({"type": "record", "name": "block", "namespace": "event", "connect.version": 1,
            "connect.name": "event.block", "fields": [{"name": "id", "type": "string"},
                {"name": "total_order", "type": "long"}, {"name": "data_collection_order", "type": "long"}]});
        json!({"type": "record", "name": "Envelope", "namespace": namespace, "connect.version": 2,
        "connect.name": format!("{namespace}.Envelope"), "fields": [
            nullable("before", row), nullable("after", json!("Value")),
            {"name": "source", "type": {"type": "record", "name": "Source",
                "namespace": "io.debezium.connector.mysql", "connect.version": 1, "fields": source,
                "connect.name": "io.debezium.connector.mysql.Source"}},
            nullable("transaction", block), {"name": "op", "type": "string"},
            nullable("ts_ms", json!("long")), nullable("ts_us", json!("long")), nullable("ts_ns", json!("long")),
        ]})
    }

    fn avro_body(&self, id: u32, op: &str, before: Option<Row>, after: Option<Row>) -> Vec<u8> {
        let mut out = framed(id);
        for row in [before, after] {
            branch(row.is_some(), &mut out);
            let Some(row) = row else { continue };
            long(row.id.into(), &mut out);
            branch(row.name.is_some(), &mut out);
            row.name.into_iter().for_each(|name| text(name, &mut out));
            branch(true, &mut out);
            long(1, &mut out);
            out.push(row.price as u8);
            branch(true, &mut out);
            long(row.at, &mut out);
        }
        let snapshot = if op == "r" { "true" } else { "false" };
        let source = self.payload(op, None, None)["source"].take();
        for (name, kind, optional) in SOURCE {
            let value = &source[name];
            if optional {
                branch(!value.is_null(), &mut out);
            }
            match value {
                Value::Null => {}
                Value::String(_) if name == "snapshot" => text(snapshot, &mut out),
                Value::String(value) => text(value, &mut out),
                value => {
                    assert_ne!(kind, "string");
                    long(value.as_i64().expect("all its numbers are"), &mut out);
                }
            }
        }
        branch(false, &mut out);
        text(op, &mut out);
        for time in [AT_MS, AT_MS * 1000, AT_MS * 1_000_000] {
            branch(true, &mut out);
            long(time, &mut out);
        }
        out
    }
}

/// Name, type in Avro, and whether it may be null.
const SOURCE: [(&str, &str, bool); 17] = [
    ("version", "string", false),
    ("connector", "string", false),
    ("name", "string", false),
    ("ts_ms", "long", false),
    ("snapshot", "string", true),
    ("db", "string", false),
    ("sequence", "string", true),
    ("ts_us", "long", true),
    ("ts_ns", "long", true),
    ("table", "string", true),
    ("server_id", "long", false),
    ("gtid", "string", true),
    ("file", "string", false),
    ("pos", "long", false),
    ("row", "int", false),
    ("thread", "long", true),
    ("query", "string", true),
];

fn json_row(row: Row) -> Value {
    json!({"id": row.id, "name": row.name, "price": STANDARD.encode(row.price.to_be_bytes()), "at": row.at})
}

fn framed(id: u32) -> Vec<u8> {
    let mut out = vec![0];
    out.extend(id.to_be_bytes());
    out
}

fn branch(there: bool, out: &mut Vec<u8>) {
    long(i64::from(there), out);
}

fn long(value: i64, out: &mut Vec<u8>) {
    let mut left = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while left >= 0x80 {
        out.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

fn text(value: &str, out: &mut Vec<u8>) {
    long(value.len() as i64, out);
    out.extend(value.as_bytes());
}

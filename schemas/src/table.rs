//! A table as the wire sees it: its columns, each with the Connect type and semantic name that it is
//! published with. One value of this type stands for one version of the table.

use crate::connect::{avro_text, json_text, names::Naming, rows};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSchema {
    /// The topic prefix, Debezium's logical server name.
    pub prefix: String,
    pub database: String,
    pub table: String,
    pub columns: Vec<Column>,
    /// Positions in `columns`, in key order; empty: the table has no key. A decoder leaves it empty: the
    /// schema of a value does not tell the key.
    pub key: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// As the server has it. Where Avro does not allow it as a name, the field gets an adjusted one and
    /// the real one travels in the parameter `__debezium.source.column.name`.
    pub name: String,
    pub kind: Kind,
    /// NULL is allowed.
    pub optional: bool,
    pub source_type: SourceType,
}

/// The exact MySQL type, published as `__debezium.source.column.type`, `.length` and `.scale`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceType {
    /// E.g. `BIGINT UNSIGNED`; empty: not told by the writer.
    pub name: String,
    pub length: Option<u32>,
    pub scale: Option<u32>,
}

impl SourceType {
    /// DECIMAL, whatever it is published as.
    pub fn is_decimal(&self) -> bool {
        self.name.starts_with("DECIMAL")
    }

    /// Bytes, whatever they are published as.
    pub fn is_binary(&self) -> bool {
        self.name.ends_with("BINARY") || self.name.ends_with("BLOB")
    }
}

/// How a column is published: this fixes the Connect type and the semantic name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Boolean,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Text,
    Bytes,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Bits {
        length: u16,
    },
    Enum {
        allowed: String,
    },
    EnumSet {
        allowed: String,
    },
    Json,
    Year,
    Date,
    MicroTime,
    Timestamp,
    MicroTimestamp,
    ZonedTimestamp,
    /// Kafka Connect's own date and times, and Debezium's others: what `time.precision.mode` chooses from.
    ConnectDate,
    ConnectTime,
    ConnectTimestamp,
    NanoTime,
    NanoTimestamp,
    IsoDate,
    IsoTime,
    IsoTimestamp,
    Point,
    Geometry,
    FloatVector,
}

impl TableSchema {
    /// The key's columns that exist: whoever builds a schema may err, no encoder may panic for it.
    pub(crate) fn key_columns(&self) -> impl Iterator<Item = usize> + '_ {
        self.key.iter().copied().filter(|&at| at < self.columns.len())
    }

    /// The key's Avro schema, to register under `<topic>-key`; `None`: the table has no key.
    pub fn avro_key(&self) -> Option<String> {
        rows::key(self, Naming::Avro).as_ref().map(avro_text)
    }

    /// The envelope's Avro schema, to register under `<topic>-value`.
    pub fn avro_value(&self) -> String {
        avro_text(&rows::envelope(self, Naming::Avro))
    }

    /// The key's schema in Connect's JSON form.
    pub fn connect_json_key(&self) -> Option<String> {
        rows::key(self, Naming::Real).as_ref().map(json_text)
    }

    /// The envelope's schema in Connect's JSON form.
    pub fn connect_json_value(&self) -> String {
        json_text(&rows::envelope(self, Naming::Real))
    }
}

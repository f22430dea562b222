//! The wire contract between the two processes: what a Kafka record of Strait is, byte for byte.
//!
//! Everything here is pure: no I/O, no database or Kafka client. Bytes that come from outside are read
//! with bounds checked everywhere; malformed input is an [`Error`] that names the place, never a panic.
//!
//! Two layers. Towards the world: Debezium's envelope (`table`, `value`, `envelope`, `avro`, `json`,
//! `heartbeat`, `schema_change`, `transaction`), unmodified, so that existing consumers just work. Between our own two
//! ends: the order of the log (`seq`, `spine`, `ddl`, `position`) and the values that the envelope cannot carry
//! (`exact`), all of it in headers and in topics of our own.

mod error;
pub mod headers;
pub mod partition;
pub mod seq;
pub mod topics;

pub mod ddl;
pub mod position;
pub mod snapshot;
pub mod spine;

mod carrier;
mod connect;
pub mod decimal;
pub mod envelope;
pub mod table;
pub mod value;

pub mod avro;
pub mod encode;
mod flat;
pub mod json;

pub mod exact;
pub mod heartbeat;
pub mod schema_change;
pub mod transaction;

pub use avro::{AvroDecoder, AvroRowDecoder, confluent_frame};
pub use ddl::{Ddl, DdlObject, DdlSession};
pub use encode::{Format, TableEncoder};
pub use envelope::{Change, Envelope, Op, Snapshot, Source, SourceInfo, TransactionBlock};
pub use error::{Disposition, Error, Input, Result};
pub use exact::{Exact, ExactForm, Image, decode_exact, encode_exact};
pub use heartbeat::HeartbeatEncoder;
pub use json::{JsonDecoder, JsonEnvelope, Shape};
pub use position::{
    DdlIntent, Fingerprint, Flavor, Inside, LaneMark, PassedOver, Position, PreparedXid, Signal, Signals,
};
pub use schema_change::{SchemaChange, SchemaChangeEncoder};
pub use seq::{RecordSeq, Seq};
pub use snapshot::{
    Chunk, KeyPart, PlannedTable, SnapshotPlan, SnapshotProgress, SnapshotStep, TableBegin, TableProgress,
};
pub use spine::{GenerationBegin, PartEnd, PartitionCount, SpinePart, SpineRecord};
pub use table::{Column, Kind, SourceType, TableSchema};
pub use transaction::TransactionEncoder;
pub use value::Value;

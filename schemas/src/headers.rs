//! Names of the record headers. Ours begin with `strait.`; the other two are Debezium's, set on the
//! delete and the create that stand for one change of a primary key.

/// [`crate::RecordSeq`], 17 bytes: the record's place in the log. On every record, tombstones too.
pub const SEQ: &str = "strait.seq";
/// [`crate::encode_exact`]: exact values of the columns that the envelope cannot carry. Mostly absent.
pub const EXACT: &str = "strait.exact";
/// Names of columns that an image does not have, as JSON: `{"before":["a"],"after":["b"]}`. Only where the source logs
/// partial images; the envelope has null there, or a zero where null is not allowed.
pub const ABSENT: &str = "strait.absent";
/// The site whose change this is, UTF-8.
pub const ORIGIN: &str = "strait.origin";
/// On the delete of a key change: the new key, encoded as the record's key is.
pub const NEW_KEY: &str = "__debezium.newkey";
/// On the create of a key change: the old key, encoded as the record's key is.
pub const OLD_KEY: &str = "__debezium.oldkey";

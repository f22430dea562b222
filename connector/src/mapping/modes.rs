//! Debezium's options of how types are published, by its names and words. Whichever is chosen, our own sink stays exact: what
//! an option's form cannot carry is repeated in the header `strait.exact`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How types are published, for the other readers of the topics: Debezium's options, by its names. A change holds from the next
/// start on, and gives the tables new schemas, and keys new bytes where a key's type is concerned. docs/types.md shows each type.
/// Maxwell's and canal's forms do not know them.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Types {
    /// DECIMAL (Debezium's decimal.handling.mode): "precise" (Connect's Decimal), "double" (a FLOAT64, which may round) or
    /// "string" (all digits).
    pub decimal_handling_mode: DecimalMode,
    /// BINARY, VARBINARY and BLOB (binary.handling.mode): "bytes", or strings in "base64", "base64-url-safe" or "hex"; with these
    /// a record has the bytes once more, for our own sink.
    pub binary_handling_mode: BinaryMode,
    /// BIGINT UNSIGNED (bigint.unsigned.handling.mode): "long" (an INT64, negative above its range) or "precise" (Connect's
    /// Decimal).
    pub bigint_unsigned_handling_mode: BigintUnsignedMode,
    /// DATE, TIME and DATETIME (time.precision.mode): "adaptive_time_microseconds", "connect" (Connect's own types, in
    /// milliseconds), "isostring", "microseconds" or "nanoseconds". All but the first take a TIME for a time of day and have
    /// none for one below 0 or beyond 24 hours.
    pub time_precision_mode: TimeMode,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DecimalMode {
    #[default]
    Precise,
    Double,
    String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BinaryMode {
    #[default]
    Bytes,
    Base64,
    Base64UrlSafe,
    Hex,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BigintUnsignedMode {
    #[default]
    Long,
    Precise,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeMode {
    #[default]
    AdaptiveTimeMicroseconds,
    Connect,
    #[serde(rename = "isostring")]
    IsoString,
    Microseconds,
    Nanoseconds,
}

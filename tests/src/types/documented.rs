//! What Debezium documents: the Connect type and semantic name of each kind of column, by its options.

use super::Kind;

/// Debezium's options, by its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modes {
    pub decimal: &'static str,
    pub binary: &'static str,
    pub bigint: &'static str,
    pub time: &'static str,
}

impl Default for Modes {
    fn default() -> Self {
        Self { decimal: "precise", binary: "bytes", bigint: "long", time: "adaptive_time_microseconds" }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documented {
    pub connect: &'static str,
    pub semantic: Option<&'static str>,
    /// Of the semantic type.
    pub parameters: Vec<(&'static str, String)>,
}

impl Documented {
    pub fn of(kind: &Kind, modes: &Modes) -> Self {
        let plain = |connect| (connect, None, Vec::new());
        let named = |connect, semantic| (connect, Some(semantic), Vec::new());
        let allowed = |labels: &[String]| {
            let labels: Vec<String> = labels.iter().map(|label| label.replace(',', "\\,")).collect();
            vec![("allowed", labels.join(","))]
        };
        let (connect, semantic, parameters) = match kind {
            Kind::Tiny | Kind::Small { unsigned: false } => plain("INT16"),
            Kind::Small { unsigned: true } | Kind::Medium | Kind::Int { unsigned: false } => plain("INT32"),
            Kind::Big { unsigned: true } if modes.bigint == "precise" => decimal(20, 0),
            Kind::Int { unsigned: true } | Kind::Big { .. } => plain("INT64"),
            Kind::Float => plain("FLOAT32"),
            Kind::Double => plain("FLOAT64"),
            Kind::Decimal { precision, scale } => match modes.decimal {
                "double" => plain("FLOAT64"),
                "string" => plain("STRING"),
                _ => decimal(*precision, *scale),
            },
            Kind::Bit { bits: 1 } => plain("BOOLEAN"),
            Kind::Bit { bits } => {
                ("BYTES", Some("io.debezium.data.Bits"), vec![("length", bits.to_string())])
            }
            Kind::Year => named("INT32", "io.debezium.time.Year"),
            Kind::Date | Kind::Time | Kind::DateTime { .. } => temporal(kind, modes.time),
            Kind::Timestamp { .. } => named("STRING", "io.debezium.time.ZonedTimestamp"),
            Kind::Text { .. } => plain("STRING"),
            // The server's log has them as bytes of a fixed length.
            Kind::Binary | Kind::Address if modes.binary == "bytes" => plain("BYTES"),
            Kind::Binary | Kind::Address => plain("STRING"),
            Kind::Enum { labels } => ("STRING", Some("io.debezium.data.Enum"), allowed(labels)),
            Kind::Set { labels } => ("STRING", Some("io.debezium.data.EnumSet"), allowed(labels)),
            Kind::Json => named("STRING", "io.debezium.data.Json"),
            Kind::Point => named("STRUCT", "io.debezium.data.geometry.Point"),
            Kind::Geometry => named("STRUCT", "io.debezium.data.geometry.Geometry"),
            Kind::Vector => named("ARRAY", "io.debezium.data.FloatVector"),
        };
        Self { connect, semantic, parameters }
    }
}

type Parts = (&'static str, Option<&'static str>, Vec<(&'static str, String)>);

fn decimal(precision: u8, scale: u8) -> Parts {
    let parameters = vec![("scale", scale.to_string()), ("connect.decimal.precision", precision.to_string())];
    ("BYTES", Some("org.apache.kafka.connect.data.Decimal"), parameters)
}

fn temporal(kind: &Kind, mode: &str) -> Parts {
    let (connect, semantic) = match (mode, kind) {
        ("connect", Kind::Date) => ("INT32", "org.apache.kafka.connect.data.Date"),
        ("connect", Kind::Time) => ("INT32", "org.apache.kafka.connect.data.Time"),
        ("connect", _) => ("INT64", "org.apache.kafka.connect.data.Timestamp"),
        ("isostring", Kind::Date) => ("STRING", "io.debezium.time.IsoDate"),
        ("isostring", Kind::Time) => ("STRING", "io.debezium.time.IsoTime"),
        ("isostring", _) => ("STRING", "io.debezium.time.IsoTimestamp"),
        (_, Kind::Date) => ("INT32", "io.debezium.time.Date"),
        ("nanoseconds", Kind::Time) => ("INT64", "io.debezium.time.NanoTime"),
        ("nanoseconds", _) => ("INT64", "io.debezium.time.NanoTimestamp"),
        (_, Kind::Time) => ("INT64", "io.debezium.time.MicroTime"),
        ("adaptive_time_microseconds", Kind::DateTime { fsp: 0..=3 }) => {
            ("INT64", "io.debezium.time.Timestamp")
        }
        _ => ("INT64", "io.debezium.time.MicroTimestamp"),
    };
    (connect, Some(semantic), Vec::new())
}

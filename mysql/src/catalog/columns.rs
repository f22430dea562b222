//! Columns.

/// How a generated column is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generated {
    Virtual,
    Stored,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// From 1.
    pub ordinal: u32,
    /// Lower case without length or attributes, e.g. `varchar`, `bigint`, `enum`.
    pub data_type: String,
    /// As in the table's definition, e.g. `bigint unsigned`, `enum('a','b')`.
    pub column_type: String,
    pub charset: Option<String>,
    pub collation: Option<String>,
    pub nullable: bool,
    /// The default's text as the dictionary has it (`default_is_expression` tells an expression from a value).
    pub default: Option<String>,
    pub default_is_expression: bool,
    pub generated: Option<Generated>,
    pub auto_increment: bool,
    pub invisible: bool,
    pub unsigned: bool,
    /// DECIMAL and integers, in digits; BIT, in bits.
    pub numeric_precision: Option<u32>,
    pub numeric_scale: Option<u32>,
    /// Fractional digits of seconds of DATETIME, TIMESTAMP and TIME.
    pub fsp: Option<u32>,
    pub max_characters: Option<u64>,
    pub max_octets: Option<u64>,
    /// MySQL only: the spatial reference system that a column is restricted to.
    pub srid: Option<u32>,
}

impl Column {
    /// Whether rows carry a value for it that an INSERT may name.
    pub fn is_written(&self) -> bool {
        self.generated.is_none()
    }
}

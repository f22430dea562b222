//! Every type of MySQL and of MariaDB, with its edge values, and what Debezium documents for it: one file a family.
//!
//! The data alone; nothing of Strait takes part in it. The test program `types` sends it from server to server and has
//! other people's readers judge what lies in Kafka; `docs/types.md` is made from it.

mod binary;
mod choices;
mod columns;
mod document;
mod documented;
mod json;
mod mariadb;
mod numbers;
mod spatial;
mod temporal;
mod text;
mod vector;

pub use document::document;
pub use documented::{Documented, Modes};
pub use text::Charset;

/// A column's type and the values it is tried with.
#[derive(Debug, Clone)]
pub struct Type {
    /// What stands behind the column's name in CREATE TABLE.
    pub definition: String,
    /// Its name in the documentation.
    pub name: &'static str,
    /// The column's name; else it is numbered.
    pub column: Option<&'static str>,
    pub kind: Kind,
    /// SQL literals. NULL is added where it is allowed.
    pub values: Vec<String>,
}

/// What a column's values are, as far as Debezium and SELECT tell types apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Tiny,
    Small {
        unsigned: bool,
    },
    Medium,
    Int {
        unsigned: bool,
    },
    Big {
        unsigned: bool,
    },
    Float,
    Double,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Bit {
        bits: u8,
    },
    Year,
    Date,
    Time,
    DateTime {
        fsp: u8,
    },
    Timestamp {
        fsp: u8,
    },
    Text {
        charset: String,
    },
    Binary,
    Enum {
        labels: Vec<String>,
    },
    Set {
        labels: Vec<String>,
    },
    Json,
    Point,
    Geometry,
    Vector,
    /// MariaDB's UUID, INET4 and INET6.
    Address,
}

/// Columns that stand in one table.
#[derive(Debug, Clone)]
pub struct Family {
    pub name: &'static str,
    pub types: Vec<Type>,
}

impl Type {
    fn new(name: &'static str, definition: impl Into<String>, kind: Kind) -> Self {
        Self { definition: definition.into(), name, column: None, kind, values: Vec::new() }
    }

    fn with<S: Into<String>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.values.extend(values.into_iter().map(Into::into));
        self
    }

    fn called(mut self, column: &'static str) -> Self {
        self.column = Some(column);
        self
    }

    pub fn nullable(&self) -> bool {
        !self.definition.contains("NOT NULL")
    }

    /// The server computes it.
    pub fn generated(&self) -> bool {
        self.definition.contains(" AS (")
    }

    /// The value of a row: each in turn, then NULL; a column that is never NULL begins again.
    pub fn value(&self, row: usize) -> &str {
        match self.values.get(row) {
            Some(value) => value,
            None if self.nullable() => "NULL",
            None => &self.values[row % self.values.len()],
        }
    }

    /// Different values, NULL among them.
    pub fn pairs(&self) -> usize {
        self.values.len() + usize::from(self.nullable() && !self.generated())
    }
}

impl Family {
    fn new(name: &'static str, types: Vec<Type>) -> Self {
        Self { name, types }
    }

    /// Names and types.
    pub fn columns(&self) -> impl Iterator<Item = (String, &Type)> {
        let name = |(at, ty): (usize, &Type)| ty.column.map_or_else(|| format!("c{at}"), str::to_owned);
        self.types.iter().enumerate().map(move |(at, ty)| (name((at, ty)), ty))
    }

    /// So many that each type has shown all of its values, and NULL.
    pub fn rows(&self) -> usize {
        self.types.iter().map(Type::pairs).max().unwrap_or(0)
    }

    pub fn pairs(&self) -> usize {
        self.types.iter().map(Type::pairs).sum()
    }
}

/// What both servers have. `charsets`: those of the server, with the values that it holds in them.
pub fn common(charsets: &[Charset]) -> Vec<Family> {
    let mut families = vec![
        Family::new("integers", numbers::integers()),
        Family::new("decimals", numbers::decimals()),
        Family::new("floats", numbers::floats()),
        Family::new("bits", numbers::bits()),
        Family::new("temporal", temporal::nullable()),
        Family::new("temporal_not_null", temporal::not_null()),
        Family::new("varchars", text::varchars(charsets)),
        Family::new("chars", text::chars(charsets)),
        Family::new("texts", text::texts(charsets)),
        Family::new("binaries", binary::types()),
        Family::new("choices", choices::types()),
        Family::new("geometries", spatial::types()),
        Family::new("names", columns::names()),
    ];
    families.retain(|family| !family.types.is_empty());
    families
}

/// MySQL's own.
pub fn of_mysql() -> Vec<Family> {
    vec![
        Family::new("geometries_srid", spatial::with_srid()),
        Family::new("json", json::types()),
        Family::new("vectors", vector::types()),
        Family::new("columns", columns::types()),
    ]
}

/// MariaDB's own.
pub fn of_mariadb() -> Vec<Family> {
    vec![Family::new("mariadb", mariadb::types())]
}

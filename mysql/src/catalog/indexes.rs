//! Unique indexes: what makes two rows collide.

/// One unique index (the primary key is one).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// `PRIMARY` for the primary key.
    pub name: String,
    pub parts: Vec<IndexPart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPart {
    /// `None`: a functional part, whose value is `expression`.
    pub column: Option<String>,
    /// MySQL only.
    pub expression: Option<String>,
    /// Only so many characters (bytes for binary types) of the column are compared.
    pub prefix: Option<u32>,
    pub nullable: bool,
}

impl Index {
    /// Whether a row may have NULL in it and then never collides.
    pub fn nullable(&self) -> bool {
        self.parts.iter().any(|part| part.nullable)
    }

    /// Whether a part of it is an expression.
    pub fn functional(&self) -> bool {
        self.parts.iter().any(|part| part.column.is_none())
    }

    /// Whether it is on whole columns only, so that equal columns are what makes rows collide.
    pub fn plain(&self) -> bool {
        self.parts.iter().all(|part| part.column.is_some() && part.prefix.is_none())
    }

    /// Names of its columns in index order, without functional parts.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| part.column.as_deref())
    }
}

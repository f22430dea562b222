//! One version of a source table laid over a target table: columns by name, indexes by the columns' places.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use strait_mysql::{
    catalog::{Column, Index},
    client::quote_name,
    snapshot::column_of,
};
use strait_schemas::{Kind, SourceType, TableSchema};

use super::{ColumnClass, IndexId, Target, target, width};
use crate::{plan::Comparison, row_events::TableForm, sql::Dialect};

/// A column that is written.
#[derive(Debug)]
pub struct MappedColumn {
    /// Its place in the source's row.
    pub source: usize,
    pub name: Arc<str>,
    pub quoted: String,
    pub class: ColumnClass,
    pub kind: Kind,
    /// The source's integer is unsigned: values above `i64::MAX` arrive as negative ones.
    pub unsigned: bool,
    pub charset: Option<String>,
    pub collation: Option<String>,
    /// The number of an ENUM's empty label. As a text it is equal to what the invalid value, number 0, shows.
    pub empty_label: Option<usize>,
    /// How an index on it compares.
    pub comparison: Comparison,
}

/// A unique index, by places in the mapping's columns.
#[derive(Debug)]
pub struct KeyIndex {
    pub id: IndexId,
    /// `None`: two rows may collide in it in a way that their columns do not tell (functional and prefix
    /// parts, generated columns, columns that the source has not).
    pub columns: Option<Vec<usize>>,
}

#[derive(Debug)]
pub struct Mapping {
    pub target: Arc<Target>,
    /// In the target's order.
    pub columns: Vec<MappedColumn>,
    /// Places of the columns that tell rows apart: of the primary key, or else of a unique key that does as well. `None`: there
    /// is none, or not all of it comes from the source.
    pub primary: Option<Vec<usize>>,
    /// Whether they are the primary key's.
    pub by_primary_key: bool,
    pub unique: Vec<KeyIndex>,
    /// Foreign keys to parents: the parent's index, and the places of the columns that are its value.
    pub parents: Vec<(IndexId, Option<Vec<usize>>)>,
    by_name: HashMap<String, usize>,
    /// Rows of other tables may be where these go.
    pub shared: bool,
    events: OnceLock<Option<TableForm>>,
}

/// Why a source table does not fit.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    Missing {
        column: String,
        column_type: String,
    },
    Unfilled {
        column: String,
    },
    /// The records carry no types, and the column's values cannot be told without.
    Untyped {
        column: String,
        target: String,
    },
    Type {
        column: String,
        target: String,
        source_type: String,
    },
    /// Some values of the source's type do not fit.
    Room {
        column: String,
        target: String,
        source_type: String,
    },
}

impl Mapping {
    /// `names`: what the source's columns are called at the target, in their order.
    pub fn new(source: &TableSchema, names: &[String], target: Arc<Target>) -> Result<Self, Refused> {
        let mut columns = Vec::with_capacity(source.columns.len());
        for (at, (column, name)) in source.columns.iter().zip(names).enumerate() {
            let Some(found) = target.table.column(name) else {
                return Err(Refused::Missing {
                    column: name.clone(),
                    column_type: describe(&column.source_type, &column.kind),
                });
            };
            if !found.is_written() {
                continue;
            }
            let class = ColumnClass::of(found);
            if !class.takes(&column.kind, &column.source_type) {
                return Err(Refused::Type {
                    column: name.clone(),
                    target: found.column_type.clone(),
                    source_type: describe(&column.source_type, &column.kind),
                });
            }
            let written = MappedColumn {
                source: at,
                name: found.name.as_str().into(),
                quoted: quote_name(&found.name),
                class,
                kind: column.kind.clone(),
                unsigned: column.source_type.name.ends_with("UNSIGNED"),
                charset: found.charset.clone(),
                collation: found.collation.clone(),
                empty_label: empty_label(found),
                comparison: Comparison::of(class, found.collation.as_deref()),
            };
            columns.push((found.ordinal, written));
        }
        columns.sort_by_key(|(ordinal, _)| *ordinal);
        let columns: Vec<_> = columns.into_iter().map(|(_, column)| column).collect();
        Self::ensure_filled(&columns, &target)?;
        let mut mapping = Self::with_columns(columns, target);
        // `strait.exact` speaks of the source's names.
        let by_source = mapping.columns.iter().enumerate();
        mapping.by_name =
            by_source.map(|(at, column)| (source.columns[column.source].name.to_lowercase(), at)).collect();
        Ok(mapping)
    }

    /// Whether each column has room for all that the source's can hold. `names`: as for [`Mapping::new`].
    pub fn ensure_room(source: &TableSchema, names: &[String], target: &Target) -> Result<(), Refused> {
        for (column, name) in source.columns.iter().zip(names) {
            let found = target.table.column(name).filter(|found| found.is_written());
            if let Some(found) = found.filter(|found| !width::holds(found, &column.source_type)) {
                return Err(Refused::Room {
                    column: name.clone(),
                    target: found.column_type.clone(),
                    source_type: describe(&column.source_type, &column.kind),
                });
            }
        }
        Ok(())
    }

    /// Whether rows of other tables may be where these go.
    #[must_use]
    pub fn shared(self, shared: bool) -> Self {
        Self { shared, ..self }
    }

    /// What the source does not have must be able to do without.
    fn ensure_filled(columns: &[MappedColumn], target: &Target) -> Result<(), Refused> {
        let unfilled = target.table.columns.iter().find(|column| {
            column.is_written()
                && !column.nullable
                && column.default.is_none()
                && !column.auto_increment
                && !columns.iter().any(|written| *written.name == column.name)
        });
        match unfilled {
            Some(column) => Err(Refused::Unfilled { column: column.name.clone() }),
            None => Ok(()),
        }
    }

    fn with_columns(columns: Vec<MappedColumn>, target: Arc<Target>) -> Self {
        let places = |names: &mut dyn Iterator<Item = &str>| -> Option<Vec<usize>> {
            names.map(|name| columns.iter().position(|column| *column.name == *name)).collect()
        };
        let primary_key = target.table.primary_key.as_ref().and_then(|index| places(&mut index.columns()));
        let by_primary_key = primary_key.is_some();
        let identity = || target.table.identity().and_then(|index| places(&mut index.columns()));
        let primary = primary_key.or_else(identity);
        let unique = target
            .table
            .unique
            .iter()
            .map(|index: &Index| KeyIndex {
                id: target::index_id(&target.table.name, &index.name),
                columns: if index.plain() { places(&mut index.columns()) } else { None },
            })
            .collect();
        let parents = target
            .parents
            .iter()
            .map(|parent| {
                let columns = parent.columns.as_ref();
                (parent.index, columns.and_then(|names| places(&mut names.iter().map(String::as_str))))
            })
            .collect();
        Self {
            target,
            columns,
            primary,
            by_primary_key,
            unique,
            parents,
            by_name: HashMap::new(),
            shared: false,
            events: OnceLock::new(),
        }
    }

    /// How rows are written as events. `None`: they are written in SQL.
    pub fn events(&self, dialect: Dialect) -> Option<&TableForm> {
        self.events.get_or_init(|| TableForm::of(self, dialect)).as_ref()
    }

    /// A column's place by its name at the source, as the server compares names.
    pub fn place(&self, column: &str) -> Option<usize> {
        self.by_name.get(column).or_else(|| self.by_name.get(&column.to_lowercase())).copied()
    }
}

/// From 1.
fn empty_label(column: &Column) -> Option<usize> {
    let definition = column_of(column, &HashMap::<_, _>::new()).filter(|_| column.data_type == "enum")?;
    definition.labels.iter().position(String::is_empty).map(|at| at + 1)
}

/// A column type in SQL's words, as far as the record tells it.
fn describe(source: &SourceType, kind: &Kind) -> String {
    if source.name.is_empty() {
        return format!("{kind:?}");
    }
    match (source.length, source.scale) {
        (Some(length), Some(scale)) => format!("{}({length},{scale})", source.name),
        (Some(length), None) => format!("{}({length})", source.name),
        _ => match kind {
            Kind::Enum { allowed } | Kind::EnumSet { allowed } => {
                let labels: Vec<_> = allowed.split(',').map(|label| format!("'{label}'")).collect();
                format!("{}({})", source.name, labels.join(","))
            }
            _ => source.name.clone(),
        },
    }
}

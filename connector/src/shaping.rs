//! What the settings make of one table version: which columns go out and as what, which rows, to which topic, in which partition.
//! Pure, so that `check` says of the tables that are there what `run` would say at their first rows.

use strait_mysql::{
    binlog::{ColumnDef, ColumnType, TableMap},
    catalog::Table,
};

use crate::{
    condition::Bound,
    filter::{Filter, Treatment, ensure_promises},
    routing::Routing,
};

pub struct Shaping {
    /// One for each column of the table.
    pub treatments: Vec<Treatment>,
    /// Places of the columns that are published.
    pub published: Vec<usize>,
    /// Which rows are; `None`: all of them.
    pub condition: Option<Bound>,
    pub topic: String,
    /// Places, among the published columns, of those that choose the partition; `None`: the key does.
    pub partition_by: Option<Box<[usize]>>,
}

/// A setting that cannot be followed for the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Unfit {
    pub setting: String,
    pub column: Option<String>,
    pub cause: String,
}

impl Shaping {
    /// `key`: places of the columns of the record's key.
    pub fn of(
        prefix: &str,
        filter: &Filter,
        routing: &Routing,
        map: &TableMap,
        key: &[usize],
    ) -> Result<Self, Unfit> {
        let treatments = match map.full_metadata {
            true => filter.columns.of(map).map_err(|unfit| Unfit {
                setting: unfit.setting,
                column: Some(unfit.column),
                cause: unfit.cause,
            })?,
            false => vec![Treatment::Whole; map.columns.len()],
        };
        let is_published = |at: &usize| !matches!(treatments[*at], Treatment::LeftOut { .. });
        let published: Vec<usize> = (0..map.columns.len()).filter(is_published).collect();
        let of_table = |setting, cause| Unfit { setting, column: None, cause };
        let condition = filter.rows.of(map).map_err(|unfit| of_table(unfit.setting, unfit.cause))?;
        let topic = routing
            .topic(prefix, &map.database, &map.table)
            .map_err(|unfit| of_table(unfit.setting, unfit.cause))?;
        let partition_by = routing
            .partition_columns(map, key, &published)
            .map_err(|unfit| of_table(unfit.setting, unfit.cause))?;
        Ok(Self { treatments, published, condition, topic, partition_by })
    }

    /// Without the columns that MariaDB keeps beside a table's own for unique keys on long values, and logs like them: a
    /// BIGINT UNSIGNED `DB_ROW_HASH_<number>` each, behind all others (10.11, `make_unique_invisible_field_name`).
    pub fn without_hashes(mut self, map: &TableMap) -> Self {
        let is_hash = |column: &ColumnDef| {
            let number = column.name.strip_prefix("DB_ROW_HASH_");
            number.is_some_and(|number| number.parse::<u32>().is_ok())
                && (column.ty, column.unsigned) == (ColumnType::LongLong, true)
        };
        let hashes = map.columns.iter().rev().take_while(|column| is_hash(column)).count();
        let own = map.columns.len() - hashes;
        self.treatments[own..].fill(Treatment::LeftOut { setting: "a unique key on long values" });
        self.published.retain(|at| *at < own);
        self
    }

    /// All columns go out as they are.
    pub fn is_whole(&self) -> bool {
        self.treatments.iter().all(|treatment| *treatment == Treatment::Whole)
    }

    /// Refuses what would break the log's promises. `catalog`: what the server says of the table, if it lets us look.
    pub fn ensure_promises(
        &self,
        map: &TableMap,
        key: &[usize],
        catalog: Option<&Table>,
    ) -> Result<(), Unfit> {
        ensure_promises(map, &self.treatments, key, catalog).map_err(|broken| Unfit {
            setting: broken.setting,
            column: Some(broken.column),
            cause: broken.cause,
        })
    }

    /// Columns that must be decoded, one entry for each; `None`: all of them.
    pub fn wanted(&self) -> Option<Box<[bool]>> {
        let asked = self.condition.as_ref().map(Bound::columns).unwrap_or_default();
        let wanted = (0..self.treatments.len()).map(|at| self.published.contains(&at) || asked.contains(&at));
        (self.published.len() < self.treatments.len()).then(|| wanted.collect())
    }
}

impl Unfit {
    /// Cause and remedy, for people.
    pub fn told(&self, database: &str, table: &str) -> (String, String) {
        let Self { setting, column, cause } = self;
        let of = column.as_ref().map_or_else(String::new, |column| format!("column {column} of "));
        (
            format!("{setting} cannot be followed for {of}table {database}.{table}: {cause}"),
            format!("correct {setting}; or leave the whole table out (table.exclude.list)"),
        )
    }
}

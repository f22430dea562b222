//! How a table of the target stores a row.

use std::collections::HashMap;

use strait_mysql::{
    binlog::encode::{RowsImage, describe},
    snapshot::column_of,
};

use super::form::{Bounds, Form};
use crate::{
    datum::{Datum, Row},
    sql::Dialect,
    table_map::Mapping,
};

#[derive(Debug)]
pub struct TableForm {
    /// For the TABLE_MAP.
    pub description: Vec<u8>,
    columns: Vec<(Form, bool)>,
}

impl TableForm {
    /// `None`: its rows are written in SQL.
    pub fn of(mapping: &Mapping, dialect: Dialect) -> Option<Self> {
        let table = &mapping.target.table;
        // By position: each column is one of the source's.
        let all = mapping.columns.len() == table.columns.len();
        // They do not fire for events, and one may be meant for what the sink writes.
        let triggers = !table.triggers.is_empty();
        if !all || triggers || !mapping.by_primary_key || !table.transactional {
            return None;
        }
        let (mut columns, mut described) = (Vec::new(), Vec::new());
        for column in &table.columns {
            // MariaDB keeps such a column in another form.
            if column.column_type.contains("COMPRESSED")
                || matches!(&*column.data_type, "uuid" | "inet4" | "inet6")
            {
                return None;
            }
            let definition = column_of(column, &HashMap::<_, _>::new())?;
            let bounds = Bounds {
                charset: column.charset.as_deref(),
                characters: column.max_characters,
                octets: column.max_octets,
                scale: column.numeric_scale,
                geometries: dialect == Dialect::Mysql,
            };
            columns.push((Form::of(&definition, bounds)?, column.nullable));
            described.push(definition);
        }
        Some(Self { description: describe(&table.name, &described)?, columns })
    }

    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// `None`: the row is to be written in SQL.
    pub fn write(&self, row: &Row, image: &mut RowsImage) -> Option<()> {
        let mut cells = image.image(|at| row[at] == Datum::Null);
        for ((form, nullable), value) in self.columns.iter().zip(row) {
            match value {
                Datum::Null if *nullable => {}
                Datum::Null => return None,
                value => form.write(value, &mut cells)?,
            }
        }
        Some(())
    }
}

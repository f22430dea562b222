//! Does with each value of a row what a consumer may do; for the tests of captured binlogs, too.

use strait_mysql::{
    binlog::{Result, RowsEvent, TableMap},
    charset, jsonb,
    value::{ColumnValue, DateTime},
};

pub fn rows(table: &TableMap, rows: &RowsEvent) -> Result<()> {
    let mut iter = rows.rows(table)?;
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut left = iter.left().len();
    while iter.next(&mut before, &mut after)? {
        assert!(iter.left().len() < left, "each row takes bytes, so that there is an end");
        left = iter.left().len();
        for values in [&before, &after] {
            assert!(values.is_empty() || values.len() == table.columns.len());
            for (column, value) in table.columns.iter().zip(values) {
                show(column.collation, value)?;
            }
        }
    }
    Ok(())
}

fn show(collation: Option<u16>, value: &ColumnValue) -> Result<()> {
    let mut text = String::new();
    match value {
        ColumnValue::Decimal(decimal) => {
            decimal.write_text(&mut text);
            decimal.write_unscaled_be(&mut Vec::new());
        }
        ColumnValue::Date(date) => {
            date.days();
            date.write_text(&mut text);
        }
        ColumnValue::Time(time) => {
            time.total_micros();
            time.write_text(6, &mut text);
        }
        ColumnValue::DateTime(datetime) => {
            datetime.micros_since_epoch();
            datetime.write_text(6, &mut text);
        }
        ColumnValue::Timestamp { seconds, micros } => {
            DateTime::from_epoch(*seconds, *micros).write_text(6, &mut text);
        }
        ColumnValue::Text(bytes) => {
            if let Some(charset) = collation.and_then(charset::of_collation) {
                drop(charset.decode(bytes));
            }
        }
        ColumnValue::Binary(value) => drop(value.to_bytes()),
        ColumnValue::Json(bytes) => drop(jsonb::to_text(bytes, &mut text)?),
        _ => {}
    }
    Ok(())
}

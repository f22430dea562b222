//! Whether rows of a parent that pass may have changed rows of its children without a word in the log: what a native
//! foreign key does stands in none.
//!
//! An update concerns the children only if it changes what they refer to: a parent that is written to all the time
//! does not keep its children from being read.

use strait_mysql::{
    binlog::{self, RowsEvent, RowsKind, TableMap},
    catalog::ForeignKey,
    value::ColumnValue,
};
use strait_schemas::seq::flags;

pub fn reaches_children(key: &ForeignKey, map: &TableMap, rows: &RowsEvent<'_>) -> bool {
    let told = u16::from(flags::NO_FOREIGN_KEY_CHECKS | flags::USE_SQL_FOREIGN_KEY);
    if rows.flags & told != 0 || key.parent.database != map.database || key.parent.table != map.table {
        return false;
    }
    match rows.kind {
        RowsKind::Insert => false,
        RowsKind::Delete => key.on_delete.writes_child(),
        RowsKind::Update => {
            let places: Option<Vec<usize>> = key.parent_columns.iter().map(|name| map.column(name)).collect();
            // What cannot be read may have changed anything.
            let changes = |places: Vec<usize>| changes_any(&places, map, rows).unwrap_or(true);
            key.on_update.writes_child() && places.is_none_or(changes)
        }
    }
}

/// Whether a column has another value in an image after. Of images that are not full, one that is there was changed.
fn changes_any(places: &[usize], map: &TableMap, rows: &RowsEvent<'_>) -> Result<bool, binlog::Error> {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut images = rows.rows(map)?;
    while images.next(&mut before, &mut after)? {
        let is_changed = |at: &usize| !matches!(after[*at], ColumnValue::Absent) && before[*at] != after[*at];
        if places.iter().any(is_changed) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use strait_mysql::{
        binlog::{ColumnDef, ColumnType, EventHeader, EventType, RawEvent},
        catalog::{Rule, TableName},
    };

    use super::*;

    fn column(name: &str) -> ColumnDef {
        ColumnDef {
            name: name.into(),
            ty: ColumnType::Long,
            unsigned: false,
            nullable: false,
            collation: None,
            labels: [].into(),
            visible: true,
        }
    }

    /// Whether a row (id, n) that becomes another one may have changed rows of children.
    fn reaches(before: [u32; 2], after: [u32; 2], on_update: Rule, flags: u8) -> bool {
        let parent = TableName::new("d", "parent");
        let columns = vec![column("id"), column("n")];
        let map = TableMap::new(parent.database.clone(), parent.table.clone(), columns, Vec::new(), true);
        let key = ForeignKey {
            name: "k".into(),
            child: TableName::new("d", "child"),
            child_columns: vec!["parent".into()],
            parent,
            parent_columns: vec!["id".into()],
            on_update,
            on_delete: Rule::Cascade,
        };
        // Table number, flags, no more data, two columns, both in both images; then the images.
        let mut body = vec![1, 0, 0, 0, 0, 0, flags, 0, 2, 0, 2, 3, 3];
        for image in [before, after] {
            body.push(0);
            body.extend(image.iter().flat_map(|value| value.to_le_bytes()));
        }
        let event_type = EventType::UpdateRows;
        let header =
            EventHeader { timestamp: 0, event_type, server_id: 1, event_size: 0, log_pos: 0, flags: 0 };
        let event = RawEvent { header, body: body.into(), inside_payload: false };
        reaches_children(&key, &map, &RowsEvent::parse(&event).expect("an event"))
    }

    #[test]
    fn an_update_reaches_children_only_by_what_they_refer_to() {
        assert!(reaches([1, 5], [2, 5], Rule::Cascade, 0));
        assert!(!reaches([1, 5], [1, 6], Rule::Cascade, 0), "another column");
        assert!(!reaches([1, 5], [2, 5], Rule::Restrict, 0), "it does not go with its parent");
        assert!(!reaches([1, 5], [2, 5], Rule::Cascade, flags::NO_FOREIGN_KEY_CHECKS), "the keys were off");
    }
}

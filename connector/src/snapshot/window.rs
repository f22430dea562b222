//! The keys of a table that passed in the stream while a chunk of it was read.

use std::collections::HashSet;

use strait_mysql::{
    binlog::{self, RowsEvent, RowsKind, TableMap},
    snapshot::{KeyValue, key_values},
};

/// Keys kept of one chunk; more, and it is read again, in less time.
const MOST_KEYS: usize = 20_000;

#[derive(Debug, Default)]
pub struct Window {
    keys: HashSet<Vec<KeyValue>>,
}

/// Why a chunk must be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discarded {
    /// Too much passed, or what may have reached a row by a foreign key: the shorter the window, the less of that.
    Crowded,
    /// What passed may have changed rows in ways that the window does not show.
    Unclear,
    /// Nobody wants the table any more: it is not read again.
    Left,
}

impl Window {
    /// Notes both images of each row. `key`: names of the key's columns.
    pub fn note(&mut self, key: &[String], map: &TableMap, rows: &RowsEvent<'_>) -> Result<(), Discarded> {
        // Without a key nothing tells which rows these are.
        if key.is_empty() {
            return Err(Discarded::Unclear);
        }
        // The log does not have the whole row, so the chunk is needed, and must have seen the change: read again, and sooner.
        if rows.kind == RowsKind::Update && !rows.is_full() {
            return Err(Discarded::Crowded);
        }
        let places: Option<Vec<usize>> = key.iter().map(|name| map.column(name)).collect();
        let Some(places) = places else { return Err(Discarded::Unclear) };
        self.read(&places, map, rows).unwrap_or(Err(Discarded::Unclear))
    }

    fn read(
        &mut self,
        places: &[usize],
        map: &TableMap,
        rows: &RowsEvent<'_>,
    ) -> Result<Result<(), Discarded>, binlog::Error> {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut images = rows.rows(map)?;
        while images.next(&mut before, &mut after)? {
            for image in [&before, &after].into_iter().filter(|image| !image.is_empty()) {
                let Some(key) = key_values(&map.columns, places, image) else {
                    return Ok(Err(Discarded::Unclear));
                };
                self.keys.insert(key);
            }
            if self.keys.len() > MOST_KEYS {
                return Ok(Err(Discarded::Crowded));
            }
        }
        Ok(Ok(()))
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub fn holds(&self, key: &[KeyValue]) -> bool {
        self.keys.contains(key)
    }

    pub fn keys(&self) -> impl Iterator<Item = &Vec<KeyValue>> {
        self.keys.iter()
    }
}

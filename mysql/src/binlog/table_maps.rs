//! The table maps under way, and those of the past that will likely come again.
//!
//! The server sends a table map with each statement, nearly always with the bytes of the last time. What it says
//! is parsed, and given a new version, only when the bytes differ; the table's number, which changes whenever the
//! server opens the table anew, is no part of the comparison.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use super::{Error, RawEvent, Result, TableMap, table_map};

/// Above so many remembered tables, those not used in the present transaction are forgotten.
const REMEMBERED: usize = 1024;

#[derive(Default)]
pub(super) struct TableMaps {
    by_number: HashMap<u64, Mapped>,
    by_description: HashMap<Arc<[u8]>, Arc<TableMap>>,
    /// Counts transactions: a map is valid in that in which it came.
    transaction: u64,
}

struct Mapped {
    description: Arc<[u8]>,
    table: Arc<TableMap>,
    transaction: u64,
}

impl TableMaps {
    pub fn begin_transaction(&mut self) {
        self.transaction += 1;
        if self.by_number.len() > REMEMBERED || self.by_description.len() > REMEMBERED {
            self.by_number.clear();
            self.by_description.clear();
        }
    }

    /// `mariadb`: who wrote it, the same for all events.
    pub fn insert(&mut self, event: &RawEvent, mariadb: bool) -> Result<()> {
        let (number, description) = table_map::split_table_id(event)?;
        let transaction = self.transaction;
        match self.by_number.entry(number) {
            Entry::Occupied(mut known) if *known.get().description == *description => {
                known.get_mut().transaction = transaction;
            }
            entry => {
                let (description, table) =
                    if let Some((description, table)) = self.by_description.get_key_value(description) {
                        (description.clone(), table.clone())
                    } else {
                        let table = Arc::new(TableMap::parse_description(description, mariadb)?);
                        let description: Arc<[u8]> = description.into();
                        self.by_description.insert(description.clone(), table.clone());
                        (description, table)
                    };
                entry.insert_entry(Mapped { description, table, transaction });
            }
        }
        Ok(())
    }

    pub fn current(&self, number: u64) -> Result<Arc<TableMap>> {
        match self.by_number.get(&number) {
            Some(mapped) if mapped.transaction == self.transaction => Ok(mapped.table.clone()),
            _ => Err(Error::Malformed {
                what: "the order of events",
                found: format!("rows of table number {number}, which this transaction has no TABLE_MAP of"),
            }),
        }
    }
}

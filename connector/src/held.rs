//! Rows of XA transactions that are not published yet, kept in memory as far as there is room: most are committed soon after they
//! are prepared. What does not fit is read again from the binary log.

use std::{collections::HashMap, sync::Arc};

use strait_mysql::binlog::{EventHeader, LoggedRows, RawEvent, TableMap, Xid};

/// Bytes that all prepared transactions may take together, and the one that is being read as much again.
const ROOM: usize = 16 << 20;

/// The rows of the XA transaction under way.
#[derive(Debug, Default)]
pub struct HeldRows {
    /// `None`: they are too many.
    kept: Option<Vec<LoggedRows>>,
    bytes: usize,
    /// Not all of them are left out.
    pub matter: bool,
}

impl HeldRows {
    pub fn new() -> Self {
        Self { kept: Some(Vec::new()), ..Self::default() }
    }

    pub fn add(&mut self, table: Arc<TableMap>, event: &RawEvent, pos: u64, matters: bool) {
        self.matter |= matters;
        self.bytes += size_of::<LoggedRows>() + EventHeader::LENGTH + event.body.len();
        if self.bytes > ROOM {
            self.kept = None;
        }
        if let Some(kept) = &mut self.kept {
            kept.push(LoggedRows { table, event: event.clone(), pos });
        }
    }

    /// All of them, in their order; `None`: they must be read again.
    pub fn into_rows(self) -> Option<Vec<LoggedRows>> {
        self.kept
    }
}

/// The rows of prepared transactions.
#[derive(Debug, Default)]
pub struct Prepared {
    by_xid: HashMap<Xid, HeldRows>,
    bytes: usize,
}

impl Prepared {
    pub fn keep(&mut self, xid: &Xid, held: HeldRows) {
        drop(self.take(xid));
        if held.matter && held.kept.is_some() && self.bytes + held.bytes <= ROOM {
            self.bytes += held.bytes;
            self.by_xid.insert(xid.clone(), held);
        }
    }

    pub fn take(&mut self, xid: &Xid) -> Option<Vec<LoggedRows>> {
        let held = self.by_xid.remove(xid)?;
        self.bytes -= held.bytes;
        held.into_rows()
    }
}

#[cfg(test)]
mod tests {
    use strait_mysql::binlog::EventType;

    use super::*;

    fn held(bytes: usize) -> HeldRows {
        let header = EventHeader {
            timestamp: 0,
            event_type: EventType::WriteRows,
            server_id: 1,
            event_size: 0,
            log_pos: 0,
            flags: 0,
        };
        let event = RawEvent { header, body: vec![0; bytes].into(), inside_payload: false };
        let table = TableMap::new("d".into(), "t".into(), Vec::new(), Vec::new(), true);
        let mut held = HeldRows::new();
        held.add(Arc::new(table), &event, 4, true);
        held
    }

    fn xid(number: u8) -> Xid {
        Xid { format_id: 1, global: vec![number], branch: Vec::new() }
    }

    #[test]
    fn there_is_room_for_so_many_bytes_and_it_comes_back() {
        let mut prepared = Prepared::default();
        for number in 0..5 {
            prepared.keep(&xid(number), held(ROOM / 4));
        }
        assert_eq!(prepared.by_xid.len(), 3, "with what an event takes beside its bytes");
        assert!(prepared.take(&xid(4)).is_none());
        // The identifier is used again.
        prepared.keep(&xid(2), held(10));
        prepared.keep(&xid(4), held(ROOM / 4));
        for number in [0, 1, 2, 4] {
            assert_eq!(prepared.take(&xid(number)).map(|rows| rows.len()), Some(1), "{number}");
        }
        assert_eq!(prepared.bytes, 0);
    }

    #[test]
    fn one_that_is_too_large_is_not_kept_in_part() {
        assert!(held(ROOM).into_rows().is_none());
        let mut prepared = Prepared::default();
        prepared.keep(&xid(1), held(ROOM));
        assert!(prepared.take(&xid(1)).is_none());
    }
}

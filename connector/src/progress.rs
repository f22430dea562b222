//! How far the source has been read: the state that becomes the position record. It only ever changes at
//! the end of a source transaction, so at every instant it says: everything up to here is published (or left
//! out on purpose), nothing after it is.

use std::collections::BTreeMap;

use strait_mysql::{
    binlog::{TransactionEnd, TransactionHead, Xid},
    gtid::{Gtid, GtidSet},
    stream::StartAt,
};
use strait_schemas::{
    DdlIntent, Fingerprint, Flavor, Inside, LaneMark, Position, PreparedXid, Seq, Signals, SnapshotProgress,
};

/// XA transactions that are remembered at once, for each position has them. Of those beyond nothing is known when they end, and
/// the log is looked through for them.
const MOST_XIDS: usize = 1000;

/// What is known of a prepared XA transaction.
#[derive(Debug, PartialEq, Eq)]
pub enum KnownXid {
    LeftOut,
    Prepared(PreparedXid),
    /// It was prepared before anything was read here, or when there were too many.
    Unknown,
}

#[derive(Debug, Clone)]
pub struct Progress {
    pub flavor: Flavor,
    pub server_uuid: String,
    /// `None`: the place is kept as file and position.
    pub gtids: Option<GtidSet>,
    /// Of MariaDB: the set without the last transaction, which it does not tell by itself.
    pub before_last: Option<GtidSet>,
    pub file: String,
    pub pos: u64,
    pub last: Option<Fingerprint>,
    pub lanes: BTreeMap<String, LaneMark>,
    /// What our own sinks are about to run, by `origin/sink`.
    pub intents: BTreeMap<String, DdlIntent>,
    /// XA transactions that are prepared, and whose rows are all left out.
    pub left_out_xids: Vec<String>,
    /// XA transactions that are prepared, and that may have rows to publish.
    pub prepared_xids: Vec<PreparedXid>,
    /// The snapshot under way.
    pub snapshot: Option<SnapshotProgress>,
    pub as_of_us: i64,
    pub filter: String,
    /// What operators have asked for.
    pub signals: Signals,
}

impl Progress {
    pub fn from_position(position: &Position) -> Result<Self, strait_mysql::gtid::ParseError> {
        Ok(Self {
            flavor: position.flavor,
            server_uuid: position.server_uuid.clone(),
            gtids: position.gtid_set.as_deref().map(str::parse).transpose()?,
            before_last: position.before_last.as_deref().map(str::parse).transpose()?,
            file: position.file.clone(),
            pos: position.pos,
            last: position.last.clone(),
            lanes: position.lanes.clone(),
            intents: position.intents.clone(),
            left_out_xids: position.left_out_xids.clone(),
            prepared_xids: position.prepared_xids.clone(),
            snapshot: position.snapshot.clone(),
            as_of_us: position.as_of_us,
            filter: position.filter.clone(),
            signals: position.signals.clone(),
        })
    }

    /// A source transaction has been read to its end.
    pub fn complete(&mut self, head: &TransactionHead, end: &TransactionEnd, last: Fingerprint) {
        if let (Some(gtids), Some(gtid)) = (&mut self.gtids, &head.gtid) {
            if matches!(gtid, Gtid::Domain(_)) {
                self.before_last = Some(gtids.clone());
            }
            gtids.add(gtid);
        }
        self.moved(&end.file, end.pos);
        self.last = Some(last);
        self.as_of_us = head.commit_us;
    }

    /// An XA transaction was prepared that publishes nothing: its commit will not either.
    pub fn leave_xid_out(&mut self, xid: &Xid) {
        self.forget_xid(xid);
        if self.has_room_for_xids() {
            self.left_out_xids.push(xid.to_string());
        }
    }

    /// An XA transaction was prepared that may publish something.
    pub fn prepare_xid(&mut self, xid: &Xid, head: &TransactionHead, rows: &Fingerprint) {
        self.forget_xid(xid);
        if self.has_room_for_xids() {
            self.prepared_xids.push(PreparedXid {
                xid: xid.to_string(),
                gtid: transaction_id(head),
                file: head.file.to_string(),
                pos: head.pos,
                row_bytes: rows.row_bytes,
                crc: rows.crc,
            });
        }
    }

    fn has_room_for_xids(&self) -> bool {
        self.left_out_xids.len() + self.prepared_xids.len() < MOST_XIDS
    }

    /// What is known of an XA transaction that ends.
    pub fn xid(&self, xid: &Xid) -> KnownXid {
        let xid = xid.to_string();
        if self.left_out_xids.contains(&xid) {
            return KnownXid::LeftOut;
        }
        match self.prepared_xids.iter().find(|prepared| prepared.xid == xid) {
            Some(prepared) => KnownXid::Prepared(prepared.clone()),
            None => KnownXid::Unknown,
        }
    }

    /// An XA transaction has ended.
    pub fn forget_xid(&mut self, xid: &Xid) {
        let xid = xid.to_string();
        self.left_out_xids.retain(|left_out| *left_out != xid);
        self.prepared_xids.retain(|prepared| prepared.xid != xid);
    }

    /// Another server's log has other places.
    pub fn forget_places(&mut self) {
        (self.file, self.pos) = (String::new(), 0);
        for prepared in &mut self.prepared_xids {
            (prepared.file, prepared.pos) = (String::new(), 0);
        }
    }

    /// The server has nothing between the last transaction and this place.
    pub fn moved(&mut self, file: &str, pos: u64) {
        if self.file != file {
            file.clone_into(&mut self.file);
        }
        self.pos = pos;
    }

    /// Where the stream goes on.
    pub fn start_at(&self) -> StartAt {
        match &self.gtids {
            Some(gtids) => StartAt::Gtid(gtids.clone()),
            None => StartAt::File { file: self.file.clone(), pos: self.pos },
        }
    }

    pub fn position(&self, next_seq: Seq, attempt: u32, inside: Option<Inside>) -> Position {
        Position {
            flavor: self.flavor,
            before_last: self.before_last.as_ref().map(ToString::to_string),
            server_uuid: self.server_uuid.clone(),
            gtid_set: self.gtids.as_ref().map(ToString::to_string),
            file: self.file.clone(),
            pos: self.pos,
            next_seq,
            attempt,
            instance: String::new(),
            inside,
            last: self.last.clone(),
            lanes: self.lanes.clone(),
            intents: self.intents.clone(),
            left_out_xids: self.left_out_xids.clone(),
            prepared_xids: self.prepared_xids.clone(),
            snapshot: self.snapshot.clone(),
            as_of_us: self.as_of_us,
            filter: self.filter.clone(),
            signals: self.signals.clone(),
        }
    }
}

/// How the log names a transaction: its GTID, else where it begins.
pub fn transaction_id(head: &TransactionHead) -> String {
    head.gtid.as_ref().map_or_else(|| file_id(&head.file, head.pos), ToString::to_string)
}

pub fn file_id(file: &str, pos: u64) -> String {
    format!("file={file},pos={pos}")
}

/// File and position of an identity that [`file_id`] made.
pub fn parse_file_id(id: &str) -> Option<(&str, u64)> {
    let (file, pos) = id.strip_prefix("file=")?.rsplit_once(",pos=")?;
    Some((file, pos.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

    fn head(gtid: Option<String>) -> TransactionHead {
        TransactionHead {
            gtid: gtid.map(|text| text.parse().expect("a GTID")),
            commit_us: 77,
            original_commit_us: 76,
            server_id: 1,
            thread: None,
            file: "binlog.000002".into(),
            pos: 157,
            transaction_length: None,
        }
    }

    fn fingerprint(gtid: &str) -> Fingerprint {
        Fingerprint { gtid: gtid.into(), row_bytes: 9, crc: 8, commit_us: 76 }
    }

    fn progress(gtids: Option<&str>) -> Progress {
        Progress {
            flavor: Flavor::Mysql,
            before_last: None,
            server_uuid: UUID.into(),
            gtids: gtids.map(|text| text.parse().expect("a set")),
            file: "binlog.000001".into(),
            pos: 4,
            last: None,
            lanes: BTreeMap::new(),
            intents: BTreeMap::new(),
            left_out_xids: Vec::new(),
            prepared_xids: Vec::new(),
            snapshot: None,
            as_of_us: 0,
            filter: String::new(),
            signals: Signals::default(),
        }
    }

    #[test]
    fn a_finished_transaction_moves_set_place_and_fingerprint_together() {
        let mut progress = progress(Some(&format!("{UUID}:1-4")));
        let end = TransactionEnd { file: "binlog.000002".into(), pos: 500 };
        progress.complete(&head(Some(format!("{UUID}:5"))), &end, fingerprint("g"));
        let position = progress.position(Seq::new(1, 2), 3, None);
        assert_eq!(position.gtid_set, Some(format!("{UUID}:1-5")));
        assert_eq!((position.file.as_str(), position.pos, position.as_of_us), ("binlog.000002", 500, 77));
        assert_eq!(position.last, Some(fingerprint("g")));
        let again = Progress::from_position(&position).expect("parses");
        assert_eq!(again.start_at(), progress.start_at());
    }

    #[test]
    fn of_mariadb_the_set_before_the_last_transaction_is_kept() {
        let mut progress = progress(Some("0-1-4,1-1-9"));
        progress.flavor = Flavor::MariaDb;
        let end = TransactionEnd { file: "binlog.000002".into(), pos: 500 };
        progress.complete(&head(Some("0-2-5".into())), &end, fingerprint("0-2-5"));
        let position = progress.position(Seq::new(1, 2), 3, None);
        assert_eq!(position.gtid_set.as_deref(), Some("0-1-4,0-2-5,1-1-9"));
        assert_eq!(position.before_last.as_deref(), Some("0-1-4,1-1-9"));
        let again = Progress::from_position(&position).expect("parses");
        assert_eq!((again.flavor, again.before_last), (Flavor::MariaDb, progress.before_last));
    }

    fn xid(global: &[u8]) -> Xid {
        Xid { format_id: 1, global: global.to_vec(), branch: Vec::new() }
    }

    #[test]
    fn prepared_xa_transactions_are_known_after_a_restart_until_they_end() {
        let mut before = progress(None);
        before.leave_xid_out(&xid(b"a"));
        before.leave_xid_out(&xid(b"a"));
        before.prepare_xid(&xid(b"b"), &head(None), &fingerprint("g"));
        let position = before.position(Seq::default(), 1, None);
        let mut after = Progress::from_position(&position).expect("parses");
        assert_eq!(after.xid(&xid(b"c")), KnownXid::Unknown, "never prepared");
        assert_eq!(after.xid(&xid(b"a")), KnownXid::LeftOut);
        let KnownXid::Prepared(prepared) = after.xid(&xid(b"b")) else { panic!("forgotten") };
        assert_eq!((prepared.file.as_str(), prepared.pos, prepared.crc), ("binlog.000002", 157, 8));
        // The identifier is used again.
        after.prepare_xid(&xid(b"a"), &head(None), &fingerprint("g"));
        assert!(matches!(after.xid(&xid(b"a")), KnownXid::Prepared(_)));
        after.forget_places();
        let KnownXid::Prepared(prepared) = after.xid(&xid(b"b")) else { panic!("forgotten") };
        assert_eq!((prepared.file.as_str(), prepared.pos), ("", 0));
        after.forget_xid(&xid(b"a"));
        after.forget_xid(&xid(b"b"));
        assert_eq!(after.xid(&xid(b"a")), KnownXid::Unknown, "ended");
        assert!(after.prepared_xids.is_empty() && after.left_out_xids.is_empty());
    }

    #[test]
    fn so_many_prepared_transactions_are_remembered_and_no_more() {
        let mut progress = progress(None);
        for number in 0..MOST_XIDS + 10 {
            let xid = xid(number.to_string().as_bytes());
            if number % 2 == 0 {
                progress.leave_xid_out(&xid);
            } else {
                progress.prepare_xid(&xid, &head(None), &fingerprint("g"));
            }
        }
        assert_eq!(progress.left_out_xids.len() + progress.prepared_xids.len(), MOST_XIDS);
        assert_eq!(progress.xid(&xid(b"1001")), KnownXid::Unknown);
    }

    #[test]
    fn without_gtids_file_and_position_are_the_place() {
        let mut progress = progress(None);
        let end = TransactionEnd { file: "binlog.000002".into(), pos: 500 };
        progress.complete(&head(None), &end, fingerprint("g"));
        assert_eq!(progress.start_at(), StartAt::File { file: "binlog.000002".into(), pos: 500 });
        assert_eq!(progress.position(Seq::default(), 1, None).gtid_set, None);
    }

    #[test]
    fn identities_are_gtids_or_places() {
        assert_eq!(transaction_id(&head(Some(format!("{UUID}:5")))), format!("{UUID}:5"));
        let id = transaction_id(&head(None));
        assert_eq!(id, "file=binlog.000002,pos=157");
        assert_eq!(parse_file_id(&id), Some(("binlog.000002", 157)));
        assert_eq!(parse_file_id(&format!("{UUID}:5")), None);
    }
}

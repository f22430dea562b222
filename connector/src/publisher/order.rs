//! Whether a GTID of MariaDB comes when its turn is. The position there is one GTID a domain, so a number that is smaller
//! than one before it would be taken for published by every later start.

use strait_mysql::{binlog::TransactionHead, gtid::Gtid};

use super::Publisher;
use crate::{Error, Result};

impl Publisher {
    pub(super) fn ensure_in_order(&self, head: &TransactionHead) -> Result<()> {
        let (Some(gtid @ Gtid::Domain(_)), Some(read)) = (&head.gtid, &self.progress.gtids) else {
            return Ok(());
        };
        if !read.contains(gtid) {
            return Ok(());
        }
        Err(Error::refused(
            format!("transaction {gtid} comes when its domain has passed that number already ({read})"),
            format!("{}, {}:{}", self.source.place(), head.file, head.pos),
            "SET GLOBAL gtid_strict_mode = ON at the source keeps numbers in order, and servers that are written to independently each need a \
             gtid_domain_id of their own; what is logged already can be passed only by a new start: make the readers equal and use another \
             `prefix`",
        ))
    }
}

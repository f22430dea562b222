//! `strait.offset`: where to begin reading each partition. Only hints: a record at or below the applied seq
//! is dropped wherever it is read, and a record that is missed shows in the spine's counts.

use std::fmt::Write as _;

use strait_mysql::client::{Conn, Queryable, quote_text};

use super::Identity;
use crate::error::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetRow {
    pub topic: String,
    pub partition: i32,
    pub next_offset: i64,
}

/// Saves where each partition may be read on.
pub async fn save_offsets(
    conn: &mut Conn,
    identity: &Identity,
    rows: impl IntoIterator<Item = OffsetRow>,
) -> Result<()> {
    let mut values = String::new();
    let (origin, sink) = (quote_text(&identity.origin), quote_text(&identity.sink));
    let cluster = quote_text(&identity.cluster_id);
    for OffsetRow { topic, partition, next_offset } in rows {
        let separator = if values.is_empty() { "" } else { "," };
        write!(
            values,
            "{separator}({origin},{sink},{},{partition},{next_offset},{cluster})",
            quote_text(&topic)
        )
        .expect("writing to a String cannot fail");
    }
    if values.is_empty() {
        return Ok(());
    }
    let statement = format!(
        "INSERT INTO strait.offset (origin, sink, topic, part, next_offset, cluster_id) VALUES {values} \
         ON DUPLICATE KEY UPDATE next_offset = VALUES(next_offset), cluster_id = VALUES(cluster_id)"
    );
    conn.query_drop(statement).await.map_err(Error::target(conn, "saving offsets in strait.offset"))
}

//! XA RECOVER: the XA transactions that are prepared.

use mysql_async::{Conn, Row, prelude::Queryable as _};

use crate::{binlog::Xid, client::ClientError};

/// All that the server lists. MySQL wants XA_RECOVER_ADMIN for it, MariaDB nothing.
/// <https://mariadb.com/docs/server/reference/sql-statements/transactions/xa-transactions>
pub async fn read_prepared_xids(conn: &mut Conn) -> Result<Vec<Xid>, ClientError> {
    let rows: Vec<Row> = conn.query("XA RECOVER").await?;
    Ok(rows.into_iter().filter_map(|row| xid(&row)).collect())
}

/// Format, lengths of the two parts, both parts in one.
fn xid(row: &Row) -> Option<Xid> {
    let (format_id, global, branch): (i64, usize, usize) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let data: Vec<u8> = row.get(3)?;
    let (first, rest) = data.split_at_checked(global)?;
    Some(Xid { format_id, global: first.to_vec(), branch: rest.get(..branch)?.to_vec() })
}

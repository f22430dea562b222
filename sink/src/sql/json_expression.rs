//! A JSON document in the server's binary form, as SQL.

use strait_mysql::jsonb;

pub fn write(document: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let mut sql = String::with_capacity(document.len() * 2);
    jsonb::to_expression(document, &mut sql).map_err(|error| error.to_string())?;
    out.extend_from_slice(sql.as_bytes());
    Ok(())
}

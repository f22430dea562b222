//! A JSON document in the server's binary form, as a literal.

use strait_mysql::jsonb;

use super::literal;

pub fn write(document: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let mut text = String::with_capacity(document.len() * 2);
    jsonb::to_text(document, &mut text).map_err(|error| error.to_string())?;
    literal::quoted(text.as_bytes(), out);
    Ok(())
}

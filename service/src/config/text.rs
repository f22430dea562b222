//! A value written as text, in a variable or flag, read as its field's type.

use serde_json::Value;

use super::schema::Node;

/// Reads `text` as `node` wants it; the error says what was expected and repeats the text, so secrets (always
/// plain text) never come into it.
pub(super) fn read(node: Node<'_>, text: &str) -> Result<Value, String> {
    if node.is_secret() {
        return Ok(Value::String(text.to_owned()));
    }
    if let Some(value) = read_scalar(node, text) {
        return Ok(value);
    }
    // Whoever takes both knows how a text is cut.
    if node.accepts("array") && (!node.accepts("string") || text.trim_start().starts_with('[')) {
        return read_list(node, text);
    }
    if node.map_entry().is_some() || node.accepts("object") {
        // Its values may be secrets: the text is not repeated.
        return inline(text)
            .filter(Value::is_object)
            .ok_or_else(|| "expects an inline table, such as {\"linger.ms\" = 5}".to_owned());
    }
    if node.accepts("string") || node.body["type"].is_null() {
        return Ok(Value::String(text.to_owned()));
    }
    let expected = ["integer", "boolean", "number"].into_iter().filter(|kind| node.accepts(kind));
    Err(format!("\"{text}\" is no {}", expected.collect::<Vec<_>>().join(" or ")))
}

fn read_scalar(node: Node<'_>, text: &str) -> Option<Value> {
    let trimmed = text.trim();
    if node.accepts("integer") {
        if let Ok(number) = trimmed.parse::<i64>() {
            return Some(number.into());
        }
        if let Ok(number) = trimmed.parse::<u64>() {
            return Some(number.into());
        }
    }
    if node.accepts("boolean")
        && let Ok(truth) = trimmed.parse::<bool>()
    {
        return Some(truth.into());
    }
    if node.accepts("number")
        && let Ok(number) = trimmed.parse::<f64>()
    {
        return serde_json::Number::from_f64(number).map(Value::Number);
    }
    None
}

/// `a,b,c` or a TOML array.
fn read_list(node: Node<'_>, text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with('[') {
        return inline(text)
            .filter(Value::is_array)
            .ok_or_else(|| format!("\"{text}\" is no list: write a,b,c or [\"a\", \"b\"]"));
    }
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(|item| read(node.items(), item)).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

/// An inline TOML value, else JSON.
fn inline(text: &str) -> Option<Value> {
    let wrapped = format!("value = {text}");
    let from_toml = toml::from_str::<toml::Table>(&wrapped).ok().and_then(|mut table| table.remove("value"));
    from_toml.and_then(|value| serde_json::to_value(value).ok()).or_else(|| serde_json::from_str(text).ok())
}

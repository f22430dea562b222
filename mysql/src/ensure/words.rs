//! The words of a stored statement, as far as preflight has to understand it: comments and literals are left
//! out, identifiers and keywords come in lower case.

/// Splits SQL into words: `` `Order Lines` `` gives `order lines`, `@Strait_Apply` gives `@strait_apply`. What
/// is in an executable comment (`/*! ... */`) counts as statement.
pub(super) fn words(sql: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        rest = if let Some(executable) = rest.strip_prefix("/*!") {
            executable.trim_start_matches(|c: char| c.is_ascii_digit())
        } else if let Some(comment) = rest.strip_prefix("/*") {
            after(comment, "*/")
        } else if rest.starts_with('#') || is_dash_comment(rest) {
            after(rest, "\n")
        } else if c == '\'' || c == '"' {
            quoted(rest, c, true).1
        } else if let Some(quote) =
            rest.strip_prefix('@').and_then(|name| name.chars().next()).filter(|c| "`'\"".contains(*c))
        {
            let (name, rest) = quoted(&rest[1..], quote, false);
            words.push(format!("@{}", name.to_lowercase()));
            rest
        } else if c == '`' {
            let (name, rest) = quoted(rest, c, false);
            words.push(name.to_lowercase());
            rest
        } else if is_word(c) || c == '@' {
            let start = c.len_utf8();
            let end = start + rest[start..].find(|c| !is_word(c)).unwrap_or(rest.len() - start);
            words.push(rest[..end].to_lowercase());
            &rest[end..]
        } else {
            &rest[c.len_utf8()..]
        };
    }
    words
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// `--` begins a comment only before a space or at the end.
fn is_dash_comment(text: &str) -> bool {
    text.strip_prefix("--").is_some_and(|rest| rest.chars().next().is_none_or(char::is_whitespace))
}

fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.find(end).map_or("", |at| &text[at + end.len()..])
}

/// A quoted text off the front: its content, and what follows.
fn quoted(text: &str, quote: char, escapes: bool) -> (String, &str) {
    let mut content = String::new();
    let mut chars = text[1..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && escapes {
            chars.next();
        } else if c != quote {
            content.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            chars.next();
            content.push(quote);
        } else {
            return (content, &text[1 + at + 1..]);
        }
    }
    (content, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_no_words() {
        let sql =
            "INSERT /* not this */ INTO `My T`.x -- nor this\n VALUES ('a''b\\'c', \"d\", @Var, 5--3) # end";
        assert_eq!(words(sql), ["insert", "into", "my t", "x", "values", "@var", "5", "3"]);
        assert_eq!(words("/*!80000 update t */ 'x"), ["update", "t"]);
        assert_eq!(words("@`A b`@'c'"), ["@a b", "@c"]);
        assert_eq!(words("größe 表@x`"), ["größe", "表", "@x", ""]);
    }
}

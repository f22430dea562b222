//! The labels of an ENUM or SET from the column's type as the catalog prints it.

/// `enum('a','it''s')` gives `a` and `it's`.
pub fn parse(column_type: &str) -> Vec<String> {
    let mut labels = Vec::new();
    let mut rest = column_type.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\'' {
            continue;
        }
        let mut label = String::new();
        while let Some(c) = rest.next() {
            match c {
                '\'' if rest.peek() == Some(&'\'') => {
                    rest.next();
                    label.push('\'');
                }
                '\'' => break,
                '\\' => label.extend(rest.next().map(unescaped)),
                c => label.push(c),
            }
        }
        labels.push(label);
    }
    labels
}

/// The server's `append_unescaped`: NUL, line feed, carriage return and the backslash itself.
fn unescaped(c: char) -> char {
    match c {
        '0' => '\0',
        'n' => '\n',
        'r' => '\r',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_escapes_are_part_of_labels() {
        assert_eq!(
            parse(r"enum('a','b,c','it''s','','x\\y','l\nf')"),
            ["a", "b,c", "it's", "", "x\\y", "l\nf"]
        );
        assert_eq!(parse("set('ä')"), ["ä"]);
        assert!(parse("int unsigned").is_empty());
    }
}

//! Statements about accounts: the binary log holds their passwords, or the hashes that stand for them. Neither our log nor
//! the spine, which more people may read, repeats them.

/// Each as the words that such a statement begins with.
const VERBS: [&[&str]; 16] = [
    &["CREATE", "USER"],
    &["ALTER", "USER"],
    &["DROP", "USER"],
    &["RENAME", "USER"],
    &["CREATE", "ROLE"],
    &["DROP", "ROLE"],
    &["GRANT"],
    &["REVOKE"],
    &["SET", "PASSWORD"],
    &["SET", "DEFAULT", "ROLE"],
    &["CREATE", "SERVER"],
    &["ALTER", "SERVER"],
    &["CREATE", "OR", "REPLACE", "USER"],
    &["CREATE", "OR", "REPLACE", "ROLE"],
    &["CREATE", "OR", "REPLACE", "SERVER"],
    &["CHANGE"],
];

/// What may be told of a statement: all of it, or of one about accounts its verb alone.
pub fn tellable(statement: &str) -> String {
    let words: Vec<String> = words(statement).take(4).collect();
    let begins = |verb: &[&str]| words.len() >= verb.len() && verb.iter().zip(&words).all(|(a, b)| a == b);
    match VERBS.iter().find(|verb| begins(verb)) {
        Some(verb) => verb.join(" "),
        None => statement.to_owned(),
    }
}

/// The first words in capitals; comments are passed over, the marks of those that the server executes too.
fn words(statement: &str) -> impl Iterator<Item = String> {
    let mut rest = statement;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            if let Some(executed) = rest.strip_prefix("/*!").or_else(|| rest.strip_prefix("/*M!")) {
                rest = executed.trim_start_matches(|c: char| c.is_ascii_digit());
            } else if let Some(comment) = rest.strip_prefix("/*") {
                rest = comment.split_once("*/").map_or("", |(_, after)| after);
            } else if let Some(after) = rest.strip_prefix("*/") {
                rest = after;
            } else if rest.starts_with('#') || rest.starts_with("-- ") {
                rest = rest.split_once('\n').map_or("", |(_, after)| after);
            } else {
                break;
            }
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        (!word.is_empty()).then(|| word.to_ascii_uppercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_statements_about_accounts_the_verb_is_told() {
        for (statement, told) in [
            ("CREATE USER 'a'@'%' IDENTIFIED WITH 'caching_sha2_password' AS '$A$hush'", "CREATE USER"),
            ("create user if not exists a identified by 'hush'", "CREATE USER"),
            ("ALTER USER a IDENTIFIED BY 'hush'", "ALTER USER"),
            ("/* hush */ GRANT ALL ON *.* TO a IDENTIFIED BY 'hush'", "GRANT"),
            ("/*!80000 SET PASSWORD FOR a = 'hush' */", "SET PASSWORD"),
            ("-- hush\n#hush\nCREATE\n\tOR REPLACE USER a IDENTIFIED BY 'hush'", "CREATE OR REPLACE USER"),
            ("CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (PASSWORD 'hush')", "CREATE SERVER"),
        ] {
            assert_eq!(tellable(statement), told);
        }
    }

    #[test]
    fn of_all_others_everything_is_told() {
        for statement in [
            "CREATE TABLE user (password INT)",
            "ALTER TABLE t COMMENT 'GRANT'",
            "CREATE USERS",
            "DROP TABLE `user`",
            "",
            "/* unfinished",
        ] {
            assert_eq!(tellable(statement), statement);
        }
    }
}

//! A statement's first words decide who reads the rest of it.

use std::ops::Range;

use super::{Kind, Lexer, Object, Reading, account, alter, create, cursor::Cursor, other};

/// What is known of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub kind: Kind,
    /// In the order in which they are named.
    pub objects: Vec<Object>,
    /// Whose rights a view or routine runs with, if it is said.
    pub definer: Option<Definer>,
    /// IF EXISTS, IF NOT EXISTS or OR REPLACE.
    pub conditional: bool,
    /// Where a binary log's CREATE TABLE says START TRANSACTION: the rows of its query follow. Without these words the
    /// statement creates the table alone.
    pub rows_follow: Option<Range<usize>>,
    /// The values of ALGORITHM and LOCK that demand more than a server may be able to do: whether it is depends on what
    /// has been done to its own table before, and on a session variable of MariaDB that no log tells.
    pub demands: Vec<Range<usize>>,
    /// A column becomes AUTO_INCREMENT: each server numbers the rows that it has then.
    pub numbers: bool,
}

/// An account as it is named; `CURRENT_USER` has no host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definer {
    pub user: String,
    pub host: Option<String>,
}

impl Statement {
    pub(super) fn of(kind: Kind) -> Self {
        Self {
            kind,
            objects: Vec::new(),
            definer: None,
            conditional: false,
            rows_follow: None,
            demands: Vec::new(),
            numbers: false,
        }
    }

    pub(super) fn with(kind: Kind, objects: impl IntoIterator<Item = Object>) -> Self {
        Self { objects: objects.into_iter().collect(), ..Self::of(kind) }
    }
}

/// Says what a statement is.
pub fn classify(statement: &[u8], reading: Reading) -> Statement {
    let mut cursor = Cursor::new(Lexer::new(statement, reading));
    // MariaDB: a variable for one statement.
    if cursor.words(&["SET", "STATEMENT"]) {
        while !cursor.word("FOR") {
            if !cursor.parentheses() && cursor.next().is_none() {
                return Statement::of(Kind::Unknown);
            }
        }
    }
    let Some(first) = cursor.next() else { return Statement::of(Kind::Unknown) };
    let is = |word| cursor.is(first, word);
    if is("CREATE") {
        create::create(&mut cursor)
    } else if is("ALTER") {
        alter::alter(&mut cursor)
    } else if is("DROP") {
        other::drop(&mut cursor)
    } else if is("RENAME") {
        other::rename(&mut cursor)
    } else if is("TRUNCATE") {
        other::truncate(&mut cursor)
    } else if is("ANALYZE") {
        other::maintain(&mut cursor, Kind::AnalyzeTable)
    } else if is("OPTIMIZE") {
        other::maintain(&mut cursor, Kind::OptimizeTable)
    } else if is("REPAIR") {
        other::maintain(&mut cursor, Kind::RepairTable)
    } else if is("FLUSH") {
        Statement::of(Kind::Flush)
    } else if is("INSTALL") || is("UNINSTALL") {
        Statement::of(Kind::Plugin)
    } else if is("IMPORT") && cursor.sees("TABLE") {
        Statement::of(Kind::ImportTable)
    } else if is("GRANT") || is("REVOKE") {
        Statement::of(Kind::Grant)
    } else if is("SET") {
        account::set(&mut cursor)
    } else {
        Statement::of(Kind::Unknown)
    }
}

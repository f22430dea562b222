//! ALTER.

use super::{
    Class, Kind, Object, Role,
    account::definer,
    classify::Statement,
    create::{is_view, without_database},
    cursor::Cursor,
};

pub fn alter(cursor: &mut Cursor<'_>) -> Statement {
    let mut account = None;
    loop {
        if cursor.word("DEFINER") {
            account = definer(cursor);
        } else if cursor.any(&["ALGORITHM", "SQL"]) {
            cursor.word("SECURITY");
            cursor.mark(b'=');
            cursor.next();
        } else if !cursor.any(&["ONLINE", "OFFLINE", "IGNORE", "UNDO"]) {
            break;
        }
    }
    Statement { definer: account, ..altered(cursor) }
}

fn altered(cursor: &mut Cursor<'_>) -> Statement {
    if cursor.word("TABLE") {
        table(cursor)
    } else if is_view(cursor) {
        one(cursor, Kind::AlterView, Class::View)
    } else if cursor.any(&["DATABASE", "SCHEMA"]) {
        Statement::with(Kind::AlterDatabase, [database(cursor)])
    } else if cursor.word("PROCEDURE") {
        one(cursor, Kind::AlterRoutine, Class::Procedure)
    } else if cursor.word("FUNCTION") {
        one(cursor, Kind::AlterRoutine, Class::Function)
    } else if cursor.word("EVENT") {
        event(cursor)
    } else if cursor.word("LIBRARY") {
        one(cursor, Kind::AlterLibrary, Class::Library)
    } else if cursor.word("SEQUENCE") {
        cursor.words(&["IF", "EXISTS"]);
        one(cursor, Kind::Sequence, Class::Sequence)
    } else if cursor.word("INSTANCE") {
        Statement::of(Kind::Instance)
    } else {
        Statement::of(without_database(cursor))
    }
}

fn one(cursor: &mut Cursor<'_>, kind: Kind, class: Class) -> Statement {
    Statement::with(kind, cursor.object(Role::Altered, class))
}

/// Its name may be left out; these words begin what is altered, unless they are in quotes.
fn database(cursor: &mut Cursor<'_>) -> Object {
    const OPTIONS: [&str; 6] = ["DEFAULT", "CHARACTER", "CHARSET", "COLLATE", "ENCRYPTION", "READ"];
    let here = cursor.peek().map_or(0, |token| token.start);
    let named = if cursor.sees_any(&OPTIONS) { None } else { cursor.database(Role::Altered) };
    named.unwrap_or(Object {
        role: Role::Altered,
        class: Class::Database,
        database: None,
        name: String::new(),
        span: here..here,
    })
}

fn event(cursor: &mut Cursor<'_>) -> Statement {
    let mut statement = one(cursor, Kind::AlterEvent, Class::Event);
    // Before the body, which may hold anything.
    while !cursor.is_at_end() && !cursor.sees("DO") {
        if cursor.words(&["RENAME", "TO"]) {
            statement.objects.extend(cursor.object(Role::RenamedTo, Class::Event));
        } else {
            cursor.next();
        }
    }
    statement
}

fn table(cursor: &mut Cursor<'_>) -> Statement {
    let conditional = cursor.words(&["IF", "EXISTS"]);
    let table = cursor.object(Role::Altered, Class::Table);
    let mut statement = Statement { conditional, ..Statement::with(Kind::AlterTable, table) };
    while !cursor.is_at_end() {
        clause(cursor, &mut statement);
    }
    statement
}

/// The next clause that names a table, or one token. RENAME and REFERENCES are reserved: without quotes they are
/// no names. The others count only with the word that must follow.
fn clause(cursor: &mut Cursor<'_>, statement: &mut Statement) {
    if cursor.word("RENAME") {
        if !cursor.any(&["COLUMN", "INDEX", "KEY", "CONSTRAINT"]) {
            let _ = cursor.any(&["TO", "AS"]) || cursor.mark(b'=');
            statement.objects.extend(cursor.object(Role::RenamedTo, Class::Table));
        }
    } else if cursor.word("REFERENCES") {
        statement.objects.extend(cursor.object(Role::Referenced, Class::Table));
    } else if cursor.words(&["EXCHANGE", "PARTITION"]) {
        cursor.name();
        if cursor.words(&["WITH", "TABLE"]) {
            statement.kind = Kind::ExchangePartition;
            statement.objects.extend(cursor.object(Role::Exchanged, Class::Table));
        }
    } else if let Some(value) = cursor.demand() {
        statement.demands.push(value);
    } else if cursor.word("AUTO_INCREMENT") {
        // Else the table's option.
        let is_column = !cursor.sees_mark(b'=') && !cursor.sees_number();
        statement.numbers |= is_column;
    } else if is_of_files(cursor) {
        statement.kind = Kind::ImportTablespace;
    } else {
        cursor.next();
    }
}

/// IMPORT or DISCARD, of the table's or a partition's file.
fn is_of_files(cursor: &mut Cursor<'_>) -> bool {
    ["IMPORT", "DISCARD"]
        .iter()
        .any(|verb| cursor.words(&[verb, "TABLESPACE"]) || cursor.words(&[verb, "PARTITION"]))
}

//! DROP, RENAME, TRUNCATE, and the upkeep of tables.

use super::{
    Class, Kind, Role,
    classify::Statement,
    create::{is_view, without_database},
    cursor::Cursor,
};

pub fn drop(cursor: &mut Cursor<'_>) -> Statement {
    let temporary = cursor.word("TEMPORARY");
    cursor.any(&["ONLINE", "OFFLINE", "UNDO"]);
    let table = if temporary { Kind::DropTemporaryTable } else { Kind::DropTable };
    if cursor.any(&["TABLE", "TABLES"]) {
        return all(cursor, table, Class::Table);
    }
    if is_view(cursor) {
        return all(cursor, Kind::DropView, Class::View);
    }
    if cursor.word("INDEX") {
        let conditional = cursor.words(&["IF", "EXISTS"]);
        cursor.name();
        cursor.word("ON");
        let table = cursor.object(Role::Altered, Class::Table);
        let demands = cursor.demands();
        return Statement { conditional, demands, ..Statement::with(Kind::DropIndex, table) };
    }
    if cursor.any(&["DATABASE", "SCHEMA"]) {
        let conditional = cursor.words(&["IF", "EXISTS"]);
        let database = cursor.database(Role::Dropped);
        return Statement { conditional, ..Statement::with(Kind::DropDatabase, database) };
    }
    for (word, kind, class) in [
        ("PROCEDURE", Kind::DropRoutine, Class::Procedure),
        ("FUNCTION", Kind::DropRoutine, Class::Function),
        ("TRIGGER", Kind::DropTrigger, Class::Trigger),
        ("EVENT", Kind::DropEvent, Class::Event),
        ("LIBRARY", Kind::DropLibrary, Class::Library),
        ("SEQUENCE", Kind::Sequence, Class::Sequence),
    ] {
        if cursor.word(word) {
            return all(cursor, kind, class);
        }
    }
    if cursor.word("PACKAGE") {
        cursor.word("BODY");
        return all(cursor, Kind::DropRoutine, Class::Package);
    }
    if cursor.words(&["SPATIAL", "REFERENCE", "SYSTEM"]) {
        return Statement::of(Kind::SpatialReferenceSystem);
    }
    Statement::of(without_database(cursor))
}

fn all(cursor: &mut Cursor<'_>, kind: Kind, class: Class) -> Statement {
    let mut statement = Statement::of(kind);
    statement.conditional = cursor.words(&["IF", "EXISTS"]);
    cursor.list(Role::Dropped, class, &mut statement.objects);
    statement
}

pub fn rename(cursor: &mut Cursor<'_>) -> Statement {
    if cursor.word("USER") {
        return Statement::of(Kind::Account);
    }
    if !cursor.any(&["TABLE", "TABLES"]) {
        return Statement::of(Kind::Unknown);
    }
    let mut statement = Statement::of(Kind::RenameTable);
    statement.conditional = cursor.words(&["IF", "EXISTS"]);
    loop {
        statement.objects.extend(cursor.object(Role::RenamedFrom, Class::Table));
        // MariaDB: WAIT n, NOWAIT.
        while !cursor.is_at_end() && !cursor.sees_mark(b',') && !cursor.word("TO") {
            cursor.next();
        }
        statement.objects.extend(cursor.object(Role::RenamedTo, Class::Table));
        if !cursor.mark(b',') {
            return statement;
        }
    }
}

pub fn truncate(cursor: &mut Cursor<'_>) -> Statement {
    cursor.word("TABLE");
    Statement::with(Kind::TruncateTable, cursor.object(Role::Truncated, Class::Table))
}

pub fn maintain(cursor: &mut Cursor<'_>, kind: Kind) -> Statement {
    cursor.any(&["NO_WRITE_TO_BINLOG", "LOCAL"]);
    if !cursor.any(&["TABLE", "TABLES"]) {
        return Statement::of(Kind::Unknown);
    }
    let mut statement = Statement::of(kind);
    cursor.list(Role::Maintained, Class::Table, &mut statement.objects);
    statement
}

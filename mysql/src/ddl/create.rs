//! CREATE.

use super::{Class, Kind, Role, TokenKind, account::definer, classify::Statement, cursor::Cursor};

pub fn create(cursor: &mut Cursor<'_>) -> Statement {
    let (mut replaces, mut temporary, mut account) = (false, false, None);
    // Whatever may stand between CREATE and what is created.
    loop {
        if cursor.words(&["OR", "REPLACE"]) {
            replaces = true;
        } else if cursor.word("DEFINER") {
            account = definer(cursor);
        } else if cursor.any(&["ALGORITHM", "SQL"]) {
            cursor.word("SECURITY");
            cursor.mark(b'=');
            cursor.next();
        } else if cursor.word("TEMPORARY") {
            temporary = true;
        } else if cursor.words(&["SPATIAL", "REFERENCE", "SYSTEM"]) {
            return Statement::of(Kind::SpatialReferenceSystem);
        } else if !cursor.any(&[
            "UNIQUE",
            "FULLTEXT",
            "SPATIAL",
            "VECTOR",
            "ONLINE",
            "OFFLINE",
            "AGGREGATE",
            "UNDO",
            "EXTERNAL",
        ]) {
            break;
        }
    }
    let mut statement = created(cursor, temporary);
    statement.definer = account;
    statement.conditional |= replaces;
    statement
}

fn created(cursor: &mut Cursor<'_>, temporary: bool) -> Statement {
    if cursor.word("TABLE") {
        return table(cursor, temporary);
    }
    if cursor.word("INDEX") {
        if_not_exists(cursor);
        while !cursor.is_at_end() && !cursor.word("ON") {
            cursor.next();
        }
        let table = cursor.object(Role::Altered, Class::Table);
        return Statement { demands: cursor.demands(), ..Statement::with(Kind::CreateIndex, table) };
    }
    if is_view(cursor) {
        return one(cursor, Kind::CreateView, Class::View);
    }
    if cursor.any(&["DATABASE", "SCHEMA"]) {
        let conditional = if_not_exists(cursor);
        return Statement {
            conditional,
            ..Statement::with(Kind::CreateDatabase, cursor.database(Role::Created))
        };
    }
    if cursor.word("PROCEDURE") {
        return one(cursor, Kind::CreateRoutine, Class::Procedure);
    }
    if cursor.word("FUNCTION") {
        return function(cursor);
    }
    if cursor.word("PACKAGE") {
        cursor.word("BODY");
        return one(cursor, Kind::CreateRoutine, Class::Package);
    }
    if cursor.word("TRIGGER") {
        return trigger(cursor);
    }
    if cursor.word("EVENT") {
        return one(cursor, Kind::CreateEvent, Class::Event);
    }
    if cursor.word("LIBRARY") {
        return one(cursor, Kind::CreateLibrary, Class::Library);
    }
    if cursor.word("SEQUENCE") {
        return one(cursor, Kind::Sequence, Class::Sequence);
    }
    Statement::of(without_database(cursor))
}

/// What is in no database, whether it is created, altered or dropped.
pub fn without_database(cursor: &mut Cursor<'_>) -> Kind {
    if cursor.any(&["USER", "ROLE"]) {
        Kind::Account
    } else if cursor.word("TABLESPACE") {
        Kind::Tablespace
    } else if cursor.words(&["LOGFILE", "GROUP"]) {
        Kind::LogfileGroup
    } else if cursor.word("SERVER") {
        Kind::Server
    } else if cursor.words(&["RESOURCE", "GROUP"]) {
        Kind::ResourceGroup
    } else {
        Kind::Unknown
    }
}

/// VIEW, or the words for one of JSON documents.
pub fn is_view(cursor: &mut Cursor<'_>) -> bool {
    cursor.word("VIEW")
        || cursor.words(&["JSON", "RELATIONAL", "DUALITY", "VIEW"])
        || cursor.words(&["JSON", "DUALITY", "VIEW"])
}

fn if_not_exists(cursor: &mut Cursor<'_>) -> bool {
    cursor.words(&["IF", "NOT", "EXISTS"])
}

fn one(cursor: &mut Cursor<'_>, kind: Kind, class: Class) -> Statement {
    let conditional = if_not_exists(cursor);
    Statement { conditional, ..Statement::with(kind, cursor.object(Role::Created, class)) }
}

fn function(cursor: &mut Cursor<'_>) -> Statement {
    let stored = one(cursor, Kind::CreateRoutine, Class::Function);
    // One in a library on disk has no parameters here, and belongs to no database.
    if cursor.sees("RETURNS") {
        return Statement { objects: Vec::new(), kind: Kind::CreateLoadableFunction, ..stored };
    }
    stored
}

fn trigger(cursor: &mut Cursor<'_>) -> Statement {
    let mut statement = one(cursor, Kind::CreateTrigger, Class::Trigger);
    while !cursor.is_at_end() && !cursor.word("ON") {
        cursor.next();
    }
    statement.objects.extend(cursor.object(Role::Referenced, Class::Table));
    statement
}

fn table(cursor: &mut Cursor<'_>, temporary: bool) -> Statement {
    let mut statement = one(cursor, Kind::CreateTable, Class::Table);
    let mut ahead = cursor.clone();
    ahead.mark(b'(');
    if ahead.word("LIKE") {
        statement.kind = Kind::CreateTableLike;
        statement.objects.extend(ahead.object(Role::Referenced, Class::Table));
    } else if is_query(cursor, &mut statement) {
        statement.kind = Kind::CreateTableSelect;
    }
    if temporary {
        statement.kind = Kind::CreateTemporaryTable;
    }
    statement
}

/// Reads a table's definition; whether it takes the rows of a query.
fn is_query(cursor: &mut Cursor<'_>, statement: &mut Statement) -> bool {
    let objects = &mut statement.objects;
    let mut depth = 0_usize;
    loop {
        if depth == 0 {
            statement.rows_follow = cursor.span_of(&["START", "TRANSACTION"]);
        }
        if statement.rows_follow.is_some() || cursor.word("SELECT") {
            return true;
        }
        if depth == 0 && cursor.word("VALUES") {
            return true;
        }
        if depth == 0 && cursor.word("TABLE") {
            objects.extend(cursor.object(Role::Referenced, Class::Table));
            return true;
        }
        if cursor.word("REFERENCES") {
            objects.extend(cursor.object(Role::Referenced, Class::Table));
        } else if depth == 0 && cursor.word("UNION") {
            cursor.mark(b'=');
            if cursor.mark(b'(') {
                depth += 1;
                cursor.list(Role::Referenced, Class::Table, objects);
            }
        } else {
            match cursor.next().map(|token| token.kind) {
                Some(TokenKind::Mark(b'(')) => depth += 1,
                Some(TokenKind::Mark(b')')) => depth = depth.saturating_sub(1),
                Some(_) => {}
                None => return false,
            }
        }
    }
}

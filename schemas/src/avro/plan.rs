//! Compiles a writer's schema into the plan by which bodies are read: for each field, in the writer's
//! order, what it is to us, or how to pass over it.

use super::{
    kind,
    schema::{Field, Names, Node, Primitive, Record, Type},
    skip::{Compiler, Skip, Skips},
};
use crate::{Column, Error, Result, TableSchema, carrier::Carrier};

/// The plan for a change envelope.
#[derive(Debug)]
pub(super) struct EnvelopePlan {
    pub steps: Vec<EnvelopeStep>,
    pub row: RowPlan,
    pub source: Vec<(SourceField, Optional)>,
    pub skips: Skips,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum EnvelopeStep {
    Before(Optional),
    After(Optional),
    Source(Optional),
    Op(Optional),
    TsMs(Optional),
    TsUs(Optional),
    Skip(Skip),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum SourceField {
    TsMs,
    TsUs,
    Snapshot,
    Database,
    Table,
    ServerId,
    Gtid,
    File,
    Pos,
    Row,
    Thread,
    Skip(Skip),
}

/// The plan for a row: a key, or an image.
#[derive(Debug, Clone)]
pub(super) struct RowPlan {
    pub columns: Vec<(Read, Optional)>,
}

#[derive(Debug, Clone)]
pub(super) enum Read {
    Plain(Carrier),
    /// A structure: its members in the writer's order.
    Point(Vec<(Member, Optional)>),
    Geometry(Vec<(Member, Optional)>),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Member {
    X,
    Y,
    Wkb,
    Srid,
    Skip(Skip),
}

/// How a value that may be null is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Optional {
    /// No union: always there.
    No,
    /// A union of null and the type; the branch that is null.
    NullAt(u8),
    /// A union of the type alone.
    Only,
}

/// Compiles an envelope's schema.
pub(super) fn envelope(names: &Names<'_>, root: Node<'_>) -> Result<(EnvelopePlan, TableSchema)> {
    let Type::Record(record) = names.resolve(root)? else {
        return Err(Error::foreign("the top", "a change envelope is a record"));
    };
    for name in ["before", "after", "source", "op"] {
        if !record.fields.iter().any(|field| field.name == name) {
            let place = format!("record `{}`", record.full_name);
            return Err(Error::foreign(place, format!("a change envelope has a field `{name}`")));
        }
    }
    let mut compiler = Compiler::new(names);
    let mut steps = Vec::new();
    let mut rows: Vec<(RowPlan, TableSchema)> = Vec::new();
    let mut source = Vec::new();
    for field in &record.fields {
        steps.push(match field.name {
            "before" | "after" => {
                let (optional, row) = structure(names, field, field.name)?;
                rows.push(row_plan(names, &row, field.name, &mut compiler)?);
                match field.name {
                    "before" => EnvelopeStep::Before(optional),
                    _ => EnvelopeStep::After(optional),
                }
            }
            "source" => {
                let (optional, block) = structure(names, field, field.name)?;
                source = source_plan(names, &block, &mut compiler)?;
                EnvelopeStep::Source(optional)
            }
            "op" => EnvelopeStep::Op(scalar(names, field, "op", Primitive::Text)?),
            "ts_ms" => EnvelopeStep::TsMs(scalar(names, field, "ts_ms", Primitive::Long)?),
            "ts_us" => EnvelopeStep::TsUs(scalar(names, field, "ts_us", Primitive::Long)?),
            _ => EnvelopeStep::Skip(compiler.compile(field.node)?),
        });
    }
    let (row, table) = rows.swap_remove(0);
    if rows.iter().any(|(_, other)| other.columns != table.columns) {
        return Err(Error::foreign("`after`", "it has other columns than `before`"));
    }
    Ok((EnvelopePlan { steps, row, source, skips: compiler.finish() }, table))
}

/// Compiles a key's schema.
pub(super) fn key(names: &Names<'_>, root: Node<'_>) -> Result<(RowPlan, TableSchema, Skips)> {
    let Type::Record(record) = names.resolve(root)? else {
        return Err(Error::foreign("the top", "a key is a record"));
    };
    let mut compiler = Compiler::new(names);
    let (plan, mut table) = row_plan(names, &record, "key", &mut compiler)?;
    table.key = (0..table.columns.len()).collect();
    Ok((plan, table, compiler.finish()))
}

fn row_plan<'j>(
    names: &Names<'j>,
    record: &Record<'j>,
    place: &str,
    compiler: &mut Compiler<'_, 'j>,
) -> Result<(RowPlan, TableSchema)> {
    let (mut columns, mut plans) = (Vec::new(), Vec::new());
    for field in &record.fields {
        let here = format!("{place}.{}", field.name);
        let (optional, ty) = optional(names, field.node, &here)?;
        let column: Column =
            kind::column(field.name, field.properties, &ty, names, matches!(optional, Optional::NullAt(_)))
                .map_err(|cause| Error::foreign(&*here, cause))?;
        let read = match (Carrier::of(&column.kind), &ty) {
            (Carrier::Point, Type::Record(record)) => {
                Read::Point(members(names, record, &here, &["x", "y"], compiler)?)
            }
            (Carrier::Geometry, Type::Record(record)) => {
                Read::Geometry(members(names, record, &here, &["wkb"], compiler)?)
            }
            (carrier, _) => Read::Plain(carrier),
        };
        columns.push(column);
        plans.push((read, optional));
    }
    Ok((RowPlan { columns: plans }, named_table(record, columns)))
}

/// `<prefix>.<database>.<table>.<Value|Key>`, taken apart from its end. These are the adjusted names; the
/// real ones are in each record's `source`.
fn named_table(record: &Record<'_>, columns: Vec<Column>) -> TableSchema {
    let name = record.properties.text("connect.name").unwrap_or(&record.full_name);
    let mut parts = name.rsplitn(4, '.').skip(1).map(str::to_owned);
    let (table, database, prefix) = (parts.next(), parts.next(), parts.next());
    TableSchema {
        prefix: prefix.unwrap_or_default(),
        database: database.unwrap_or_default(),
        table: table.unwrap_or_default(),
        columns,
        key: Vec::new(),
    }
}

fn members<'j>(
    names: &Names<'j>,
    record: &Record<'j>,
    place: &str,
    required: &[&str],
    compiler: &mut Compiler<'_, 'j>,
) -> Result<Vec<(Member, Optional)>> {
    for name in required {
        if !record.fields.iter().any(|field| field.name == *name) {
            return Err(Error::foreign(place, format!("`{}` has no field `{name}`", record.full_name)));
        }
    }
    let members = record.fields.iter().map(|field| {
        let here = format!("{place}.{}", field.name);
        let scalar = |primitive| scalar(names, field, &here, primitive);
        Ok(match field.name {
            "x" => (Member::X, scalar(Primitive::Double)?),
            "y" => (Member::Y, scalar(Primitive::Double)?),
            "wkb" => (Member::Wkb, scalar(Primitive::Bytes)?),
            "srid" => (Member::Srid, scalar(Primitive::Int)?),
            _ => (Member::Skip(compiler.compile(field.node)?), Optional::No),
        })
    });
    members.collect()
}

fn source_plan<'j>(
    names: &Names<'j>,
    record: &Record<'j>,
    compiler: &mut Compiler<'_, 'j>,
) -> Result<Vec<(SourceField, Optional)>> {
    let fields = record.fields.iter().map(|field| {
        let (known, primitive) = match field.name {
            "ts_ms" => (SourceField::TsMs, Primitive::Long),
            "ts_us" => (SourceField::TsUs, Primitive::Long),
            "snapshot" => (SourceField::Snapshot, Primitive::Text),
            "db" => (SourceField::Database, Primitive::Text),
            "table" => (SourceField::Table, Primitive::Text),
            "server_id" => (SourceField::ServerId, Primitive::Long),
            "gtid" => (SourceField::Gtid, Primitive::Text),
            "file" => (SourceField::File, Primitive::Text),
            "pos" => (SourceField::Pos, Primitive::Long),
            "row" => (SourceField::Row, Primitive::Int),
            "thread" => (SourceField::Thread, Primitive::Long),
            _ => return Ok((SourceField::Skip(compiler.compile(field.node)?), Optional::No)),
        };
        Ok((known, scalar(names, field, &format!("source.{}", field.name), primitive)?))
    });
    fields.collect()
}

/// A field that is a record, or null.
fn structure<'j>(names: &Names<'j>, field: &Field<'j>, place: &str) -> Result<(Optional, Record<'j>)> {
    match optional(names, field.node, place)? {
        (optional, Type::Record(record)) => Ok((optional, record)),
        (_, other) => Err(Error::foreign(
            format!("`{place}`"),
            format!("a record was expected, not {}", other.describe()),
        )),
    }
}

/// A field of one primitive type, or null.
fn scalar(names: &Names<'_>, field: &Field<'_>, place: &str, expected: Primitive) -> Result<Optional> {
    match optional(names, field.node, place)? {
        (optional, Type::Primitive(found, _)) if found == expected => Ok(optional),
        (_, other) => Err(Error::foreign(
            format!("`{place}`"),
            format!("{expected:?} was expected, not {}", other.describe()).to_lowercase(),
        )),
    }
}

/// A type, and how its null is written.
fn optional<'j>(names: &Names<'j>, node: Node<'j>, place: &str) -> Result<(Optional, Type<'j>)> {
    let Type::Union(branches) = names.resolve(node)? else {
        return Ok((Optional::No, names.resolve(node)?));
    };
    let types = branches.into_iter().map(|branch| names.resolve(branch)).collect::<Result<Vec<_>>>()?;
    let null = |ty: &Type<'_>| matches!(ty, Type::Primitive(Primitive::Null, _));
    let mut types = types.into_iter();
    match (types.next(), types.next(), types.next()) {
        (Some(first), None, None) if !null(&first) => Ok((Optional::Only, first)),
        (Some(first), Some(second), None) if null(&first) && !null(&second) => {
            Ok((Optional::NullAt(0), second))
        }
        (Some(first), Some(second), None) if null(&second) && !null(&first) => {
            Ok((Optional::NullAt(1), first))
        }
        _ => Err(Error::foreign(format!("`{place}`"), "a union must be of null and one type")),
    }
}

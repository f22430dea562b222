//! Passes over fields that nobody asked for, whatever their type.
//!
//! The plan is a flat list, types referring to one another by place, so that a type may hold itself. Two
//! bounds keep a hostile schema or body from costing more than it should: the depth of nesting, and the
//! number of steps, in proportion to the body.

use super::{
    cursor::{Cursor, malformed},
    schema::{Names, Node, Primitive, Type},
};
use crate::Result;
use std::collections::HashMap;

const MAX_DEPTH: u32 = 64;
const FREE_STEPS: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Skips {
    steps: Vec<Step>,
}

/// A place in the list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Skip(usize);

#[derive(Debug)]
enum Step {
    Nothing,
    Boolean,
    Varint,
    Bytes,
    Fixed(usize),
    Union(Vec<Skip>),
    Array(Skip),
    Map(Skip),
    Record(Vec<Skip>),
}

/// Compiles the steps of one schema.
#[derive(Debug)]
pub(super) struct Compiler<'n, 'j> {
    names: &'n Names<'j>,
    skips: Skips,
    records: HashMap<String, Skip>,
}

impl<'n, 'j> Compiler<'n, 'j> {
    pub fn new(names: &'n Names<'j>) -> Self {
        Self { names, skips: Skips::default(), records: HashMap::new() }
    }

    pub fn finish(self) -> Skips {
        self.skips
    }

    pub fn compile(&mut self, node: Node<'j>) -> Result<Skip> {
        let step = match self.names.resolve(node)? {
            Type::Primitive(primitive, _) => match primitive {
                Primitive::Null => Step::Nothing,
                Primitive::Boolean => Step::Boolean,
                Primitive::Int | Primitive::Long => Step::Varint,
                Primitive::Float => Step::Fixed(4),
                Primitive::Double => Step::Fixed(8),
                Primitive::Text | Primitive::Bytes => Step::Bytes,
            },
            Type::Enum { .. } => Step::Varint,
            Type::Fixed { size, .. } => Step::Fixed(size),
            Type::Array { items, .. } => Step::Array(self.compile(items)?),
            Type::Map { values } => Step::Map(self.compile(values)?),
            Type::Union(branches) => {
                Step::Union(branches.into_iter().map(|branch| self.compile(branch)).collect::<Result<_>>()?)
            }
            Type::Record(record) => {
                if let Some(known) = self.records.get(&record.full_name) {
                    return Ok(*known);
                }
                // Its place is known before its fields are: one of them may be the record itself.
                let place = self.push(Step::Nothing);
                self.records.insert(record.full_name, place);
                let fields = record.fields.iter().map(|field| self.compile(field.node));
                self.skips.steps[place.0] = Step::Record(fields.collect::<Result<_>>()?);
                return Ok(place);
            }
        };
        Ok(self.push(step))
    }

    fn push(&mut self, step: Step) -> Skip {
        self.skips.steps.push(step);
        Skip(self.skips.steps.len() - 1)
    }
}

impl Skips {
    pub fn skip(&self, skip: Skip, cursor: &mut Cursor<'_>) -> Result<()> {
        let mut left = FREE_STEPS + cursor.left();
        self.step(skip, cursor, 0, &mut left)
    }

    fn step(&self, skip: Skip, cursor: &mut Cursor<'_>, depth: u32, left: &mut usize) -> Result<()> {
        let at = cursor.at();
        if depth > MAX_DEPTH {
            return Err(malformed(at, format!("an ignored field nests deeper than {MAX_DEPTH}")));
        }
        *left = left.checked_sub(1).ok_or_else(|| malformed(at, "an ignored field is too complex"))?;
        match &self.steps[skip.0] {
            Step::Nothing => {}
            Step::Boolean => drop(cursor.boolean()?),
            Step::Varint => drop(cursor.long()?),
            Step::Bytes => drop(cursor.bytes()?),
            Step::Fixed(size) => drop(cursor.take(*size)?),
            Step::Union(branches) => {
                let index = cursor.long()?;
                let branch = usize::try_from(index).ok().and_then(|index| branches.get(index));
                let branch =
                    branch.ok_or_else(|| malformed(at, format!("{index} is no branch of the union")))?;
                self.step(*branch, cursor, depth + 1, left)?;
            }
            Step::Record(fields) => {
                for field in fields {
                    self.step(*field, cursor, depth + 1, left)?;
                }
            }
            Step::Array(items) => blocks(cursor, |cursor| self.step(*items, cursor, depth + 1, left))?,
            Step::Map(values) => blocks(cursor, |cursor| {
                cursor.bytes()?;
                self.step(*values, cursor, depth + 1, left)
            })?,
        }
        Ok(())
    }
}

/// Each item counts a step, so that a block of a great many empty items ends at the bound.
fn blocks<'a>(cursor: &mut Cursor<'a>, mut item: impl FnMut(&mut Cursor<'a>) -> Result<()>) -> Result<()> {
    loop {
        let count = cursor.block()?;
        if count == 0 {
            return Ok(());
        }
        for _ in 0..count {
            item(cursor)?;
        }
    }
}

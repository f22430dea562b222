//! The optional metadata of a TABLE_MAP event: fields of type, length, value.
//!
//! Fields are independent of their order in the event: they are gathered first and applied then. A field whose
//! type we do not know is skipped by its length.

use std::sync::Arc;

use super::{ColumnDef, ColumnType, GeometryKind, KeyPart};
use crate::{
    binlog::{Reader, Result},
    charset,
};

#[derive(Default)]
pub(super) struct Metadata<'a> {
    signedness: Option<&'a [u8]>,
    charsets: Option<Charsets<'a>>,
    label_charsets: Option<Charsets<'a>>,
    names: Option<&'a [u8]>,
    set_labels: Option<&'a [u8]>,
    enum_labels: Option<&'a [u8]>,
    geometry_kinds: Option<&'a [u8]>,
    key: Option<&'a [u8]>,
    prefixed_key: Option<&'a [u8]>,
    visibility: Option<&'a [u8]>,
    dimensions: Option<&'a [u8]>,
}

/// Collations of some of the columns.
enum Charsets<'a> {
    /// One for all, then (place among these columns, collation) for each that differs.
    Default(&'a [u8]),
    /// One for each.
    Each(&'a [u8]),
}

fn reader(value: &[u8]) -> Reader<'_> {
    Reader::new("the metadata of a TABLE_MAP event", value)
}

impl<'a> Metadata<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut fields = reader(bytes);
        let mut metadata = Self::default();
        while !fields.is_empty() {
            let field = fields.u8()?;
            let value = fields.lenenc_bytes()?;
            match field {
                1 => metadata.signedness = Some(value),
                2 => metadata.charsets = Some(Charsets::Default(value)),
                3 => metadata.charsets = Some(Charsets::Each(value)),
                4 => metadata.names = Some(value),
                5 => metadata.set_labels = Some(value),
                6 => metadata.enum_labels = Some(value),
                7 => metadata.geometry_kinds = Some(value),
                8 => metadata.key = Some(value),
                9 => metadata.prefixed_key = Some(value),
                10 => metadata.label_charsets = Some(Charsets::Default(value)),
                11 => metadata.label_charsets = Some(Charsets::Each(value)),
                12 => metadata.visibility = Some(value),
                13 => metadata.dimensions = Some(value),
                _ => {}
            }
        }
        Ok(metadata)
    }

    pub fn has_names(&self) -> bool {
        self.names.is_some()
    }

    /// `mariadb`: its lists of charsets have an entry for each GEOMETRY column, too, which MySQL's have not. Nothing in the
    /// event tells which of the two it is.
    pub fn apply(&self, columns: &mut [ColumnDef], mariadb: bool) -> Result<()> {
        self.apply_signedness(columns)?;
        let is_listed =
            |ty: ColumnType| ty.is_character() || mariadb && matches!(ty, ColumnType::Geometry { .. });
        apply_charsets(self.charsets.as_ref(), columns, is_listed)?;
        apply_charsets(self.label_charsets.as_ref(), columns, ColumnType::is_enum_or_set)?;
        self.apply_names(columns)?;
        apply_labels(self.set_labels, columns, |ty| matches!(ty, ColumnType::Set { .. }))?;
        apply_labels(self.enum_labels, columns, |ty| matches!(ty, ColumnType::Enum { .. }))?;
        self.apply_geometry_kinds(columns)?;
        self.apply_visibility(columns)?;
        self.apply_dimensions(columns)
    }

    fn apply_signedness(&self, columns: &mut [ColumnDef]) -> Result<()> {
        let Some(bits) = self.signedness else { return Ok(()) };
        for (index, column) in columns.iter_mut().filter(|column| column.ty.is_numeric()).enumerate() {
            column.unsigned = bit(bits, index)?;
        }
        Ok(())
    }

    fn apply_names(&self, columns: &mut [ColumnDef]) -> Result<()> {
        let Some(names) = self.names else { return Ok(()) };
        let mut names = reader(names);
        for column in columns {
            column.name = String::from_utf8_lossy(names.lenenc_bytes()?).into_owned();
        }
        names.finish()
    }

    fn apply_geometry_kinds(&self, columns: &mut [ColumnDef]) -> Result<()> {
        let Some(kinds) = self.geometry_kinds else { return Ok(()) };
        let mut kinds = reader(kinds);
        for column in columns {
            if let ColumnType::Geometry { kind, .. } = &mut column.ty {
                *kind = GeometryKind::from(u32::try_from(kinds.lenenc()?).unwrap_or(u32::MAX));
            }
        }
        kinds.finish()
    }

    fn apply_visibility(&self, columns: &mut [ColumnDef]) -> Result<()> {
        let Some(bits) = self.visibility else { return Ok(()) };
        for (index, column) in columns.iter_mut().enumerate() {
            column.visible = bit(bits, index)?;
        }
        Ok(())
    }

    fn apply_dimensions(&self, columns: &mut [ColumnDef]) -> Result<()> {
        let Some(values) = self.dimensions else { return Ok(()) };
        let mut values = reader(values);
        for column in columns {
            if let ColumnType::Vector { dimensions, .. } = &mut column.ty {
                *dimensions = u32::try_from(values.lenenc()?).unwrap_or(u32::MAX);
            }
        }
        values.finish()
    }

    pub fn primary_key(&self, columns: usize) -> Result<Vec<KeyPart>> {
        let (parts, prefixed) = match (self.key, self.prefixed_key) {
            (_, Some(parts)) => (parts, true),
            (Some(parts), None) => (parts, false),
            (None, None) => return Ok(Vec::new()),
        };
        let mut parts = reader(parts);
        let mut key = Vec::new();
        while !parts.is_empty() {
            let column = parts.lenenc()?;
            let prefix = if prefixed { parts.lenenc()? } else { 0 };
            if column >= columns as u64 {
                return Err(parts.malformed(format!("key column {column} of {columns}")));
            }
            key.push(KeyPart { column: column as usize, prefix: u32::try_from(prefix).unwrap_or(u32::MAX) });
        }
        Ok(key)
    }
}

/// Bits from the highest of the first byte.
fn bit(bits: &[u8], index: usize) -> Result<bool> {
    match bits.get(index / 8) {
        Some(byte) => Ok(byte & (0x80 >> (index % 8)) != 0),
        None => Err(reader(bits).malformed(format!("a bitmap without bit {index}"))),
    }
}

fn apply_charsets(
    charsets: Option<&Charsets>,
    columns: &mut [ColumnDef],
    concerned: impl Fn(ColumnType) -> bool,
) -> Result<()> {
    let mut concerned: Vec<&mut ColumnDef> =
        columns.iter_mut().filter(|column| concerned(column.ty)).collect();
    let read_collation = |reader: &mut Reader| {
        let id = reader.lenenc()?;
        u16::try_from(id).map_err(|_| reader.malformed(format!("collation {id}")))
    };
    match charsets {
        None => Ok(()),
        Some(Charsets::Each(value)) => {
            let mut value = reader(value);
            for column in concerned {
                column.collation = Some(read_collation(&mut value)?);
            }
            value.finish()
        }
        Some(Charsets::Default(value)) => {
            let mut value = reader(value);
            let default = read_collation(&mut value)?;
            for column in &mut concerned {
                column.collation = Some(default);
            }
            while !value.is_empty() {
                let place = value.lenenc()?;
                let collation = read_collation(&mut value)?;
                let column = usize::try_from(place).ok().and_then(|place| concerned.get_mut(place));
                column.ok_or_else(|| value.malformed(format!("charset of column {place}")))?.collation =
                    Some(collation);
            }
            Ok(())
        }
    }
}

fn apply_labels(
    labels: Option<&[u8]>,
    columns: &mut [ColumnDef],
    concerned: impl Fn(ColumnType) -> bool,
) -> Result<()> {
    let Some(labels) = labels else { return Ok(()) };
    let mut labels = reader(labels);
    for column in columns.iter_mut().filter(|column| concerned(column.ty)) {
        let charset = column.collation.and_then(charset::of_collation);
        let mut texts = Vec::new();
        let mut complete = true;
        for _ in 0..labels.lenenc()? {
            let bytes = labels.lenenc_bytes()?;
            match charset.map(|charset| charset.decode(bytes)) {
                Some(decoded) => texts.push(decoded.text.into_owned()),
                None => complete = false,
            }
        }
        column.labels = if complete { texts.into() } else { Arc::default() };
    }
    labels.finish()
}

//! An envelope's images as rows of the target.

use bytes::Bytes;
use strait_schemas::{Exact, Image, Value};

use super::{Mapping, untyped};
use crate::datum::{Datum, Row};

impl Mapping {
    /// The image as a row; an error carries the column and the cause. `typed`: the record carried its schema.
    pub fn row(
        &self,
        values: Vec<Value<'_>>,
        owner: &Bytes,
        typed: bool,
        image: Image,
        exact: &[Exact<'_>],
    ) -> Result<Row, (String, String)> {
        let mut values: Vec<Option<Value<'_>>> = values.into_iter().map(Some).collect();
        let mut row = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let value = values.get_mut(column.source).and_then(Option::take);
            let value =
                value.ok_or_else(|| (column.name.to_string(), "the image does not hold it".into()))?;
            let value = if typed { value } else { untyped::typed(value, &column.kind) };
            row.push(column.datum(value, owner).map_err(|cause| (column.name.to_string(), cause))?);
        }
        self.put_exact(&mut row, image, exact)?;
        Ok(row.into())
    }

    /// Exact values take the place of those that the envelope could only tell roughly.
    fn put_exact(
        &self,
        row: &mut [Datum],
        image: Image,
        exact: &[Exact<'_>],
    ) -> Result<(), (String, String)> {
        for exact in exact.iter().filter(|exact| exact.image == image) {
            // A generated column is not written, so neither is its exact value.
            if let Some(place) = self.place(&exact.column) {
                let exact_value = self.columns[place].exact(exact.form, &exact.data);
                if let Some(value) = exact_value.map_err(|cause| (exact.column.to_string(), cause))? {
                    row[place] = value;
                }
            }
        }
        Ok(())
    }
}

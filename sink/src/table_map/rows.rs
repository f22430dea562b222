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
        let mut exact = self.exact_values(image, exact)?;
        let mut row = Vec::with_capacity(self.columns.len());
        for (place, column) in self.columns.iter().enumerate() {
            if let Some(datum) = exact.get_mut(place).and_then(Option::take) {
                row.push(datum);
                continue;
            }
            let value = values.get_mut(column.source).and_then(Option::take);
            let value =
                value.ok_or_else(|| (column.name.to_string(), "the image does not hold it".into()))?;
            let value = if typed { value } else { untyped::typed(value, &column.kind) };
            let datum = column.datum(value, owner).and_then(|datum| column.unrounded(datum));
            row.push(datum.map_err(|cause| (column.name.to_string(), cause))?);
        }
        Ok(row.into())
    }

    /// Values that take the place of those that the envelope could only tell roughly, by the columns' places; empty where
    /// there is none, as nearly always.
    fn exact_values(
        &self,
        image: Image,
        exact: &[Exact<'_>],
    ) -> Result<Vec<Option<Datum>>, (String, String)> {
        let mut values = Vec::new();
        for exact in exact.iter().filter(|exact| exact.image == image) {
            // A generated column is not written, so neither is its exact value.
            if let Some(place) = self.place(&exact.column) {
                values.resize(self.columns.len(), None);
                let value = self.columns[place].exact(exact.form, &exact.data);
                values[place] = value.map_err(|cause| (exact.column.to_string(), cause))?;
            }
        }
        Ok(values)
    }
}

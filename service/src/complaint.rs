//! The last thing that a client library complained of by itself: what comes back from a call is often no more than
//! that time ran out.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::Options;

/// Shared by all clients of one server; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Complaint {
    options: Arc<Options>,
    last: Arc<Mutex<Option<(Instant, String)>>>,
}

impl Complaint {
    /// `options`: their secrets are kept out of what is said.
    pub fn new(options: &Options) -> Self {
        Self { options: Arc::new(options.clone()), last: Arc::default() }
    }

    /// The text without secrets.
    pub fn redact(&self, text: &str) -> String {
        self.options.redact(text)
    }

    /// `text` is kept without its secrets.
    pub fn note(&self, text: &str) {
        let text = self.redact(text);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), text));
    }

    /// What was complained of last, if within `age`.
    pub fn within(&self, age: Duration) -> Option<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|(at, _)| at.elapsed() <= age).map(|(_, text)| text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_is_told_without_secrets_and_while_fresh() {
        let complaint = Complaint::new(&Options::from_iter([("sasl.password", "hunter2")]));
        assert_eq!(complaint.within(Duration::MAX), None);
        complaint.note("the first");
        let shared = complaint.clone();
        shared.note("no login with hunter2");
        assert_eq!(complaint.within(Duration::MAX).as_deref(), Some("no login with (redacted)"));
        assert_eq!(complaint.within(Duration::ZERO), None);
    }
}

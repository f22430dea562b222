//! One result of a preflight check, in the form every refusal has: cause, place, remedy.

use std::fmt;

use serde::Serialize;

/// How much a finding weighs: a refusal stops `run` and makes `check` end with 2; a warning is only printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Refusal,
    Warning,
}

/// What a check found: the check's name, what is wrong, where, and the command or setting that mends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub check: String,
    pub severity: Severity,
    pub cause: String,
    pub place: String,
    pub remedy: String,
}

impl Finding {
    pub fn is_refusal(&self) -> bool {
        self.severity == Severity::Refusal
    }
}

/// Four lines for a terminal.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Refusal => "refused",
            Severity::Warning => "warning",
        };
        writeln!(f, "{severity} by {}", self.check)?;
        writeln!(f, "  cause:  {}", self.cause)?;
        writeln!(f, "  place:  {}", self.place)?;
        writeln!(f, "  remedy: {}", self.remedy)
    }
}

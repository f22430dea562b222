//! Why a configuration was refused: everything found wrong with it at once, and never the value of a secret.

use std::fmt;

use crate::{
    error::Refusal,
    finding::{Finding, Severity},
};

/// The findings of one load; at least one.
#[derive(Debug)]
pub struct ConfigError {
    pub findings: Vec<Finding>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, finding) in self.findings.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(f, "{separator}{} ({}): {}", finding.cause, finding.place, finding.remedy)?;
        }
        Ok(())
    }
}

impl Refusal for ConfigError {
    fn place(&self) -> Option<String> {
        self.findings.first().map(|finding| finding.place.clone())
    }

    fn remedy(&self) -> Option<String> {
        self.findings.first().map(|finding| finding.remedy.clone())
    }

    fn findings(&self) -> Option<&[Finding]> {
        Some(&self.findings)
    }
}

impl From<Finding> for ConfigError {
    fn from(finding: Finding) -> Self {
        Self { findings: vec![finding] }
    }
}

pub(super) fn refusal(
    cause: impl Into<String>,
    place: impl Into<String>,
    remedy: impl Into<String>,
) -> Finding {
    Finding {
        check: "configuration".to_owned(),
        severity: Severity::Refusal,
        cause: cause.into(),
        place: place.into(),
        remedy: remedy.into(),
    }
}

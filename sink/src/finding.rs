//! Findings of the database's preflight as the process's frame shows them.

use strait_mysql::ensure;
use strait_service::{Finding, Severity};

pub fn from_mysql(finding: ensure::Finding) -> Finding {
    Finding {
        check: finding.check.to_owned(),
        severity: match finding.severity {
            ensure::Severity::Refusal => Severity::Refusal,
            ensure::Severity::Warning => Severity::Warning,
        },
        cause: finding.cause,
        place: finding.place,
        remedy: finding.remedy,
    }
}

//! What preflight found.

use std::fmt;

use crate::{
    Error,
    server::{self, Flavor, ServerFacts},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Works, at a price that the finding names.
    Warning,
    /// Data would be lost or wrong, or nothing would run at all.
    Refusal,
}

/// One condition that is not met: cause, place, remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Name of the check, stable: documentation and tests refer to it.
    pub check: &'static str,
    pub severity: Severity,
    pub cause: String,
    /// Server, table or trigger.
    pub place: String,
    /// The command or setting that puts it right.
    pub remedy: String,
}

/// The outcome of one check.
pub type Verdict = Result<(), Finding>;

impl Finding {
    pub fn refusal(
        check: &'static str,
        place: impl Into<String>,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            check,
            severity: Severity::Refusal,
            cause: cause.into(),
            place: place.into(),
            remedy: remedy.into(),
        }
    }

    pub fn warning(
        check: &'static str,
        place: impl Into<String>,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::refusal(check, place, cause, remedy) }
    }

    /// What stood in the way of a check.
    pub fn from_error(check: &'static str, place: &str, error: &Error) -> Self {
        let cause = match error {
            Error::Server(server::Error::Login { source, .. }) => format!("the login is refused: {source}"),
            Error::Server(server::Error::Tls { source, .. }) => format!("no encrypted connection: {source}"),
            Error::Server(server::Error::Connect { source, .. }) => format!("no connection: {source}"),
            other => chain(other),
        };
        let remedy = match error {
            Error::Server(error) => error.remedy(),
            Error::Binlog(_) | Error::Gtid(_) => None,
        };
        let remedy = remedy.unwrap_or("put right what the message names, then run check again").to_owned();
        Self::refusal(check, place, cause, remedy)
    }
}

/// In the house form:
/// ```text
/// refused: the binary log is off
///   place:  strait@db1:3306
///   remedy: start the server with --log-bin ...
/// ```
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Warning => "warning",
            Severity::Refusal => "refused",
        };
        write!(f, "{word}: {}\n  place:  {}\n  remedy: {}", self.cause, self.place, indent(&self.remedy))
    }
}

/// The command that sets a variable so that it stays set.
pub(super) fn set(facts: &ServerFacts, name: &str, value: &str) -> String {
    match facts.flavor {
        Flavor::Mysql => format!("SET PERSIST {name} = {value};"),
        Flavor::MariaDb => format!("SET GLOBAL {name} = {value}; (and {name} = {value} in [mysqld])"),
    }
}

/// An error with its sources, outermost first.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Later lines of a remedy (a trigger's text, for example) stand under its first.
fn indent(text: &str) -> String {
    text.replace('\n', "\n          ")
}

/// All findings of one preflight.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub findings: Vec<Finding>,
}

impl Report {
    pub fn add(&mut self, verdict: Verdict) {
        self.findings.extend(verdict.err());
    }

    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }

    /// A check that could not be made is a refusal itself.
    pub fn fail(&mut self, check: &'static str, place: &str, error: &Error) {
        self.findings.push(Finding::from_error(check, place, error));
    }

    pub fn refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Refusal)
    }

    /// Refusals first; the order of the checks otherwise.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}

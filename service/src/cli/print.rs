//! What the command line prints: documents on standard output, refusals on standard error.

use std::{
    error::Error,
    io::{self, Write},
};

use super::run::{EXIT_CLEAN, EXIT_HALTED, EXIT_REFUSED};
use crate::{Finding, Refusal};

/// A document; a reader that went away (`| head`) is no failure.
pub(super) fn document(text: &str) -> u8 {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("cause:  standard output cannot be written: {error}");
            EXIT_HALTED
        }
        Ok(()) | Err(_) => EXIT_CLEAN,
    }
}

/// The findings of `check`, refusals last so that they are what the terminal shows.
pub(super) fn findings(findings: &[Finding]) -> u8 {
    let (refusals, warnings): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| finding.is_refusal());
    let mut blocks: Vec<String> = warnings.iter().chain(&refusals).map(ToString::to_string).collect();
    let verdict = if refusals.is_empty() { "ready to run" } else { "not ready to run" };
    let (refused, warned) = (counted(refusals.len(), "refusal"), counted(warnings.len(), "warning"));
    blocks.push(format!("{verdict}: {refused}, {warned}\n"));
    match document(&blocks.join("\n")) {
        EXIT_CLEAN if !refusals.is_empty() => EXIT_REFUSED,
        code => code,
    }
}

fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// A refusal before anything ran.
pub(super) fn refused(error: &dyn Refusal) -> u8 {
    eprint!("{}", explain(error));
    EXIT_REFUSED
}

/// An error with its chain of sources in the form cause / place / remedy; its findings instead if it has any.
pub fn explain(error: &dyn Refusal) -> String {
    if let Some(findings) = error.findings() {
        return findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n");
    }
    let cause = format!("cause:  {}\n", chain(error));
    let place = error.place().map(|place| format!("place:  {place}\n"));
    let remedy = error.remedy().map(|remedy| format!("remedy: {remedy}\n"));
    [Some(cause), place, remedy].into_iter().flatten().collect()
}

/// "this: because of that: because of that", without saying anything twice.
pub(super) fn chain(error: &dyn Refusal) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = Error::source(error);
    }
    text
}

//! What is done about a statement: run it, pass it over with a line in the log, or halt and show it.

use strait_mysql::ddl::Kind;
use strait_schemas::Ddl;

use super::At;
use crate::{
    config::{self, DdlPolicy},
    error::Error,
};

/// So much of a statement is shown.
const SHOWN: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Apply,
    Ignore,
    Halt,
}

/// What is never run at the target: who may log in there is that site's affair, and a trigger or event would do a second
/// time what has already been done at the source.
pub fn is_never_applied(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::CreateTrigger
            | Kind::DropTrigger
            | Kind::CreateEvent
            | Kind::AlterEvent
            | Kind::DropEvent
            | Kind::Account
            | Kind::Grant
            | Kind::Server
            | Kind::CreateTemporaryTable
            | Kind::DropTemporaryTable
    )
}

/// What is run only if the configuration names its kind.
fn unasked(kind: Kind) -> Option<Action> {
    match kind {
        // Rows come from files that are at the source only; what the statement means is not known.
        Kind::ImportTablespace | Kind::ImportTable | Kind::Unknown => Some(Action::Halt),
        // Each server's own upkeep and parts.
        Kind::AnalyzeTable
        | Kind::OptimizeTable
        | Kind::RepairTable
        | Kind::Flush
        | Kind::Plugin
        | Kind::Instance
        | Kind::ResourceGroup
        | Kind::CreateLoadableFunction => Some(Action::Ignore),
        _ => None,
    }
}

pub fn decide(settings: &config::Ddl, kind: Kind) -> Action {
    let named = |list: &[String]| list.iter().any(|name| name == kind.name());
    // First, for it is what a start after a halt is told to say.
    if named(&settings.ignore) || is_never_applied(kind) {
        return Action::Ignore;
    }
    if named(&settings.halt) {
        return Action::Halt;
    }
    if named(&settings.apply) {
        return Action::Apply;
    }
    match settings.policy {
        DdlPolicy::Apply => unasked(kind).unwrap_or(Action::Apply),
        DdlPolicy::Ignore => Action::Ignore,
        // Upkeep changes nothing that could differ.
        DdlPolicy::Halt => unasked(kind).unwrap_or(Action::Halt),
    }
}

/// The beginning of a statement, on one line.
pub fn excerpt(ddl: &Ddl) -> String {
    let mut text: String =
        ddl.statement.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.len() < ddl.statement.len() || ddl.cut_from.is_some() {
        text.push_str("...");
    }
    text
}

pub fn halted(settings: &config::Ddl, kind: Kind, ddl: &Ddl, at: &At) -> Error {
    let why = if settings.halt.iter().any(|name| name == kind.name()) {
        format!("ddl.halt names {kind}")
    } else {
        match kind {
            Kind::Unknown => "it is not known what the statement does".into(),
            Kind::ImportTablespace | Kind::ImportTable => "its rows are in files at the source".into(),
            _ => "ddl.policy = \"halt\"".into(),
        }
    };
    Error::DdlHalted { why, kind: kind.name(), statement: excerpt(ddl), at: at.to_string() }
}

/// A statement that is not in the log as it ran.
pub fn untold(kind: Kind, ddl: &Ddl, at: &At) -> Error {
    let why = match ddl.cut_from {
        Some(bytes) => format!("it is too long for the log ({bytes} bytes)"),
        None => "the log does not say how it ran (a connector of an older version wrote it)".into(),
    };
    Error::DdlHalted { why, kind: kind.name(), statement: excerpt(ddl), at: at.to_string() }
}

/// A statement that means something else at the target, or more.
pub fn not_here(why: String, kind: Kind, ddl: &Ddl, at: &At) -> Error {
    Error::DdlHalted { why, kind: kind.name(), statement: excerpt(ddl), at: at.to_string() }
}

/// Rows that move between tables without being logged come out the same only if both tables are here; and what is not
/// published is not ours to change.
pub fn ensure_same_result(kind: Kind, ddl: &Ddl, at: &At) -> Result<(), Error> {
    let moves = matches!(kind, Kind::ExchangePartition | Kind::RenameTable | Kind::AlterTable);
    let missing = ddl.objects.iter().find(|object| object.left_out && object.role != "referenced");
    let Some(object) = missing else { return Ok(()) };
    let name = match object.class.as_str() {
        "database" => object.name.clone(),
        _ => format!("{}.{}", object.database.as_deref().unwrap_or(&ddl.database), object.name),
    };
    let why = match moves {
        true => format!("it moves rows between what is published and {name}, which is not"),
        false => format!("it changes what is published, and {name}, which is not, or not all of it"),
    };
    Err(not_here(why, kind, ddl, at))
}

pub fn log_ignored(kind: Kind, ddl: &Ddl, at: &At) {
    let statement = excerpt(ddl);
    match kind {
        Kind::CreateTrigger => tracing::warn!(
            %at, %kind, statement,
            "a trigger was created at the source, and is not here: if the target needs it, create it there with the guarded body \
             FOR EACH ROW IF @strait_apply IS NULL THEN ... END IF"
        ),
        Kind::CreateEvent | Kind::AlterEvent => tracing::warn!(
            %at, %kind, statement,
            "an event of the source's scheduler is not made here: what it does comes as rows; if the target is to run it by itself, \
             create it there DISABLED, or let its body begin with IF @strait_apply IS NULL"
        ),
        Kind::Account | Kind::Grant => {
            tracing::info!(%at, %kind, statement, "accounts and rights are not passed on: make the change at the target if it is meant for both");
        }
        _ => {
            tracing::info!(%at, %kind, database = ddl.database, statement, "a schema change of the source is not made here");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(policy: DdlPolicy) -> config::Ddl {
        config::Ddl { policy, ..config::Ddl::default() }
    }

    #[test]
    fn the_list_of_a_kind_wins_over_the_policy() {
        let mut some = settings(DdlPolicy::Apply);
        assert_eq!(decide(&some, Kind::DropTable), Action::Apply);
        some.halt = vec!["drop-table".into()];
        some.ignore = vec!["create-index".into()];
        some.apply = vec!["optimize-table".into()];
        assert_eq!(decide(&some, Kind::DropTable), Action::Halt);
        assert_eq!(decide(&some, Kind::CreateIndex), Action::Ignore);
        assert_eq!(decide(&some, Kind::OptimizeTable), Action::Apply);
        assert_eq!(decide(&some, Kind::RepairTable), Action::Ignore);
        assert_eq!(decide(&some, Kind::AlterTable), Action::Apply);
    }

    #[test]
    fn accounts_triggers_and_events_are_never_made() {
        for kind in [Kind::Account, Kind::Grant, Kind::CreateTrigger, Kind::CreateEvent] {
            for policy in [DdlPolicy::Apply, DdlPolicy::Ignore, DdlPolicy::Halt] {
                assert_eq!(decide(&settings(policy), kind), Action::Ignore);
            }
            let asked = config::Ddl { apply: vec![kind.name().into()], ..settings(DdlPolicy::Apply) };
            assert_eq!(decide(&asked, kind), Action::Ignore);
        }
    }

    #[test]
    fn what_is_not_known_is_shown() {
        assert_eq!(decide(&settings(DdlPolicy::Apply), Kind::Unknown), Action::Halt);
        assert_eq!(decide(&settings(DdlPolicy::Apply), Kind::ImportTablespace), Action::Halt);
        assert_eq!(decide(&settings(DdlPolicy::Ignore), Kind::Unknown), Action::Ignore);
        assert_eq!(decide(&settings(DdlPolicy::Halt), Kind::CreateTable), Action::Halt);
    }
}

//! `source.start`: where the very first start of a prefix begins. Its form is refused before anything is asked;
//! whether the source has the place, once the source's facts are known.

use strait_mysql::{gtid::GtidSet, server::ServerFacts};

use crate::{
    Error, Result,
    config::{PositionMode, Source},
};

const SETTING: &str = "source.start";

/// The setting, understood.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Now,
    Earliest,
    Gtids(GtidSet),
    File(String, u64),
}

/// A place in the binary log, as the position keeps it.
#[derive(Debug)]
pub struct FirstPlace {
    pub gtids: Option<GtidSet>,
    pub file: String,
    pub pos: u64,
}

/// Cause and remedy, if the text cannot be understood.
pub fn ensure_form(source: &Source) -> Result<(), (String, &'static str)> {
    parse(source).map(drop)
}

fn parse(source: &Source) -> Result<Wanted, (String, &'static str)> {
    match (source.start.trim(), source.position) {
        ("now", _) => Ok(Wanted::Now),
        ("earliest", _) => Ok(Wanted::Earliest),
        (place, PositionMode::File) => place
            .rsplit_once(':')
            .and_then(|(file, pos)| Some(Wanted::File(file.to_owned(), pos.parse().ok()?)))
            .ok_or_else(|| {
                (
                    format!("\"{place}\" is no place in the binary log"),
                    "\"now\", \"earliest\", or such as \"binlog.000003:157\"",
                )
            }),
        (text, PositionMode::Gtid) => text.parse().map(Wanted::Gtids).map_err(|error| {
            (error.to_string(), "\"now\", \"earliest\", or a GTID set as SELECT @@gtid_executed prints it")
        }),
    }
}

/// The place at this source, which must still have all that follows it.
pub fn resolve(source: &Source, facts: &ServerFacts) -> Result<FirstPlace> {
    let wanted = parse(source).map_err(|(cause, remedy)| refuse(cause, remedy))?;
    let now = facts.binlog.as_ref().map(|place| (place.file.clone(), place.pos));
    if source.position == PositionMode::File {
        let (file, pos) = match wanted {
            Wanted::File(file, pos) => (file, pos),
            Wanted::Earliest => (String::new(), 4),
            Wanted::Now | Wanted::Gtids(_) => now.ok_or_else(|| {
                refuse(
                    "the server does not tell its position",
                    "GRANT REPLICATION CLIENT ON *.* to the account",
                )
            })?,
        };
        return Ok(FirstPlace { gtids: None, file, pos });
    }
    let executed = executed(facts)?;
    let gtids = match wanted {
        Wanted::Now | Wanted::File(..) => executed,
        Wanted::Earliest => purged(facts)?,
        Wanted::Gtids(wanted) => {
            let mut unknown = wanted.clone();
            unknown.subtract(&executed);
            if !unknown.is_empty() {
                return Err(refuse(
                    format!("the source has never executed {unknown}"),
                    "give a GTID set that is part of the source's own gtid_executed",
                ));
            }
            ensure_not_purged(facts, &wanted)?;
            wanted
        }
    };
    let (file, pos) = now.unwrap_or_default();
    Ok(FirstPlace { gtids: Some(gtids), file, pos })
}

fn refuse(cause: impl Into<String>, remedy: &str) -> Error {
    Error::refused(cause, format!("setting {SETTING}"), remedy)
}

pub fn executed(facts: &ServerFacts) -> Result<GtidSet> {
    facts.executed().map_err(|source| Error::Source {
        attempted: "read gtid_executed",
        place: facts.place.clone(),
        source,
    })
}

pub fn purged(facts: &ServerFacts) -> Result<GtidSet> {
    facts.purged().map_err(|source| Error::Source {
        attempted: "read gtid_purged",
        place: facts.place.clone(),
        source,
    })
}

/// Whatever follows `read` is still in the source's binary log.
pub fn ensure_not_purged(facts: &ServerFacts, read: &GtidSet) -> Result<()> {
    let gone = purged(facts)?.beyond(read);
    if gone.is_empty() {
        return Ok(());
    }
    Err(Error::refused(
        format!("the source has purged binary logs that were not read yet; gone: {gone}"),
        facts.place.clone(),
        "restore the binary logs, or make the readers equal and start anew with another `prefix`; keep binary logs longer than the longest stop \
         (SET PERSIST binlog_expire_logs_seconds)",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(position: PositionMode, start: &str) -> Result<Wanted, (String, &'static str)> {
        parse(&Source { position, start: start.into(), ..Source::default() })
    }

    #[test]
    fn each_kind_of_position_has_its_own_places() {
        let set = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5";
        assert_eq!(parsed(PositionMode::Gtid, " now "), Ok(Wanted::Now));
        assert_eq!(parsed(PositionMode::File, "earliest"), Ok(Wanted::Earliest));
        assert_eq!(parsed(PositionMode::Gtid, set), Ok(Wanted::Gtids(set.parse().expect("a GTID set"))));
        let place = Wanted::File("binlog.000003".into(), 157);
        assert_eq!(parsed(PositionMode::File, "binlog.000003:157"), Ok(place));
        for (position, start) in [
            (PositionMode::Gtid, "garbage"),
            (PositionMode::Gtid, "binlog.000003:157"),
            (PositionMode::File, "garbage"),
            (PositionMode::File, set),
        ] {
            assert!(parsed(position, start).is_err(), "{start}");
        }
    }
}

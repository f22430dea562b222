//! MariaDB's transaction identifiers, `domain-server-number`, and how far each domain has come.
//!
//! Within a domain numbers grow, whichever server gives them (`gtid_strict_mode`). So one identifier a domain, that with
//! the greatest number, tells where a reader goes on; and the last number of every server that wrote in the domain
//! tells which history it is: after a failover two servers may have given the same numbers.

use std::{collections::BTreeMap, fmt, str::FromStr};

use super::ParseError;

/// One transaction of MariaDB.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainGtid {
    pub domain: u32,
    /// server_id of the server where it was made.
    pub server: u32,
    pub number: u64,
}

impl fmt::Display for DomainGtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.domain, self.server, self.number)
    }
}

impl FromStr for DomainGtid {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = || ParseError::new("not a GTID of MariaDB (domain-server-number)", text);
        let mut parts = text.trim().split('-');
        let (Some(domain), Some(server), Some(number), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(error());
        };
        // `parse` would take a leading plus.
        if [domain, server, number].iter().any(|part| !part.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(error());
        }
        let number = number.parse().map_err(|_| error())?;
        if number == 0 {
            return Err(error());
        }
        Ok(Self {
            domain: domain.parse().map_err(|_| error())?,
            server: server.parse().map_err(|_| error())?,
            number,
        })
    }
}

/// The last number of each server in each domain. No empty entry is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Domains(BTreeMap<u32, BTreeMap<u32, u64>>);

impl Domains {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn entries(&self) -> impl Iterator<Item = DomainGtid> + '_ {
        self.0.iter().flat_map(|(&domain, servers)| {
            servers.iter().map(move |(&server, &number)| DomainGtid { domain, server, number })
        })
    }

    /// Where a reader goes on in each domain.
    pub fn greatest(&self) -> impl Iterator<Item = DomainGtid> + '_ {
        self.0.iter().filter_map(|(&domain, servers)| {
            let (&server, &number) = servers.iter().max_by_key(|(_, number)| **number)?;
            Some(DomainGtid { domain, server, number })
        })
    }

    /// Whether a reader that has come so far has passed it.
    pub fn passed(&self, gtid: &DomainGtid) -> bool {
        self.0.get(&gtid.domain).is_some_and(|servers| servers.values().any(|last| *last >= gtid.number))
    }

    /// Whether that very server's numbers reach it.
    pub fn has(&self, gtid: &DomainGtid) -> bool {
        let last = self.0.get(&gtid.domain).and_then(|servers| servers.get(&gtid.server));
        last.is_some_and(|last| *last >= gtid.number)
    }

    /// False if that server had come as far already.
    pub fn add(&mut self, gtid: &DomainGtid) -> bool {
        let last = self.0.entry(gtid.domain).or_default().entry(gtid.server).or_default();
        let news = *last < gtid.number;
        *last = (*last).max(gtid.number);
        news
    }

    /// Takes it and what that server made after it away.
    pub fn remove(&mut self, gtid: &DomainGtid) -> bool {
        if !self.has(gtid) {
            return false;
        }
        if let Some(servers) = self.0.get_mut(&gtid.domain) {
            match gtid.number {
                0 | 1 => drop(servers.remove(&gtid.server)),
                number => drop(servers.insert(gtid.server, number - 1)),
            }
            if servers.is_empty() {
                self.0.remove(&gtid.domain);
            }
        }
        true
    }

    pub fn union(&mut self, other: &Self) {
        for gtid in other.entries() {
            self.add(&gtid);
        }
    }

    /// Keeps what does not satisfy `covered`.
    pub fn drop_where(&mut self, covered: impl Fn(&DomainGtid) -> bool) {
        self.0.retain(|&domain, servers| {
            servers.retain(|&server, &mut number| !covered(&DomainGtid { domain, server, number }));
            !servers.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gtid(text: &str) -> DomainGtid {
        text.parse().unwrap()
    }

    fn domains(entries: &[&str]) -> Domains {
        let mut domains = Domains::default();
        for entry in entries {
            domains.add(&gtid(entry));
        }
        domains
    }

    #[test]
    fn identifiers_round_trip() {
        for text in ["0-1-1", "4294967295-4294967295-18446744073709551615"] {
            assert_eq!(gtid(text).to_string(), text);
        }
        for bad in ["", "0-1", "0-1-0", "0-1-2-3", "-1-2-3", "0-+1-2", "a-1-2", "4294967296-1-1", "0--1"] {
            assert!(bad.parse::<DomainGtid>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_reader_passes_by_number_and_a_history_is_told_by_server() {
        // Server 2 took over after number 100 of server 1.
        let survivor = domains(&["0-1-100", "0-2-110"]);
        assert!(survivor.passed(&gtid("0-1-105")) && !survivor.has(&gtid("0-1-105")), "a lost tail");
        assert!(survivor.has(&gtid("0-1-100")) && survivor.has(&gtid("0-2-101")));
        assert!(!survivor.passed(&gtid("0-1-111")) && !survivor.passed(&gtid("7-1-1")));
        assert_eq!(survivor.greatest().map(|it| it.to_string()).collect::<Vec<_>>(), ["0-2-110"]);
    }

    #[test]
    fn what_is_removed_can_be_added_again() {
        let mut domains = domains(&["0-1-1", "1-5-7"]);
        assert!(domains.remove(&gtid("1-5-7")) && !domains.remove(&gtid("1-5-7")));
        assert!(domains.has(&gtid("1-5-6")));
        assert!(domains.remove(&gtid("0-1-1")));
        assert_eq!(domains, self::domains(&["1-5-6"]));
        assert!(domains.add(&gtid("1-5-7")) && !domains.add(&gtid("1-5-7")));
    }
}

//! A set of GTIDs: of MySQL for each (uuid, tag) a set of numbers, of MariaDB how far each domain has come. No empty
//! entry is kept, so equality is equality of maps. A set of one server's kind leaves the other's part empty; both in one
//! type, since all that is done with sets is the same for both, and an empty set has no kind.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    DomainGtid, Gtid, ParseError, Tag, Uuid, UuidGtid,
    domain::Domains,
    intervals::{Interval, Intervals},
    parse_number,
};

/// A set of GTIDs. `FromStr` reads every form the server prints (spaces, newlines, any order, overlaps,
/// several tags after one uuid); `Display` gives the server's canonical form on one line. In serde: that text.
///
/// Of MariaDB it reads `gtid_binlog_pos` (one GTID a domain) and `gtid_binlog_state` (one for each server of a domain).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct GtidSet {
    pub(super) sources: BTreeMap<(Uuid, Option<Tag>), Intervals>,
    pub(super) domains: Domains,
}

impl GtidSet {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.domains.is_empty()
    }

    /// How many GTIDs are in the set; of MariaDB, where nobody knows that, how many it names.
    pub fn count(&self) -> u64 {
        let sizes = self.sources.values().flat_map(Intervals::as_slice).map(|it| it.last - it.first + 1);
        sizes.chain(self.domains.entries().map(|_| 1)).fold(0, u64::saturating_add)
    }

    /// Of MariaDB: whether the domain has passed that number, whichever server gave it.
    pub fn contains(&self, gtid: &Gtid) -> bool {
        match gtid {
            Gtid::Uuid(gtid) => {
                let numbers = self.sources.get(&(gtid.uuid, gtid.tag));
                numbers.is_some_and(|numbers| numbers.contains(gtid.number))
            }
            Gtid::Domain(gtid) => self.domains.passed(gtid),
        }
    }

    /// Whether every GTID of `other` is in this set. Of MariaDB: of the very servers that `other` names.
    pub fn contains_set(&self, other: &GtidSet) -> bool {
        let sources = other.sources.iter().all(|(source, wanted)| {
            self.sources.get(source).is_some_and(|numbers| numbers.contains_all(wanted))
        });
        sources && other.domains.entries().all(|gtid| self.domains.has(&gtid))
    }

    /// The greatest number that any server has given in a domain of MariaDB; 0 if none.
    pub fn last_in(&self, domain: u32) -> u64 {
        let numbers = self.domains.entries().filter(|gtid| gtid.domain == domain).map(|gtid| gtid.number);
        numbers.max().unwrap_or(0)
    }

    /// What a reader who has come as far as `position` has still before it.
    #[must_use]
    pub fn beyond(&self, position: &GtidSet) -> GtidSet {
        let mut left = self.clone();
        left.subtract_sources(position);
        left.domains.drop_where(|gtid| position.domains.passed(gtid));
        left
    }

    /// Where a reader of MariaDB goes on, as `slave_connect_state` takes it: one GTID a domain.
    pub fn connect_state(&self) -> String {
        self.domains.greatest().map(|gtid| gtid.to_string()).collect::<Vec<_>>().join(",")
    }

    pub fn intersects(&self, other: &GtidSet) -> bool {
        other.sources.iter().any(|(source, wanted)| {
            self.sources.get(source).is_some_and(|numbers| numbers.intersects(wanted))
        }) || other.domains.entries().any(|gtid| {
            let first = DomainGtid { number: 1, ..gtid };
            self.domains.has(&first)
        })
    }

    /// Adds one; false if it was there already.
    pub fn add(&mut self, gtid: &Gtid) -> bool {
        match gtid {
            Gtid::Uuid(gtid) => {
                debug_assert!((1..=UuidGtid::MAX_NUMBER).contains(&gtid.number));
                self.sources.entry((gtid.uuid, gtid.tag)).or_default().add(gtid.number)
            }
            Gtid::Domain(gtid) => self.domains.add(gtid),
        }
    }

    /// Removes one; false if it was not there. Of MariaDB: with all that its server made after it.
    pub fn remove(&mut self, gtid: &Gtid) -> bool {
        let gtid = match gtid {
            Gtid::Uuid(gtid) => gtid,
            Gtid::Domain(gtid) => return self.domains.remove(gtid),
        };
        let source = (gtid.uuid, gtid.tag);
        let Some(numbers) = self.sources.get_mut(&source) else { return false };
        let removed = numbers.remove(gtid.number);
        if numbers.is_empty() {
            self.sources.remove(&source);
        }
        removed
    }

    pub fn union(&mut self, other: &GtidSet) {
        for (source, numbers) in &other.sources {
            self.sources.entry(*source).or_default().union(numbers);
        }
        self.domains.union(&other.domains);
    }

    /// Of MariaDB: what the very servers that are named here have not reached in `other`.
    pub fn subtract(&mut self, other: &GtidSet) {
        self.subtract_sources(other);
        self.domains.drop_where(|gtid| other.domains.has(gtid));
    }

    fn subtract_sources(&mut self, other: &GtidSet) {
        self.sources.retain(|source, numbers| {
            if let Some(holes) = other.sources.get(source) {
                numbers.subtract(holes);
            }
            !numbers.is_empty()
        });
    }

    /// The uuids with at least one GTID here.
    pub fn uuids(&self) -> impl Iterator<Item = Uuid> + '_ {
        let mut last = None;
        self.sources.keys().map(|(uuid, _)| *uuid).filter(move |uuid| last.replace(*uuid) != Some(*uuid))
    }

    /// Only the GTIDs of one server, tagged or not.
    #[must_use]
    pub fn of(&self, uuid: Uuid) -> GtidSet {
        let sources = self.sources.iter().filter(|((source, _), _)| *source == uuid);
        let sources = sources.map(|(source, numbers)| (*source, numbers.clone())).collect();
        GtidSet { sources, ..GtidSet::default() }
    }

    pub(super) fn from_parts(parts: BTreeMap<(Uuid, Option<Tag>), Vec<Interval>>) -> Self {
        let sources = parts.into_iter().filter(|(_, intervals)| !intervals.is_empty());
        let sources = sources.map(|(source, it)| (source, Intervals::from_unordered(it))).collect();
        GtidSet { sources, ..GtidSet::default() }
    }
}

impl Extend<Gtid> for GtidSet {
    fn extend<T: IntoIterator<Item = Gtid>>(&mut self, gtids: T) {
        for gtid in gtids {
            self.add(&gtid);
        }
    }
}

impl FromIterator<Gtid> for GtidSet {
    fn from_iter<T: IntoIterator<Item = Gtid>>(gtids: T) -> Self {
        let mut set = Self::new();
        set.extend(gtids);
        set
    }
}

impl fmt::Display for GtidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut previous = None;
        for ((uuid, tag), numbers) in &self.sources {
            if previous != Some(uuid) {
                let comma = if previous.is_some() { "," } else { "" };
                write!(f, "{comma}{uuid}")?;
                previous = Some(uuid);
            }
            if let Some(tag) = tag {
                write!(f, ":{tag}")?;
            }
            for Interval { first, last } in numbers.as_slice() {
                if first == last { write!(f, ":{first}")? } else { write!(f, ":{first}-{last}")? }
            }
        }
        let mut comma = if self.sources.is_empty() { "" } else { "," };
        for gtid in self.domains.entries() {
            write!(f, "{}{gtid}", std::mem::replace(&mut comma, ","))?;
        }
        Ok(())
    }
}

impl FromStr for GtidSet {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut parts: BTreeMap<(Uuid, Option<Tag>), Vec<Interval>> = BTreeMap::new();
        let mut domains = Domains::default();
        for source in text.split(',').map(str::trim).filter(|source| !source.is_empty()) {
            if !source.contains(':') && source.split('-').count() == 3 {
                domains.add(&source.parse()?);
                continue;
            }
            let mut pieces = source.split(':').map(str::trim);
            let uuid: Uuid = pieces.next().unwrap_or_default().parse()?;
            let (mut tag, mut intervals_of_tag) = (None, 0);
            for piece in pieces {
                if piece.starts_with(|first: char| first.is_ascii_digit()) {
                    parts.entry((uuid, tag)).or_default().push(parse_interval(piece)?);
                    intervals_of_tag += 1;
                } else if tag.is_some() && intervals_of_tag == 0 {
                    return Err(ParseError::new("a GTID tag without numbers", source));
                } else {
                    (tag, intervals_of_tag) = (Some(piece.parse()?), 0);
                }
            }
            if intervals_of_tag == 0 {
                return Err(ParseError::new("a GTID source without numbers", source));
            }
        }
        Ok(Self { domains, ..Self::from_parts(parts) })
    }
}

fn parse_interval(text: &str) -> Result<Interval, ParseError> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let interval = Interval { first: parse_number(first.trim())?, last: parse_number(last.trim())? };
    if interval.first > interval.last {
        return Err(ParseError::new("an interval that runs backwards", text));
    }
    Ok(interval)
}

impl Serialize for GtidSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GtidSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const A: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
    const B: &str = "4e11fa47-71ca-11e1-9e33-c80aa9429562";

    fn set(text: &str) -> GtidSet {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_the_server_prints_is_read_and_printed_canonically() {
        let cases = [
            (String::new(), String::new()),
            (" \n".into(), String::new()),
            (format!("{A}:1-3:5"), format!("{A}:1-3:5")),
            (format!("{B}:1,\n{A}:7:1-3 : 4 - 6"), format!("{A}:1-7,{B}:1")),
            (format!("{A}:1-5:blue:1-3:green:2:9"), format!("{A}:1-5:blue:1-3:green:2:9")),
            (format!("{A}:green:2,{A}:BLUE:1:1-2,{A}:8"), format!("{A}:8:blue:1-2:green:2")),
            (format!("{},", A.to_uppercase() + ":1"), format!("{A}:1")),
            ("1-5-7, 0-2-9,\n0-1-3".into(), "0-1-3,0-2-9,1-5-7".into()),
        ];
        for (text, canonical) in cases {
            assert_eq!(set(&text).to_string(), canonical, "{text:?}");
        }
    }

    #[test]
    fn malformed_text_is_refused() {
        for bad in [
            "x",
            A,
            &format!("{A}:"),
            &format!("{A}:blue"),
            &format!("{A}:blue:green:1"),
            &format!("{A}:3-1"),
            &format!("{A}:0"),
            &format!("{A}:1-"),
            &format!("{A}:-1"),
            &format!("{A}:1 2"),
            &format!("{A}:1-2-3"),
            &format!("{A}:1-9223372036854775807"),
            &format!("{A}:1{B}:1"),
            &format!("{A}::1"),
            "0-1",
            "0-1-0",
            "0-1-2-3",
        ] {
            assert!(bad.parse::<GtidSet>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn uuids_and_of_look_at_tagged_ones_too() {
        let all = set(&format!("{A}:1:blue:2,{B}:1"));
        assert_eq!(all.uuids().map(|uuid| uuid.to_string()).collect::<Vec<_>>(), [A, B]);
        assert_eq!(all.of(A.parse().unwrap()), set(&format!("{A}:1:blue:2")));
        assert_eq!(all.count(), 3);
    }

    #[test]
    fn of_mariadb_a_reader_goes_on_after_the_greatest_number_of_each_domain() {
        let state = set("0-1-100,0-2-110,1-1-7");
        assert_eq!(state.connect_state(), "0-2-110,1-1-7");
        let published = set("0-1-105,1-1-7");
        let mut missing = published.clone();
        missing.subtract(&state);
        assert_eq!(
            missing.to_string(),
            "0-1-105",
            "server 1 never made it there, whatever server 2 made since"
        );
        assert!(!state.contains_set(&published) && state.contains_set(&set("0-1-99,0-2-110")));
        assert!(set("0-1-100").beyond(&set("0-2-110")).is_empty(), "passed, though server 1 is not named");
        assert_eq!(set("0-1-100,2-1-1").beyond(&set("0-2-99")), set("0-1-100,2-1-1"));
    }

    // Few sources and numbers, so that neighbours, overlaps and holes are common.
    fn gtid() -> impl Strategy<Value = Gtid> {
        (0..2_u8, prop_oneof![Just(None), Just(Some("a")), Just(Some("b_2"))], 1..24_u64).prop_map(
            |(uuid, tag, number)| {
                let tag = tag.map(|tag| tag.parse().expect("a tag"));
                Gtid::Uuid(UuidGtid { uuid: Uuid([uuid; 16]), tag, number })
            },
        )
    }

    fn model() -> impl Strategy<Value = BTreeSet<Gtid>> {
        prop::collection::btree_set(gtid(), 0..40)
    }

    fn of(model: &BTreeSet<Gtid>) -> GtidSet {
        model.iter().copied().collect()
    }

    proptest! {
        #[test]
        fn algebra_is_that_of_plain_sets(a in model(), b in model(), one in gtid()) {
            let (x, y) = (of(&a), of(&b));
            let mut union = x.clone();
            union.union(&y);
            prop_assert_eq!(&union, &of(&(&a | &b)));
            let mut difference = x.clone();
            difference.subtract(&y);
            prop_assert_eq!(&difference, &of(&(&a - &b)));
            prop_assert_eq!(x.contains_set(&y), a.is_superset(&b));
            prop_assert!(union.contains_set(&x) && union.contains_set(&y));
            prop_assert_eq!(x.intersects(&y), !a.is_disjoint(&b));
            prop_assert_eq!(x.contains(&one), a.contains(&one));
            prop_assert_eq!(x.count(), a.len() as u64);
            prop_assert_eq!(x.is_empty(), a.is_empty());
        }

        #[test]
        fn adding_and_removing_are_those_of_plain_sets(steps in prop::collection::vec((any::<bool>(), gtid()), 0..80)) {
            let (mut set, mut model) = (GtidSet::new(), BTreeSet::new());
            for (add, gtid) in steps {
                if add {
                    prop_assert_eq!(set.add(&gtid), model.insert(gtid));
                } else {
                    prop_assert_eq!(set.remove(&gtid), model.remove(&gtid));
                }
                prop_assert_eq!(&set, &of(&model));
            }
        }

        #[test]
        fn text_round_trips_and_is_unique(a in model()) {
            let set = of(&a);
            prop_assert_eq!(&set.to_string().parse::<GtidSet>().unwrap(), &set);
            let scattered = a.iter().rev().map(ToString::to_string).collect::<Vec<_>>().join(",\n ");
            prop_assert_eq!(scattered.parse::<GtidSet>().unwrap().to_string(), set.to_string());
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in r"[0-9a-fA-F:,\- \n_é]{0,80}") {
            let _ = text.parse::<GtidSet>();
        }
    }
}

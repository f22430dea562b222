//! Lists of names as Debezium writes them: regular expressions, each of which must match a whole name, upper and lower
//! case alike.

use regex::{RegexSet, RegexSetBuilder};
use regex_automata::{
    Anchored, Input,
    hybrid::dfa::{Cache, DFA},
    util::syntax,
};

use super::{List, refuse};
use crate::Finding;

#[derive(Debug, Clone)]
pub struct Patterns {
    texts: Vec<String>,
    whole: RegexSet,
    beginnings: Beginnings,
}

/// Tells whether a beginning can still become a name that matches. `None`: it cannot be told.
#[derive(Debug, Clone)]
pub(super) struct Beginnings(Option<DFA>);

impl Patterns {
    /// `setting` names the list in what is refused.
    pub fn new(setting: &str, list: &List) -> Result<Self, Finding> {
        let texts: Vec<String> = list.iter().map(str::to_owned).collect();
        let anchored: Vec<String> = texts.iter().map(|text| format!("^(?:{text})$")).collect();
        let whole = RegexSetBuilder::new(&anchored).case_insensitive(true).build().map_err(|error| {
            refuse(
                setting,
                format!("it holds what is no regular expression: {error}"),
                "write names with regular expressions in them (without look-around and back-references), a dot in a name as \\\\.; what is \
                 not wanted goes into the list of what is excluded",
            )
        })?;
        let beginnings = Beginnings::of(&anchored);
        Ok(Self { texts, whole, beginnings })
    }

    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub fn matches(&self, name: &str) -> bool {
        self.whole.is_match(name)
    }

    /// Whether a name that begins so may match.
    pub fn may_match_below(&self, beginning: &str) -> bool {
        !self.is_empty() && self.beginnings.may_match_below(beginning)
    }

    /// The names themselves, if none of them is more than a name.
    pub fn literals(&self) -> Option<Vec<String>> {
        let is_name = |text: &&String| regex::escape(text) == **text;
        self.texts.iter().all(|text| is_name(&text)).then(|| self.texts.clone())
    }

    /// In an order that does not depend on how they were written.
    pub fn fingerprint(&self) -> String {
        let mut texts = self.texts.clone();
        texts.sort_unstable();
        texts.dedup();
        serde_json::to_string(&texts).expect("a list of strings always serialises")
    }
}

impl Beginnings {
    pub(super) fn of(anchored: &[String]) -> Self {
        let syntax = syntax::Config::new().case_insensitive(true);
        Self(DFA::builder().syntax(syntax).build_many(anchored).ok())
    }

    pub(super) fn may_match_below(&self, beginning: &str) -> bool {
        let Some(dfa) = &self.0 else { return true };
        let mut cache = Cache::new(dfa);
        let start = Input::new(beginning).anchored(Anchored::Yes);
        let Ok(mut state) = dfa.start_state_forward(&mut cache, &start) else { return true };
        for byte in beginning.bytes() {
            match dfa.next_state(&mut cache, state, byte) {
                Ok(next) => state = next,
                Err(_) => return true,
            }
            if state.is_dead() {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(list: &[&str]) -> Patterns {
        Patterns::new("table.include.list", &list.iter().copied().collect()).expect("regular expressions")
    }

    #[test]
    fn a_pattern_matches_a_whole_name_in_any_case() {
        let some = patterns(&["shop.orders", r"crm\.(a|b)\d+"]);
        for name in ["shop.orders", "SHOP.Orders", "crm.a17", "shopXorders"] {
            assert!(some.matches(name), "{name}: a dot is any character, as in Debezium");
        }
        for name in ["shop.orders2", "xshop.orders", "crm.c1", "crm.a"] {
            assert!(!some.matches(name), "{name}");
        }
        assert!(!patterns(&[]).matches(""));
    }

    #[test]
    fn a_beginning_tells_whether_anything_below_may_match() {
        let some = patterns(&[r"shop\d\.orders", r"crm\..*"]);
        assert!(some.may_match_below("shop7.") && some.may_match_below("Crm."));
        assert!(!some.may_match_below("shop.") && !some.may_match_below("hr."));
        assert!(!patterns(&[]).may_match_below("shop."));
    }

    #[test]
    fn only_names_are_literal() {
        assert_eq!(patterns(&["shop", "a_b"]).literals(), Some(vec!["shop".into(), "a_b".into()]));
        assert_eq!(patterns(&["shop.*"]).literals(), None);
    }

    #[test]
    fn what_is_no_regular_expression_is_named_with_its_setting() {
        let finding = Patterns::new("table.exclude.list", &["a("].into_iter().collect::<List>());
        let finding: Finding = finding.expect_err("no regular expression");
        assert!(finding.place.contains("table.exclude.list") && finding.cause.contains("a("), "{finding:?}");
        let look = [r"shop\.(?!audit).*"].into_iter().collect::<List>();
        assert!(Patterns::new("t", &look).is_err(), "look-around");
    }
}

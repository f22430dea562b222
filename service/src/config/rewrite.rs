//! What a name becomes: a regular expression that must match it whole, upper and lower case alike, and a replacement in which $1
//! is the expression's first group.

use regex::{Regex, RegexBuilder};

use super::{patterns::Beginnings, refuse};
use crate::Finding;

#[derive(Debug, Clone)]
pub struct Rewrite {
    setting: String,
    from: Regex,
    beginnings: Beginnings,
    to: String,
}

/// Two settings that say of one name what it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ambiguous {
    pub setting: String,
    pub other: String,
}

impl Rewrite {
    /// `section` is the setting that holds the map of which this is an entry.
    pub fn new(section: &str, from: &str, to: &str) -> Result<Self, Finding> {
        let setting = format!("{section}.\"{from}\"");
        let anchored = format!("^(?:{from})$");
        let regex = RegexBuilder::new(&anchored).case_insensitive(true).build().map_err(|error| {
            let remedy = "write a regular expression over the whole name, a dot in a name as \\\\.";
            refuse(&setting, format!("it is no regular expression: {error}"), remedy)
        })?;
        Ok(Self { setting, from: regex, beginnings: Beginnings::of(&[anchored]), to: to.to_owned() })
    }

    /// The one that is about a name.
    pub fn sole<'r>(all: &'r [Self], name: &str) -> Result<Option<&'r Self>, Ambiguous> {
        let mut fitting = all.iter().filter(|rewrite| rewrite.from.is_match(name));
        match (fitting.next(), fitting.next()) {
            (Some(one), Some(other)) => {
                Err(Ambiguous { setting: one.setting.clone(), other: other.setting.clone() })
            }
            (first, _) => Ok(first),
        }
    }

    /// The setting's name, for what is refused.
    pub fn setting(&self) -> &str {
        &self.setting
    }

    pub fn apply(&self, name: &str) -> String {
        self.from.replace(name, self.to.as_str()).into_owned()
    }

    /// Whether a name that begins so may be rewritten.
    pub fn may_match_below(&self, beginning: &str) -> bool {
        self.beginnings.may_match_below(beginning)
    }

    /// Whether some name may become this one.
    pub fn may_give(&self, name: &str) -> bool {
        match self.to.split_once('$') {
            None => self.to.eq_ignore_ascii_case(name),
            Some((fixed, _)) => {
                name.get(..fixed.len()).is_some_and(|start| start.eq_ignore_ascii_case(fixed))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(from: &str, to: &str) -> Rewrite {
        Rewrite::new("route.tables", from, to).expect("a regular expression")
    }

    #[test]
    fn a_whole_name_becomes_another() {
        let shards = rewrite(r"shop_(\d+)\.(\w+)", "shop.${2}_all");
        assert_eq!(shards.apply("Shop_12.orders"), "shop.orders_all");
        assert!(shards.may_match_below("shop_3.") && !shards.may_match_below("shop."));
        assert!(shards.may_give("SHOP.x") && !shards.may_give("crm.x"));
        assert!(rewrite("a", "b").may_give("B") && !rewrite("a", "b").may_give("bc"));
    }

    #[test]
    fn two_for_one_name_are_ambiguous() {
        let both = [rewrite("a.*", "x"), rewrite(".*b", "y")];
        assert!(Rewrite::sole(&both, "ac").is_ok_and(|one| one.is_some()));
        assert!(Rewrite::sole(&both, "c").is_ok_and(|one| one.is_none()));
        let two = Rewrite::sole(&both, "ab").expect_err("two");
        assert_eq!(
            (two.setting.as_str(), two.other.as_str()),
            ("route.tables.\"a.*\"", "route.tables.\".*b\"")
        );
    }
}

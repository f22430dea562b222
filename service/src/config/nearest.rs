//! The known name nearest to an unknown one, for "did you mean".

/// Nearest of `known` to `name`, if it is near enough to be what was meant.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_slip_and_not_just_anything() {
        let known = ["host", "port", "password", "password_file"];
        assert_eq!(nearest("pasword", known), Some("password"));
        assert_eq!(nearest("prot", known), Some("port"));
        assert_eq!(nearest("heartbeat", known), None);
    }
}

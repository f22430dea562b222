//! LIKE, character by character.

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    One(char),
    AnyOne,
    AnyMany,
}

impl Pattern {
    pub fn new(text: &str, escape: Option<char>) -> Self {
        let mut parts = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            parts.push(match c {
                // At the end it stands for itself.
                c if Some(c) == escape => Part::One(chars.next().unwrap_or(c)),
                '%' => Part::AnyMany,
                '_' => Part::AnyOne,
                c => Part::One(c),
            });
        }
        Self(parts)
    }

    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let parts = &self.0;
        let (mut at, mut part) = (0, 0);
        // Where to go on if what follows the last % does not fit.
        let mut retry: Option<(usize, usize)> = None;
        while at < text.len() {
            match parts.get(part) {
                Some(Part::AnyMany) => {
                    retry = Some((at, part));
                    part += 1;
                    continue;
                }
                Some(Part::AnyOne) => {}
                Some(Part::One(c)) if *c == text[at] => {}
                _ => match retry {
                    Some((from, many)) => {
                        retry = Some((from + 1, many));
                        (at, part) = (from + 1, many + 1);
                        continue;
                    }
                    None => return false,
                },
            }
            at += 1;
            part += 1;
        }
        parts[part..].iter().all(|part| *part == Part::AnyMany)
    }
}

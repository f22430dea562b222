//! Every statement of the corpus is what it is said to be. That MySQL takes them, and writes the like into its binary
//! log, is an end-to-end test's affair.

mod corpus;

use corpus::{Fate, Step, objects, steps};
use strait_mysql::ddl::{Kind, classify};

fn entries() -> impl Iterator<Item = corpus::Entry> {
    steps().into_iter().filter_map(|step| match step {
        Step::Judge(entry) => Some(entry),
        Step::Run(statement) => {
            assert!(!statement.is_empty());
            None
        }
    })
}

#[test]
fn each_statement_is_what_it_is_said_to_be() {
    let mut wrong = Vec::new();
    for entry in entries() {
        let found = classify(&entry.statement, entry.reading);
        let found = (found.kind.name().to_owned(), objects(&found, None));
        if found != (entry.kind.to_owned(), entry.objects.to_owned()) {
            wrong.push(format!("line {}: {found:?}, not {:?}", entry.line, (entry.kind, entry.objects)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_corpus_is_large_and_has_every_kind() {
    assert!(entries().count() >= 300);
    assert!(entries().filter(|entry| entry.fate != Fate::OnlyRead).count() >= 300);
    for kind in Kind::ALL {
        assert!(entries().any(|entry| entry.kind == kind.name()), "{kind}");
    }
}

/// What a sink does that sends rows elsewhere: each name replaced where it stands.
#[test]
fn spans_cover_the_names_so_that_they_can_be_replaced() {
    for entry in entries() {
        let found = classify(&entry.statement, entry.reading);
        let mut text = entry.statement.clone();
        let written = found.objects.iter().filter(|object| !object.span.is_empty());
        let count = written.clone().count();
        for (at, object) in written.enumerate().collect::<Vec<_>>().into_iter().rev() {
            text.splice(object.span.clone(), format!("new_{at}").into_bytes());
        }
        let again = classify(&text, entry.reading);
        assert_eq!(again.kind, found.kind, "line {}", entry.line);
        let names: Vec<_> =
            again.objects.iter().filter(|it| !it.span.is_empty()).map(|it| it.name.clone()).collect();
        let expected: Vec<_> = (0..count).map(|at| format!("new_{at}")).collect();
        assert_eq!(names, expected, "line {}", entry.line);
    }
}

/// No text is an error, whatever is cut off or stands in its place.
#[test]
fn torn_statements_are_read() {
    for entry in entries() {
        for end in 0..entry.statement.len() {
            classify(&entry.statement[..end], entry.reading);
            classify(&entry.statement[end..], entry.reading);
        }
    }
}

//! Binlogs of a real server (see fixtures/capture.sh), decoded and replayed into a model of its tables: the
//! model must end as the server's own SELECT shows the tables, so the server is the oracle for every value.

mod damage;
mod facts;
mod file;
mod flips;
mod model;
mod render;
#[path = "../../fuzz/fuzz_targets/show.rs"]
mod show;
mod steps;

use self::model::Model;

fn assert_same_tables(name: &str) {
    let mut model = Model::default();
    file::each_step(name, |step, framer| model.take(step, framer));
    model.assert_equals(&file::text(&format!("{name}.expected")));
}

#[test]
fn every_type() {
    assert_same_tables("types");
}

#[test]
fn savepoints_xa_create_select_cascades_partial_images() {
    assert_same_tables("framing");
}

#[test]
fn documents_of_which_the_changes_are_logged() {
    assert_same_tables("partial");
}

#[test]
fn compressed_transactions_and_large_json() {
    assert_same_tables("compressed");
}

#[test]
fn anonymous_transactions_and_rollbacks_of_mixed_engines() {
    assert_same_tables("anonymous");
}

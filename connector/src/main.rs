//! `strait-connector`: see `--help`.

use std::process::ExitCode;

use clap::Parser as _;
use strait_connector::args::{Args, main as run};

fn main() -> ExitCode {
    run(Args::parse())
}

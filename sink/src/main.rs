//! `strait-sink`: see `--help`.

use std::process::ExitCode;

use clap::Parser as _;
use strait_sink::args::{Args, main as run};

fn main() -> ExitCode {
    run(Args::parse())
}

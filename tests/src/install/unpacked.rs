//! Programs of packages that were unpacked and not installed: they run on the libraries that came with
//! them, by the loader that came with them, whatever this machine has.

use std::path::Path;
use std::process::Command;

/// The program at `path` below `root`, or at any absolute one, on the libraries below `root`.
pub fn program(root: &Path, path: impl AsRef<Path>) -> Command {
    let (machine, loader) = match std::env::consts::ARCH {
        "aarch64" => ("aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
        _ => ("x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    };
    // Since 2024 everything lies below usr/; before that the C library lay outside.
    let folders = [format!("lib/{machine}"), format!("usr/lib/{machine}")].map(|folder| root.join(folder));
    let loader = folders.iter().map(|folder| folder.join(loader)).find(|loader| loader.exists());
    let Some(loader) = loader else { return Command::new(root.join(path)) };
    let libraries = folders.map(|folder| folder.display().to_string()).join(":");
    let mut command = Command::new(loader);
    command.arg("--library-path").arg(libraries).arg(root.join(path));
    command
}

//! docs/configuration.md is made from the configuration structs, docs/types.md from the type table, and docs/examples are files for the real programs: this
//! fails when they are no longer what the structs say.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use e2e::run_dir::make_dir;
use serde_json::Value;
use strait_service::{
    Finding,
    config::{Settings, Sources, configuration_markdown, load},
};

const HEAD: &str = "\
# Configuration

Made from the configuration structs by `make docs`; `strait-connector config schema` and `strait-sink config schema`
print the same as a JSON schema, `config show` the effective values.

A value comes from, in this order: a flag, a `STRAIT_*` environment variable, the TOML file (`--config FILE` or
`STRAIT_CONFIG`), the default. Any setting can be given by `--set section.field=value`. In a variable's name two
underscores separate section and field; lists are written `a,b,c`. An unknown name is refused, wherever it stands.

- **duration**: a number and its unit, `200ms`, `5s`, `1m 30s`. **size**: `512 KiB`, `8 MiB`, `1 MB`.
- **secret**: never printed or logged. In place of `password` its file may be named: `password_file`, relative to the
  configuration file.
- **table**: free names, handed to a library as they are. In the file `[kafka.options]`, one option a line; as a
  variable `STRAIT_KAFKA__OPTIONS__LINGER_MS` (an underscore stands for a dot); as a flag
  `--set kafka.options.linger.ms=5`. Options whose names speak of passwords, keys or tokens are redacted.
";

#[test]
fn the_reference_page_says_what_the_structs_say() -> Result<()> {
    let connector = configuration_markdown::<strait_connector::config::Config>("strait-connector");
    let sink = configuration_markdown::<strait_sink::config::Config>("strait-sink");
    let page = format!("{HEAD}\n{connector}\n{sink}");
    ensure_page("configuration.md", &page)
}

#[test]
fn the_page_of_types_says_what_the_type_table_says() -> Result<()> {
    ensure_page("types.md", &e2e::types::document())
}

/// The page is this; with `UPDATE_DOCS` it becomes this.
fn ensure_page(name: &str, page: &str) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return fs::write(&path, page).with_context(|| format!("write {}", path.display()));
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    ensure!(found == page, "docs/{name} is not what it is made from: run `make docs`");
    Ok(())
}

fn example(name: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples").join(name);
    fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
}

/// As the program loads it, with the secrets' files beside it.
fn accept<T: Settings>(name: &str, text: &str) -> Result<()> {
    let directory: PathBuf = make_dir(name)?;
    for secret in ["repl.pw", "strait.pw", "registry.pw"] {
        fs::write(directory.join(secret), "hush-4716")?;
    }
    let file = directory.join(name);
    fs::write(&file, text)?;
    let config: T = load(&Sources { file: Some(file), ..Sources::default() })?;
    let refusals: Vec<_> = config.validate().into_iter().filter(Finding::is_refusal).collect();
    ensure!(refusals.is_empty(), "{name}: {refusals:?}");
    Ok(())
}

/// What the example shows behind a mark, set.
fn unmarked(text: &str) -> String {
    let is_setting = |rest: &&str| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '"');
    let lines = text.lines().map(|line| line.strip_prefix('#').filter(is_setting).unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// Every setting of the struct that the text does not have.
fn missing(known: &Value, shown: &toml::Table, section: &str, missing: &mut Vec<String>) {
    for (key, value) in known.as_object().into_iter().flatten() {
        let name = format!("{section}{key}");
        match (value, shown.get(key)) {
            (Value::Object(_), Some(toml::Value::Table(shown))) => {
                self::missing(value, shown, &format!("{name}."), missing);
            }
            (_, Some(_)) => {}
            (_, None) if shown.contains_key(&format!("{key}_file")) => {}
            (_, None) => missing.push(name),
        }
    }
}

fn accept_example<T: Settings + Default>(name: &str) -> Result<()> {
    let text = example(name)?;
    accept::<T>(name, &text)?;
    let whole = unmarked(&text);
    accept::<T>(name, &whole)?;
    let mut left_out = Vec::new();
    missing(&serde_json::to_value(T::default())?, &toml::from_str(&whole)?, "", &mut left_out);
    ensure!(left_out.is_empty(), "docs/examples/{name} does not show {left_out:?}");
    Ok(())
}

#[test]
fn the_examples_are_complete_and_the_programs_take_them() -> Result<()> {
    accept_example::<strait_connector::config::Config>("strait-connector.toml")?;
    accept_example::<strait_sink::config::Config>("strait-sink.toml")
}

#[test]
fn the_examples_for_systemd_start_the_programs_with_the_examples() -> Result<()> {
    for process in ["connector", "sink"] {
        let unit = example(&format!("strait-{process}.service"))?;
        let file = format!("/etc/strait/{process}.toml");
        for line in ["Type=notify", "WatchdogSec=30", "RestartPreventExitStatus=2"] {
            ensure!(unit.lines().any(|found| found == line), "{process}: no line {line}");
        }
        let start = format!("ExecStart=/usr/local/bin/strait-{process} run --config {file}");
        ensure!(unit.lines().any(|line| line == start), "{process}: no line {start}");
        let toml = example(&format!("strait-{process}.toml"))?;
        ensure!(
            toml.starts_with(&format!("# {file}: ")),
            "the example of {process} is not the one that its unit reads"
        );
    }
    Ok(())
}

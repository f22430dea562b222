//! docs/configuration.md is made from the configuration structs: this fails when it is no longer what they say.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use strait_service::config::configuration_markdown;

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
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return fs::write(&path, page).with_context(|| format!("write {}", path.display()));
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    ensure!(
        found == page,
        "docs/configuration.md is not what the configuration structs say: run `make docs`"
    );
    Ok(())
}

//! The configuration's layers: precedence, names, types, secrets, and that no secret ever leaks.

use std::{fs, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strait_service::{
    Endpoint, Options, Period, Secret, Size,
    config::{ConfigError, Flags, Sources, configuration_markdown, load},
};

const PASSWORD: &str = "correct-horse-battery";

/// A process as the tests see it.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    source: Source,
    #[serde(default)]
    kafka: Kafka,
    #[serde(default)]
    limits: Limits,
    /// Absent unless the section is written.
    extra: Option<Limits>,
}

/// The server to read from.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Source {
    /// Name or address of the
    /// server | its port.
    host: String,
    #[serde(default = "port")]
    port: u16,
    password: Option<Secret>,
}

fn port() -> u16 {
    3306
}

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Kafka {
    brokers: Vec<String>,
    options: Options,
    registry: Endpoint,
    format: Format,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Format {
    #[default]
    Avro,
    JsonSchemaless,
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Limits {
    /// Most bytes in flight.
    memory: Size,
    wait: Period,
    strict: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: Size::mib(8), wait: Period::millis(200), strict: true }
    }
}

struct Case {
    directory: tempfile::TempDir,
    sources: Sources,
}

impl Case {
    fn new(toml: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("strait.toml");
        fs::write(&file, toml).expect("the file is written");
        Self { directory, sources: Sources { file: Some(file), ..Sources::default() } }
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.sources.environment.push((name.to_owned(), value.into()));
        self
    }

    fn flag(mut self, key: &str, value: &str) -> Self {
        self.sources.flags = self.sources.flags.set("--set", key, Some(value));
        self
    }

    fn file(self, name: &str, content: &str) -> Self {
        fs::write(self.path(name), content).expect("the file is written");
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn load(&self) -> Settings {
        load(&self.sources).expect("the configuration is accepted")
    }

    /// The refusal, proven to hold no password.
    fn refusal(&self) -> ConfigError {
        let error = load::<Settings>(&self.sources).expect_err("the configuration is refused");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(PASSWORD), "leaked: {shown}");
        error
    }
}

#[track_caller]
fn assert_refused(case: &Case, cause: &str, place: &str, remedy: &str) {
    let error = case.refusal();
    let found = error.findings.iter().any(|finding| {
        finding.cause.contains(cause) && finding.place.contains(place) && finding.remedy.contains(remedy)
    });
    assert!(found, "no finding with '{cause}', '{place}', '{remedy}' in {:#?}", error.findings);
}

#[test]
fn flags_over_environment_over_file_over_defaults() {
    let case = Case::new("[source]\nhost = 'file'\nport = 1\n[limits]\nmemory = '1 MiB'\nwait = '1s'\n")
        .variable("STRAIT_SOURCE__HOST", "environment")
        .variable("STRAIT_LIMITS__WAIT", "2s")
        .flag("source.host", "flag");
    let settings = case.load();
    assert_eq!(settings.source.host, "flag");
    assert_eq!(settings.source.port, 1);
    assert_eq!(settings.limits, Limits { memory: Size::mib(1), wait: Period::seconds(2), strict: true });
    assert_eq!(settings.kafka.format, Format::Avro);
    assert_eq!(settings.extra, None);
}

#[test]
fn a_configuration_needs_no_file() {
    let flags =
        Flags::default().set("--source", "source.host", Some("db")).set("--port", "source.port", None::<u16>);
    let settings: Settings = load(&Sources { flags, ..Sources::default() }).expect("accepted");
    assert_eq!((settings.source.host.as_str(), settings.source.port), ("db", 3306));
}

#[test]
fn text_is_read_as_the_field_wants_it() {
    let settings = Case::new("")
        .variable("STRAIT_SOURCE__HOST", "1234")
        .variable("STRAIT_SOURCE__PORT", "3307")
        .variable("STRAIT_SOURCE__PASSWORD", "5678")
        .variable("STRAIT_LIMITS__STRICT", "false")
        .variable("STRAIT_LIMITS__MEMORY", "3 MiB")
        .variable("STRAIT_KAFKA__FORMAT", "json-schemaless")
        .variable("STRAIT_KAFKA__BROKERS", "a:1, b:2")
        .load();
    assert_eq!((settings.source.host.as_str(), settings.source.port), ("1234", 3307));
    assert_eq!(settings.source.password.expect("set").reveal(), "5678");
    assert_eq!((settings.limits.strict, settings.limits.memory), (false, Size::mib(3)));
    assert_eq!(settings.kafka.format, Format::JsonSchemaless);
    assert_eq!(settings.kafka.brokers, ["a:1", "b:2"]);
    let settings = Case::new("[source]\nhost='h'").flag("kafka.brokers", "['a,b', 'c']").load();
    assert_eq!(settings.kafka.brokers, ["a,b", "c"]);
}

#[test]
fn options_of_all_layers_add_up() {
    let case =
        Case::new("[source]\nhost='h'\n[kafka.options]\nlinger.ms = 5\n'batch.size' = 7\nacks = true\n")
            .variable("STRAIT_KAFKA__OPTIONS__BATCH_SIZE", "8")
            .variable("STRAIT_KAFKA__OPTIONS", "{\"client.id\" = \"me\"}")
            .flag("kafka.options.queue.buffering.max.ms", "9");
    let options = case.load().kafka.options;
    let all: Vec<_> = options.iter().collect();
    let expected = [
        ("acks", "true"),
        ("batch.size", "8"),
        ("client.id", "me"),
        ("linger.ms", "5"),
        ("queue.buffering.max.ms", "9"),
    ];
    assert_eq!(all, expected);
}

#[test]
fn an_optional_section_is_there_once_written() {
    assert_eq!(Case::new("[source]\nhost='h'\n[extra]\n").load().extra, Some(Limits::default()));
}

#[test]
fn unknown_names_are_refused_with_the_nearest_known_one() {
    let case = Case::new("[source]\nhost='h'\n\nprot = 1\n");
    assert_refused(&case, "unknown setting source.prot", "strait.toml line 4", "did you mean source.port?");
    let case = Case::new("[limits]\nzzz = 1\n[source]\nhost='h'\n");
    assert_refused(&case, "limits.zzz", "line 2", "known here: limits.memory, limits.strict, limits.wait");
    let case = Case::new("memory = '1 MiB'\n[source]\nhost='h'\n");
    assert_refused(
        &case,
        "unknown setting memory",
        "strait.toml line 1",
        "did you mean extra.memory or limits.memory?",
    );
    let case = Case::new("[source]\nhost='h'").variable("STRAIT_SOURCE__PASWORD", PASSWORD);
    assert_refused(
        &case,
        "unknown",
        "variable STRAIT_SOURCE__PASWORD",
        "did you mean STRAIT_SOURCE__PASSWORD?",
    );
    let case = Case::new("[source]\nhost='h'").variable("STRAIT_SOURCE", "x");
    assert_refused(&case, "unknown", "variable STRAIT_SOURCE", "");
    let case = Case::new("[source]\nhost='h'").flag("source.hots", "x");
    assert_refused(&case, "unknown setting source.hots", "flag --set", "did you mean source.host?");
}

#[test]
fn the_labs_variables_and_the_files_own_are_left_alone() {
    Case::new("[source]\nhost='h'")
        .variable("STRAIT_LAB_MYSQL", "x")
        .variable("STRAIT_CONFIG", "x")
        .variable("OTHER", "x")
        .load();
}

#[test]
fn what_kubernetes_sets_for_a_service_is_no_setting() {
    let mut case = Case::new("[source]\nhost='h'");
    assert_eq!(case.sources.warnings(), []);
    let links = [
        ("STRAIT_SINK_SERVICE_HOST", "10.0.0.1"),
        ("STRAIT_SINK_SERVICE_PORT", "8402"),
        ("STRAIT_SINK_SERVICE_PORT_PAGES", "8402"),
        ("STRAIT_SINK_PORT", "tcp://10.0.0.1:8402"),
        ("STRAIT_SINK_PORT_8402_TCP", "tcp://10.0.0.1:8402"),
        ("STRAIT_SINK_PORT_8402_TCP_PROTO", "tcp"),
        ("STRAIT_SINK_PORT_8402_TCP_PORT", "8402"),
        ("STRAIT_SINK_PORT_8402_TCP_ADDR", "10.0.0.1"),
    ];
    for (variable, value) in links {
        case = case.variable(variable, value);
    }
    case.load();
    let warnings = case.sources.warnings();
    assert_eq!(warnings.len(), 1);
    assert!(!warnings[0].is_refusal());
    for (variable, _) in links {
        assert!(warnings[0].place.contains(variable), "{warnings:?}");
    }
    // A setting that was meant is still refused, and set ones count.
    let case = case.variable("STRAIT_SOURCE_PORT", "3307");
    assert_refused(&case, "unknown", "variable STRAIT_SOURCE_PORT", "did you mean STRAIT_SOURCE__PORT?");
}

#[test]
fn wrong_values_name_the_place_that_set_them() {
    let case = Case::new("[source]\nhost='h'\nport = 70000");
    assert_refused(&case, "70000", "setting source.port, ", "correct source.port");
    assert_refused(&case, "", "strait.toml line 3", "");
    let case = Case::new("[source]\nhost='h'").variable("STRAIT_SOURCE__PORT", "many");
    assert_refused(&case, "\"many\" is no integer", "STRAIT_SOURCE__PORT", "correct");
    let case = Case::new("[source]\nhost='h'").flag("limits.wait", "5");
    assert_refused(&case, "\"5\" is no duration", "flag --set", "correct limits.wait");
    let case = Case::new("[source]\nhost='h'\n[limits]\nwait = 5");
    assert_refused(&case, "a duration with its unit", "strait.toml line 4", "");
    let case = Case::new("source = 'mysql://root:correct-horse-battery@h'");
    assert_refused(&case, "source is a section", "strait.toml line 1", "[source]");
}

#[test]
fn everything_wrong_is_told_at_once() {
    let case = Case::new("[limits]\nx = 1\n").variable("STRAIT_Y", "1");
    assert_eq!(case.refusal().findings.len(), 3);
    assert_refused(&case, "source.host is not set", "setting source.host", "STRAIT_SOURCE__HOST");
}

#[test]
fn a_secret_comes_from_a_file_as_well() {
    let case = Case::new("[source]\nhost='h'\npassword_file = 'pw'").file("pw", "correct-horse-battery\n");
    let settings = case.load();
    assert_eq!(settings.source.password.as_ref().expect("read").reveal(), PASSWORD);
    // A value above covers a file below.
    let case = case.variable("STRAIT_SOURCE__PASSWORD", "other");
    assert_eq!(case.load().source.password.expect("set").reveal(), "other");
    // A file above covers a value below.
    let case = Case::new("[source]\nhost='h'\npassword = 'inline'").file("pw", "correct-horse-battery\r\n");
    let path = case.path("pw");
    let case = case.variable("STRAIT_SOURCE__PASSWORD_FILE", path.to_str().expect("UTF-8"));
    assert_eq!(case.load().source.password.expect("read").reveal(), PASSWORD);
}

#[test]
fn an_unusable_secret_file_is_refused() {
    let case = Case::new("[source]\nhost='h'\npassword_file = 'absent'");
    assert_refused(&case, "cannot be read", "source.password_file", "readable file");
    let case = Case::new("[source]\nhost='h'\npassword_file = 'pw'").file("pw", "\n");
    assert_refused(&case, "is empty", "strait.toml line 3", "");
    let case = Case::new("[source]\nhost='h'\npassword = 'correct-horse-battery'\npassword_file = 'pw'");
    assert_refused(&case, "given twice", "line 3", "keep one of source.password and source.password_file");
}

#[test]
fn secrets_do_not_leak_from_mistakes() {
    // Each of these is wrong in or near a secret; `refusal` looks for the password in what is printed.
    for toml in [
        "[source]\nhost='h'\npassword = 'correct-horse-battery\n",
        "[source]\nhost='h'\npassword = correct-horse-battery\n",
        "[source]\nhost='h'\npassword = ['correct-horse-battery']\n",
        "[source]\nhost='h'\npassword = {value = 'correct-horse-battery'}\n",
        "[source]\nhost='h'\npassword 'correct-horse-battery'\n",
        "[source]\nhost='h'\npasswort = 'correct-horse-battery'\n",
        "[source]\nhost='h'\n[kafka]\noptions = 'sasl.password=correct-horse-battery'\n",
        "[source]\nhost='h'\n[kafka.options]\n'sasl.password' = ['correct-horse-battery']\n",
        "[source]\nhost='h'\n[kafka]\nregistry = ['http://u:correct-horse-battery@r']\n",
    ] {
        Case::new(toml).refusal();
    }
    let error = Case::new("[source]\nhost='h'\npassword = 73551237").refusal();
    assert!(!error.to_string().contains("73551237"), "{error}");
    Case::new("[source]\nhost='h'")
        .variable("STRAIT_KAFKA__OPTIONS", "sasl.password=correct-horse-battery")
        .refusal();
}

#[test]
fn nothing_that_prints_a_configuration_shows_a_secret() {
    let case =
        Case::new("[source]\nhost='h'\n[kafka]\nregistry = 'https://me:correct-horse-battery@r:1/p@q'\n")
            .variable("STRAIT_SOURCE__PASSWORD", PASSWORD)
            .flag("kafka.options.sasl.password", PASSWORD)
            .flag("kafka.options.linger.ms", "5");
    let settings = case.load();
    assert_eq!(settings.kafka.registry.reveal(), "https://me:correct-horse-battery@r:1/p@q");
    let toml = toml::to_string(&settings).expect("it can be written as TOML");
    let shown = format!("{settings:?} {toml} {}", settings.source.password.as_ref().expect("set"));
    assert!(!shown.contains(PASSWORD), "{shown}");
    assert!(toml.contains("https://r:1/p@q") && toml.contains("linger.ms"), "{toml}");
}

#[test]
fn the_reference_page_has_field_unit_default_and_meaning() {
    let page = configuration_markdown::<Settings>("strait-test");
    for line in [
        "## strait-test",
        "### [source]",
        "The server to read from.",
        "| `host` | text | required | Name or address of the server \\| its port. |",
        "| `port` | integer | `3306` |  |",
        "| `password` | secret | not set |  |",
        "| `password_file` | file | not set | File that holds `password`; one line break at its end is cut. |",
        "| `format` | `avro`, `json-schemaless` | `avro` |  |",
        "| `brokers` | list of text | `[]` |  |",
        "| `memory` | size | `8 MiB` | Most bytes in flight. |",
        "| `wait` | duration | `200ms` |  |",
        "| `strict` | true or false | `true` |  |",
        "Environment: `STRAIT_LIMITS__MEMORY` and so on.",
    ] {
        assert!(page.lines().any(|found| found == line), "no line '{line}' in\n{page}");
    }
    let declared =
        ["[source]", "`host`", "`port`", "`password`", "`password_file`", "[kafka]", "[limits]", "`memory`"];
    let places: Vec<_> = declared.iter().map(|word| page.find(word)).collect();
    assert!(places.is_sorted() && places[0].is_some(), "not in the structs' order: {places:?}\n{page}");
}

//! The frame from outside: exit codes, signals, pages, systemd's notifications, and what is printed.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    os::unix::net::UnixDatagram,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{
        LazyLock,
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// The example beside this program, built first, so that no test judges a stale one.
static EXAMPLE: LazyLock<PathBuf> = LazyLock::new(|| {
    let tests = std::env::current_exe().expect("the test knows its own path");
    let profile = tests.ancestors().nth(2).expect("it lies in target/<profile>/deps");
    let target = profile.parent().expect("it lies in target/<profile>/deps");
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        // Of the whole workspace, so that its libraries have the same features as in any other build.
        build.args(["build", "--quiet", "--workspace", "--example", "minimal", "--target-dir"]).arg(target);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        // What cargo tells this program about its package would look like a change to build scripts (ring's), and
        // half the workspace would be built again.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                build.env_remove(&*name);
            }
        }
        let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo runs");
        assert!(built.success(), "cargo build failed");
    }
    profile.join("examples/minimal")
});

fn minimal() -> Command {
    let mut command = Command::new(&*EXAMPLE);
    command.env_clear().stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> Output {
    minimal().args(arguments).output().expect("the example runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8 is printed")
}

/// A running example; killed at the end if it still runs.
struct Running {
    child: Child,
    log: Receiver<Value>,
    address: SocketAddr,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let command = command.args(["--log-format", "json"]).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the example starts");
        let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let (sender, log) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        let mut running = Self { child, log, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let serving = running.event("serving");
        running.address = serving["address"].as_str().and_then(|at| at.parse().ok()).expect("an address");
        running
    }

    /// The next log event whose message holds `words`.
    fn event(&self, words: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let event = self.log.recv_timeout(left).unwrap_or_else(|_| panic!("no log event with '{words}'"));
            assert!(event.is_object(), "not JSON: {event}");
            if event["message"].as_str().is_some_and(|message| message.contains(words)) {
                return event;
            }
        }
    }

    fn page(&self, path: &str) -> (u16, String) {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent();
        let mut response = agent.get(format!("http://{}{path}", self.address)).call().expect("it answers");
        (response.status().as_u16(), response.body_mut().read_to_string().expect("a text"))
    }

    fn json(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.page(path);
        (status, serde_json::from_str(&body).expect("JSON"))
    }

    fn wait_ready(&self) {
        eventually(|| self.page("/health/ready").0 == 200);
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs").success());
    }

    fn exit_code(&mut self) -> i32 {
        self.child.wait().expect("it ends").code().expect("it ends by itself")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
fn eventually(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "it did not come about in 30 s");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn sigterm_and_sigint_settle_and_end_with_0() {
    for signal in ["TERM", "INT"] {
        let mut running = Running::start(&mut minimal());
        running.wait_ready();
        running.signal(signal);
        assert_eq!(running.event("settling")["signal"], format!("SIG{signal}"));
        running.event("settled");
        assert_eq!(running.exit_code(), 0);
    }
}

#[test]
fn a_process_that_hangs_is_ended_within_5_seconds_with_the_reason() {
    let mut running = Running::start(minimal().args(["--behaviour", "hang"]));
    running.wait_ready();
    let begun = Instant::now();
    running.signal("TERM");
    assert_eq!(running.exit_code(), 1);
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(3500) && took < Duration::from_secs(5), "{took:?}");
    let event = running.event("not settled in time");
    let unfinished = event["unfinished"].as_str().expect("it says what");
    assert_eq!(unfinished, "worker: waiting: for a lock that nobody gives back");
}

#[test]
fn the_second_signal_ends_at_once() {
    let mut running = Running::start(minimal().args(["--behaviour", "hang"]));
    running.wait_ready();
    running.signal("TERM");
    running.event("settling");
    let begun = Instant::now();
    running.signal("INT");
    assert_eq!(running.exit_code(), 1);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    running.event("second signal");
}

#[test]
fn the_pages_tell_health_metrics_and_status() {
    let running = Running::start(&mut minimal());
    running.wait_ready();
    let (status, live) = running.json("/health/live");
    assert_eq!((status, &live["live"]), (200, &Value::Bool(true)));
    let (status, metrics) = running.page("/metrics");
    assert_eq!(status, 200);
    assert!(metrics.contains("\nprocess_resident_memory_bytes "), "{metrics}");
    let (status, page) = running.json("/status");
    assert_eq!(status, 200);
    assert_eq!((&page["process"], &page["details"]["answer"]), (&"minimal".into(), &42.into()));
    let worker = &page["components"]["worker"];
    assert_eq!((&worker["state"], &worker["why"]), (&"idle".into(), &"nothing to do".into()));
    assert_eq!(running.page("/").0, 404);
}

#[test]
fn a_silent_watched_component_is_not_live() {
    let running = Running::start(minimal().args(["--set", "deadline=1ms"]));
    eventually(|| running.page("/health/live").0 == 503);
    let (_, live) = running.json("/health/live");
    let reason = live["reasons"][0].as_str().expect("a reason");
    assert!(reason.contains("worker: idle: nothing to do (no sign of life for"), "{reason}");
}

#[test]
fn not_ready_is_503_with_the_reasons() {
    let running = Running::start(minimal().args(["--behaviour", "start"]));
    eventually(|| running.page("/health/ready").1.contains("db:3306"));
    let (status, ready) = running.json("/health/ready");
    assert_eq!((status, &ready["ready"]), (503, &Value::Bool(false)));
    assert_eq!(
        ready["reasons"],
        serde_json::json!(["worker: starting: server db:3306 refuses the connection"])
    );
    assert_eq!(running.page("/health/live").0, 200);
}

#[test]
fn a_refusal_is_a_log_event_for_collectors() {
    let mut running = Running::start(minimal().args(["--behaviour", "refuse"]));
    assert_eq!(running.exit_code(), 2);
    assert_eq!(running.event("refused: the behaviour")["remedy"], "choose another behaviour");
}

#[test]
fn a_panic_halts_with_a_log_event() {
    let mut running = Running::start(minimal().args(["--behaviour", "panic"]));
    assert!(running.event("panicked: an invariant does not hold")["place"].is_string());
    assert_eq!(running.exit_code(), 1);
}

#[test]
fn halts_and_refusals_have_their_exit_codes_and_three_parts() {
    let halted = output(&["--behaviour", "halt"]);
    assert_eq!(halted.status.code(), Some(1));
    let expected = "cause:  the example halted: disk full\nplace:  server db:3306, table a.b\nremedy: choose another behaviour\n";
    assert!(text(&halted.stderr).ends_with(expected), "{}", text(&halted.stderr));
    let refused = output(&["run", "--behaviour", "refuse"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        text(&refused.stderr).contains("  cause:  the behaviour is to refuse\n"),
        "{}",
        text(&refused.stderr)
    );
}

#[test]
fn check_prints_findings_and_ends_with_0_or_2() {
    let refused = output(&["check", "--behaviour", "refuse"]);
    assert_eq!(refused.status.code(), Some(2));
    let printed = text(&refused.stdout);
    assert!(printed.starts_with("refused by ensure_behaviour\n  cause:  "), "{printed}");
    assert!(printed.ends_with("not ready to run: 1 refusal, 0 warnings\n"), "{printed}");
    let fine = output(&["check"]);
    assert_eq!(
        (fine.status.code(), text(&fine.stdout).as_str()),
        (Some(0), "ready to run: 0 refusals, 0 warnings\n")
    );
}

#[test]
fn a_wrong_configuration_ends_with_2_before_anything_runs() {
    let unknown = output(&["--set", "behavior=halt"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("did you mean behaviour?"), "{}", text(&unknown.stderr));
    let invalid = output(&["--set", "deadline=0s"]);
    assert_eq!(invalid.status.code(), Some(2));
    assert!(text(&invalid.stderr).contains("place:  setting deadline"), "{}", text(&invalid.stderr));
    let level = output(&["--log-level", "a=b=c"]);
    assert_eq!(level.status.code(), Some(2));
    assert!(text(&level.stderr).contains("place:  setting log.level"), "{}", text(&level.stderr));
    let variable = minimal().env("STRAIT_BEHAVIOR", "halt").output().expect("it runs");
    assert_eq!(variable.status.code(), Some(2));
    assert!(text(&variable.stderr).contains("did you mean STRAIT_BEHAVIOUR?"), "{}", text(&variable.stderr));
}

#[test]
fn a_taken_address_is_named_with_its_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let refused = output(&["--http", &address]);
    assert_eq!(refused.status.code(), Some(1));
    let printed = text(&refused.stderr);
    assert!(printed.contains(&address) && printed.contains("place:  setting http.address"), "{printed}");
    assert!(printed.contains("Address already in use") && printed.contains("--http"), "{printed}");
}

#[test]
fn config_show_is_the_effective_configuration_without_secrets() {
    let mut command = minimal();
    command.env("STRAIT_PASSWORD", "hidden").env("STRAIT_DEADLINE", "90s").args(["config", "show"]);
    let shown = command.output().expect("it runs");
    assert_eq!(shown.status.code(), Some(0));
    let printed = text(&shown.stdout);
    assert!(
        printed.contains("deadline = \"1m 30s\"") && printed.contains("password = \"(redacted)\""),
        "{printed}"
    );
    assert!(!printed.contains("hidden"));
}

#[test]
fn config_schema_is_json_with_the_secrets_file() {
    let schema = output(&["config", "schema"]);
    assert_eq!(schema.status.code(), Some(0));
    let schema: Value = serde_json::from_slice(&schema.stdout).expect("JSON");
    assert!(schema["properties"]["password_file"].is_object(), "{schema}");
}

#[test]
fn help_explains_every_command_and_flag() {
    let help = text(&output(&["--help"]).stdout);
    for word in ["check", "config", "--config <FILE>", "STRAIT_CONFIG", "--set <KEY=VALUE>", "exits 0"] {
        assert!(help.contains(word), "no '{word}' in {help}");
    }
}

#[test]
fn systemd_hears_of_ready_status_watchdog_and_stopping() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("it can be limited");
    let next = || {
        let mut buffer = [0; 4096];
        let length = socket.recv(&mut buffer).expect("a notification");
        text(&buffer[..length])
    };
    let mut running = Running::start(minimal().env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000"));
    let mut heard = Vec::new();
    while heard.iter().filter(|line: &&String| line.starts_with("WATCHDOG=1")).count() < 3 {
        heard.push(next());
    }
    assert!(heard.iter().any(|line| line.starts_with("READY=1")), "{heard:?}");
    assert!(heard.iter().any(|line| line.starts_with("STATUS=worker: idle: nothing to do")), "{heard:?}");
    running.signal("TERM");
    while !next().starts_with("STOPPING=1") {}
    assert_eq!(running.exit_code(), 0);
}

#[test]
fn a_dead_process_keeps_systemds_watchdog_waiting() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let mut command = minimal();
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "100000").args(["--set", "deadline=1ms"]);
    let running = Running::start(&mut command);
    eventually(|| running.page("/health/live").0 == 503);
    // Whatever was sent while it lived is taken out; after that no WATCHDOG may come for ten intervals.
    socket.set_nonblocking(true).expect("it can be");
    let mut buffer = [0; 4096];
    while socket.recv(&mut buffer).is_ok() {}
    thread::sleep(Duration::from_secs(1));
    while let Ok(length) = socket.recv(&mut buffer) {
        assert!(!buffer[..length].starts_with(b"WATCHDOG"), "{:?}", text(&buffer[..length]));
    }
}

#[test]
fn a_reader_of_a_document_may_go_away() {
    let mut child = minimal().args(["config", "schema"]).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut pipe = child.stdout.take().expect("it is piped");
    let mut first = [0; 1];
    pipe.read_exact(&mut first).expect("something is printed");
    drop(pipe);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

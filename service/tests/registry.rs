//! The registry client against a small server that answers as told: every kind of refusal, and what is remembered.

use std::{
    collections::HashMap,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::StatusCode,
};
use strait_service::{
    Disposition, Endpoint, Refusal, Secret,
    registry::{Compatibility, Config, Registry, RegistryError},
};

#[derive(Clone, Default)]
struct Script {
    /// "GET /config" -> status and body.
    answers: Arc<Mutex<HashMap<String, (u16, String)>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

#[derive(Clone, Debug)]
struct Seen {
    line: String,
    authorization: Option<String>,
    body: String,
}

impl Script {
    fn answer(&self, line: &str, status: u16, body: &str) -> &Self {
        self.answers.lock().expect("not poisoned").insert(line.to_owned(), (status, body.to_owned()));
        self
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("not poisoned").clone()
    }

    fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

async fn respond(State(script): State<Script>, request: Request) -> (StatusCode, Bytes) {
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    let line = format!("{} {path}", request.method());
    let header = request.headers().get("authorization");
    let authorization = header.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = to_bytes(request.into_body(), 1 << 20).await.expect("the body is read");
    let body = String::from_utf8(body.to_vec()).expect("the body is text");
    script.seen.lock().expect("not poisoned").push(Seen { line: line.clone(), authorization, body });
    let answer = script.answers.lock().expect("not poisoned").get(&line).cloned();
    let (status, body) = answer.unwrap_or((404, r#"{"error_code":404,"message":"nothing here"}"#.to_owned()));
    (StatusCode::from_u16(status).expect("a valid status"), body.into())
}

/// A registry that is served until the test's process ends.
fn serve() -> (Script, SocketAddr) {
    let script = Script::default();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    listener.set_nonblocking(true).expect("it can be used by tokio");
    let app = Router::new().fallback(respond).with_state(script.clone());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, app).await.expect("it serves");
        });
    });
    (script, address)
}

fn client(url: String) -> Registry {
    Registry::new(&Config { url: Endpoint::new(url), ..Config::default() }).expect("the settings are fine")
}

const VERSIONS: &str = "POST /api/v7/subjects/shop.orders-value/versions";
const SUBJECT: &str = "shop.orders-value";

fn refusal_of(status: u16, body: &str) -> RegistryError {
    let (script, address) = serve();
    script.answer(VERSIONS, status, body);
    client(format!("http://{address}/api/v7")).register(SUBJECT, "\"string\"").expect_err("it is refused")
}

#[test]
fn a_schema_is_registered_once_and_remembered() {
    let (script, address) = serve();
    script.answer(VERSIONS, 200, r#"{"id": 7}"#);
    script.answer("POST /api/v7/subjects/a%2Fb/versions", 200, r#"{"id": 8}"#);
    let registry = client(format!("http://{address}/api/v7/"));
    for _ in 0..3 {
        assert_eq!(registry.register(SUBJECT, "\"string\"").expect("registered"), 7);
    }
    assert_eq!(registry.register("a/b", "\"string\"").expect("registered"), 8);
    assert_eq!(script.lines(), [VERSIONS, "POST /api/v7/subjects/a%2Fb/versions"]);
    let body: serde_json::Value = serde_json::from_str(&script.seen()[0].body).expect("JSON was sent");
    assert_eq!(body, serde_json::json!({"schemaType": "AVRO", "schema": "\"string\""}));
}

#[test]
fn a_schema_is_fetched_once_and_remembered() {
    let (script, address) = serve();
    script.answer("GET /schemas/ids/7", 200, r#"{"schema": "\"string\""}"#);
    let registry = client(format!("http://{address}"));
    for _ in 0..3 {
        assert_eq!(&*registry.schema_by_id(7).expect("found"), "\"string\"");
    }
    assert_eq!(script.lines(), ["GET /schemas/ids/7"]);
    let error = registry.schema_by_id(9).expect_err("there is none");
    assert!(matches!(error, RegistryError::UnknownId { id: 9, .. }), "{error:?}");
    // A mirror may not have it yet.
    assert_eq!(error.disposition(), Disposition::Retry);
}

#[test]
fn the_subjects_level_comes_before_the_global_one() {
    let (script, address) = serve();
    script.answer("GET /config", 200, r#"{"compatibilityLevel": "BACKWARD"}"#);
    script.answer("GET /config/own", 200, r#"{"compatibilityLevel": "FULL_TRANSITIVE"}"#);
    script.answer("PUT /config/own", 200, r#"{"compatibility": "NONE"}"#);
    let registry = client(format!("http://{address}"));
    assert_eq!(registry.compatibility("own").expect("told"), Compatibility::FullTransitive);
    assert_eq!(registry.compatibility("other").expect("told"), Compatibility::Backward);
    registry.set_compatibility("own", Compatibility::None).expect("set");
    assert_eq!(script.seen().last().expect("seen").body, r#"{"compatibility":"NONE"}"#);
    registry.ping().expect("it answers");
}

#[test]
fn an_incompatible_schema_halts_with_the_registrys_reasons_and_the_command() {
    let (script, address) = serve();
    script.answer(VERSIONS, 409, r#"{"error_code":409,"message":"incompatible with an earlier schema"}"#);
    let why = "POST /api/v7/compatibility/subjects/shop.orders-value/versions/latest?verbose=true";
    script.answer(
        why,
        200,
        r#"{"is_compatible":false,"messages":["READER_FIELD_MISSING_DEFAULT_VALUE: total"]}"#,
    );
    let error = client(format!("http://{address}/api/v7")).register(SUBJECT, "x").expect_err("it is refused");
    assert_eq!(error.disposition(), Disposition::Halt);
    let text = error.to_string();
    assert!(text.contains("incompatible with an earlier") && text.contains("DEFAULT_VALUE: total"), "{text}");
    assert!(error.place().expect("a place").contains("subject shop.orders-value"));
    let remedy = error.remedy().expect("a remedy");
    assert!(remedy.contains(&format!("http://{address}/api/v7/config/shop.orders-value")), "{remedy}");
}

#[test]
fn statuses_are_told_apart() {
    let error = refusal_of(401, "{}");
    assert!(matches!(error, RegistryError::Unauthorised { status: 401, .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Halt);
    assert!(error.remedy().expect("a remedy").contains("registry.password_file"));
    let error = refusal_of(403, "{}");
    assert!(error.remedy().expect("a remedy").contains("rights"), "{error:?}");
    let error = refusal_of(422, r#"{"error_code":42201,"message":"Invalid schema"}"#);
    assert!(matches!(error, RegistryError::Invalid { .. }) && error.to_string().contains("Invalid schema"));
    assert_eq!(error.disposition(), Disposition::Halt);
    let error = refusal_of(404, "<html>");
    assert!(matches!(error, RegistryError::Refused { status: 404, .. }), "{error:?}");
    assert!(error.remedy().expect("a remedy").contains("registry.url"));
    for status in [500, 502, 503, 504, 429, 408] {
        let error = refusal_of(status, r#"{"message":"leader election"}"#);
        assert_eq!(error.disposition(), Disposition::Retry);
        assert!(error.to_string().contains("leader election"), "{error}");
    }
}

#[test]
fn an_answer_of_something_else_is_not_taken_for_an_id() {
    for body in ["<html>hello</html>", "{}", r#"{"id": "7"}"#, r#"{"id": -1}"#, r#"{"id": 4294967296}"#] {
        let error = refusal_of(200, body);
        assert!(matches!(error, RegistryError::Misunderstood { .. }), "{error:?}");
        assert_eq!(error.disposition(), Disposition::Halt);
    }
}

#[test]
fn a_dead_registry_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    let error = client(format!("http://me:hidden@{address}")).ping().expect_err("nobody listens");
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Retry);
    assert!(error.remedy().expect("a remedy").contains(&format!("curl http://{address}/subjects")));
    assert!(!format!("{error:?} {error} {:?}", error.place()).contains("hidden"));
}

#[test]
fn a_registry_that_hangs_up_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let closer = std::thread::spawn(move || drop(listener.accept().expect("the client connects")));
    let error = client(format!("http://{address}")).ping().expect_err("it hangs up");
    closer.join().expect("it ended");
    assert_eq!(error.disposition(), Disposition::Retry, "{error:?}");
}

#[test]
fn credentials_come_from_settings_or_the_url() {
    let (script, address) = serve();
    script.answer("GET /config", 200, r#"{"compatibilityLevel": "NONE"}"#);
    client(format!("http://me:p%40ss@{address}")).ping().expect("it answers");
    let config = Config {
        url: Endpoint::new(format!("http://me:other@{address}")),
        user: Some("you".to_owned()),
        password: Some(Secret::new("sesame")),
        ca_file: None,
    };
    let registry = Registry::new(&config).expect("the settings are fine");
    registry.ping().expect("it answers");
    client(format!("http://{address}")).ping().expect("it answers");
    let sent: Vec<_> = script.seen().into_iter().map(|seen| seen.authorization).collect();
    // base64 of "me:p@ss" and "you:sesame".
    assert_eq!(
        sent,
        [Some("Basic bWU6cEBzcw==".to_owned()), Some("Basic eW91OnNlc2FtZQ==".to_owned()), None]
    );
    assert!(
        !format!("{registry:?} {config:?}").contains("sesame") && !format!("{config:?}").contains("other")
    );
}

#[test]
fn unusable_settings_are_refused_by_name() {
    let error = Registry::new(&Config::default()).expect_err("no URL");
    assert!(error.place().expect("a place").contains("registry.url"), "{error}");
    let config = Config {
        url: Endpoint::new("https://h"),
        ca_file: Some("/nonexistent/ca.pem".into()),
        ..Config::default()
    };
    let error = Registry::new(&config).expect_err("no such file");
    assert!(error.place().expect("a place").contains("registry.ca_file"), "{error}");
}

#[test]
fn a_redirect_is_shown_and_not_followed() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().expect("the client connects");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("it can be limited");
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).expect("a request");
        let answer = "HTTP/1.1 302 Found\r\nLocation: https://u:hidden@else/\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).expect("it is sent");
    });
    let error = client(format!("http://{address}")).ping().expect_err("a redirect");
    server.join().expect("it ended");
    assert!(error.to_string().contains("it redirects to https://else/"), "{error}");
    assert!(!format!("{error:?}").contains("hidden"));
}

#[test]
fn a_silent_registry_is_given_up_after_ten_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let begun = std::time::Instant::now();
    // The kernel accepts for us, and nobody ever answers.
    let error = client(format!("http://{address}")).ping().expect_err("it is silent");
    assert_eq!(error.disposition(), Disposition::Retry, "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

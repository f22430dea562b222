//! The registry client against a real registry: what its own tests take for granted about the answers.

use anyhow::{Context, Result};
use e2e::{Registry as Server, RegistryOptions, fresh_name};
use strait_service::{
    Disposition, Endpoint, Refusal,
    registry::{Compatibility, Config, Registry, RegistryError},
};

const FIRST: &str = r#"{"type":"record","name":"Value","fields":[{"name":"id","type":"int"}]}"#;
/// Not readable from records of the first: the new field has no default.
const SECOND: &str =
    r#"{"type":"record","name":"Value","fields":[{"name":"id","type":"int"},{"name":"total","type":"int"}]}"#;

/// The blocking client, used from a blocking thread as the processes do.
async fn with_client<T: Send + 'static>(
    url: &str,
    ask: impl FnOnce(&Registry) -> T + Send + 'static,
) -> Result<T> {
    let config = Config { url: Endpoint::new(url), ..Config::default() };
    tokio::task::spawn_blocking(move || Ok(ask(&Registry::new(&config)?))).await?
}

#[tokio::test]
async fn schemas_are_registered_found_again_and_refused_as_the_level_says() -> Result<()> {
    let server = Server::start(RegistryOptions::named("client")).await?;
    let subject = format!("{}.orders-value", fresh_name("registry"));
    let asked = subject.clone();
    let (first, again) = with_client(server.url(), move |registry| {
        registry.ping()?;
        let first = registry.register(&asked, FIRST)?;
        let again = registry.register(&asked, FIRST)?;
        registry.set_compatibility(&asked, Compatibility::Backward)?;
        Ok::<_, RegistryError>((first, again))
    })
    .await??;
    assert_eq!(first, again);

    // Another process, which remembers nothing.
    let asked = subject.clone();
    with_client(server.url(), move |registry| -> Result<()> {
        assert_eq!(registry.register(&asked, FIRST)?, first);
        let found: serde_json::Value = serde_json::from_str(&registry.schema_by_id(first)?)?;
        assert_eq!(found, serde_json::from_str::<serde_json::Value>(FIRST)?);
        assert_eq!(registry.compatibility(&asked)?, Compatibility::Backward);

        let error = registry.register(&asked, SECOND).expect_err("BACKWARD is set");
        let RegistryError::Incompatible { messages, .. } = &error else { panic!("{error:?}") };
        assert!(messages.iter().any(|message| message.contains("total")), "no field is named: {messages:?}");
        assert_eq!(error.disposition(), Disposition::Halt);

        registry.set_compatibility(&asked, Compatibility::None)?;
        assert_ne!(registry.register(&asked, SECOND)?, first);

        let error = registry.schema_by_id(2_000_000_000).expect_err("there is none");
        assert!(matches!(error, RegistryError::UnknownId { .. }), "{error:?}");
        let error = registry.register(&asked, "{\"type\": \"nothing\"}").expect_err("it is no schema");
        assert!(matches!(error, RegistryError::Invalid { .. }), "{error:?}");
        Ok(())
    })
    .await?
}

#[tokio::test]
async fn a_registry_that_dies_is_unreachable_and_comes_back() -> Result<()> {
    let server = Server::start(RegistryOptions::named("dies")).await?;
    server.kill9().await?;
    let error = with_client(server.url(), Registry::ping).await?.expect_err("it is dead");
    assert_eq!(error.disposition(), Disposition::Retry);
    assert!(error.place().context("a place")?.contains(server.url()));
    server.boot().await?;
    with_client(server.url(), Registry::ping).await??;
    Ok(())
}

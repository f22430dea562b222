//! Whether the account may see who holds what a lane waits for.

use strait_mysql::{
    ensure::read_grants,
    server::{Flavor, connect_session, place_of, read_facts},
};
use strait_service::{Finding, Severity};

use super::finding;
use crate::{
    apply::{look_for_waits, session},
    config::Config,
    error::{Result, answered},
};

pub async fn look(config: &Config) -> Option<Finding> {
    let server = config.server_options();
    let limit = server.connect_timeout + config.target.answer_timeout.duration();
    let looked = answered(limit, server.place(), "looking for lock waits", ask(config)).await;
    looked.unwrap_or_else(|error| Some(finding("lock_waits", &error)))
}

async fn ask(config: &Config) -> Result<Option<Finding>> {
    let mut conn = connect_session(&config.server_options(), &session(1)).await?;
    let flavor = read_facts(&mut conn).await?.flavor;
    let Err(error) = look_for_waits(&mut conn, flavor).await else { return Ok(None) };
    let grants = read_grants(&mut conn).await?;
    let right = match flavor {
        Flavor::Mysql => "SELECT ON performance_schema.*",
        Flavor::MariaDb => "PROCESS ON *.*",
    };
    Ok(Some(Finding {
        check: "lock_waits".into(),
        severity: Severity::Warning,
        cause: format!(
            "the account may not see who holds a lock at the target ({error}): a lane in the way of another is found \
             only after a second, and nobody is named whom the sink waits for"
        ),
        place: place_of(&conn),
        remedy: format!("GRANT {right} TO {};", grants.grantee()),
    }))
}

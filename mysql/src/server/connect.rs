//! Logging in.

use mysql_async::Conn;

use super::options::ServerOptions;
use crate::Result;

/// How one SQL session begins.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// `CLIENT_FOUND_ROWS`: an UPDATE counts rows matched, not rows changed.
    pub found_rows: bool,
    pub database: Option<String>,
    /// Statements executed in this order before the session is handed out.
    pub setup: Vec<String>,
    /// `program_name` in `performance_schema.session_connect_attrs`, so that an operator sees whose it is.
    pub program: Option<String>,
}

/// Logs in to a server.
pub async fn connect(options: &ServerOptions) -> Result<Conn> {
    connect_session(options, &Session::default()).await
}

/// Logs in to a server and prepares the session.
pub async fn connect_session(options: &ServerOptions, session: &Session) -> Result<Conn> {
    todo!()
}

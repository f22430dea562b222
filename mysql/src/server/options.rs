//! Where a server is and how to log in. Passwords never reach a log: `Password` prints as `***`.

use std::{fmt, path::PathBuf, time::Duration};

/// A secret that no formatting shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the client library only.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How far the connection is encrypted and the server's certificate believed; as the server's own clients
/// name the modes. A Unix socket is never encrypted: it does not leave the machine.
///
/// The certificates that MySQL makes for itself at its first start name no host (no subject alternative
/// name): with them `VerifyCa` works and `VerifyIdentity` cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsMode {
    /// Never encrypted. A password still does not cross the wire in clear text (RSA exchange).
    Disabled,
    /// Encrypted if the server can; no certificate is checked.
    #[default]
    Preferred,
    /// Encrypted or refused; no certificate is checked.
    Required,
    /// The certificate must be signed by the CA.
    VerifyCa,
    /// The certificate must be signed by the CA and carry the host name (or `Tls::server_name`).
    VerifyIdentity,
}

/// Encryption of the connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    pub mode: TlsMode,
    /// CA certificates (PEM). Without it `VerifyCa` and `VerifyIdentity` believe the public Web CAs.
    pub ca: Option<PathBuf>,
    /// Client certificate and key (PEM), for accounts that `REQUIRE X509`.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Name looked for in the certificate in place of `host`, for connections through a proxy or an address.
    pub server_name: Option<String>,
}

/// Everything needed to log in to one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    pub host: String,
    pub port: u16,
    /// Unix socket; where set, host and port are not used.
    pub socket: Option<PathBuf>,
    pub user: String,
    pub password: Option<Password>,
    pub tls: Tls,
    /// Bounds the whole of a connect: address lookup, TCP, TLS, login.
    pub connect_timeout: Duration,
    /// Compress the protocol (zlib): for slow links.
    pub compress: bool,
}

impl ServerOptions {
    pub fn new(host: impl Into<String>, port: u16, user: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port,
            socket: None,
            user: user.into(),
            password: None,
            tls: Tls::default(),
            connect_timeout: Duration::from_secs(10),
            compress: false,
        }
    }

    #[must_use]
    pub fn with_password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(Password::new(password));
        self
    }

    #[must_use]
    pub fn with_socket(mut self, socket: impl Into<PathBuf>) -> Self {
        self.socket = Some(socket.into());
        self
    }

    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// How messages name this server: `user@host:port` or `user@/path/to.sock`.
    pub fn place(&self) -> String {
        match &self.socket {
            Some(socket) => format!("{}@{}", self.user, socket.display()),
            None => format!("{}@{}:{}", self.user, self.host, self.port),
        }
    }
}

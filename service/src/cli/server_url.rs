//! A database server as one flag.

/// The parts of `mysql://user@host:port`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ServerUrl {
    pub user: Option<String>,
    pub host: Option<String>,
    pub port: Option<u16>,
}

impl ServerUrl {
    /// # Errors
    /// What is wrong with it, never with a part of the text itself: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let rest = text.strip_prefix("mysql://").unwrap_or(text).trim_end_matches('/');
        if rest.contains("://") {
            return Err("begins with another scheme than mysql://");
        }
        let (user, address) = match rest.rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, rest),
        };
        if user.is_some_and(|user| user.contains(':')) {
            return Err("holds a password, which every user of this machine could read");
        }
        if address.contains(['/', '?']) {
            return Err(
                "names more than a server: it is of the form mysql://USER@HOST:PORT, without a database",
            );
        }
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') && (!host.contains(':') || host.ends_with(']')) => {
                (host, Some(port.parse().map_err(|_| "has a port that is no number from 0 to 65535")?))
            }
            _ => (address, None),
        };
        if host.is_empty() {
            return Err("is not of the form mysql://USER@HOST:PORT");
        }
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self { user: user.map(str::to_owned), host: Some(host.to_owned()), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(user: Option<&str>, host: &str, port: Option<u16>) -> ServerUrl {
        ServerUrl { user: user.map(str::to_owned), host: Some(host.to_owned()), port }
    }

    #[test]
    fn source_urls() {
        assert_eq!(ServerUrl::parse("mysql://repl@db1:3307"), Ok(url(Some("repl"), "db1", Some(3307))));
        assert_eq!(ServerUrl::parse("mysql://repl@db1/"), Ok(url(Some("repl"), "db1", None)));
        assert_eq!(ServerUrl::parse("repl@[::1]:3306"), Ok(url(Some("repl"), "::1", Some(3306))));
        assert_eq!(ServerUrl::parse("mysql://db1"), Ok(url(None, "db1", None)));
        let scheme = ServerUrl::parse("postgres://repl@db1").expect_err("another scheme");
        assert!(scheme.contains("scheme"));
        let database = ServerUrl::parse("mysql://repl@db1:3306/shop").expect_err("a database");
        assert!(database.contains("without a database"));
        for wrong in ["mysql://u:secret@db1", "mysql://u@db1:x", "mysql://u@", "mysql://u@db1/shop"] {
            let error = ServerUrl::parse(wrong).expect_err(wrong);
            assert!(!error.contains("secret"));
        }
    }
}

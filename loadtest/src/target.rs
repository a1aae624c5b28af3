//! Where the load goes.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;

/// The address of the server under load: plain HTTP, a host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    host: String,
    port: u16,
}

impl Target {
    /// Name or address, without the brackets of an IPv6 address: what a socket wants.
    pub(crate) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// The value of the `Host` header.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

/// Why an address was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a URL with a host.
    #[error("'{0}' is not an address like http://127.0.0.1:7600")]
    NotAnAddress(String),
    /// Encryption would measure something else.
    #[error("only http:// is spoken here, not {0}://")]
    Scheme(String),
    /// The endpoints are fixed by the contract.
    #[error("the address must not have a path; the endpoints are those of the wire contract")]
    Path,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let uri: Uri = text
            .parse()
            .map_err(|_| TargetError::NotAnAddress(text.to_owned()))?;
        if let Some(scheme) = uri.scheme_str().filter(|scheme| *scheme != "http") {
            return Err(TargetError::Scheme(scheme.to_owned()));
        }
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host
            .ok_or_else(|| TargetError::NotAnAddress(text.to_owned()))?
            .to_owned();
        if !matches!(
            uri.path_and_query().map(|path| path.as_str()),
            None | Some("" | "/")
        ) {
            return Err(TargetError::Path);
        }
        Ok(Self {
            host,
            port: uri.port_u16().unwrap_or(80),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let cases = [
            ("http://127.0.0.1:7600", Ok("http://127.0.0.1:7600")),
            ("http://localhost:7600/", Ok("http://localhost:7600")),
            ("localhost:7600", Ok("http://localhost:7600")),
            ("http://[::1]:7600", Ok("http://[::1]:7600")),
            ("http://example.test", Ok("http://example.test:80")),
            ("https://127.0.0.1:7600", Err("only http:// is spoken")),
            (
                "http://127.0.0.1:7600/v1",
                Err("the address must not have a path"),
            ),
            ("/v1/earns", Err("'/v1/earns' is not an address")),
            ("", Err("'' is not an address")),
        ];
        for (text, expected) in cases {
            match (text.parse::<Target>(), expected) {
                (Ok(target), Ok(shown)) => assert_eq!(target.to_string(), shown),
                (Err(error), Err(start)) => {
                    assert!(error.to_string().starts_with(start), "{text}: {error}");
                }
                (got, wanted) => panic!("{text}: got {got:?}, wanted {wanted:?}"),
            }
        }
        assert_eq!(
            "http://[::1]:7600"
                .parse::<Target>()
                .expect("a target")
                .host(),
            "::1"
        );
    }
}

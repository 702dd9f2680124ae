//! Where a broker is and how to log in there.

use std::fmt;
use std::str::FromStr;

/// The port that MQTT has from IANA.
const DEFAULT_PORT: u16 = 1883;
/// The port that MQTT over TLS has from IANA.
const DEFAULT_TLS_PORT: u16 = 8883;

/// `mqtt://[user[:password]@]host[:port]`, with TLS `mqtts://`. User and password may be percent-encoded. The password
/// leaves this type only towards the broker: neither `Display` nor `Debug` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    host: String,
    port: u16,
    tls: bool,
    user: Option<String>,
    password: Option<String>,
}

/// Why a text names no broker. Holds nothing that could be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBrokerUrl {
    /// No `mqtt://` or `mqtts://` in front.
    #[error("a broker URL must begin with mqtt:// or mqtts://, as in mqtts://[user[:password]@]host[:port]")]
    Scheme,
    /// A host that is none.
    #[error("the host {host:?} of the broker URL must be a name, an IPv4 address or an IPv6 address in brackets")]
    Host {
        /// What stood there.
        host: String,
    },
    /// A port that is none.
    #[error("the port of the broker URL is {port}, it must be a number from 1 to 65535")]
    Port {
        /// What stood there if it was a number: text in this place may be a password whose @ was forgotten.
        port: String,
    },
    /// Something after the port.
    #[error("nothing may follow the port of the broker URL: MQTT has no paths")]
    Path,
    /// A `%` without two hexadecimal digits, or bytes that are not UTF-8.
    #[error("user and password of the broker URL must be percent-encoded UTF-8 (write % as %25)")]
    Login,
    /// A password and no user, which MQTT 3.1.1 cannot say.
    #[error("the broker URL has a password and no user")]
    UserMissing,
}

impl BrokerUrl {
    /// The address without a login.
    ///
    /// # Errors
    /// When `host` is no host name or address.
    pub fn new(host: &str, port: u16) -> Result<Self, InvalidBrokerUrl> {
        check_host(host)?;
        Ok(Self { host: host.to_owned(), port, tls: false, user: None, password: None })
    }

    /// The host: a name, or an address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether two URLs lead to the same host and port.
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.host.eq_ignore_ascii_case(&other.host) && self.port == other.port
    }

    /// Whether it is reached over TLS.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The user, if one logs in.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }
}

impl FromStr for BrokerUrl {
    type Err = InvalidBrokerUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBrokerUrl> {
        let (tls, rest) = without_scheme(text)?;
        // The last @: a password may hold one.
        let (login, address) = rest.rsplit_once('@').map_or((None, rest), |(login, address)| (Some(login), address));
        let address = address.strip_suffix('/').unwrap_or(address);
        if address.contains(['/', '?', '#']) {
            return Err(InvalidBrokerUrl::Path);
        }
        let (host, port) = split_address(address, if tls { DEFAULT_TLS_PORT } else { DEFAULT_PORT })?;
        let mut url = Self { tls, ..Self::new(host, port)? };
        (url.user, url.password) = login.map_or(Ok((None, None)), split_login)?;
        Ok(url)
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls { "mqtts://" } else { "mqtt://" })?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

fn without_scheme(text: &str) -> Result<(bool, &str), InvalidBrokerUrl> {
    let (scheme, rest) = text.split_once("://").ok_or(InvalidBrokerUrl::Scheme)?;
    match scheme.to_ascii_lowercase().as_str() {
        "mqtt" => Ok((false, rest)),
        "mqtts" => Ok((true, rest)),
        _ => Err(InvalidBrokerUrl::Scheme),
    }
}

fn split_address(address: &str, default: u16) -> Result<(&str, u16), InvalidBrokerUrl> {
    let host_end = address.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match address[host_end..].find(':') {
        Some(colon) => (&address[..host_end + colon], parse_port(&address[host_end + colon + 1..])?),
        None => (address, default),
    };
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match inner {
        Some(inner) if inner.parse::<std::net::Ipv6Addr>().is_ok() => Ok((inner, port)),
        Some(_) => Err(InvalidBrokerUrl::Host { host: host.to_owned() }),
        None => Ok((host, port)),
    }
}

fn parse_port(port: &str) -> Result<u16, InvalidBrokerUrl> {
    match port.parse() {
        Ok(number) if number != 0 && is_number(port) => Ok(number),
        _ if is_number(port) => Err(InvalidBrokerUrl::Port { port: port.to_owned() }),
        _ => Err(InvalidBrokerUrl::Port { port: "no number".to_owned() }),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn check_host(host: &str) -> Result<(), InvalidBrokerUrl> {
    let named = !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    match named || host.parse::<std::net::Ipv6Addr>().is_ok() {
        true => Ok(()),
        false => Err(InvalidBrokerUrl::Host { host: host.to_owned() }),
    }
}

fn split_login(login: &str) -> Result<(Option<String>, Option<String>), InvalidBrokerUrl> {
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(percent_decoded(password)?)),
        None => (login, None),
    };
    match (user.is_empty(), password) {
        (true, Some(_)) => Err(InvalidBrokerUrl::UserMissing),
        (true, None) => Ok((None, None)),
        (false, password) => Ok((Some(percent_decoded(user)?), password)),
    }
}

fn percent_decoded(text: &str) -> Result<String, InvalidBrokerUrl> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'%' {
            bytes.push(byte);
            rest = after;
            continue;
        }
        let digits = after.get(..2).ok_or(InvalidBrokerUrl::Login)?;
        let decoded = data_encoding::HEXLOWER_PERMISSIVE.decode(digits).map_err(|_| InvalidBrokerUrl::Login)?;
        bytes.extend(decoded);
        rest = &after[2..];
    }
    String::from_utf8(bytes).map_err(|_| InvalidBrokerUrl::Login)
}

#[cfg(test)]
mod tests;

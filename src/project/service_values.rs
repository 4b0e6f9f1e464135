//! What single values of `[[service]]` may be.

use url::Url;

use super::error::Fault;
use super::values;

type Checked<T> = Result<T, Fault>;

/// Name of a unit or an init script that is replaced, without `.service`.
pub(super) fn former_name(text: &str) -> Checked<String> {
    let name = text.strip_suffix(".service").unwrap_or(text);
    let good = |character: char| character.is_ascii_alphanumeric() || "-._:@".contains(character);
    if name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.chars().all(good) && name.len() <= 200 {
        return Ok(name.to_owned());
    }
    let message = format!("`{}` is not the name of a service", text.escape_debug());
    Err(Fault::new(message, "name the unit or the init script that was there before: `oldapp-web`"))
}

/// A socket to listen on: a port, an address with a port, or a path.
pub(super) fn listen(text: &str) -> Checked<String> {
    if text.starts_with('/') {
        return values::target_path(text);
    }
    if port(text).is_some() { Ok(text.to_owned()) } else { address(text) }
}

/// `127.0.0.1:8000`, `[::1]:8000`, `localhost:8000`
pub(super) fn address(text: &str) -> Checked<String> {
    let host = |host: &str| match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let good = |character: char| character.is_ascii_alphanumeric() || "-.".contains(character);
            !host.is_empty() && host.chars().all(good) && !host.starts_with(['-', '.'])
        }
    };
    match text.rsplit_once(':') {
        Some((name, number)) if host(name) && port(number).is_some() => Ok(text.to_owned()),
        _ => Err(Fault::new(
            format!("`{}` is not an address with a port", text.escape_debug()),
            "write `127.0.0.1:8000`, `[::1]:8000`, or a path for a socket of this machine",
        )),
    }
}

fn port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok().filter(|port| *port > 0) } else { None }
}

/// An address without TLS and without a password: a check asks the machine that it runs on.
pub(super) fn plain_http(text: &str) -> Checked<String> {
    match Url::parse(text) {
        Ok(url) if url.password().is_some() => {
            Err(Fault::new("there is a password in the address", "a check is readable by everyone; use `command`"))
        }
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host_str().is_some() => Ok(url.to_string()),
        _ => {
            let message = format!("`{}` is not a web address", text.escape_debug());
            Err(Fault::new(message, "write it as `http://127.0.0.1:8000/health`"))
        }
    }
}

/// A number of bytes with a suffix of systemd's: K, M, G and T, to the base of 1024 (systemd.resource-control(5)).
pub(super) fn bytes(text: &str) -> Checked<u64> {
    let digits = text.trim_end_matches(['K', 'M', 'G', 'T']);
    let power = match text.get(digits.len()..) {
        Some("") => Some(0),
        Some("K") => Some(10),
        Some("M") => Some(20),
        Some("G") => Some(30),
        Some("T") => Some(40),
        _ => None,
    };
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok()).flatten();
    let size = number.zip(power).and_then(|(number, power)| number.checked_mul(1u64 << power));
    size.ok_or_else(|| {
        Fault::new(
            format!("`{}` is not a size", text.escape_debug()),
            "a number of bytes, or with K, M, G or T: `512M`",
        )
    })
}

/// `50%`; more than 100 is more than one processor.
pub(super) fn per_cent(text: &str) -> Checked<u32> {
    let number = text.strip_suffix('%').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    match number.and_then(|digits| digits.parse().ok()) {
        Some(number) if number > 0 => Ok(number),
        _ => Err(Fault::new(
            format!("`{}` is not a share of processor time", text.escape_debug()),
            "per cent of one processor: `50%`, `200%`",
        )),
    }
}

/// A path below one of the system's directories, or nothing for none (systemd.exec(5), `StateDirectory=`).
pub(super) fn directory(text: &str) -> Checked<String> {
    let good = |character: char| character.is_ascii_alphanumeric() || "-._+@".contains(character);
    let part = |part: &str| !part.is_empty() && !matches!(part, "." | "..") && part.chars().all(good);
    if text.is_empty() || text.split('/').all(part) {
        return Ok(text.to_owned());
    }
    let help =
        "a relative path such as `app` or `app/web`, below /var/lib, /var/log, /var/cache or /run; `\"\"` for none";
    Err(Fault::new(format!("`{}` is not such a directory", text.escape_debug()), help))
}

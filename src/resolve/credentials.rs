//! Who omnipack is to a package index: user-info of the URL, `UV_INDEX_<NAME>_USERNAME`, netrc, keyring; in that order.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;

use base64::Engine;
use url::Url;

use super::index::{Indexes, Surroundings, without_credentials};
use crate::exec::Command;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: String,
}

impl Login {
    /// The value of an `Authorization` header.
    #[must_use]
    pub fn basic(&self) -> String {
        let pair = format!("{}:{}", self.user, self.password);
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
    }
}

/// Every login known at the start, and those that the keyring gives when it is asked.
#[derive(Debug, Default)]
pub struct Credentials {
    indexes: Vec<(Url, Option<Login>)>,
    netrc: Vec<(Option<String>, Login)>,
    keyring: Mutex<HashMap<String, Option<Login>>>,
}

impl Credentials {
    #[must_use]
    pub fn new(indexes: &Indexes, around: &Surroundings) -> Self {
        let mut known = Vec::new();
        for index in indexes.all() {
            let Ok(url) = Url::parse(&index.url) else { continue };
            let named = index.name.as_deref().and_then(|name| environment_login(name, around));
            let login = login_of(&url).or(named);
            known.push((url, login));
        }
        for link in &indexes.find_links {
            if let Ok(url) = Url::parse(link) {
                let login = login_of(&url);
                known.push((url, login));
            }
        }
        let file = (around.variable)("NETRC")
            .map(PathBuf::from)
            .or_else(|| around.home.as_ref().map(|home| home.join(".netrc")));
        let netrc = file.and_then(|file| fs_err::read_to_string(file).ok()).map(|text| parse_netrc(&text));
        Self { indexes: known, netrc: netrc.unwrap_or_default(), keyring: Mutex::default() }
    }

    /// The login for `url`, without asking a keyring.
    #[must_use]
    pub fn find(&self, url: &Url) -> Option<Login> {
        let same = |other: &Url| {
            other.host_str() == url.host_str() && other.port_or_known_default() == url.port_or_known_default()
        };
        let host = url.host_str();
        login_of(url)
            .or_else(|| self.indexes.iter().find(|(index, login)| same(index) && login.is_some())?.1.clone())
            .or_else(|| Some(self.netrc.iter().find(|(machine, _)| machine.as_deref() == host)?.1.clone()))
            .or_else(|| Some(self.netrc.iter().find(|(machine, _)| machine.is_none())?.1.clone()))
    }

    /// Asks the `keyring` program, when there is one, once per host.
    #[must_use]
    pub fn ask_keyring(&self, url: &Url) -> Option<Login> {
        let program = which::which("keyring").ok()?;
        let host = url.host_str()?.to_owned();
        let mut answers = self.keyring.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(answer) = answers.get(&host) {
            return answer.clone();
        }
        let index = self.indexes.iter().find(|(index, _)| index.host_str() == url.host_str());
        let user = index.map(|(index, _)| index.username().to_owned()).filter(|user| !user.is_empty());
        let services = index.map(|(index, _)| without_credentials(index.as_str())).into_iter().chain([host.clone()]);
        let answer = services.into_iter().find_map(|service| keyring_login(&program, &service, user.as_deref()));
        answers.insert(host, answer.clone());
        answer
    }

    /// User and password of every login that an index or its host has, for whoever checks that none is shipped.
    #[must_use]
    pub fn logins(&self) -> Vec<(String, String)> {
        let mut logins = self.indexes.iter().filter_map(|(url, _)| self.find(url)).collect::<Vec<_>>();
        let keyring = self.keyring.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        logins.extend(keyring.values().flatten().cloned());
        let mut pairs = logins.into_iter().map(|login| (login.user, login.password)).collect::<Vec<_>>();
        pairs.sort();
        pairs.dedup();
        pairs
    }
}

fn keyring_login(program: &std::path::Path, service: &str, user: Option<&str>) -> Option<Login> {
    let command = Command::new(program);
    let command = match user {
        Some(user) => command.args(["get", service, user]),
        None => command.args(["--mode", "creds", "--output", "json", "get", service]),
    };
    let output = command.run().ok().filter(|output| output.code == 0)?;
    let text = output.stdout_text();
    if let Some(user) = user {
        let password = text.trim_end_matches(['\r', '\n']).to_owned();
        return (!password.is_empty()).then(|| Login { user: user.to_owned(), password });
    }
    let value = serde_json::from_str::<serde_json::Value>(&text).ok()?;
    let field = |name: &str| value.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    Some(Login { user: field("username")?, password: field("password")? })
}

/// `UV_INDEX_CORP_USERNAME` and `_PASSWORD` for the index named `corp`.
fn environment_login(name: &str, around: &Surroundings) -> Option<Login> {
    let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let stem = format!("UV_INDEX_{}", name.chars().map(upper).collect::<String>());
    let user = (around.variable)(&format!("{stem}_USERNAME"));
    let password = (around.variable)(&format!("{stem}_PASSWORD"));
    (user.is_some() || password.is_some())
        .then(|| Login { user: user.unwrap_or_default(), password: password.unwrap_or_default() })
}

fn login_of(url: &Url) -> Option<Login> {
    let password = url.password()?;
    Some(Login { user: percent_decode(url.username()), password: percent_decode(password) })
}

pub(super) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let code = text.get(index + 1..index + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                decoded.push(code);
                index += 3;
            }
            _ => {
                decoded.push(*byte);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Machine (`None`: `default`) and login of each entry. `macdef` bodies are passed over.
fn parse_netrc(text: &str) -> Vec<(Option<String>, Login)> {
    let mut entries = Vec::new();
    let mut in_macro = false;
    let mut words = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        in_macro = (in_macro || line.starts_with("macdef")) && !line.is_empty();
        if !in_macro && !line.starts_with('#') {
            words.extend(line.split_whitespace());
        }
    }
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word {
            "machine" => {
                entries.push((words.next().map(str::to_owned), Login { user: String::new(), password: String::new() }))
            }
            "default" => entries.push((None, Login { user: String::new(), password: String::new() })),
            "login" | "password" | "account" => {
                let value = words.next().unwrap_or_default().trim_matches('"').to_owned();
                match (word, entries.last_mut()) {
                    ("login", Some((_, login))) => login.user = value,
                    ("password", Some((_, login))) => login.password = value,
                    _ => {}
                }
            }
            _ => {}
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netrc_has_machines_and_a_default() {
        let text = "machine a.example login me\n  password s3cret\nmacdef init\n  machine x\n\ndefault login any password one\n";
        let entries = parse_netrc(text);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].0.as_deref(), Some("a.example"));
        assert_eq!(entries[0].1, Login { user: "me".into(), password: "s3cret".into() });
        assert_eq!(entries[1].0, None);
    }

    #[test]
    fn url_wins_over_named_variables_and_netrc_is_by_host() {
        let indexes = Indexes {
            default: Some(super::super::index::NamedUrl {
                name: Some("my-corp".into()),
                url: "https://h/simple".into(),
            }),
            ..Indexes::default()
        };
        let variable = |name: &str| match name {
            "UV_INDEX_MY_CORP_USERNAME" => Some("u".to_owned()),
            "UV_INDEX_MY_CORP_PASSWORD" => Some("p".to_owned()),
            _ => None,
        };
        let credentials = Credentials::new(&indexes, &Surroundings { variable: &variable, home: None });
        let find = |url: &str| credentials.find(&Url::parse(url).unwrap()).map(|login| login.user);
        assert_eq!(find("https://h/files/a.whl").as_deref(), Some("u"));
        assert_eq!(find("https://x%40y:z@h/files/a.whl").as_deref(), Some("x@y"));
        assert_eq!(find("https://elsewhere/files/a.whl"), None);
    }
}

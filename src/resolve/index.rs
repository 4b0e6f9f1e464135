//! Where packages come from: the configuration's indexes, else those of the environment, else pip's own
//! configuration files; and the credentials for them.

use std::path::{Path, PathBuf};

use url::Url;

use crate::project::PythonSettings;

/// Package indexes and link pages, with credentials where their URLs had some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Indexes {
    /// `None`: the resolver's own default.
    pub default: Option<NamedUrl>,
    pub extra: Vec<NamedUrl>,
    pub find_links: Vec<String>,
    pub no_index: bool,
    /// PEM bundle of the authorities to trust, when one is named.
    pub ca_bundle: Option<PathBuf>,
    /// Did the configuration name the default index, so that the environment's has no say?
    pub configured: bool,
}

/// An index, with the name that `UV_INDEX_<NAME>_USERNAME` refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedUrl {
    pub name: Option<String>,
    pub url: String,
}

impl NamedUrl {
    /// `https://...` or `name=https://...`.
    fn parse(text: &str) -> Self {
        match text.split_once('=') {
            Some((name, url)) if !name.contains(':') && !name.contains('/') => {
                Self { name: Some(name.to_owned()), url: url.to_owned() }
            }
            _ => Self { name: None, url: text.to_owned() },
        }
    }
}

/// What is looked at beside the configuration: environment variables and files, so that tests can give their own.
pub struct Surroundings<'a> {
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    pub home: Option<PathBuf>,
}

impl Surroundings<'_> {
    fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| (self.variable)(name).filter(|value| !value.trim().is_empty()))
    }

    fn words(&self, names: &[&str]) -> Vec<String> {
        self.first(names).map(|text| text.split_whitespace().map(str::to_owned).collect()).unwrap_or_default()
    }
}

impl Indexes {
    /// Settings win over `UV_*`, those over `PIP_*`, those over `pip.conf`.
    #[must_use]
    pub fn new(settings: &PythonSettings, around: &Surroundings) -> Self {
        let pip = PipConf::read(around);
        let configured = settings.index_url.is_some();
        let default = settings
            .index_url
            .clone()
            .or_else(|| around.first(&["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"]))
            .or_else(|| pip.last("index-url"))
            .map(|text| NamedUrl::parse(text.trim()));
        let mut extra = settings.extra_index_urls.clone();
        if extra.is_empty() && !configured {
            extra = around.words(&["UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"]);
            if extra.is_empty() {
                extra = pip.words("extra-index-url");
            }
        }
        let mut find_links = settings.find_links.clone();
        let mut implied = around.first(&["UV_FIND_LINKS"]).map_or_else(Vec::new, |text| {
            text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
        });
        if implied.is_empty() {
            implied = around.words(&["PIP_FIND_LINKS"]);
        }
        if implied.is_empty() {
            implied = pip.words("find-links");
        }
        // A directory that only the machine's configuration names may well be absent: pip passes over it, uv stops.
        find_links.extend(implied.into_iter().filter(|link| link.contains("://") || Path::new(link).is_dir()));
        let truth = |text: &String| matches!(text.trim(), "1" | "true" | "yes" | "on");
        let no_index = settings.no_index
            || (!configured && around.first(&["UV_NO_INDEX", "PIP_NO_INDEX"]).as_ref().is_some_and(truth));
        let ca_bundle = around
            .first(&["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
            .or_else(|| pip.last("cert"))
            .map(PathBuf::from)
            .filter(|path| path.is_file());
        let extra = extra.iter().map(|text| NamedUrl::parse(text)).collect();
        Self { default, extra, find_links, no_index, ca_bundle, configured }
    }

    pub fn all(&self) -> impl Iterator<Item = &NamedUrl> {
        self.default.iter().chain(&self.extra)
    }

    /// For cache keys and messages: where packages come from, without credentials.
    #[must_use]
    pub fn fingerprint(&self) -> Vec<String> {
        let urls = self.all().map(|index| without_credentials(&index.url));
        let links = self.find_links.iter().map(|link| format!("find-links {}", without_credentials(link)));
        urls.chain(links).chain([format!("no-index {}", self.no_index)]).collect()
    }
}

/// `url` less its user-info; what is no URL comes back as it was.
#[must_use]
pub fn without_credentials(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) if !parsed.username().is_empty() || parsed.password().is_some() => {
            let cleared = parsed.set_username("").is_ok() && parsed.set_password(None).is_ok();
            if cleared { parsed.into() } else { crate::exec::mask_credentials(url) }
        }
        _ => url.to_owned(),
    }
}

/// The `[global]`, `[install]` and `[download]` sections of pip's configuration files, in the order that pip reads
/// them: the last word wins.
#[derive(Debug, Default)]
struct PipConf(Vec<(String, String)>);

impl PipConf {
    fn read(around: &Surroundings) -> Self {
        let mut files = vec![PathBuf::from("/etc/xdg/pip/pip.conf"), PathBuf::from("/etc/pip.conf")];
        if let Some(home) = &around.home {
            let config = around.first(&["XDG_CONFIG_HOME"]).map_or_else(|| home.join(".config"), PathBuf::from);
            files.extend([home.join(".pip/pip.conf"), config.join("pip/pip.conf")]);
        }
        files.extend(around.first(&["VIRTUAL_ENV"]).map(|env| PathBuf::from(env).join("pip.conf")));
        match around.first(&["PIP_CONFIG_FILE"]) {
            Some(file) if file == "/dev/null" => files.clear(),
            Some(file) => files.push(PathBuf::from(file)),
            None => {}
        }
        let texts = files.iter().filter_map(|file| fs_err::read_to_string(file).ok());
        Self(texts.flat_map(|text| Self::parse(&text)).collect())
    }

    fn parse(text: &str) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut wanted = false;
        for line in text.lines() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            if let Some(section) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                wanted = matches!(section.trim(), "global" | "install" | "download");
            } else if !wanted {
            } else if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = pairs.last_mut() {
                    value.push(' ');
                    value.push_str(trimmed);
                }
            } else if let Some((key, value)) = trimmed.split_once(['=', ':']) {
                pairs.push((key.trim().to_lowercase().replace('_', "-"), value.trim().to_owned()));
            }
        }
        pairs
    }

    fn last(&self, key: &str) -> Option<String> {
        self.0.iter().rev().find(|(name, value)| name == key && !value.is_empty()).map(|(_, value)| value.clone())
    }

    fn words(&self, key: &str) -> Vec<String> {
        self.last(key).map(|text| text.split_whitespace().map(str::to_owned).collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_conf_takes_comments_sections_and_continued_values() {
        let text = "# c\n[freeze]\nindex-url = no\n[global]\nindex_url = https://a/simple\nextra-index-url =\n    https://b\n    https://c\n";
        let conf = PipConf(PipConf::parse(text));
        assert_eq!(conf.last("index-url").as_deref(), Some("https://a/simple"));
        assert_eq!(conf.words("extra-index-url"), ["https://b", "https://c"]);
    }

    #[test]
    fn credentials_leave_a_url() {
        assert_eq!(without_credentials("https://me:pa%40ss@host:8/simple/?q"), "https://host:8/simple/?q");
        assert_eq!(without_credentials("wheels"), "wheels");
    }

    #[test]
    fn a_named_index_is_told_from_a_query() {
        assert_eq!(NamedUrl::parse("corp=https://host/simple").name.as_deref(), Some("corp"));
        assert_eq!(NamedUrl::parse("https://host/simple?a=b").name, None);
    }
}

//! What `METADATA` and `WHEEL` say: the header fields of core metadata, as far as laying out needs them.

use std::str::FromStr;

use pep440_rs::Version;

use super::WheelProblem;

/// Header fields in their order; the body is left out.
#[derive(Debug)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `Name: value` lines up to the first empty one; a line that starts with white space goes on with the field
    /// before it (RFC 822), also when there is nothing else in it: setuptools writes texts of several paragraphs so.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in text.trim_start_matches('\u{feff}').lines() {
            if line.is_empty() {
                break;
            }
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push('\n');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        Self(fields)
    }

    /// `name` in lower case.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// The license of a distribution: its SPDX expression, or else the one-line `License` field, or else its classifiers.
pub(super) fn license(metadata: &Fields) -> String {
    let meaningful = |text: &&str| !text.is_empty() && *text != "UNKNOWN";
    if let Some(expression) = metadata.first("license-expression").filter(meaningful) {
        return expression.to_owned();
    }
    // Some put the whole text of the license there: no use as a name.
    if let Some(text) = metadata.first("license").filter(meaningful).filter(|text| !text.contains('\n')) {
        return text.to_owned();
    }
    let classifiers = metadata
        .all("classifier")
        .filter_map(|classifier| classifier.strip_prefix("License ::"))
        .filter_map(|rest| rest.rsplit("::").next())
        .map(str::trim)
        .filter(|name| *name != "OSI Approved");
    classifiers.collect::<Vec<_>>().join(" and ")
}

/// PEP 503: lower case, runs of `-`, `_` and `.` as one `-`.
pub(super) fn normalise(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for part in name.split(['-', '_', '.']).filter(|part| !part.is_empty()) {
        if !normal.is_empty() {
            normal.push('-');
        }
        normal.push_str(&part.to_lowercase());
    }
    normal
}

/// Are these the same version (PEP 440)? What is no version is compared as text; in names of files `_` stands for `-`.
pub(super) fn same_version(left: &str, right: &str) -> bool {
    let parse = |text: &str| Version::from_str(text).or_else(|_| Version::from_str(&text.replace('_', "-"))).ok();
    match (parse(left), parse(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left.replace('_', "-") == right.replace('_', "-"),
    }
}

/// Name and version of `{name}-{version}(-{build})?-{python}-{abi}-{platform}.whl`.
pub(super) fn parse_file_name(file_name: &str) -> Result<(&str, &str), WheelProblem> {
    let wrong = || WheelProblem::FileName(file_name.to_owned());
    let stem = file_name.strip_suffix(".whl").ok_or_else(wrong)?;
    match stem.split('-').collect::<Vec<_>>()[..] {
        [name, version, _, _, _] | [name, version, _, _, _, _] if !name.is_empty() && !version.is_empty() => {
            Ok((name, version))
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_go_over_several_lines_and_end_at_the_body() {
        let fields = Fields::parse("Name: a\nLicense: one\n        two\nClassifier: x\nClassifier: y\n\nName: body\n");
        assert_eq!(fields.first("name"), Some("a"));
        let fields = Fields::parse("License: one\n        \n        two\nClassifier: x\n\nbody: x\n");
        assert_eq!((fields.first("license"), fields.first("classifier")), (Some("one\n\ntwo"), Some("x")));
        assert_eq!(fields.first("body"), None);
        assert_eq!(fields.first("license"), Some("one\ntwo"));
        assert_eq!(fields.all("classifier").collect::<Vec<_>>(), ["x", "y"]);
    }

    #[test]
    fn the_license_is_the_most_exact_field() {
        let of = |text| license(&Fields::parse(text));
        assert_eq!(of("License: MIT License\nLicense-Expression: MIT\n"), "MIT");
        assert_eq!(of("License: UNKNOWN\nClassifier: License :: OSI Approved :: BSD License\n"), "BSD License");
        assert_eq!(of("License: line\n more\nClassifier: License :: OSI Approved\n"), "");
    }

    #[test]
    fn names_and_versions_are_compared_by_their_meaning() {
        assert_eq!(normalise("Foo.__Bar-x"), "foo-bar-x");
        assert!(same_version("1.0", "1.0.0"));
        assert!(same_version("1.0_1", "1.0.post1"));
        assert!(!same_version("1.0", "1.0.1"));
        assert_eq!(parse_file_name("a_b-1.0-1-py3-none-any.whl").unwrap(), ("a_b", "1.0"));
        assert!(parse_file_name("a-1.0.whl").is_err());
    }
}

//! What in a configuration not everybody should read: it is named, and shown to nobody.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Other,
    Service,
    Environment,
}

/// Is the value one that not everybody should read? Names of files and empty values are none.
#[must_use]
pub fn is_secret(variable: &str, value: &str) -> bool {
    const NAMES: [&str; 8] =
        ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "APIKEY", "PRIVATE_KEY", "ACCESS_KEY"];
    // What says where the secret is, or something else about it.
    const OTHERS: [&str; 10] =
        ["_FILE", "_PATH", "_DIR", "_URL", "_URI", "_NAME", "_TTL", "_EXPIRY", "_LIFETIME", "_TIMEOUT"];
    let variable = variable.to_ascii_uppercase();
    let named = NAMES.iter().any(|name| variable.contains(name)) && !OTHERS.iter().any(|end| variable.ends_with(end));
    let plain = value.is_empty() || value.starts_with('/') || value.parse::<f64>().is_ok() || is_switch(value);
    has_password(value) || (named && !plain)
}

/// Is it an address with a password, which no variable stands for (`${PASSWORD}`, as pip replaces it)?
#[must_use]
pub fn has_password(address: &str) -> bool {
    !address.contains("${") && url::Url::parse(address).is_ok_and(|address| address.password().is_some())
}

fn is_switch(value: &str) -> bool {
    ["true", "false", "yes", "no", "on", "off"].contains(&value.to_ascii_lowercase().as_str())
}

/// The secrets in a command line as TOML writes it, quotes and all: the option or variable, and the bytes of its value.
#[must_use]
pub fn in_command(literal: &str) -> Vec<(String, Range<usize>)> {
    let quotes = ["\"\"\"", "'''", "\"", "'"];
    let quote = quotes
        .into_iter()
        .find(|quote| literal.len() >= 2 * quote.len() && literal.starts_with(quote) && literal.ends_with(quote));
    let margin = quote.map_or(0, str::len);
    let command = literal.get(margin..literal.len() - margin).unwrap_or_default();
    let words = words(command);
    let text = |range: &Range<usize>| command.get(range.clone()).unwrap_or_default();
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let whole = text(word);
        let is_option = whole.starts_with("--");
        if let Some((name, value)) = whole.split_once('=') {
            let is_variable = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
            let value = unquoted(command, word.end - value.len()..word.end);
            if (is_option || is_variable) && is_secret(&name.replace('-', "_"), text(&value)) {
                found.push((format!("`{name}`"), value));
                continue;
            }
        } else if let Some(next) = words.get(index + 1).filter(|_| is_option) {
            let value = unquoted(command, next.clone());
            if !text(&value).starts_with('-')
                && !has_password(text(&value))
                && is_secret(&whole.replace('-', "_"), text(&value))
            {
                found.push((format!("`{whole}`"), value));
            }
        }
        let word = unquoted(command, word.clone());
        if has_password(text(&word)) {
            found.push(("an address with a password".to_owned(), word));
        }
    }
    found.into_iter().map(|(name, range)| (name, range.start + margin..range.end + margin)).collect()
}

/// Words apart by blanks outside of quotes; `\"` is a quote in a basic string of TOML.
fn words(command: &str) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    let (mut quote, mut inside) = (None, false);
    for (at, character) in command.char_indices() {
        match (quote, character) {
            (Some(open), other) if open == other => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, blank) if blank.is_whitespace() => {
                inside = false;
                continue;
            }
            _ => {}
        }
        let end = at + character.len_utf8();
        match all.last_mut().filter(|_| inside) {
            Some(word) => word.end = end,
            None => all.push(at..end),
        }
        inside = true;
    }
    // A quote that nothing closes is a mistake, which is shown: what is behind it is covered all the same.
    if quote.is_some() { apart_by_blanks(command) } else { all }
}

fn apart_by_blanks(command: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut all = Vec::new();
    for word in command.split_inclusive(char::is_whitespace) {
        all.push(start..start + word.trim_end().len());
        start += word.len();
    }
    all.retain(|word| !word.is_empty());
    all
}

fn unquoted(command: &str, range: Range<usize>) -> Range<usize> {
    let is_quote = |c: char| "\"'\\".contains(c);
    let text = command.get(range.clone()).unwrap_or_default();
    let start = range.start + text.len() - text.trim_start_matches(is_quote).len();
    let end = range.end - (text.len() - text.trim_end_matches(is_quote).len());
    start..end.max(start)
}

/// The text with `*` for each byte of a secret of a service.
#[must_use]
pub fn covered(text: &str) -> String {
    let (tree, _) = DeTable::parse_recoverable(text);
    let mut spans = Vec::new();
    in_table(tree.get_ref(), text, Within::Other, &mut spans);
    spans.into_iter().fold(text.to_owned(), |text, span| with_stars(&text, span))
}

fn in_table(table: &DeTable<'_>, text: &str, within: Within, spans: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        let name: &str = key.get_ref();
        let within = match name {
            "environment" => Within::Environment,
            "service" => Within::Service,
            _ => within,
        };
        in_value(name, value, text, within, spans);
    }
}

fn in_value(name: &str, value: &toml::Spanned<DeValue<'_>>, text: &str, within: Within, spans: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Table(table) => in_table(table, text, within, spans),
        DeValue::Array(items) => items.iter().for_each(|item| in_value(name, item, text, within, spans)),
        DeValue::String(_) if within == Within::Other => {}
        DeValue::String(said) if within == Within::Environment && is_secret(name, said) => spans.push(value.span()),
        DeValue::String(_) => {
            let start = value.span().start;
            let secrets = in_command(text.get(value.span()).unwrap_or_default());
            spans.extend(secrets.into_iter().map(|(_, range)| range.start + start..range.end + start));
        }
        _ => {}
    }
}

/// `*` for every byte of the value, but its quotes.
#[must_use]
pub fn with_stars(text: &str, span: Range<usize>) -> String {
    let (Some(before), Some(value), Some(after)) =
        (text.get(..span.start), text.get(span.clone()), text.get(span.end..))
    else {
        return text.to_owned();
    };
    let star = |c: char| if "\"'\n\r".contains(c) { c.to_string() } else { "*".repeat(c.len_utf8()) };
    format!("{before}{}{after}", value.chars().map(star).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_name_or_by_a_password_in_an_address() {
        for (variable, value) in [
            ("DB_PASSWORD", "x"),
            ("DJANGO_SECRET_KEY", "a b"),
            ("github_token", "ghp_1"),
            ("DATABASE_URL", "postgres://me:pass@db/app"),
        ] {
            assert!(is_secret(variable, value), "{variable}={value}");
        }
        for (variable, value) in [
            ("DB_PASSWORD_FILE", "x"),
            ("DB_PASSWORD", ""),
            ("DB_PASSWORD", "/run/secrets/db"),
            ("TOKEN_LIFETIME", "a day"),
            ("CSRF_TOKEN_ENABLED", "true"),
            ("MAX_TOKENS", "4096"),
            ("DATABASE_URL", "postgres://db/app"),
            ("DATABASE_URL", "postgres://me:${PASSWORD}@db/app"),
            ("LANG", "C.UTF-8"),
        ] {
            assert!(!is_secret(variable, value), "{variable}={value}");
        }
    }

    #[test]
    fn secrets_of_command_lines_are_found_at_their_bytes() {
        for (literal, expected) in [
            ("\"app --password hunter2 x\"", &["hunter2"][..]),
            ("\"app --db-password=hunter2 --port=1\"", &["hunter2"]),
            ("'app --token \"a b\" --password-file x'", &["a b"]),
            (r#""app --token \"a b\"""#, &["a b"]),
            ("\"env DB_PASSWORD='x y' app\"", &["x y"]),
            ("\"celery -b amqp://u:p@h/ worker\"", &["amqp://u:p@h/"]),
            ("app --broker-token amqp://u:p@h/", &["amqp://u:p@h/"]),
            ("\"app  'a --token=hunter2 --password hunter3\"", &["hunter2", "hunter3"]),
            ("app --token --verbose name=token --max-tokens 5 --token", &[]),
        ] {
            let found = in_command(literal);
            let values = found.iter().map(|(_, range)| &literal[range.clone()]).collect::<Vec<_>>();
            assert_eq!(values, expected, "{literal}");
        }
    }

    #[test]
    fn what_is_shown_has_no_secret_even_where_the_text_is_broken() {
        let text = "[[service]]\ncommand = \"a --password hunter2\"\nenvironment = { DB_PASSWORD = 'hunter3', A = \"b\" }\nx = \n";
        let covered = covered(text);
        assert_eq!(covered, text.replace("hunter2", "*******").replace("hunter3", "*******"));
    }
}

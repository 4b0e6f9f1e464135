//! Every text that ends on a target is a template in `templates/`, rendered here: an undefined name is an error, and
//! nothing is escaped by itself, so that each place says what kind of file it stands in by naming a filter.
//!
//! A line that holds only a block tag leaves no line behind (`trim_blocks`, `lstrip_blocks`), and the last newline of
//! a template stays.

mod spec;

pub use spec::{literal as spec_literal, read_literal as read_spec_literal};

use miette::Diagnostic;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;
use thiserror::Error;

/// Why a template gave no text: a mistake in omnipack, or a value that cannot be written into that kind of file.
#[derive(Debug, Error, Diagnostic)]
#[error("cannot render `{name}`: {reason}")]
#[diagnostic(
    code(template::render),
    help("if the message names a value of your configuration, change it; otherwise please report this")
)]
pub struct TemplateError {
    pub name: String,
    pub reason: String,
}

/// Renders `template`, which messages call `name`, with `context`.
///
/// Filters, each for one kind of place:
/// - `sh`: one word of a POSIX shell command, single-quoted.
/// - `run_word`: the same in a `RUN` instruction of a Containerfile, which a newline would end.
/// - `sed_pattern`, `sed_replacement`: a text between the bars of `s|...|...|` of sed(1), which stands for itself.
/// - `comment`: the rest of a `#` comment line.
/// - `systemd_word`: an argument in `ExecStart=`; no specifier, no variable, no separator.
/// - `systemd_executable`: the first word in `ExecStart=`, in which systemd replaces no variables.
/// - `systemd_environment`: an assignment in `Environment=`.
/// - `systemd_text`: a whole value that systemd takes as it is (`Description=`, `WorkingDirectory=`).
///
///   These three take a placeholder, or `none`: what stands for the name of the instance, and becomes `%i`.
/// - `tmpfiles`: a field in a `tmpfiles.d` line.
/// - `lua`: a string of Lua.
/// - `logrotate`: a path pattern in a logrotate file.
/// - `pad`: the tag at the beginning of a line of a spec file.
/// - `json`: a value as JSON, which Python reads too when there are only texts in it.
/// - `toml`: a value of TOML in one line; `toml_key`, `toml_path`: a key, the name of a table by its parts.
/// - `spec`: the rest of a line of a spec file; `spec_lines`: lines of text in one; `spec_script`: lines of a script in one.
/// - `deb822_line`: a value in a Debian control file that is one line, or one of its continuation lines.
/// - `deb822_text`: a value of many lines, as continuation lines.
/// - `dpkg_control`, `dpkg_control_text`: the same in `debian/control`, in which no variable is replaced.
///
/// # Errors
/// When the template is not sound, names what `context` has not, or a filter refuses a value.
pub fn render(name: &str, template: &str, context: impl Serialize) -> Result<String, TemplateError> {
    let failed = |error: minijinja::Error| TemplateError { name: name.to_owned(), reason: explain(&error) };
    let environment = environment().map_err(failed)?;
    environment.render_named_str(name, template, Serde(&context)).map_err(failed)
}

/// Can this script stand in a spec file?
///
/// # Errors
/// What is in its way.
pub fn check_spec_script(text: &str) -> Result<(), String> {
    spec::script(text).map(drop)
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment
        .set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?);
    environment.add_filter("sh", |text: &str| refuse_nul(text).map(|()| sh(text)));
    environment.add_filter("run_word", |text: &str| refuse_control(text).map(|()| sh(text)));
    environment.add_filter("sed_pattern", |text: &str| sed_pattern(text));
    environment.add_filter("sed_replacement", |text: &str| sed_replacement(text));
    environment.add_filter("comment", |text: &str| refuse_control(text).map(|()| seen(text).into_owned()));
    environment.add_filter("systemd_word", |text: &str, instance: Option<&str>| {
        refuse_nul(text).map(|()| systemd_quoted(&text.replace('$', "$$"), instance))
    });
    environment.add_filter("systemd_executable", |text: &str| refuse_nul(text).map(|()| systemd_executable(text)));
    environment.add_filter("systemd_environment", |text: &str, instance: Option<&str>| {
        refuse_nul(text).map(|()| systemd_quoted(text, instance))
    });
    environment.add_filter("systemd_text", |text: &str, instance: Option<&str>| {
        refuse_control(text).map(|()| systemd_text(text, instance))
    });
    environment.add_filter("tmpfiles", |text: &str| refuse_nul(text).map(|()| systemd_quoted(text, None)));
    environment.add_filter("lua", lua);
    environment.add_filter("logrotate", logrotate);
    environment.add_filter("pad", |text: &str| format!("{text:<15} "));
    environment.add_filter("json", |value: minijinja::Value| {
        serde_json::to_string(&value).map_err(|error| refused(error.to_string()))
    });
    environment.add_filter("toml", |value: minijinja::Value| toml_value(&value));
    environment.add_filter("toml_key", |text: &str| toml_key(text));
    environment.add_filter("toml_path", |parts: Vec<String>| {
        parts.iter().map(|part| toml_key(part)).collect::<Vec<_>>().join(".")
    });
    environment.add_filter("spec", |text: &str| refuse_control(text).map(|()| spec::line(text)));
    environment.add_filter("spec_lines", |text: &str| spec::lines(text));
    environment.add_filter("spec_script", |text: &str| spec::script(text).map_err(refused));
    environment.add_filter("deb822_line", |text: &str| deb822_lines(text).collect::<Vec<_>>().join(" "));
    environment.add_filter("deb822_text", |text: &str| deb822_text(text));
    environment
        .add_filter("dpkg_control", |text: &str| without_variables(&deb822_lines(text).collect::<Vec<_>>().join(" ")));
    environment.add_filter("dpkg_control_text", |text: &str| without_variables(&deb822_text(text)));
    Ok(environment)
}

fn explain(error: &minijinja::Error) -> String {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    error.line().map_or_else(|| detail.clone(), |line| format!("line {line}: {detail}"))
}

fn refused(reason: String) -> minijinja::Error {
    minijinja::Error::new(ErrorKind::InvalidOperation, reason)
}

fn refuse_nul(text: &str) -> Result<(), minijinja::Error> {
    if text.contains('\0') {
        return Err(refused(format!("`{}` has a NUL character", text.escape_default())));
    }
    Ok(())
}

fn refuse_control(text: &str) -> Result<(), minijinja::Error> {
    if text.contains(char::is_control) {
        return Err(refused(format!("`{}` has a control character", text.escape_default())));
    }
    Ok(())
}

/// Outside brackets these are all that is special in a basic regular expression (regex(7)).
fn sed_pattern(text: &str) -> Result<String, minijinja::Error> {
    refuse_bar(text)?;
    Ok(escaped(text, "\\.[*^$"))
}

fn sed_replacement(text: &str) -> Result<String, minijinja::Error> {
    refuse_bar(text)?;
    Ok(escaped(text, "\\&"))
}

/// It ends what stands between two, and programs differ in how it is written there.
fn refuse_bar(text: &str) -> Result<(), minijinja::Error> {
    refuse_control(text)?;
    if text.contains('|') {
        return Err(refused(format!("`{}` has a `|`", text.escape_default())));
    }
    Ok(())
}

fn escaped(text: &str, special: &str) -> String {
    let escape = |c: char| special.contains(c).then_some('\\').into_iter().chain([c]);
    text.chars().flat_map(escape).collect()
}

/// Is it a character that nobody sees and that changes how others are shown? Those of no width, and those that turn the
/// direction of writing (Unicode TR 36, 2.5 "Bidirectional Text Spoofing"), with which a text reads as what it is not.
fn is_unseen(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The text with the number of each character that nobody sees: `\u{202e}`.
#[must_use]
pub fn seen(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains(is_unseen) {
        return text.into();
    }
    let one = |c: char| if is_unseen(c) { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(one).collect::<String>().into()
}

/// A value of TOML, tables and lists inline.
fn toml_value(value: &minijinja::Value) -> Result<String, minijinja::Error> {
    let value = toml::Value::try_from(value).map_err(|error| refused(error.to_string()))?;
    Ok(inline(&value))
}

fn inline(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => toml_string(text),
        toml::Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        toml::Value::Table(table) => {
            let pairs = table.iter().map(|(key, value)| format!("{} = {}", toml_key(key), inline(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A basic string, which is one line whatever is in it (TOML 1.0, "String").
fn toml_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            control if control.is_control() || is_unseen(control) => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(control)))
            }
            other => quoted.push(other),
        }
    }
    format!("\"{quoted}\"")
}

fn toml_key(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !text.is_empty() && text.chars().all(bare) { text.to_owned() } else { toml_string(text) }
}

/// One word of a POSIX shell command (XCU 2.2.2): inside single quotes nothing but the quote itself is special.
#[must_use]
pub fn sh(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A string of Lua 5.1 to 5.4 (reference manual, "Lexical Conventions"): bytes that are no plain text by their decimal
/// number of three digits.
fn lua(text: &str) -> String {
    let plain = |byte: &u8| (b' '..=b'~').contains(byte) && !matches!(byte, b'"' | b'\\');
    let byte = |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { format!("\\{byte:03}") };
    format!("\"{}\"", text.bytes().map(byte).collect::<String>())
}

/// A double-quoted word of a unit file: C escapes as in systemd.syntax(7), `%` doubled as in systemd.unit(5),
/// "Specifiers". What `instance` stands for becomes `%i`.
fn systemd_quoted(text: &str, instance: Option<&str>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@=,".contains(c);
    let parts = parts(text, instance);
    if !text.is_empty() && parts.iter().all(|part| part.chars().all(plain)) {
        return parts.join(SPECIFIER);
    }
    let escaped = parts.into_iter().map(systemd_escaped).collect::<Vec<_>>();
    format!("\"{}\"", escaped.join(SPECIFIER))
}

/// What lies between the places where `instance` stands.
fn parts<'a>(text: &'a str, instance: Option<&str>) -> Vec<&'a str> {
    match instance {
        Some(placeholder) => text.split(placeholder).collect(),
        None => vec![text],
    }
}

fn systemd_escaped(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '%' => quoted.push_str("%%"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_ascii_control() => quoted.push_str(&format!("\\x{:02x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted
}

/// The name of the instance (systemd.unit(5), "Specifiers").
const SPECIFIER: &str = "%i";

/// An argument of a command line in a unit file. `$$` stands for a dollar sign (systemd.service(5), "Command lines").
#[must_use]
pub fn systemd_word(text: &str) -> String {
    systemd_quoted(&text.replace('$', "$$"), None)
}

/// The first word of a command line. `@`, `-`, `:`, `+` and `!` before it are flags, which an absolute path never
/// starts with.
fn systemd_executable(text: &str) -> String {
    systemd_quoted(text, None)
}

/// A value that is not split into words: only specifiers and the continuation of lines are special. Blank space
/// at the end is dropped by systemd after it has looked for a continuation, so one blank hides a last backslash.
fn systemd_text(text: &str, instance: Option<&str>) -> String {
    let mut escaped =
        parts(text, instance).iter().map(|part| part.replace('%', "%%")).collect::<Vec<_>>().join(SPECIFIER);
    if escaped.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1 {
        escaped.push(' ');
    }
    escaped
}

/// logrotate(8) takes a quoted pattern as it is; there is no escape inside the quotes that every version knows, and a
/// brace ends the pattern even there.
fn logrotate(text: &str) -> Result<String, minijinja::Error> {
    refuse_control(text)?;
    if text.contains(['"', '\\', '{', '}']) {
        let reason = "it has a quote, a backslash or a brace";
        return Err(refused(format!("logrotate cannot name the path `{text}`: {reason}")));
    }
    Ok(format!("\"{text}\""))
}

/// Lines without control characters and white space at their end, split at whatever a reader of a control file takes
/// for the end of one.
fn deb822_lines(text: &str) -> impl Iterator<Item = String> + '_ {
    let breaks = |c: char| matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let clean = |line: &str| line.chars().filter(|c| *c == '\t' || !c.is_control()).collect::<String>();
    text.split(breaks).map(move |line| clean(line).trim_end().to_owned())
}

/// Continuation lines begin with a space; ` .` is an empty one, and a space with a full stop and more is reserved
/// (Debian policy, 5.6.13).
fn deb822_text(text: &str) -> String {
    let continuation = |line: String| match line.chars().next() {
        None => " .".to_owned(),
        Some('.') => format!("  {line}"),
        Some(_) => format!(" {line}"),
    };
    deb822_lines(text).map(continuation).collect::<Vec<_>>().join("\n")
}

/// deb-substvars(5): `${}` becomes a dollar sign when all variables have been replaced.
fn without_variables(text: &str) -> String {
    text.replace("${", "${}{")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(template: &str, value: &str) -> Result<String, TemplateError> {
        render("test", template, std::collections::BTreeMap::from([("value", value)]))
    }

    #[test]
    fn an_undefined_name_is_an_error() {
        let error = render("unit", "a\n{{ missing }}", ()).unwrap_err();
        assert!(error.to_string().contains("unit") && error.to_string().contains("line 2"), "{error}");
    }

    #[test]
    fn block_lines_leave_no_line_and_the_last_newline_stays() {
        assert_eq!(one("a\n  {% if true %}\nb\n  {% endif %}\n", "").unwrap(), "a\nb\n");
    }

    #[test]
    fn control_characters_are_refused_where_they_cannot_be_written() {
        for filter in ["comment", "systemd_text", "logrotate"] {
            let error = one(&format!("{{{{ value | {filter} }}}}"), "a\nb").unwrap_err();
            assert!(error.to_string().contains(r"a\nb"), "{filter}: {error}");
        }
    }

    #[test]
    fn systemd_specials_are_escaped() {
        assert_eq!(one("{{ value | systemd_word }}", "a $b %c \"d\" \\ ;").unwrap(), r#""a $$b %%c \"d\" \\ ;""#);
        assert_eq!(one("{{ value | systemd_environment }}", "A=$x\n").unwrap(), r#""A=$x\n""#);
        assert_eq!(one("{{ value | systemd_text }}", r"100% \").unwrap(), "100%% \\ ");
        assert_eq!(one("{{ value | systemd_word }}", ";").unwrap(), "\";\"");
        assert_eq!(one("{{ value | systemd_word }}", "").unwrap(), "\"\"");
    }

    #[test]
    fn only_the_placeholder_becomes_the_instance() {
        let of = |filter: &str, value: &str| one(&format!("{{{{ value | {filter}(\"{{n}}\") }}}}"), value).unwrap();
        assert_eq!(of("systemd_word", "--port=800{n}"), "--port=800%i");
        assert_eq!(of("systemd_word", "{n} %i $x"), r#""%i %%i $$x""#);
        assert_eq!(of("systemd_environment", "A={n}%"), r#""A=%i%%""#);
        assert_eq!(of("systemd_text", "/srv/%{n}\\"), "/srv/%%%i\\ ");
        assert_eq!(one("{{ value | systemd_word(none) }}", "{n}").unwrap(), "\"{n}\"");
    }

    #[test]
    fn a_text_stays_in_its_field() {
        assert_eq!(
            one("{{ value | deb822_text }}", "a\n\n.b\n c\u{85}D: e\r\u{1}").unwrap(),
            " a\n .\n  .b\n  c\n D: e\n ."
        );
        assert_eq!(one("{{ value | deb822_line }}", "a\nLicense: b\u{2028}c\u{1b}").unwrap(), "a License: b c");
    }

    #[test]
    fn no_variable_of_dpkg_is_left() {
        assert_eq!(one("{{ value | dpkg_control }}", "${a} ${} $b\n${${c}d}").unwrap(), "${}{a} ${}{} $b ${}{${}{c}d}");
        assert_eq!(one("{{ value | dpkg_control_text }}", "a\n${F:x}").unwrap(), " a\n ${}{F:x}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn a_shell_reads_the_word_back(word in "[^\0]{0,24}") {
            let script = format!("printf %s {}", sh(&word));
            let output = crate::exec::Command::new("sh").args(["-c", &script]).run_checked().unwrap();
            prop_assert_eq!(output.stdout_text(), word);
        }
    }
}

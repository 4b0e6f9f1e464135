//! Expressions of GitHub Actions, as far as the workflows of this project have them
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/expressions>).

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What an expression can see.
pub struct Scope<'a> {
    /// `github`, `matrix`, `inputs`, `needs`, ...
    pub contexts: &'a Value,
    /// For `hashFiles`.
    pub workspace: &'a Path,
    /// Did a step, or a job that is needed, fail?
    pub failed: bool,
}

impl Scope<'_> {
    /// Text with `${{ }}` in it.
    pub fn text(&self, text: &str) -> String {
        let mut done = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let (expression, after) = after.split_once("}}").expect("an end of the expression");
            done.push_str(before);
            done.push_str(&shown(&self.value(expression)));
            rest = after;
        }
        done + rest
    }

    /// What a value of the workflow is; a single expression keeps its type.
    pub fn evaluated(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => match text.trim().strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")) {
                Some(inside) if !inside.contains("${{") => self.value(inside),
                _ => json!(self.text(text)),
            },
            Value::Array(items) => items.iter().map(|item| self.evaluated(item)).collect(),
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), self.evaluated(value))).collect(),
            other => other.clone(),
        }
    }

    /// `if`: without a function that asks how things went, they have to have gone well.
    pub fn holds(&self, condition: Option<&Value>) -> bool {
        let Some(condition) = condition else { return !self.failed };
        let text = condition.as_str().map_or_else(|| condition.to_string(), str::to_owned);
        let text = text.trim();
        let text = text.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or(text);
        let asks = ["always()", "failure()", "success()", "cancelled()"].iter().any(|function| text.contains(function));
        (asks || !self.failed) && truth(&self.value(text))
    }

    fn value(&self, expression: &str) -> Value {
        let mut parser = Parser { scope: self, rest: expression.trim() };
        let value = parser.or();
        assert_eq!(parser.rest, "", "`{expression}` is not understood from there");
        value
    }

    fn call(&self, function: &str, arguments: &[Value]) -> Value {
        let text = |index: usize| shown(&arguments[index]).to_lowercase();
        match function {
            "startsWith" => json!(text(0).starts_with(&text(1))),
            "endsWith" => json!(text(0).ends_with(&text(1))),
            "contains" => json!(text(0).contains(&text(1))),
            "fromJSON" => serde_json::from_str(&shown(&arguments[0])).expect("JSON"),
            "success" => json!(!self.failed),
            "failure" => json!(self.failed),
            "always" => json!(true),
            "cancelled" => json!(false),
            "hashFiles" => {
                json!(hash_files(self.workspace, &arguments.iter().map(shown).collect::<Vec<_>>()))
            }
            other => panic!("unknown function `{other}`"),
        }
    }

    fn lookup(&self, path: &str) -> Value {
        let mut steps = path.split('.');
        let first = steps.next().unwrap();
        let mut value = self.contexts.get(first).unwrap_or_else(|| panic!("unknown context in `{path}`")).clone();
        for step in steps {
            value = value.get(step).cloned().unwrap_or(Value::Null);
        }
        value
    }
}

struct Parser<'a> {
    scope: &'a Scope<'a>,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest.trim_start();
        true
    }

    fn or(&mut self) -> Value {
        let mut left = self.and();
        while self.take("||") {
            let right = self.and();
            left = if truth(&left) { left } else { right };
        }
        left
    }

    fn and(&mut self) -> Value {
        let mut left = self.equality();
        while self.take("&&") {
            let right = self.equality();
            left = if truth(&left) { right } else { left };
        }
        left
    }

    fn equality(&mut self) -> Value {
        let left = self.not();
        if self.take("==") {
            return json!(shown(&left) == shown(&self.not()));
        }
        if self.take("!=") {
            return json!(shown(&left) != shown(&self.not()));
        }
        left
    }

    fn not(&mut self) -> Value {
        if !self.rest.starts_with("!=") && self.take("!") {
            return json!(!truth(&self.not()));
        }
        if self.take("(") {
            let value = self.or();
            assert!(self.take(")"), "no end of the parenthesis before `{}`", self.rest);
            return value;
        }
        if let Some(rest) = self.rest.strip_prefix('\'') {
            let (text, rest) = rest.split_once('\'').expect("an end of the text");
            self.rest = rest.trim_start();
            return json!(text);
        }
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || "._-".contains(c))).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        assert!(!word.is_empty(), "`{rest}` is not understood");
        self.rest = rest.trim_start();
        if !self.take("(") {
            return match word {
                "true" => json!(true),
                "false" => json!(false),
                "null" => Value::Null,
                number if number.parse::<f64>().is_ok() => serde_json::from_str(number).unwrap(),
                path => self.scope.lookup(path),
            };
        }
        let mut arguments = Vec::new();
        while !self.take(")") {
            arguments.push(self.or());
            self.take(",");
        }
        self.scope.call(word, &arguments)
    }
}

pub fn truth(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false)) && value != "" && *value != json!(0)
}

pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Of the files whose names match one of the patterns; empty where there is none.
fn hash_files(workspace: &Path, patterns: &[String]) -> String {
    let names =
        patterns.iter().map(|pattern| pattern.strip_prefix("**/").expect("a pattern of names in any directory"));
    let names = names.collect::<Vec<_>>();
    let files = walkdir::WalkDir::new(workspace).sort_by_file_name().into_iter().map(Result::unwrap);
    let mut all = Sha256::new();
    let mut found = false;
    for file in files.filter(|entry| entry.file_type().is_file()) {
        let name = file.file_name().to_string_lossy().into_owned();
        if names.iter().any(|pattern| matches(pattern, &name)) {
            found = true;
            all.update(Sha256::digest(fs_err::read(file.path()).unwrap()));
        }
    }
    if found { format!("{:x}", all.finalize()) } else { String::new() }
}

/// `*` is anything, other characters are themselves.
pub fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name
            .strip_prefix(before)
            .is_some_and(|rest| (0..=rest.len()).any(|from| rest.get(from..).is_some_and(|rest| matches(after, rest)))),
    }
}

#[test]
fn expressions_are_read_as_the_documentation_says() {
    let contexts = json!({ "a": { "b": "x", "none": null, "json": "{\"include\":[1]}" } });
    let scope = Scope { contexts: &contexts, workspace: Path::new("/nonexistent"), failed: true };
    for (text, expected) in [
        ("${{ a.b }}-${{ a.missing }}", "x-"),
        ("${{ a.none || 'd' }}", "d"),
        ("${{ a.b == 'x' && !a.none || false }}", "true"),
        ("${{ (a.b != 'x' || a.b == 'y') && 'no' }}", "false"),
        ("${{ startsWith(a.b, 'X') }}", "true"),
    ] {
        assert_eq!(scope.text(text), expected, "{text}");
    }
    assert_eq!(scope.evaluated(&json!("${{ fromJSON(a.json) }}")), json!({ "include": [1] }));
    assert!(!scope.holds(None) && !scope.holds(Some(&json!("a.b == 'x'"))));
    assert!(scope.holds(Some(&json!("always() && a.b == 'x'"))));
    assert!(matches("*requirements*.txt", "dev-requirements.txt") && !matches("*.lock", "lock"));
}

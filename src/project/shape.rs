//! Does a TOML tree have the shape that the JSON Schema asks for? All differences at once, each with its place:
//! unknown keys (with the nearest one), wrong types, words that are none of the allowed.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Fault, Problem, Text};

/// Collects what is wrong in `text` with respect to `schema`.
pub(super) struct Shape<'a> {
    pub text: &'a Text,
    pub schema: &'a Value,
    pub problems: Vec<Problem>,
}

impl Shape<'_> {
    /// Checks the tree against the whole schema.
    pub fn check_root(&mut self, table: &DeTable<'_>) {
        let schema = self.schema;
        self.table("the configuration", schema, table);
    }

    fn report(&mut self, span: Range<usize>, label: &str, message: String, help: String) {
        let problem = self.text.problem(Fault::new(message, help), span, label);
        self.problems.push(problem);
    }

    fn value(&mut self, key: &str, schema: &Value, value: &Spanned<DeValue<'_>>) {
        let schema = resolve(self.schema, schema);
        if let Some(choices) = alternatives(schema) {
            match choices.iter().find(|choice| accepts(resolve(self.schema, choice), value.get_ref())) {
                Some(choice) => self.value(key, choice, value),
                None => self.wrong_type(key, &describe_all(self.schema, choices), schema, value),
            }
        } else if let Some(words) = words(schema) {
            self.word(key, &words, schema, value);
        } else if !accepts(schema, value.get_ref()) {
            self.wrong_type(key, describe(schema), schema, value);
        } else {
            match value.get_ref() {
                DeValue::Table(table) => self.table(&format!("`{key}`"), schema, table),
                DeValue::Array(items) => {
                    for item in items.iter() {
                        self.value(key, &schema["items"], item);
                    }
                }
                DeValue::Integer(integer) => {
                    let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
                    self.number(key, schema, number, value.span());
                }
                _ => {}
            }
        }
    }

    fn table(&mut self, of: &str, schema: &Value, table: &DeTable<'_>) {
        let properties = schema["properties"].as_object();
        for (key, value) in table.iter() {
            let name: &str = key.get_ref();
            if let Some(property) = properties.and_then(|known| known.get(name)) {
                self.value(name, property, value);
            } else if schema["additionalProperties"].is_object() {
                self.value(name, &schema["additionalProperties"], value);
            } else if schema["additionalProperties"] == Value::Bool(false) {
                let known: Vec<&str> =
                    properties.into_iter().flat_map(|known| known.keys()).map(String::as_str).collect();
                let help = hint(name, &known, "known keys are");
                self.report(key.span(), "unknown key", format!("{of} has no key `{name}`"), help);
            }
        }
    }

    fn word(&mut self, key: &str, words: &[&str], schema: &Value, value: &Spanned<DeValue<'_>>) {
        match value.get_ref().as_str() {
            Some(word) if words.contains(&word) => {}
            Some(word) => {
                let help = hint(word, words, "it is one of");
                self.report(value.span(), "not one of the words", format!("`{key}` cannot be `{word}`"), help);
            }
            None => self.wrong_type(key, "a string", schema, value),
        }
    }

    fn number(&mut self, key: &str, schema: &Value, number: Option<i64>, span: Range<usize>) {
        let minimum = schema["minimum"].as_i64().unwrap_or(i64::MIN);
        let maximum = schema["maximum"].as_i64().unwrap_or(i64::MAX);
        if !number.is_some_and(|number| (minimum..=maximum).contains(&number)) {
            let message = format!("`{key}` is out of range");
            self.report(span, "out of range", message, format!("it lies between {minimum} and {maximum}"));
        }
    }

    fn wrong_type(&mut self, key: &str, expected: &str, schema: &Value, value: &Spanned<DeValue<'_>>) {
        let found = found(value.get_ref());
        let written = self.text.excerpt(value.span());
        let help = match value.get_ref() {
            DeValue::Table(_) if expected == "an array of tables" => format!("write `[[{key}]]`, with double brackets"),
            DeValue::Array(_) if expected == "a table" => format!("write `[{key}]`, with single brackets"),
            DeValue::String(_) if expected == "an array of strings" => format!("write `{key} = [{written}]`"),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) if expected == "a string" => {
                format!("put it in quotes: `\"{written}\"`")
            }
            DeValue::String(text) if matches!(&**text, "true" | "false") && expected == "a boolean" => {
                format!("write it without quotes: `{text}`")
            }
            _ => schema["description"].as_str().map(one_line).unwrap_or_default(),
        };
        self.report(value.span(), found, format!("`{key}` has to be {expected}, and is {found}"), help);
    }
}

/// Follows `$ref` as often as needed; a reference that leads nowhere accepts anything.
fn resolve<'a>(root: &'a Value, mut schema: &'a Value) -> &'a Value {
    for _ in 0..8 {
        match schema["$ref"].as_str().and_then(|reference| root.pointer(reference.trim_start_matches('#'))) {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

fn alternatives(schema: &Value) -> Option<&Vec<Value>> {
    schema["anyOf"].as_array()
}

/// The words of an enum, however the schema spells it.
fn words(schema: &Value) -> Option<Vec<&str>> {
    if let Some(words) = schema["enum"].as_array() {
        return Some(words.iter().filter_map(Value::as_str).collect());
    }
    let mut all = Vec::new();
    for choice in schema["oneOf"].as_array()? {
        match choice["const"].as_str() {
            Some(word) => all.push(word),
            None => all.extend(choice["enum"].as_array()?.iter().filter_map(Value::as_str)),
        }
    }
    Some(all)
}

/// Is the value of the type that the schema names? What is inside it is looked at later.
fn accepts(schema: &Value, value: &DeValue<'_>) -> bool {
    match schema["type"].as_str() {
        Some("string") => value.is_str(),
        Some("integer") => value.is_integer(),
        Some("boolean") => value.is_bool(),
        Some("array") => value.is_array(),
        Some("object") => value.is_table(),
        _ => true,
    }
}

fn describe(schema: &Value) -> &'static str {
    match schema["type"].as_str() {
        Some("string") => "a string",
        Some("integer") => "an integer",
        Some("boolean") => "a boolean",
        Some("array") if schema["items"]["type"] == "string" => "an array of strings",
        Some("array") => "an array of tables",
        _ => "a table",
    }
}

fn describe_all(root: &Value, choices: &[Value]) -> String {
    let words: Vec<&str> = choices.iter().map(|choice| describe(resolve(root, choice))).collect();
    words.join(" or ")
}

fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `did you mean ...`, or all that there is.
pub(super) fn hint(word: &str, known: &[&str], introduction: &str) -> String {
    match near(word, known) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => {
            let quoted: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
            format!("{introduction} {}", quoted.join(", "))
        }
    }
}

/// The nearest of the known words, if it is near enough to be a slip.
pub(super) fn near<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word.to_lowercase(), candidate), *candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().div_ceil(3))
        .map(|(_, candidate)| candidate)
}

//! The JSON Schema of the configuration, from the types that read it.

use serde_json::{Map, Value, json};

use super::facts;
use super::raw::Configuration;

/// JSON Schema (draft 2020-12) of `omnipack.toml`, so that editors complete it.
#[must_use]
pub fn schema() -> Value {
    let mut schema = serde_json::to_value(schemars::schema_for!(Configuration)).unwrap_or_default();
    tidy(&mut schema);
    if let Some(overrides) = schema.pointer_mut("/$defs/Overrides").and_then(Value::as_object_mut) {
        add_facts(overrides);
    }
    schema
}

/// `[distribution.<name>]` holds facts besides overrides; what their values may be is for the distribution floor to say.
fn add_facts(overrides: &mut Map<String, Value>) {
    if let Some(properties) = overrides.get_mut("properties").and_then(Value::as_object_mut) {
        for fact in facts::keys() {
            let description = match fact {
                "like" => "The distribution that the other facts are taken from.".to_owned(),
                _ => format!("Fact `{fact}` of the distribution."),
            };
            properties.insert(fact.to_owned(), json!({ "description": description }));
        }
    }
    overrides.insert("additionalProperties".to_owned(), json!(false));
}

/// A commented configuration with every key in it.
#[must_use]
pub fn reference() -> &'static str {
    include_str!("reference.toml")
}

/// Takes out what TOML cannot say (`null`), and says what Rust's number types mean.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            tidy_object(object);
            object.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn tidy_object(object: &mut Map<String, Value>) {
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            object.extend(only);
        }
    }
    match object.get("format").and_then(Value::as_str) {
        Some("uint32") => drop(object.insert("maximum".to_owned(), json!(u32::MAX))),
        Some("uint64") => drop(object.insert("maximum".to_owned(), json!(i64::MAX))),
        _ => {}
    }
}

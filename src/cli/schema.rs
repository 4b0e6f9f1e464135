//! What `omnipack schema` prints: the JSON Schema of the configuration.

/// The whole text, with a newline at its end.
#[must_use]
pub fn render() -> String {
    format!("{:#}\n", crate::project::schema())
}

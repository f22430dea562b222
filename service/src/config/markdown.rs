//! Renders the reference page of a configuration from its JSON schema.

/// One section of docs/configuration.md: field, unit, default, meaning. `title` is the process's name.
pub fn configuration_markdown(title: &str, schema: &schemars::Schema) -> String {
    let _ = (title, schema);
    todo!()
}

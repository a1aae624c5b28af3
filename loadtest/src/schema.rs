//! The published schema of a run's result. It is made from the types of the report; the copy in the repository is what
//! readers rely on, so a change of it is a change of the contract with them.

use schemars::Schema;

use crate::report::Report;

/// The JSON schema of what `jifen-load run --out` writes.
#[must_use]
pub fn run_schema() -> Schema {
    schemars::schema_for!(Report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_schema_is_that_of_the_code() {
        let published = include_str!("../run.schema.json");
        let published: serde_json::Value = serde_json::from_str(published).expect("it is JSON");
        assert!(
            &published == run_schema().as_value(),
            "publish the schema: jifen-load schema > loadtest/run.schema.json"
        );
    }
}

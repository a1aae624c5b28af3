//! Settings from TOML, with their lines.

use std::{fs, ops::Range, path::Path};

use toml::de::{DeTable, DeValue};

use super::{Origin, given::Given};

/// What a file says, or what is wrong with it and where.
pub(super) fn read(path: &Path) -> Result<Vec<Given>, String> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    let table = DeTable::parse(&text).map_err(|error| {
        let line = line(&text, error.span());
        format!("{shown}:{line}: {}", error.message())
    })?;
    let mut given = Vec::new();
    for (key, value) in table.get_ref() {
        let line = line(&text, Some(key.span()));
        let key = key.get_ref().clone().into_owned();
        let values = values(value.get_ref()).ok_or_else(|| {
            let kind = value.get_ref().type_str();
            format!("{shown}:{line}: {key}: must be text, a number, true, false or a list of them, not a {kind}")
        })?;
        given.push(Given {
            key,
            values,
            origin: Origin::File(path.to_owned(), line),
        });
    }
    given.sort_by_key(|given| given.origin.clone());
    Ok(given)
}

/// The number of the line in which something begins.
fn line(text: &str, span: Option<Range<usize>>) -> usize {
    let before = span.and_then(|span| text.get(..span.start));
    before.map_or(0, |before| before.matches('\n').count()) + 1
}

/// A value as it would be said on the command line; several for a list. `None` if it could not be said there.
fn values(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::Array(values) => values.iter().map(|value| text(value.get_ref())).collect(),
        one => text(one).map(|text| vec![text]),
    }
}

fn text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        // As it stands there: 10_000 is written for people.
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().replace('_', "")),
        DeValue::Boolean(said) => Some(said.to_string()),
        _ => None,
    }
}

//! `treebeard catalog diff`: what an import of a file would change, entry by entry and field by field.

use crate::cli::{Failure, SettingFlags, output, stored};
use crate::domain::catalog::CatalogFile;
use crate::formats::catalog::CatalogImport;
use crate::store::catalog::import::{Changes, ImportMode};
use crate::store::catalog::items::Item;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Prints the differences; nothing is changed.
pub fn run(settings: &SettingFlags, import: CatalogImport, merge: bool, as_json: bool) -> Result<(), Failure> {
    let mode = if merge { ImportMode::Merge } else { ImportMode::Replace };
    let file = import.catalog;
    let (report, held) = stored::compared(settings, &file, mode)?;
    let of_market = |file: &CatalogFile| held.iter().find(|held| held.market.id == file.market.id).cloned();
    let held = of_market(&file);
    let plans = changed_fields(&report.plans, held.as_ref().map_or(&[], |held| &held.plans), &file.plans);
    let suppliers =
        changed_fields(&report.suppliers, held.as_ref().map_or(&[], |held| &held.suppliers), &file.suppliers);
    if as_json {
        return output::print_json(&json!({
            "market": file.market.id,
            "differs": !report.is_empty(),
            "territory_changed": report.territory_changed,
            "suppliers": facts(&report.suppliers, &suppliers),
            "plans": facts(&report.plans, &plans),
        }));
    }
    if report.is_empty() {
        return output::print(&format!("The imported catalog of {} is what the file says.\n", file.market.id));
    }
    let mut text = String::new();
    if report.territory_changed {
        text += &format!("~ market {}: its description or its utilities\n", file.market.id);
    }
    text += &lines("supplier", &report.suppliers, &suppliers);
    text += &lines("plan", &report.plans, &plans);
    output::print(&text)
}

/// The fields in which each changed entry differs, by its key.
fn changed_fields<T: Item>(changes: &Changes, held: &[T], file: &[T]) -> HashMap<String, Vec<String>> {
    let of = |items: &[T], key: &str| items.iter().find(|item| item.key() == key).map(members);
    let differ = |key: &String| {
        let (before, after) = (of(held, key).unwrap_or_default(), of(file, key).unwrap_or_default());
        let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
        let fields = names.filter(|name| before.get(*name) != after.get(*name) && *name != "id");
        (key.clone(), fields.cloned().collect())
    };
    changes.changed.iter().map(differ).collect()
}

fn members<T: Item>(item: &T) -> Map<String, Value> {
    match serde_json::to_value(item) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

fn facts(changes: &Changes, fields: &HashMap<String, Vec<String>>) -> Value {
    let changed: Vec<Value> =
        changes.changed.iter().map(|key| json!({ "key": key, "fields": fields.get(key) })).collect();
    json!({
        "added": changes.added,
        "changed": changed,
        "retired": changes.retired,
        "kept_deleted": changes.kept_deleted,
        "unchanged": changes.unchanged,
    })
}

fn lines(kind: &str, changes: &Changes, fields: &HashMap<String, Vec<String>>) -> String {
    let added = changes.added.iter().map(|key| format!("+ {kind} {key}\n"));
    let changed = changes.changed.iter().map(|key| {
        let fields = fields.get(key).map(|fields| fields.join(", ")).unwrap_or_default();
        format!("~ {kind} {key}: {fields}\n")
    });
    let retired = changes.retired.iter().map(|key| format!("- {kind} {key}\n"));
    let deleted = changes.kept_deleted.iter().map(|key| format!("  {kind} {key} stays deleted\n"));
    added.chain(changed).chain(retired).chain(deleted).collect()
}

//! The JSON schema of an experiment file, for editors: made from the types that read it and the lists of
//! games and agents, so it can promise nothing that reading does not keep.

use super::{Budget, Committed, Find, PopulationSpec, Published, RecordSpec, RunsRule};
use crate::control::Control;
use crate::spec::{Entry, Registry};
use crate::symbols::WorldSpec;
use crate::watch::stop::Stop;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The schema as JSON (draft 2020-12).
pub fn schema(registry: &Registry) -> Value {
    let mut generator = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true).into_generator();
    let mut games = one_of(&registry.games, &mut generator, &[]);
    // The world of a game stands in a section of its own.
    for game in games["oneOf"].as_array_mut().into_iter().flatten() {
        game["properties"].as_object_mut().map(|keys| keys.remove("world"));
        if let Some(required) = game["required"].as_array_mut() {
            required.retain(|key| key != "world");
        }
    }
    let world = generator.subschema_for::<WorldSpec>();
    let part = json!({
        "count": { "type": "integer", "minimum": 0, "description": "How many agents are of this kind." },
        "share": { "type": "number", "minimum": 0, "maximum": 1, "description": "Which share of the agents is of this kind." }
    });
    let group = generator.subschema_for::<Committed>();
    let committed = json!({ "committed": { "oneOf": [group.clone(), { "type": "array", "items": group }] } });
    let alone = one_of(&registry.agents, &mut generator, std::slice::from_ref(&committed));
    let mixed = one_of(&registry.agents, &mut generator, &[part]);
    let mix = json!({
        "type": "object",
        "properties": { "mix": { "type": "array", "items": mixed, "minItems": 1 }, "committed": committed["committed"] },
        "required": ["mix"],
        "additionalProperties": false
    });
    let mut kinds = alone["oneOf"].as_array().cloned().unwrap_or_default();
    kinds.push(mix);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Cratylus experiment",
        "type": "object",
        "properties": {
            "name": { "type": "string", "description": "Names the run directory." },
            "seed": { "type": "integer", "minimum": 0, "description": "The same seed gives the same runs." },
            "replicas": {
                "description": "Runs for each point of the sweep.",
                "oneOf": [{ "type": "integer", "minimum": 1 }, generator.subschema_for::<RunsRule>()]
            },
            "find": generator.subschema_for::<Find>(),
            "population": generator.subschema_for::<PopulationSpec>(),
            "game": games,
            "world": world,
            "agents": { "oneOf": kinds },
            "stop": generator.subschema_for::<Stop>(),
            "control": generator.subschema_for::<Control>(),
            "record": generator.subschema_for::<RecordSpec>(),
            "budget": generator.subschema_for::<Budget>(),
            "published": generator.subschema_for::<Vec<Published>>(),
            "interventions": {
                "type": "array",
                "description": "What is done to the population while it plays, in order.",
                "items": {
                    "type": "object",
                    "properties": {
                        "round": { "type": "integer", "minimum": 1, "description": "After how many population rounds." },
                        "interaction": { "type": "integer", "minimum": 1, "description": "Or after how many interactions." },
                        "set": { "type": "object", "description": "Keys of `agents` or the network, with their values from then on." },
                        "turnover": { "type": "number", "minimum": 0, "maximum": 1, "description": "Which share of the agents is replaced by new ones." },
                        "ramp": { "type": "object", "description": "Keys that go through a list or range of values." },
                        "every": { "type": "integer", "minimum": 1, "description": "Population rounds for each value of a ramp." }
                    },
                    "additionalProperties": false
                }
            },
            "sweep": {
                "type": "object",
                "description": "Keys with lists or ranges of values; a free word with a list of tables, or a table of lists, sets several keys together.",
                "additionalProperties": { "oneOf": [{ "type": "array", "minItems": 1 }, { "type": "object", "minProperties": 1 }] }
            }
        },
        "required": ["population", "game", "agents"],
        "additionalProperties": false
    })
}

/// The keys that may stand under a key, where it holds a table.
pub(super) fn keys(registry: &Registry, at: &str) -> Vec<String> {
    fn inside(schema: &Value, parts: &[&str]) -> Vec<String> {
        let either = ["anyOf", "oneOf"].iter().filter_map(|word| schema[*word].as_array()).flatten();
        let of = |schema: &Value| match (schema["properties"].as_object(), parts) {
            (Some(keys), []) => keys.keys().cloned().collect(),
            (Some(keys), [first, rest @ ..]) => keys.get(*first).map(|schema| inside(schema, rest)).unwrap_or_default(),
            (None, _) => Vec::new(),
        };
        let found: Vec<String> = of(schema);
        if found.is_empty() {
            either.map(|schema| inside(schema, parts)).find(|keys| !keys.is_empty()).unwrap_or_default()
        } else {
            found
        }
    }
    inside(&schema(registry), &at.split('.').filter(|part| !part.is_empty()).collect::<Vec<_>>())
}

/// One alternative for each line of a registry, told apart by `kind`.
fn one_of<T: ?Sized>(all: &[Entry<T>], generator: &mut SchemaGenerator, more: &[Value]) -> Value {
    let alternatives = all.iter().map(|entry| {
        let mut schema = (entry.schema)(generator).to_value();
        schema["description"] = entry.words.into();
        schema["properties"]["kind"] = json!({ "const": entry.name });
        for extra in more.iter().filter_map(Value::as_object).flatten() {
            schema["properties"][extra.0] = extra.1.clone();
        }
        let mut required = vec![json!("kind")];
        required.extend(schema["required"].as_array().into_iter().flatten().cloned());
        schema["required"] = required.into();
        schema
    });
    json!({ "oneOf": alternatives.collect::<Vec<_>>() })
}

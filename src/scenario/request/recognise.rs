//! What kind of file a text is, and what kind of request a body.

use super::RequestKind;
use super::body::{Body, Object, is_named};
use crate::scenario::json::clip;
use crate::scenario::source::{Place, nearest};
use crate::scenario::tree::{Node, Value};

/// Fields that tell a request body, whatever stands around it.
const TELLING: [&str; 12] = [
    "batchPredictionJob",
    "batch_prediction_job",
    "deployedModel",
    "deployed_model",
    "dedicatedResources",
    "dedicated_resources",
    "customJob",
    "custom_job",
    "jobSpec",
    "job_spec",
    "workerPoolSpecs",
    "worker_pool_specs",
];

/// Whether a text is a request body, perhaps a broken one, and not a TOML file.
#[must_use]
pub fn is_request(text: &str) -> bool {
    let mut start = text.trim_start_matches('\u{feff}').trim_start();
    // TOML has no such comments.
    while let Some(comment) = start.strip_prefix("//").or_else(|| start.strip_prefix("/*")) {
        let end = if start.starts_with("//") { "\n" } else { "*/" };
        start = comment.split_once(end).map_or("", |(_, rest)| rest).trim_start();
    }
    if start.starts_with('{') {
        return true;
    }
    if let Some(rest) = start.strip_prefix('[')
        && rest.trim_start().starts_with('{')
    {
        return true;
    }
    let lines = || text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines().any(has_telling_key) && !lines().any(is_toml) && toml::de::DeTable::parse(text).is_err()
}

/// Whether a line has one of the telling fields as the key of JSON or YAML.
fn has_telling_key(line: &str) -> bool {
    TELLING.iter().any(|field| {
        line.match_indices(field).any(|(at, _)| {
            let is_whole = !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let after = line[at + field.len()..].trim_start_matches(['"', '\'', '”', '’']);
            is_whole && after.trim_start().starts_with([':', '='])
        })
    })
}

/// Whether a line is TOML for sure: a table's header, or a dotted key.
fn is_toml(line: &str) -> bool {
    let name = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b"._-".contains(&b))
    };
    let line = line.split('#').next().unwrap_or_default().trim_end();
    let header = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
    let is_header = header.is_some_and(|header| name(header.trim_matches(['[', ']'])));
    let key = line.split_once('=').map(|(key, _)| key.trim_end());
    is_header || key.is_some_and(|key| name(key) && key.contains('.'))
}

/// Fields of a BatchPredictionJob and of nothing else here.
const BATCH: &[&str] =
    &["inputConfig", "outputConfig", "manualBatchTuningParameters", "startingReplicaCount"];

/// Fields of bodies that are not read, with what they are the body of.
const OTHERS: [(&str, &str); 7] = [
    ("deployedModels", "an Endpoint; write one of its deployedModels as {\"deployedModel\": …}"),
    ("trialJobSpec", "a HyperparameterTuningJob; write its trialJobSpec as {\"jobSpec\": …}"),
    ("studySpec", "a HyperparameterTuningJob; write its trialJobSpec as {\"jobSpec\": …}"),
    ("trainingTaskInputs", "a TrainingPipeline; write its workerPoolSpecs as {\"jobSpec\": …}"),
    ("pipelineSpec", "a PipelineJob; write the job of one of its steps"),
    ("machineSpec", "a part of a body; write {\"deployedModel\": …} or {\"jobSpec\": …} around it"),
    ("workload", "a scenario, and scenarios are written in TOML"),
];

/// Which request it is, told by its fields.
pub(super) fn kind_of(body: &mut Body<'_>, root: &Object<'_>) -> Option<RequestKind> {
    const HELP: &str = "write the body of deployModel, {\"deployedModel\": …}, of a CustomJob, \
                        {\"jobSpec\": …}, or of a BatchPredictionJob, {\"inputConfig\": …}";
    let has = |name: &str| root.field(name).is_some();
    if has("deployedModel") {
        return Some(RequestKind::DeployModel);
    }
    if has("customJob") || has("jobSpec") || has("workerPoolSpecs") {
        return Some(RequestKind::CustomJob);
    }
    if has("batchPredictionJob") || is_batch(root) {
        return Some(RequestKind::BatchPredictionJob);
    }
    if has("dedicatedResources") || has("automaticResources") || has("sharedResources") {
        return Some(RequestKind::DeployModel);
    }
    if !matches!(root.node.value, Value::Table(_)) {
        body.error(&root.node.at, "the body is not an object { … }", HELP);
        return None;
    }
    match OTHERS.iter().find(|(name, _)| has(name)) {
        Some((name, what)) => {
            let at = key_of(root.node, &[*name]).unwrap_or(&root.node.at);
            body.error(at, "this body cannot be read", format!("this is {what}"));
        }
        None => {
            let names = ["deployedModel", "jobSpec", "workerPoolSpecs", "dedicatedResources"];
            let near = root
                .node
                .entries()
                .iter()
                .take(20)
                .find_map(|entry| Some((entry, nearest(&entry.key, names)?)));
            match near {
                Some((entry, near)) => {
                    let message = format!("`{}` is not a field of a request", clip(&entry.key));
                    body.error(&entry.at, message, format!("did you mean `{near}`?"));
                }
                None => body.error(&root.node.at, "this is no request body that is known", HELP),
            }
        }
    }
    None
}

/// Whether a body has a field that only a BatchPredictionJob has.
fn is_batch(root: &Object<'_>) -> bool {
    let mut resources = root.node.entries().iter();
    let resources = resources.find(|entry| is_named(&entry.key, "dedicatedResources"));
    key_of(root.node, BATCH).is_some()
        || resources.is_some_and(|resources| key_of(&resources.node, BATCH).is_some())
}

/// The key of the first field with one of these names.
fn key_of<'j>(node: &'j Node, names: &[&str]) -> Option<&'j Place> {
    let mut entries = node.entries().iter();
    let found = entries.find(|entry| names.iter().any(|name| is_named(&entry.key, name)))?;
    Some(&found.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::request::tests::complaint;

    #[test]
    fn toml_is_never_taken_for_a_request() {
        for text in [
            "",
            "# {\"deployedModel\": {}}\n[workload]\nkind = \"job\"\n",
            "[workload]\nkind = \"job\" # as \"jobSpec\": says\n",
            "workload.kind = \"job\" # jobSpec: no\n",
            "[machine]\ntype = \"deployedModel: none\"\n",
            "note = \"deployedModel: none\"\n",
            "[[pools]]\nx = { a = 1 }\n",
            "[\"a\"]\nb = 1\n",
        ] {
            assert!(!is_request(text), "{text}");
        }
        for text in [
            "{}",
            "\u{feff} // a comment\n/* another */ {",
            "[{\"machineSpec\": {}}]",
            "curl -X POST \\\n -d '{\"deployedModel\": {}}'",
            "workerPoolSpecs:\n- machineSpec: {}\n",
            "body = {\n  'job_spec': {}\n}",
        ] {
            assert!(is_request(text), "{text}");
        }
    }

    #[test]
    fn other_bodies_are_named() {
        for (text, message) in [
            ("[]", "not an object"),
            ("{}", "no request body that is known"),
            ("{\"deployModel\": {}}", "did you mean `deployedModel`?"),
            ("{\"jobSpecs\": {}}", "did you mean `jobSpec`?"),
            ("{\"trialJobSpec\": {}}", "HyperparameterTuningJob"),
            ("{\"deployedModels\": []}", "an Endpoint"),
            ("{\"workload\": {}}", "scenarios are written in TOML"),
            ("{\"inputConfig\": {}}", "`dedicatedResources` is missing"),
            ("{\"dedicatedResources\": {\"startingReplicaCount\": 2}}", "machineSpec` is missing"),
            ("{\"deployedModel\": 1}", "`deployedModel` is a number"),
            ("{\"jobSpec\": []}", "`jobSpec` is a list"),
            ("{\"customJob\": []}", "`customJob` is a list"),
            ("{\"customJob\": {}}", "`workerPoolSpecs` is missing"),
            ("{\"jobSpec\": {\"workerPoolSpecs\": {}}}", "is an object"),
            ("{\"jobSpec\": {}, \"job_spec\": {}}", "in both spellings"),
        ] {
            assert!(complaint(text).contains(message), "{}", complaint(text));
        }
    }
}

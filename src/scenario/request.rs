//! A Vertex AI request body → the scenario it amounts to.
//!
//! Owns what each field means here, the documented rules that a body may break, and the account of
//! what was taken, assumed and ignored. Leaves the syntax to [`super::json`] and the scenario to
//! validation: places in the scenario point into the body, so its errors do as well. `spot` and
//! `strategy` never restrict the plans compared. What no body says (work, horizon, lifetime) is left
//! out.

mod batch;
mod body;
mod custom_job;
mod deploy;
mod edit;
pub mod emit;
mod machine;
mod recognise;
mod region;
mod worker_pools;

use body::{Body, Object};

pub(crate) use crate::prices::accelerator::built_in;
pub(crate) use body::is_named;
pub use recognise::is_request;
pub(crate) use region::region_of;

use super::source::Problems;
use super::tree::Node;

/// A request body, read.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which call it is the body of.
    pub kind: RequestKind,
    /// The scenario it amounts to, as if read from a file.
    pub scenario: Node,
    /// What was taken from it.
    pub took: Vec<Note>,
    /// What it leaves open and was assumed.
    pub assumed: Vec<Note>,
    /// What makes no difference here.
    pub ignored: Vec<Note>,
}

/// The requests that are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// A model deployed to an endpoint.
    DeployModel,
    /// A training job.
    CustomJob,
    /// A batch inference job.
    BatchPredictionJob,
}

/// A remark on a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Where the field is in the body, dotted; `[*]` for every item of a list.
    pub field: String,
    /// The remark.
    pub what: String,
}

impl Note {
    fn new(field: &str, what: impl Into<String>) -> Self {
        let field = if field.is_empty() { "the body" } else { field };
        Self { field: field.to_owned(), what: what.into() }
    }
}

impl RequestKind {
    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeployModel => "deployModel",
            Self::CustomJob => "CustomJob",
            Self::BatchPredictionJob => "BatchPredictionJob",
        }
    }
}

/// Reads a request body. What is wrong with it is reported; `None` where anything is, errors of
/// the JSON itself apart, which [`super::json::read_json`] has reported before.
pub fn read_request(json: &Node, problems: &mut Problems) -> Option<Request> {
    let root = Object::root(json);
    let mut body = Body::new(problems, json.at.clone());
    let kind = recognise::kind_of(&mut body, &root)?;
    match kind {
        RequestKind::DeployModel => deploy::read_deployment(&mut body, &root),
        RequestKind::CustomJob => custom_job::read_custom_job(&mut body, &root),
        RequestKind::BatchPredictionJob => batch::read_batch(&mut body, &root),
    }
    region::read_region(&mut body, json);
    if body.failed() {
        return None;
    }
    let Body { scenario, took, assumed, ignored, .. } = body;
    Some(Request { kind, scenario, took, assumed, ignored })
}

// ------------------------------------------------------------------------------ in words

impl Request {
    /// What was taken, assumed and ignored, as plain text for people.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut out = format!("Read as the body of {}.\n", self.kind.name());
        let blocks = [("took", &self.took), ("assumed", &self.assumed), ("ignored", &self.ignored)];
        for (title, notes) in blocks {
            if !notes.is_empty() {
                out.push_str(&format!("\n{title}\n"));
            }
            for note in notes {
                wrap(&mut out, &format!("{}: {}", ending(&note.field), note.what));
            }
        }
        out
    }
}

/// The last two names of a dotted path: enough to find the field.
fn ending(path: &str) -> &str {
    let start = path.rmatch_indices('.').nth(1).map_or(0, |(at, _)| at + 1);
    &path[start..]
}

/// Adds a paragraph of at most 80 columns: two spaces before it, six before its further lines.
/// Text in quotes stays on one line.
fn wrap(out: &mut String, text: &str) {
    let mut quoted = false;
    let words = text.split(|c: char| {
        quoted ^= c == '"';
        c == ' ' && !quoted
    });
    let mut column = 0;
    for word in words {
        let width = word.chars().count();
        if column == 0 {
            out.push_str("  ");
            column = 2;
        } else if column + 1 + width > 80 {
            out.push_str("\n      ");
            column = 6;
        } else {
            out.push(' ');
            column += 1;
        }
        // Control characters of the input must not reach a terminal.
        out.extend(word.chars().map(|c| if c.is_control() { '?' } else { c }));
        column += width;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::json::read_json;
    use crate::scenario::source::Severity;
    use crate::scenario::tree::Value;

    fn read(text: &str) -> (Option<Request>, Problems) {
        let mut problems = Problems::default();
        let source = problems.add_source("request.json", text);
        let request =
            read_json(source, &mut problems).and_then(|json| read_request(&json, &mut problems));
        (request, problems)
    }

    /// The request of a body without errors.
    pub(super) fn request(text: &str) -> Request {
        let (request, problems) = read(text);
        request.unwrap_or_else(|| panic!("{}", problems.render(Severity::Error)))
    }

    /// The errors of a body that has some, on one line each.
    pub(super) fn complaint(text: &str) -> String {
        let (request, problems) = read(text);
        assert!(request.is_none() && problems.any_error(), "{text}");
        let errors = problems.found.iter().filter(|found| found.severity == Severity::Error);
        errors
            .map(|found| format!("{}; {}\n", found.message, found.help.clone().unwrap()))
            .collect()
    }

    pub(super) const DEPLOY: &str =
        include_str!("../../scenarios/requests/deploy-model-n1-t4.json");
    pub(super) const JOB: &str = include_str!("../../scenarios/requests/custom-job-a2.json");

    #[test]
    fn the_shipped_requests_are_read() {
        let expected = "[workload]\nkind = \"endpoint\"\nmin_replicas = 3\nmax_replicas = 3\n\n\
                        [machine]\nservice = \"vertex-inference\"\ntype = \"n1-standard-4\"\n\
                        accelerator = \"NVIDIA_TESLA_T4\"\naccelerator_count = 1\n\
                        region = \"us-central1\"\n";
        assert_eq!(request(DEPLOY).scenario.to_document(), expected);
        let expected = "[workload]\nkind = \"job\"\nnodes = 4\ntimeout = \"259200s\"\n\
                        restart_scope = \"job\"\n\n\
                        [machine]\nservice = \"vertex-training\"\ntype = \"a2-highgpu-1g\"\n\
                        boot_disk = \"200 GB\"\nregion = \"us-central1\"\n\n\
                        [market]\nmax_wait = \"43200s\"\n";
        assert_eq!(request(JOB).scenario.to_document(), expected);
        for text in [DEPLOY, JOB] {
            assert!(read(text).1.found.is_empty());
            assert!(is_request(text));
        }
    }

    #[test]
    fn places_point_into_the_body() {
        let request = request(DEPLOY);
        for (key, written) in [
            ("machine.region", "us-central1"),
            ("machine.type", "\"n1-standard-4\""),
            ("workload.min_replicas", "3"),
            ("workload.kind", "\"deployedModel\""),
        ] {
            let place = request.scenario.at_path(key).unwrap().at.clone();
            assert_eq!(&DEPLOY[place.span], written, "{key}");
        }
    }

    /// In the manner of the sample on "Use Spot VMs with inference": a stray fragment before the
    /// body, a half command behind it, trailing commas within.
    #[test]
    fn a_body_copied_with_its_surroundings_says_what_to_delete() {
        let body = DEPLOY.replace("true", "true,");
        let text =
            format!("PATH=v1/projects/P:deployModel\n{body}\n    -d @body.json \\\n  $URL\n");
        assert!(is_request(&text));
        let (_, problems) = read(&text);
        let shown = problems.render(Severity::Error);
        assert!(shown.contains("request.json:1:1"), "{shown}");
        assert!(shown.contains("text before the JSON object is not part of it"), "{shown}");
        assert!(shown.contains("text after the JSON object is not part of it: `-d"), "{shown}");
        assert!(shown.contains("delete it"), "{shown}");
        assert_eq!(problems.found.len(), 3, "and a warning about the comma");
    }

    #[test]
    fn what_is_not_json_is_reported_once() {
        let text = DEPLOY.replace("\"minReplicaCount\": 3", "\"minReplicaCount\": MIN_COUNT");
        let found = complaint(&text);
        assert_eq!(found.lines().count(), 1, "{found}");
        assert!(found.contains("`MIN_COUNT` is a placeholder"), "{found}");
    }

    #[test]
    fn the_explanation_has_only_blocks_with_something_in_them() {
        let text = request(DEPLOY).explain();
        assert!(text.starts_with("Read as the body of deployModel.\n\ntook\n"), "{text}");
        assert!(text.contains("\nignored\n") && !text.contains("assumed"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn large_bodies_take_linear_time() {
        let start = std::time::Instant::now();
        let fields: String = (0..50_000).map(|i| format!("\"machineTyp{i}\": 1, ")).collect();
        let pools = "{\"machineSpec\": {\"machineType\": \"a-1\"}},".repeat(50_000);
        let request = request(&format!("{{{fields}\"workerPoolSpecs\": [{pools}]}}"));
        assert_eq!(request.scenario.at_path("workload.nodes").unwrap().to_toml(), "50000");
        complaint(&format!("{{\"workerPoolSpecs\": [{}]}}", "1,".repeat(50_000)));
        assert!(start.elapsed().as_secs() < 20);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = is_request(&text);
            let (request, problems) = read(&text);
            prop_assert!(request.is_some() || problems.any_error());
        }

        /// A piece of a body replaced by something else: read or refused with a reason.
        #[test]
        fn no_mutated_body_makes_it_panic(
            of_job in any::<bool>(),
            at in 0_usize..2_000,
            length in 0_usize..60,
            piece in "[{}\\[\\]:,\"0-9a-z-]{0,6}|null|\"\"|-1|99999999999|true|\\{\\}|\\[\\]|é",
        ) {
            let body = if of_job { JOB } else { DEPLOY };
            let start = at % body.len();
            let end = (start + length).min(body.len());
            let text = format!("{}{piece}{}", &body[..start], &body[end..]);
            let _ = is_request(&text);
            let (request, problems) = read(&text);
            prop_assert!(request.is_some() || !problems.render(Severity::Error).is_empty());
            if let Some(request) = request {
                prop_assert!(!request.explain().is_empty());
            }
        }

        /// Any value in the place of any field: read or refused with a reason.
        #[test]
        fn no_value_of_a_field_makes_it_panic(
            of_job in any::<bool>(),
            field in 0_usize..40,
            value in "null|true|-1|0|1|1e300|\"\"|\"1\"|\"1s\"|\"a-1\"|\\[\\]|\\{\\}|\\[1\\]|\\{\"a\": 1\\}",
        ) {
            let body = if of_job { JOB } else { DEPLOY };
            let colons: Vec<usize> = body.match_indices("\": ").map(|(at, _)| at + 3).collect();
            let start = colons[field % colons.len()];
            let mut problems = Problems::default();
            let source = problems.add_source("x", body);
            let json = read_json(source, &mut problems).unwrap();
            let end = end_of_value(&json, start).unwrap();
            let text = format!("{}{value}{}", &body[..start], &body[end..]);
            let (request, problems) = read(&text);
            prop_assert!(request.is_some() || problems.any_error(), "{}", text);
        }
    }

    /// The end of the value that starts at a byte.
    fn end_of_value(node: &Node, start: usize) -> Option<usize> {
        if node.at.span.start == start {
            return Some(node.at.span.end);
        }
        let entries = node.entries().iter().map(|entry| &entry.node);
        let items = match &node.value {
            Value::Array(items) => items.as_slice(),
            _ => &[],
        };
        entries.chain(items).find_map(|inner| end_of_value(inner, start))
    }
}

//! The region of a body: where its resource names say it is.

use super::body::{Body, is_named};
use crate::scenario::json::clip;
use crate::scenario::source::{Place, Problems};
use crate::scenario::tree::{Node, Value};

/// A region in a resource name.
struct Region<'j> {
    name: &'j str,
    path: String,
    at: Place,
}

/// Takes the region from the resource names of the body. All must name the same.
pub(super) fn read_region(body: &mut Body<'_>, json: &Node) {
    let mut first: Option<Region<'_>> = None;
    let mut other: Option<Region<'_>> = None;
    visit_regions(json, &mut String::new(), &mut |region| match &first {
        None => first = Some(region),
        Some(first) if first.name != region.name && other.is_none() => other = Some(region),
        Some(_) => {}
    });
    let Some(mut region) = first else { return };
    narrow(body.problems, &mut region);
    if let Some(mut other) = other {
        narrow(body.problems, &mut other);
        body.error(
            &other.at,
            format!("region {} here, {} in `{}`", other.name, region.name, region.path),
            "write one region; or a placeholder such as LOCATION in both, and \
             --set machine.region=REGION",
        );
        return;
    }
    let name = Value::Text(region.name.to_owned());
    body.take("machine.region", name, &region.path, &region.at);
    body.ignored.retain(|note| note.field != region.path);
}

/// Calls `found` for every resource name with a region, programs and their arguments apart.
fn visit_regions<'j>(node: &'j Node, path: &mut String, found: &mut impl FnMut(Region<'j>)) {
    const PROGRAMS: [&str; 4] = ["containerSpec", "pythonPackageSpec", "labels", "explanationSpec"];
    match &node.value {
        Value::Text(text) => {
            if let Some(name) = region_of(text) {
                found(Region { name, path: path.clone(), at: node.at.clone() });
            }
        }
        Value::Table(entries) => {
            for entry in entries {
                if PROGRAMS.iter().any(|name| is_named(&entry.key, name)) {
                    continue;
                }
                let length = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&clip(&entry.key));
                visit_regions(&entry.node, path, found);
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let length = path.len();
                path.push_str(&format!("[{index}]"));
                visit_regions(item, path, found);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

/// The region in `projects/P/locations/REGION/…`; no placeholder, and not `global` or `us`.
pub(crate) fn region_of(text: &str) -> Option<&str> {
    let mut parts = text.split('/').skip_while(|part| *part != "projects");
    let name = parts.find(|part| *part == "locations").and_then(|_| parts.next())?;
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let (area, direction) = letters.split_once('-')?;
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase());
    (letters.len() < name.len() && is_word(area) && is_word(direction)).then_some(name)
}

/// Points at the region itself, not at the whole resource name, where it is found there.
fn narrow(problems: &Problems, region: &mut Region<'_>) {
    let source = problems.sources.get(region.at.source);
    let written = source.and_then(|source| source.text.get(region.at.span.clone()));
    let pattern = format!("locations/{}", region.name);
    if let Some(at) = written.and_then(|written| written.find(&pattern)) {
        let start = region.at.span.start + at + "locations/".len();
        region.at.span = start..start + region.name.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::request::tests::{DEPLOY, complaint, request};

    #[test]
    fn the_region_is_a_real_one_and_the_same_everywhere() {
        for (name, region) in [
            ("projects/P/locations/us-central1/models/M", Some("us-central1")),
            ("projects/p/locations/northamerica-northeast2", Some("northamerica-northeast2")),
            ("//aiplatform.googleapis.com/projects/p/locations/me-central1/x", Some("me-central1")),
            ("projects/P/locations/LOCATION_ID/models/M", None),
            ("projects/P/locations/your-region/models/M", None),
            ("projects/P/locations/global/keyRings/K", None),
            ("projects/P/locations/us/keyRings/K", None),
            ("--dir=locations/us-central1/", None),
            ("projects/P/locations/", None),
        ] {
            assert_eq!(region_of(name), region, "{name}");
        }
        let mixed = DEPLOY.replace(
            "\"displayName\"",
            "\"x\": \"projects/P/locations/us-east1/y\", \"displayName\"",
        );
        let found = complaint(&mixed);
        assert!(
            found.contains("region us-east1 here, us-central1 in `deployedModel.model`"),
            "{found}"
        );
        let placeholder = request(&DEPLOY.replace("us-central1", "LOCATION"));
        assert!(placeholder.scenario.at_path("machine.region").is_none());
        assert!(placeholder.ignored.iter().any(|note| note.field == "deployedModel.model"));
    }
}

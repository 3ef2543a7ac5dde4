//! A lifetime whose hazard is constant over pieces of the age, as written: where the pieces end, and
//! the mean time to preemption that each would have if it lasted.

use super::read::Reader;
use super::tree::{Node, Value};
use crate::model::distribution::{LONGEST_H, SHORTEST_H};
use crate::model::lifetime::Lifetime;
use crate::model::piecewise::{MOST_PIECES, Piecewise};
use crate::units::SimDuration;

/// What it looks like.
const EXAMPLE: &str = "write { model = \"piecewise\", until = [\"1 h\", \"6 h\"], mean = [\"5 h\", \
                       \"40 h\", \"20 h\"] }: the last piece has no end, and \"never\" is no hazard";

impl Reader<'_> {
    /// A piecewise hazard: `until` are the ages at which pieces end, `mean` the inverse hazards.
    pub(super) fn piecewise(&mut self, path: &str, node: &Node) -> Option<Lifetime> {
        let mut is_good = true;
        for entry in node.entries() {
            if !["model", "until", "mean"].contains(&entry.key.as_str()) {
                let message = format!("{path}: piecewise has no parameter `{}`", entry.key);
                self.problems.error(&entry.at, message, "piecewise takes until and mean");
                is_good = false;
            }
        }
        let until = self.durations(path, node, "until", false);
        let mean = self.durations(path, node, "mean", true);
        let (until, mean) = (until?, mean?);
        let hazards: Vec<f64> = mean.iter().map(|&mean_h| 1.0 / mean_h).collect();
        let wrong = if mean.len() > MOST_PIECES {
            Some(format!("{path} has {} pieces: at most {MOST_PIECES} are allowed", mean.len()))
        } else if mean.len() != until.len() + 1 {
            Some(format!(
                "{path}: {} ages and {} means: there is one mean more than ages",
                until.len(),
                mean.len()
            ))
        } else if until.windows(2).any(|pair| pair[0] >= pair[1]) {
            Some(format!("{path}.until does not rise"))
        } else {
            None
        };
        if let Some(message) = wrong {
            self.problems.error(&node.at, message, EXAMPLE);
            return None;
        }
        let law = Piecewise::new(&until, &hazards)?;
        let words = |values: &[f64]| {
            values.iter().map(|value| format!("{value}")).collect::<Vec<_>>().join(" ")
        };
        self.take(path, format!("piecewise, until {}, mean {}", words(&until), words(&mean)));
        is_good.then_some(Lifetime::Piecewise(law))
    }

    /// A list of durations in hours; where `never` is allowed it is infinite.
    fn durations(
        &mut self,
        path: &str,
        node: &Node,
        name: &str,
        may_be_never: bool,
    ) -> Option<Vec<f64>> {
        let path = format!("{path}.{name}");
        let Some(list) = node.get(name) else {
            self.problems.error(&node.at, format!("{path} is missing"), EXAMPLE);
            return None;
        };
        let Value::Array(items) = &list.value else {
            self.problems.error(&list.at, format!("{path} is {}", list.kind()), EXAMPLE);
            return None;
        };
        let mut found = Some(Vec::new());
        for item in items {
            let value = match &item.value {
                Value::Text(text) if text == "never" && may_be_never => Some(f64::INFINITY),
                Value::Text(text) => match SimDuration::parse(text) {
                    Ok(duration) if (SHORTEST_H..=LONGEST_H).contains(&duration.hours()) => {
                        Some(duration.hours())
                    }
                    Ok(_) => {
                        let message = format!("{path} has an age or a mean of 0");
                        self.problems.error(&item.at, message, "write more than 0");
                        None
                    }
                    Err(error) => {
                        self.unit_error(&path, item, &error);
                        None
                    }
                },
                _ => {
                    let message = format!("{path} holds {}", item.kind());
                    self.problems.error(&item.at, message, EXAMPLE);
                    None
                }
            };
            found = found.zip(value).map(|(mut all, value)| {
                all.push(value);
                all
            });
        }
        found
    }
}

//! Audit-log entries and operations of Compute Engine → lifetimes of VMs.
//!
//! `compute.instances.preempted` ends a lifetime; the insert, start or resume before it began it.
//! VMs that were stopped, deleted or suspended, and those that run when the log ends, are censored:
//! they lived at least so long.
//!
//! Source: LogEntry and AuditLog of google/logging and google/cloud/audit; `Operation` of
//! google/cloud/compute/v1 (2026-08-22). VMs of Vertex AI run in a project of Google's: their
//! preemptions are not in the user's log.

use std::collections::{BTreeMap, HashSet};

use super::account::Account;
use super::fields::{Read, boolean, field, object, text, time, whole, wrong};
use super::timestamp::Timestamp;
use crate::scenario::json::{clip, read_items};
use crate::scenario::source::Problems;
use crate::scenario::tree::{Node, Value};
use crate::units::SimDuration;

/// One life of a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// The instance: its id, else its name.
    pub instance: String,
    /// Its zone; empty where no entry says.
    pub zone: String,
    /// Its machine type; empty where its start does not say.
    pub machine_type: String,
    /// When it started.
    pub start: Timestamp,
    /// How long it ran.
    pub duration: SimDuration,
    /// Whether it was preempted then.
    pub is_preempted: bool,
}

/// Lives of VMs, from a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lives {
    /// Its entries.
    pub account: Account,
    /// In the order of instances, then of their starts.
    pub lives: Vec<Life>,
    /// VMs that were running when the log ended.
    pub running: u64,
    /// When the log ended: as it was said, else at its last entry.
    pub end: Timestamp,
    /// Starts that do not say whether their VM is a Spot VM: taken as such.
    pub unsaid: u64,
}

/// What an entry says of its VM.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Start { operation: String, machine_type: String, is_said: bool },
    Preempted,
    Stopped,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    when: Timestamp,
    what: What,
    zone: String,
}

/// Whether a row of JSON is an entry of a log of VMs, or an operation on one.
pub(super) fn is_entry(item: &Node) -> bool {
    let method = |entry: &Node| {
        field(entry, "methodName").is_some_and(
            |name| matches!(&name.node.value, Value::Text(name) if name.contains("compute.")),
        )
    };
    field(item, "protoPayload").is_some_and(|payload| method(&payload.node))
        || (field(item, "operationType").is_some()
            && (field(item, "targetLink").is_some() || field(item, "targetId").is_some()))
}

/// Reads a log. What is wrong with it is reported; `None` where anything is. `as_of` says when it
/// ended; without it, it ended at its last entry.
pub fn read_log(source: usize, problems: &mut Problems, as_of: Option<Timestamp>) -> Option<Lives> {
    let mut reading = Reading::default();
    read_items(source, problems, &mut |item, _, problems| {
        // A row that is wrong has been reported; the whole log is refused.
        let _ = reading.entry(&item, problems);
        problems.may_go_on()
    });
    if problems.any_error() {
        return None;
    }
    reading.lives(as_of, problems)
}

#[derive(Default)]
struct Reading {
    account: Account,
    seen: HashSet<String>,
    events: BTreeMap<String, Vec<Event>>,
    standard: HashSet<String>,
    last: Option<Timestamp>,
}

impl Reading {
    fn entry(&mut self, item: &Node, problems: &mut Problems) -> Read<()> {
        if !matches!(item.value, Value::Table(_)) {
            let help = "a row is an entry, as `gcloud logging read … --format=json` prints them";
            return wrong(problems, &item.at, format!("an entry is {}", item.kind()), help);
        }
        match object(problems, item, "protoPayload")? {
            Some(payload) => self.log_entry(item, payload, problems),
            None if field(item, "operationType").is_some() => self.operation(item, problems),
            None => {
                self.account.skip("an entry that is no audit log of a call");
                Ok(())
            }
        }
    }

    fn log_entry(&mut self, item: &Node, payload: &Node, problems: &mut Problems) -> Read<()> {
        let Some(method) = text(problems, payload, "methodName")? else {
            self.account.skip("an entry without a method");
            return Ok(());
        };
        let Some(when) = time(problems, item, "timestamp")? else {
            return wrong(problems, &item.at, "an entry without its `timestamp`", "give it whole");
        };
        self.last = self.last.max(Some(when));
        if let Some(id) = text(problems, item, "insertId")?
            && !self.seen.insert(format!("{id} {when:?}"))
        {
            self.account.skip("the same entry once more");
            return Ok(());
        }
        let status = object(problems, payload, "status")?;
        let code = match status {
            Some(status) => whole(problems, status, "code", 0..=1_000)?.unwrap_or(0),
            None => 0,
        };
        let resource = text(problems, payload, "resourceName")?.unwrap_or_default();
        let labels = match object(problems, item, "resource")? {
            Some(of) => object(problems, of, "labels")?,
            None => None,
        };
        let label = |problems: &mut Problems, name: &str| match labels {
            Some(labels) => text(problems, labels, name),
            None => Ok(None),
        };
        let instance = label(problems, "instance_id")?.unwrap_or(resource).to_owned();
        let zone =
            label(problems, "zone")?.map(str::to_owned).unwrap_or_else(|| part(resource, "zones"));
        let (mut id, mut is_first, mut is_last) = (String::new(), true, true);
        if let Some(operation) = object(problems, item, "operation")? {
            id = text(problems, operation, "id")?.unwrap_or_default().to_owned();
            is_first = boolean(problems, operation, "first")?.unwrap_or(false);
            is_last = boolean(problems, operation, "last")?.unwrap_or(false);
        }
        let Some(kind) = kind_of(method) else {
            self.account.skip(format!("{}: neither a start nor an end of a VM", clip(method)));
            return Ok(());
        };
        if code != 0 {
            self.account.skip("a call that failed");
            return Ok(());
        }
        let what = match kind {
            Kind::Start => {
                let request = object(problems, payload, "request")?;
                let (machine_type, is_spot) = match request {
                    Some(request) => said(problems, request)?,
                    None => (String::new(), None),
                };
                if is_spot == Some(false) {
                    self.standard.insert(instance.clone());
                    self.account.skip("a VM that is no Spot VM");
                    return Ok(());
                }
                What::Start { operation: id, machine_type, is_said: is_spot.is_some() }
            }
            Kind::Preempted => What::Preempted,
            // A VM is on its way down from the call on; its end is of no account.
            Kind::Stopped if is_last && !is_first => {
                self.account.skip("the end of a call whose beginning counts");
                return Ok(());
            }
            Kind::Stopped => What::Stopped,
        };
        self.add(item, instance, Event { when, what, zone }, problems)
    }

    fn operation(&mut self, item: &Node, problems: &mut Problems) -> Read<()> {
        let kind = text(problems, item, "operationType")?.unwrap_or_default();
        let link = text(problems, item, "targetLink")?.unwrap_or_default();
        let Some(what) =
            kind_of_operation(kind).filter(|_| link.is_empty() || link.contains("/instances/"))
        else {
            self.account.skip(format!("{}: neither a start nor an end of a VM", clip(kind)));
            return Ok(());
        };
        if field(item, "error").is_some() || field(item, "httpErrorStatusCode").is_some() {
            self.account.skip("a call that failed");
            return Ok(());
        }
        let began = time(problems, item, "insertTime")?;
        let ended = time(problems, item, "endTime")?;
        let when = if matches!(what, Kind::Start) { ended.or(began) } else { began.or(ended) };
        let Some(when) = when else {
            return wrong(
                problems,
                &item.at,
                "an operation without its `insertTime`",
                "give it whole",
            );
        };
        self.last = self.last.max(Some(when));
        let name = text(problems, item, "name")?.unwrap_or_default().to_owned();
        if !name.is_empty() && !self.seen.insert(name.clone()) {
            self.account.skip("the same entry once more");
            return Ok(());
        }
        let instance = text(problems, item, "targetId")?.unwrap_or(link).to_owned();
        let what = match what {
            Kind::Start => {
                What::Start { operation: name, machine_type: String::new(), is_said: false }
            }
            Kind::Preempted => What::Preempted,
            Kind::Stopped => What::Stopped,
        };
        self.add(item, instance, Event { when, what, zone: part(link, "zones") }, problems)
    }

    fn add(
        &mut self,
        item: &Node,
        instance: String,
        event: Event,
        problems: &mut Problems,
    ) -> Read<()> {
        if instance.is_empty() {
            let help = "`resource.labels.instance_id` or `resourceName` says which";
            return wrong(problems, &item.at, "an entry that does not name its VM", help);
        }
        self.events.entry(instance).or_default().push(event);
        Ok(())
    }

    /// The lives of every VM: its events in the order of time.
    fn lives(mut self, as_of: Option<Timestamp>, problems: &mut Problems) -> Option<Lives> {
        let end = as_of.or(self.last)?;
        if let Some(last) = self.last.filter(|last| *last > end) {
            problems.missing(
                format!("the log ended at {end}, and its last entry is of {last}"),
                "--as-of is the moment at which the log was read",
            );
            return None;
        }
        let (mut lives, mut running, mut unsaid) = (Vec::new(), 0, 0);
        for (instance, mut events) in self.events {
            if self.standard.contains(&instance) {
                for _ in events {
                    self.account.skip("an end of a VM that is no Spot VM");
                }
                continue;
            }
            events.sort();
            let zone = events.iter().map(|e| e.zone.as_str()).find(|zone| !zone.is_empty());
            let zone = zone.unwrap_or_default().to_owned();
            // Start, operation and machine type of the life under way.
            let mut open: Option<(Timestamp, String, String)> = None;
            let mut has_ended = false;
            // An insert says what a later start of the same VM leaves out.
            let (mut known_machine, mut is_known) = (String::new(), false);
            for event in events {
                match (event.what, open.take()) {
                    (What::Start { operation, machine_type, is_said }, before) => {
                        let machine_type = if machine_type.is_empty() {
                            known_machine.clone()
                        } else {
                            machine_type
                        };
                        known_machine.clone_from(&machine_type);
                        let is_said = is_said || is_known;
                        is_known = is_said;
                        match before {
                            // An operation is logged when it begins and when it is done: then the
                            // VM runs.
                            Some((_, its, known)) if !its.is_empty() && its == operation => {
                                self.account.skip("the beginning of a start whose end counts");
                                let machine =
                                    if machine_type.is_empty() { known } else { machine_type };
                                open = Some((event.when, operation, machine));
                                continue;
                            }
                            Some(_) => self.account.skip("a start without an end before the next"),
                            None => {}
                        }
                        unsaid += u64::from(!is_said);
                        open = Some((event.when, operation, machine_type));
                    }
                    (_, None) => self.account.skip(if has_ended {
                        "an end of a VM that had ended"
                    } else {
                        "an end of a VM whose start is not in the log"
                    }),
                    (what, Some((start, _, machine_type))) => {
                        has_ended = true;
                        // Its start and its end.
                        self.account.used += 2;
                        lives.push(Life {
                            instance: instance.clone(),
                            zone: zone.clone(),
                            machine_type,
                            start,
                            duration: start.until(event.when).unwrap_or(SimDuration::ZERO),
                            is_preempted: what == What::Preempted,
                        });
                    }
                }
            }
            if let Some((start, _, machine_type)) = open {
                running += 1;
                self.account.used += 1;
                let duration = start.until(end).unwrap_or(SimDuration::ZERO);
                let is_preempted = false;
                lives.push(Life { instance, zone, machine_type, start, duration, is_preempted });
            }
        }
        Some(Lives { account: self.account, lives, running, end, unsaid })
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Start,
    Preempted,
    Stopped,
}

/// What a method does to a VM.
fn kind_of(method: &str) -> Option<Kind> {
    let call = method.rsplit_once("instances.")?.1;
    Some(match call {
        "preempted" => Kind::Preempted,
        "insert" | "start" | "startWithEncryptionKey" | "resume" | "automaticRestart" => {
            Kind::Start
        }
        "stop"
        | "delete"
        | "suspend"
        | "guestTerminate"
        | "hostError"
        | "terminateOnHostMaintenance"
        | "scheduledVMStop" => Kind::Stopped,
        _ => return None,
    })
}

/// What an operation does: `insert`, or `compute.instances.preempted`.
fn kind_of_operation(kind: &str) -> Option<Kind> {
    if kind.contains("instances.") { kind_of(kind) } else { kind_of(&format!("instances.{kind}")) }
}

/// The machine type of an insert, and whether it asks for a Spot VM, where it says.
fn said(problems: &mut Problems, request: &Node) -> Read<(String, Option<bool>)> {
    let machine = text(problems, request, "machineType")?.unwrap_or_default();
    let machine = machine.rsplit('/').next().unwrap_or_default().to_owned();
    let Some(scheduling) = object(problems, request, "scheduling")? else {
        return Ok((machine, None));
    };
    let is_spot = match text(problems, scheduling, "provisioningModel")? {
        Some(model) => Some(model == "SPOT"),
        None => boolean(problems, scheduling, "preemptible")?,
    };
    Ok((machine, is_spot))
}

/// What follows a word in a path: the zone in `projects/P/zones/Z/instances/I`.
fn part(path: &str, word: &str) -> String {
    let mut parts = path.split('/');
    parts.find(|part| *part == word);
    parts.next().unwrap_or_default().to_owned()
}

impl Lives {
    /// The lives as CSV, for `fit`: a line each, the names first.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut out = String::from("instance,zone,machine_type,start,duration_s,preempted\n");
        for life in &self.lives {
            let word = |text: &str| text.replace([',', '"', '\n', '\r'], " ");
            let micros = life.duration.micros();
            out.push_str(&format!(
                "{},{},{},{},{}.{:06},{}\n",
                word(&life.instance),
                word(&life.zone),
                word(&life.machine_type),
                life.start,
                micros / 1_000_000,
                micros % 1_000_000,
                life.is_preempted
            ));
        }
        out
    }

    /// What was taken how, in sentences.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.account.lines();
        if let Some(first) = notes.first_mut() {
            *first = first.replacen("rows read", "entries of the log read", 1);
        }
        notes.push(format!(
            "{} lives of VMs; {} ran when the log ended, taken as {}",
            self.lives.len(),
            self.running,
            self.end
        ));
        if self.unsaid > 0 {
            notes.push(format!(
                "{} starts do not say whether their VM is a Spot VM: taken as Spot (inserts with \
                 `request.scheduling` say so); standard VMs among them would lengthen lifetimes",
                self.unsaid
            ));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::source::Severity;

    fn entry(id: &str, method: &str, when: &str, instance: &str, more: &str) -> String {
        format!(
            r#"{{"protoPayload": {{"@type": "type.googleapis.com/google.cloud.audit.AuditLog",
                "methodName": "{method}", "serviceName": "compute.googleapis.com",
                "resourceName": "projects/P/zones/us-central1-a/instances/{instance}"{more}}},
                "insertId": "{id}", "timestamp": "{when}",
                "resource": {{"type": "gce_instance",
                  "labels": {{"instance_id": "{instance}", "zone": "us-central1-a"}}}}}}"#
        )
    }

    fn read(entries: &[String], as_of: Option<&str>) -> Result<Lives, String> {
        let mut problems = Problems::default();
        let source = problems.add_source("log.json", format!("[{}]", entries.join(",\n")));
        let as_of = as_of.map(|time| Timestamp::parse(time).unwrap());
        read_log(source, &mut problems, as_of).ok_or_else(|| problems.render(Severity::Error))
    }

    const SPOT: &str = r#", "request": {"machineType": "projects/P/zones/Z/machineTypes/g2-standard-12",
        "scheduling": {"provisioningModel": "SPOT"}}"#;

    /// Three VMs: 1 preempted after 2 h and started again for 30 min; 2 deleted after 3 h; 3 still
    /// running at the last entry, 4 h on. A second preemption entry and a late delete say nothing new.
    #[test]
    fn lives_begin_with_a_start_and_end_with_a_preemption_or_a_stop() {
        let log = [
            entry("a", "v1.compute.instances.insert", "2026-11-20T09:00:00Z", "1", SPOT),
            entry("b", "v1.compute.instances.insert", "2026-11-20T09:00:00Z", "2", SPOT),
            entry("c", "v1.compute.instances.insert", "2026-11-20T09:00:00Z", "3", SPOT),
            entry("d", "compute.instances.preempted", "2026-11-20T11:00:00Z", "1", ""),
            entry("d", "compute.instances.preempted", "2026-11-20T11:00:00Z", "1", ""),
            entry("e", "v1.compute.instances.start", "2026-11-20T12:00:00Z", "1", ""),
            entry("f", "v1.compute.instances.delete", "2026-11-20T12:00:00Z", "2", ""),
            entry("g", "v1.compute.instances.setLabels", "2026-11-20T12:10:00Z", "3", ""),
            entry("h", "compute.instances.preempted", "2026-11-20T12:30:00Z", "1", ""),
            entry("i", "v1.compute.instances.delete", "2026-11-20T13:00:00Z", "1", ""),
            entry("j", "compute.instances.preempted", "2026-11-20T13:00:00Z", "9", ""),
        ];
        let found = read(&log, None).unwrap();
        let lives: Vec<(&str, f64, bool)> = found
            .lives
            .iter()
            .map(|life| (life.instance.as_str(), life.duration.hours(), life.is_preempted))
            .collect();
        assert_eq!(
            lives,
            [("1", 2.0, true), ("1", 0.5, true), ("2", 3.0, false), ("3", 4.0, false)]
        );
        assert_eq!(found.lives[0].machine_type, "g2-standard-12");
        // The start of VM 1 says nothing of its own: its insert did.
        assert_eq!((found.running, found.unsaid), (1, 0));
        assert_eq!(found.lives[1].machine_type, "g2-standard-12");
        // 11 entries: 7 used, 4 skipped.
        assert_eq!((found.account.read(), found.account.used), (11, 7));
        assert!(found.csv().starts_with("instance,zone,machine_type,start,duration_s,preempted\n1,us-central1-a,g2-standard-12,2026-11-20T09:00:00Z,7200.000000,true\n"));
        let later = read(&log, Some("2026-11-20T19:00:00Z")).unwrap();
        assert_eq!(later.lives[3].duration.hours(), 10.0);
        let shown = read(&log, Some("2026-11-20T10:00:00Z")).expect_err("before the last entry");
        assert!(shown.contains("--as-of"), "{shown}");
    }

    #[test]
    fn standard_vms_and_failed_calls_are_no_evidence() {
        let standard = SPOT.replace("SPOT", "STANDARD");
        let failed = r#", "status": {"code": 8, "message": "ZONE_RESOURCE_POOL_EXHAUSTED"}"#;
        let log = [
            entry("a", "v1.compute.instances.insert", "2026-11-20T09:00:00Z", "1", &standard),
            entry("b", "v1.compute.instances.delete", "2026-11-20T10:00:00Z", "1", ""),
            entry("c", "v1.compute.instances.insert", "2026-11-20T09:00:00Z", "2", failed),
        ];
        let found = read(&log, None).unwrap();
        assert_eq!((found.lives.len(), found.account.read(), found.account.used), (0, 3, 0));
    }

    #[test]
    fn a_wrong_entry_is_an_error_with_its_line() {
        let good = entry("a", "v1.compute.instances.insert", "2026-11-20T09:00:00Z", "1", SPOT);
        for (bad, message) in [
            (good.replace("T09:00:00Z", "T09:00:00"), "no offset from UTC"),
            (
                good.replace("\"timestamp\": \"2026-11-20T09:00:00Z\",", ""),
                "without its `timestamp`",
            ),
            ("3".to_owned(), "an entry is"),
            (good[..good.len() - 4].to_owned(), "log.json"),
        ] {
            let shown = read(&[good.clone(), bad.clone()], None).expect_err(&bad);
            assert!(shown.contains(message), "{shown}");
        }
    }

    /// `gcloud compute operations list`: an insert counts from its end, a delete from its beginning.
    #[test]
    fn operations_say_the_same() {
        let operation = |name: &str, kind: &str, from: &str, to: &str| {
            format!(
                r#"{{"name": "{name}", "operationType": "{kind}", "targetId": "77", "status": "DONE",
                "targetLink": "https://www.googleapis.com/compute/v1/projects/P/zones/us-east1-b/instances/x",
                "insertTime": "2026-11-20T{from}-08:00", "endTime": "2026-11-20T{to}-08:00"}}"#
            )
        };
        let log = [
            operation("systemevent-1", "compute.instances.preempted", "11:30:00", "11:30:00"),
            operation("operation-1", "insert", "09:00:00", "09:30:00"),
        ];
        let found = read(&log, None).unwrap();
        assert_eq!(found.lives.len(), 1);
        let life = &found.lives[0];
        assert_eq!((life.duration.hours(), life.is_preempted), (2.0, true));
        assert_eq!(life.zone, "us-east1-b");
    }
}

//! The worker pools of a `CustomJob`: those of one machine are one gang on it, those of several machines
//! become the scenario's pools.
//!
//! Source: `WorkerPoolSpec` and `DiskSpec` in google/cloud/aiplatform/{v1,v1beta1} (2026-08-22).

use super::body::{Body, Field, Object};
use super::machine::{Machine, read_machine};
use crate::scenario::json::clip;
use crate::scenario::source::Place;
use crate::scenario::tree::{Entry, Node, Value};

const POOL_READ: &[&str] = &["machineSpec", "replicaCount", "diskSpec"];

const POOL_IGNORED: &[(&str, &str)] = &[
    ("containerSpec", "what runs; its work comes by workload.work"),
    ("pythonPackageSpec", "what runs; its work comes by workload.work"),
    ("nfsMounts", "storage outside the boot disk is not modelled"),
    ("lustreMounts", "storage outside the boot disk is not modelled"),
];

/// Source: `DiskSpec`: the default is 100 GB.
const DEFAULT_DISK_GB: i64 = 100;

/// The worker pools, merged.
pub(super) struct Pools<'j> {
    pub nodes: i64,
    /// The machine of the first one.
    pub machine: Machine<'j>,
    /// Where the first pool on another machine is, if any is.
    pub other: Option<&'j Place>,
    /// Where one of them asks for a reservation, if any does.
    pub reservation: Option<&'j Place>,
}

/// How many machines a worker pool has, and where that was written.
struct Replicas<'j> {
    count: i64,
    path: String,
    at: &'j Place,
}

/// What the pools are called, by their place in the list; `servers` are parameter or reduction servers.
///
/// Source: "workerPoolSpecs[0] primary replica, [1] workers, [2] parameter servers, Reduction Server,
/// [3] evaluators", Distributed training (Google Cloud; from general knowledge, not read anew).
const NAMES: [&str; 4] = ["chief", "workers", "servers", "evaluators"];

/// One worker pool.
struct Pool<'j> {
    /// Its place in the list.
    index: usize,
    machine_spec: Object<'j>,
    machine: Machine<'j>,
    replicas: Replicas<'j>,
    disk: Option<(i64, Field<'j>)>,
}

pub(super) fn read_pools<'j>(body: &mut Body<'_>, field: &Field<'j>) -> Option<Pools<'j>> {
    let items = body.list(field)?;
    let mut pools: Vec<Pool<'j>> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if body.hopeless() {
            return None;
        }
        if let Some(pool) = read_pool(body, field, index, item) {
            pools.push(pool);
        }
    }
    let Some(first) = pools.first() else {
        if !body.failed() {
            body.error(
                &field.node.at,
                "no worker pool has a machine",
                "write a pool, such as {\"machineSpec\": {\"machineType\": \"n1-standard-4\"}, \
                 \"replicaCount\": 1}",
            );
        }
        return None;
    };
    if body.failed() {
        return None;
    }
    let other = pools[1..].iter().find(|other| !first.machine.is_like(&other.machine));
    let other = other.map(|pool| pool.machine_spec.key);
    let disk = |pool: &Pool<'_>| pool.disk.as_ref().map_or(DEFAULT_DISK_GB, |(size, _)| *size);
    // 10⁵ pools of 2³¹ replicas do not overflow.
    let nodes: i64 = pools.iter().map(|pool| pool.replicas.count).sum();
    if other.is_some() || pools.iter().any(|pool| disk(pool) != disk(first)) {
        take_each(body, field, &pools);
    } else {
        first.machine.take(body, &first.machine_spec, "machine");
        let key = "workload.nodes";
        match pools.as_slice() {
            [one] => body.take(key, Value::Integer(nodes), &one.replicas.path, one.replicas.at),
            _ => body.take(key, Value::Integer(nodes), &field.path, &field.node.at),
        }
        if let Some((size, disk)) = &first.disk {
            let size = Value::Text(format!("{size} GB"));
            body.take("machine.boot_disk", size, &disk.path, &disk.node.at);
        }
    }
    let asks = |pool: &Pool<'j>| pool.machine.reservation.as_ref().map(|field| &field.node.at);
    let reservation = pools.iter().find_map(asks);
    Some(Pools { nodes, machine: pools.swap_remove(0).machine, other, reservation })
}

/// Puts every pool into the scenario's pools.
fn take_each(body: &mut Body<'_>, field: &Field<'_>, pools: &[Pool<'_>]) {
    let name = |pool: &Pool<'_>| match NAMES.get(pool.index) {
        Some(name) => (*name).to_owned(),
        None => format!("pool-{}", pool.index),
    };
    let named = |pool: &Pool<'_>| {
        let at = pool.machine_spec.key.clone();
        let name = Node { value: Value::Text(name(pool)), at: at.clone() };
        let entry = Entry { key: "name".to_owned(), at: at.clone(), node: name };
        Node { value: Value::Table(vec![entry]), at }
    };
    let tables = pools.iter().map(named).collect();
    body.take("pools", Value::Array(tables), &field.path, &field.node.at);
    for pool in pools {
        let table = format!("pools.{}", name(pool));
        pool.machine.take(body, &pool.machine_spec, &table);
        let nodes = Value::Integer(pool.replicas.count);
        body.take(&format!("{table}.nodes"), nodes, &pool.replicas.path, pool.replicas.at);
        if let Some((size, disk)) = &pool.disk {
            let size = Value::Text(format!("{size} GB"));
            body.take(&format!("{table}.boot_disk"), size, &disk.path, &disk.node.at);
        }
    }
}

/// Reads a pool. `None` for `{}`, which stands for no pool, and where something is wrong.
fn read_pool<'j>(
    body: &mut Body<'_>,
    list: &Field<'j>,
    index: usize,
    item: &'j Node,
) -> Option<Pool<'j>> {
    let as_field = Field { path: format!("{}[{index}]", list.path), key: &item.at, node: item };
    if item.value == Value::Other("null") {
        return None;
    }
    let spec = body.object(&as_field)?;
    if spec.node.entries().is_empty() {
        body.ignore(&spec.path, "an empty worker pool");
        return None;
    }
    body.ignore_rest(&spec, POOL_READ, POOL_IGNORED);
    let replicas = match spec.field("replicaCount") {
        Some(field) => body.whole(&field, 1..=i64::from(i32::MAX)).map(|count| Replicas {
            count,
            path: field.path,
            at: &field.node.at,
        }),
        None => Some(Replicas { count: 1, path: spec.path.clone(), at: spec.key }),
    };
    let disk = read_disk(body, &spec);
    let Some(machine_field) = spec.field("machineSpec") else {
        body.error(
            spec.key,
            format!("`{}.machineSpec` is missing", spec.path),
            "write \"machineSpec\": {\"machineType\": \"n1-standard-4\"}, or {} for no pool",
        );
        return None;
    };
    let machine_spec = body.object(&machine_field)?;
    let machine = read_machine(body, &machine_spec, None)?;
    Some(Pool { index, machine_spec, machine, replicas: replicas?, disk })
}

fn read_disk<'j>(body: &mut Body<'_>, spec: &Object<'j>) -> Option<(i64, Field<'j>)> {
    let field = spec.field("diskSpec")?;
    let disk = body.object(&field)?;
    body.ignore_rest(&disk, &["bootDiskSizeGb", "bootDiskType"], &[]);
    if let Some(kind) = disk.field("bootDiskType") {
        match body.text(&kind, "pd-ssd") {
            Some("pd-ssd" | "") => body.ignore(&kind.path, "every boot disk is priced as pd-ssd"),
            Some(other) => {
                let what = format!("{} is priced as pd-ssd", clip(other));
                body.note_assumed(&kind.path, what);
            }
            None => {}
        }
    }
    let size_field = disk.field("bootDiskSizeGb")?;
    let size = body.whole(&size_field, 1..=10_000_000)?;
    Some((size, size_field))
}

#[cfg(test)]
mod tests {
    use crate::scenario::request::RequestKind;
    use crate::scenario::request::custom_job::tests::{POOL, job, pool};
    use crate::scenario::request::tests::{complaint, request};

    #[test]
    fn pools_of_one_machine_are_one_gang() {
        let workers = pool("a2-highgpu-1g", ", \"replicaCount\": 3");
        let text = job(
            &format!("{POOL}, {workers}, {{}}, {}", pool("a2-highgpu-1g", "")),
            "\"strategy\": \"SPOT\", \"timeout\": \"86400s\", \"maxWaitDuration\": \"0s\", \
             \"restartJobOnWorkerRestart\": true",
        );
        let request = request(&text);
        assert_eq!(request.kind, RequestKind::CustomJob);
        let expected = "[workload]\nkind = \"job\"\nnodes = 5\ntimeout = \"86400s\"\n\n\
                        [machine]\nservice = \"vertex-training\"\ntype = \"a2-highgpu-1g\"\n\n\
                        [market]\nmax_wait = \"0s\"\n";
        assert_eq!(request.scenario.to_document(), expected);
        assert!(request.took.iter().any(|note| note.what.contains("whole job restarts")));
        assert!(request.assumed.is_empty(), "{:?}", request.assumed);
        let ignored: Vec<&str> = request.ignored.iter().map(|note| note.field.as_str()).collect();
        assert!(ignored.contains(&"jobSpec.workerPoolSpecs[*].containerSpec"), "{ignored:?}");
        assert!(!ignored.iter().any(|field| field.contains("imageUri")));
    }

    #[test]
    fn pools_of_several_machines_become_pools_with_names() {
        let big = ", \"replicaCount\": 2, \"diskSpec\": {\"bootDiskSizeGb\": 500}";
        let with_gpu = pool("n1-standard-8", big).replace(
            "\"machineType\"",
            "\"acceleratorType\": \"NVIDIA_TESLA_T4\", \"acceleratorCount\": 1, \"machineType\"",
        );
        let read = request(&job(&format!("{POOL}, {{}}, {with_gpu}"), ""));
        let expected = "[workload]\nkind = \"job\"\n\n[machine]\nservice = \"vertex-training\"\n\n\
                        [[pools]]\nname = \"chief\"\ntype = \"a2-highgpu-1g\"\nnodes = 1\n\n\
                        [[pools]]\nname = \"servers\"\ntype = \"n1-standard-8\"\n\
                        accelerator = \"NVIDIA_TESLA_T4\"\naccelerator_count = 1\nnodes = 2\n\
                        boot_disk = \"500 GB\"\n";
        assert_eq!(read.scenario.to_document(), expected);
        let path = "jobSpec.workerPoolSpecs[2].replicaCount";
        let nodes = read.took.iter().find(|note| note.field == path).expect("it is taken");
        assert_eq!(nodes.what, "pools.servers.nodes = 2");
        // The same machine with another boot disk is another pool too.
        let disks = request(&job(&format!("{POOL}, {}", pool("a2-highgpu-1g", big)), ""));
        assert_eq!(disks.scenario.at_path("pools.workers.nodes").unwrap().to_toml(), "2");
        let flex = complaint(&job(
            &format!("{POOL}, {}", pool("g2-standard-8", "")),
            "\"strategy\": \"FLEX_START\"",
        ));
        assert!(flex.contains("FLEX_START with worker pools of several machines"), "{flex}");
    }

    #[test]
    fn pools_without_a_machine_are_refused() {
        for pools in ["", "{}", "null"] {
            assert!(complaint(&job(pools, "")).contains("no worker pool has a machine"));
        }
        let incomplete = complaint(&job("{\"replicaCount\": 2}, {\"machineSpec\": {}}", ""));
        assert!(incomplete.contains("workerPoolSpecs[0].machineSpec` is missing"), "{incomplete}");
        assert!(incomplete.contains("machineType` is missing"), "{incomplete}");
        let none = complaint(&job(&POOL.replace("\"1\"", "0"), ""));
        assert!(none.contains("write a whole number of 1 or more"), "{none}");
    }

    #[test]
    fn the_boot_disk_is_taken_and_its_type_is_assumed() {
        let disk = ", \"diskSpec\": {\"bootDiskType\": \"pd-standard\", \"bootDiskSizeGb\": 200}";
        let request = request(&job(&pool("n1-standard-4", disk), ""));
        assert_eq!(request.scenario.at_path("machine.boot_disk").unwrap().to_toml(), "\"200 GB\"");
        assert_eq!(request.assumed[0].what, "pd-standard is priced as pd-ssd");
    }
}

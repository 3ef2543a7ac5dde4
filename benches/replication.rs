//! One replication of a job, of a gang of eight, of a 30-day endpoint of ten replicas and of one whose
//! ten to fifty follow the load, and the whole of `estimate`; see README.md beside this file.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stockout::montecarlo::replicate::Unwatched;
use stockout::montecarlo::{self};
use stockout::output::json;
use stockout::scenario;
use stockout::scenario::resolved::Scenario;

const JOB: &str = r#"
[workload]
kind = "job"
work = "8 h"
startup = "2 min"
timeout = "none"
[machine]
service = "compute-engine"
[price]
standard = "0.60 USD/h"
spot = "0.20 USD/h"
[market]
lifetime = { model = "exponential", mean = "10 h" }
wait = { model = "exponential", mean = "5 min" }
[checkpoint]
every = "30 min"
save = "1 min"
[billing]
free_if_preempted_within = "0 s"
[compare]
plans = ["spot"]
"#;

const ENDPOINT: &str = r#"
[workload]
kind = "endpoint"
horizon = "30 d"
min_replicas = 10
startup = "6 min"
[machine]
service = "vertex-inference"
[price]
basis = "compute-engine"
standard = "1.00 USD/h"
spot = "0.40 USD/h"
[market]
lifetime = { model = "exponential", mean = "10 h" }
wait = { model = "exponential", mean = "5 min" }
[compare]
plans = ["spot"]
"#;

/// Replicas that follow the load of a week, up to fifty.
const AUTOSCALED: &str = include_str!("autoscaled.toml");

fn read(text: &str, settings: &[&str]) -> Scenario {
    match scenario::from_toml("bench", text, settings) {
        Ok((scenario, _)) => scenario,
        Err(problems) => panic!("{:?}", problems.found),
    }
}

/// Replications of one plan on one thread, statistics included; the standard plan, which is always
/// there, is the same each time and is simulated once.
fn replications(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replications");
    group.sample_size(10);
    for (name, text, count, settings) in [
        ("job", JOB, 200_000_u64, &[][..]),
        ("gang of 8", JOB, 200_000, &["workload.nodes=8", "market.shared_hazard=60 %"][..]),
        (
            "weibull job",
            JOB,
            200_000,
            &["market.lifetime={ model = \"weibull\", shape = 0.6, scale = \"7 h\" }"][..],
        ),
        ("endpoint of 10 over 30 days", ENDPOINT, 1_000, &[][..]),
        ("endpoint of 10 to 50 over 30 days", AUTOSCALED, 1_000, &[][..]),
    ] {
        let count_set = format!("simulation.replications={count}");
        let settings: Vec<&str> = settings.iter().copied().chain([count_set.as_str()]).collect();
        let scenario = read(text, &settings);
        group.throughput(Throughput::Elements(count));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let answer = montecarlo::run(black_box(&scenario), 1, &Unwatched);
                let answer = answer.expect("the scenario runs");
                assert_eq!(answer.replications, Some(count));
                answer
            });
        });
    }
    group.finish();
}

/// From the text of the scenario to the text of the result, all plans, two threads.
fn estimate(criterion: &mut Criterion) {
    let text = include_str!("../scenarios/training-l4.toml");
    let mut group = criterion.benchmark_group("estimate");
    group.sample_size(10);
    group.bench_function("training-l4, 100,000 replications of six plans", |bencher| {
        bencher.iter(|| {
            let scenario = read(black_box(text), &[]);
            let answer = montecarlo::run(&scenario, 2, &Unwatched).expect("the scenario runs");
            json::estimate(&scenario, &answer, None)
        });
    });
    group.finish();
}

criterion_group!(benches, replications, estimate);
criterion_main!(benches);

//! The model M1 through the ordinary engine, and the statistics of two of its outputs alone, beside
//! a floor: its 3.705 random draws and nothing else, in turn, round after round; see README.md
//! beside this file.
//!
//! CPU time of this thread, so that other work on the machine distorts it less; the two-thread
//! figure is wall time.

use std::hint::black_box;
use std::time::Instant;

use cpu_time::ThreadTime;
use rand_distr::{Distribution, Exp1};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use stockout::engine::job::Job;
use stockout::engine::trajectory::JobTrajectory;
use stockout::luck::Luck;
use stockout::model::plan::Course;
use stockout::model::workload::Workload;
use stockout::montecarlo;
use stockout::montecarlo::observe::{self, Measure};
use stockout::montecarlo::replicate::{BLOCK, Unwatched};
use stockout::scenario;
use stockout::scenario::resolved::Scenario;
use stockout::stats::estimator::GROUPS;
use stockout::stats::histogram::Quantile;
use stockout::stats::quantity::Quantity;

/// 8 h of work on one Spot VM, saves every 30 min; the Spot plan alone.
const M1: &str = include_str!("m1.toml");
/// Draws of M1 in one replication: 1.852713 attempts, a wait and a lifetime each (exact).
const DRAWS: f64 = 3.705_427;
const REPLICATIONS: u64 = 1 << 22;
/// Different ones among those whose statistics are timed alone: few enough to stay in the caches, as a
/// run does in the engine.
const DIFFERENT: u64 = 1 << 15;
/// Replications that the engine makes together.
const RUN: usize = BLOCK as usize / GROUPS;
/// The same on two threads, where the pilot and the start of the threads should not count.
const ON_TWO_THREADS: u64 = 1 << 23;
/// M1's exact mean cost, and four standard errors of it at 2²² replications.
const COST: (f64, f64) = (1.705_610_321_6, 4.0 * 0.061_04 / 2_048.0);

fn m1(replications: u64, settings: &[&str]) -> Scenario {
    let replications = format!("simulation.replications={replications}");
    let settings: Vec<&str> = settings.iter().copied().chain([replications.as_str()]).collect();
    match scenario::from_toml("m1", M1, &settings) {
        Ok((scenario, _)) => scenario,
        Err(problems) => panic!("{:?}", problems.found),
    }
}

fn run(scenario: &Scenario, threads: usize) {
    let answer = montecarlo::run(black_box(scenario), threads, &Unwatched).expect("M1 runs");
    let estimate = answer.plans[0].estimate.as_ref().expect("M1 has prices");
    let cost = estimate.measure(Measure::Cost).mean.expect("there is a mean");
    assert!((cost - COST.0).abs() < COST.1, "mean cost {cost}");
}

fn floor(generator: &mut Xoshiro256PlusPlus) -> f64 {
    let draws = (REPLICATIONS as f64 * DRAWS) as u64;
    let mut sum = 0.0;
    for _ in 0..draws {
        let draw: f64 = Exp1.sample(generator);
        sum += draw;
    }
    sum
}

/// Cost \[nanounits\] and makespan \[µs\] of M1, run by run, in the order in which the engine sets them
/// down: those with fewer restarts first.
fn observations(scenario: &Scenario) -> [Vec<u64>; 2] {
    let experiment = montecarlo::experiment(scenario);
    let Workload::Job(model) = &experiment.workload else { panic!("M1 is a job") };
    let rules = &experiment.plans[0].billing;
    let mut trajectory = JobTrajectory::default();
    let mut found = Vec::new();
    for replication in 0..DIFFERENT {
        let luck = Luck::new(experiment.seed, replication);
        Job::new(model, Course::Spot, luck, &mut trajectory).run();
        let [.., makespan] = &observe::job(&trajectory).values[..5] else { panic!("five values") };
        // 0.20 USD/h is a nanounit for every 18 µs.
        let cost = observe::job_metered(&trajectory, rules).total() as u64 / 18;
        found.push((trajectory.attempts.len(), cost, *makespan));
    }
    found.chunks_mut(RUN).for_each(|run| run.sort_by_key(|&(attempts, ..)| attempts));
    [found.iter().map(|found| found.1).collect(), found.iter().map(|found| found.2).collect()]
}

/// Mean with its error, standard deviation and three quantiles of each output, in the runs in which
/// the engine adds them.
fn statistics(outputs: &[Vec<u64>; 2]) {
    let mut quantities = [Quantity::default(), Quantity::default()];
    for (quantity, values) in quantities.iter_mut().zip(outputs) {
        for _ in 0..REPLICATIONS / DIFFERENT {
            for (index, values) in values.chunks(RUN).enumerate() {
                quantity.add_all(index % GROUPS, black_box(values));
            }
        }
        let quantiles = [50, 95, 99].map(|hundredths| quantity.quantile(Quantile(hundredths)));
        black_box((quantity.mean(), quantity.sd(), quantiles));
    }
    let mean = quantities[0].mean().expect("there is a mean").value / 1e9;
    let error = COST.1 * (REPLICATIONS as f64 / DIFFERENT as f64).sqrt();
    assert!((mean - COST.0).abs() < error, "mean cost {mean}");
}

/// CPU nanoseconds for one replication.
fn cpu(work: impl FnOnce()) -> f64 {
    let start = ThreadTime::now();
    work();
    start.elapsed().as_secs_f64() * 1e9 / REPLICATIONS as f64
}

/// Wall seconds.
fn wall(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    const ROUNDS: usize = 9;
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(1);
    let cases = [
        ("M1", m1(REPLICATIONS, &[])),
        ("M1, random sampling", m1(REPLICATIONS, &["simulation.sampling=random"])),
        (
            "M1, every default plan",
            m1(
                REPLICATIONS,
                &["compare.plans=[\"spot\", \"spot-resubmit\", \"spot-then-standard\"]"],
            ),
        ),
    ];
    let long = m1(ON_TWO_THREADS, &[]);
    let mut times = vec![Vec::new(); cases.len()];
    let mut ratios = vec![Vec::new(); cases.len()];
    let outputs = observations(&cases[0].1);
    let (mut floors, mut sums, mut sums_ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut threads = Vec::new();
    for _ in 0..ROUNDS {
        let floor = cpu(|| {
            black_box(floor(&mut generator));
        });
        floors.push(floor);
        for (index, (_, scenario)) in cases.iter().enumerate() {
            let time = cpu(|| run(scenario, 1));
            times[index].push(time);
            ratios[index].push(time / floor);
        }
        let sum = cpu(|| statistics(&outputs));
        sums.push(sum);
        sums_ratios.push(sum / floor);
        threads.push(wall(|| run(&long, 1)) / wall(|| run(&long, 2)));
    }
    println!("{ROUNDS} rounds of {REPLICATIONS} replications, medians; CPU ns a replication");
    println!("{:<28} {:>8.1} {:>8}", "floor", median(&mut floors), "1 x");
    for (index, (name, _)) in cases.iter().enumerate() {
        let (time, ratio) = (median(&mut times[index]), median(&mut ratios[index]));
        println!("{name:<28} {time:>8.1} {ratio:>6.2} x");
    }
    let (time, ratio) = (median(&mut sums), median(&mut sums_ratios));
    println!("{:<28} {time:>8.1} {ratio:>6.2} x", "statistics of two outputs");
    println!("{:<28} {:>8} {:>6.2} x", "two threads, wall", "", median(&mut threads));
}

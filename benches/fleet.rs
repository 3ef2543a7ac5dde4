//! The model M2 through the ordinary engine, beside a floor and beside other calendars; and what an
//! event costs from 10 to 100,000 VMs. See README.md beside this file.
//!
//! A *model event* is the end of a wait, of a startup or of a chunk, a preemption, or a change of the
//! zone: counted from what happened, whether the engine had an event of its own for it or not. CPU
//! time of this thread; every case once per round, in turn.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

use cpu_time::ThreadTime;
use rand_distr::{Distribution, Exp1};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use stockout::engine::batch::Batch;
use stockout::engine::calendar::Calendar;
use stockout::engine::trajectory::{BatchTrajectory, End};
use stockout::luck::Luck;
use stockout::model::plan::Course;
use stockout::model::workload::{BatchModel, Workload};
use stockout::montecarlo;
use stockout::montecarlo::observe::Measure;
use stockout::montecarlo::replicate::Unwatched;
use stockout::scenario;
use stockout::scenario::resolved::Scenario;
use stockout::units::{SimDuration, SimTime};

const M2: &str = include_str!("m2.toml");
const ROUNDS: usize = 7;
const REPLICATIONS: u64 = 4_096;

// ------------------------------------------------------------------------------------------- M2

fn m2() -> Scenario {
    let replications = format!("simulation.replications={REPLICATIONS}");
    match scenario::from_toml("m2", M2, &[replications.as_str()]) {
        Ok((scenario, _)) => scenario,
        Err(problems) => panic!("{:?}", problems.found),
    }
}

/// What other programs found of M2 (200,000 replications of a calendar queue written apart):
/// makespan \[s\] with its standard deviation, billed seconds, preemptions, chunks lost.
const KNOWN: [f64; 5] = [39_071.7, 4_340.0, 3_706_068.0, 64.09, 62.79];

/// Events of one replication, by the definition above.
fn events(model: &BatchModel, trajectory: &mut BatchTrajectory, luck: Luck<'_>) -> u64 {
    let mut events = trajectory.done;
    for attempt in &trajectory.attempts {
        events += u64::from(attempt.end != End::Abandoned);
        events += u64::from(attempt.started() && attempt.uptime >= model.startup);
        events += u64::from(attempt.end == End::Preempted);
    }
    let zones = model.market.zones.as_ref().expect("M2 has a zone");
    let ended = trajectory.ended;
    for (from, to) in trajectory.paths.scarce(zones, 0, ended, luck) {
        events += u64::from(from > SimTime::START) + u64::from(to < ended);
    }
    events
}

/// Plays all replications; events in all.
fn play(engine: &mut Batch, model: &BatchModel, count: bool) -> u64 {
    let mut trajectory = BatchTrajectory::default();
    let mut counted = 0;
    for replication in 0..REPLICATIONS {
        let luck = Luck::new(1, replication);
        engine.run(model, Course::Spot, luck, &mut trajectory);
        black_box(&trajectory);
        if count {
            counted += events(model, &mut trajectory, luck);
        }
    }
    counted
}

fn whole(scenario: &Scenario) {
    let answer = montecarlo::run(black_box(scenario), 1, &Unwatched).expect("M2 runs");
    let estimate = answer.plans[0].estimate.as_ref().expect("M2 has prices");
    let near = |measure, expected: f64, scale: f64| {
        let found = estimate.measure(measure);
        let (mean, sd) = (found.mean.expect("a mean") * scale, found.sd.expect("an sd") * scale);
        let z = (mean - expected) / (sd / (REPLICATIONS as f64).sqrt());
        assert!(z.abs() < 4.5, "{}: {mean} for {expected}, z = {z}", measure.name());
        z
    };
    black_box([
        near(Measure::Makespan, KNOWN[0], 3_600.0),
        near(Measure::Billed, KNOWN[2], 3_600.0),
        near(Measure::Preemptions, KNOWN[3], 1.0),
    ]);
}

fn draws(generator: &mut Xoshiro256PlusPlus, count: u64) -> f64 {
    (0..count).map(|_| -> f64 { Exp1.sample(generator) }).sum()
}

// ------------------------------------------------------------------------------------- calendars

/// Pending events by time, then by VM: one for each VM.
trait Pending {
    /// Lane 0 to 2: chunks, startups, everything else.
    fn put(&mut self, lane: usize, at: u64, vm: u32);
    fn take(&mut self) -> Option<(u64, u32)>;
}

fn pack(at: u64, vm: u32) -> u128 {
    (u128::from(at) << 32) | u128::from(vm)
}

fn unpack(key: u128) -> (u64, u32) {
    ((key >> 32) as u64, key as u32)
}

/// The engine's calendar, with lanes or without.
struct Engine(Calendar<u32>);

impl Pending for Engine {
    fn put(&mut self, lane: usize, at: u64, vm: u32) {
        let at = SimTime::START + SimDuration::from_micros(at as i64);
        self.0.follow(lane, vm, at, vm);
    }

    fn take(&mut self) -> Option<(u64, u32)> {
        self.0.pop().map(|(at, vm)| (at.since_start().micros() as u64, vm))
    }
}

struct Binary(BinaryHeap<Reverse<u128>>);

impl Pending for Binary {
    fn put(&mut self, _lane: usize, at: u64, vm: u32) {
        self.0.push(Reverse(pack(at, vm)));
    }

    fn take(&mut self) -> Option<(u64, u32)> {
        self.0.pop().map(|Reverse(key)| unpack(key))
    }
}

/// A heap whose nodes have four children.
struct Quaternary(Vec<u128>);

impl Pending for Quaternary {
    fn put(&mut self, _lane: usize, at: u64, vm: u32) {
        let key = pack(at, vm);
        let mut hole = self.0.len();
        self.0.push(key);
        while hole > 0 {
            let parent = (hole - 1) / 4;
            if self.0[parent] <= key {
                break;
            }
            self.0[hole] = self.0[parent];
            hole = parent;
        }
        self.0[hole] = key;
    }

    fn take(&mut self) -> Option<(u64, u32)> {
        let first = *self.0.first()?;
        let last = self.0.pop()?;
        let count = self.0.len();
        if count > 0 {
            let mut hole = 0;
            loop {
                let children = 4 * hole + 1..(4 * hole + 5).min(count);
                let Some(least) = children.min_by_key(|&child| self.0[child]) else { break };
                if self.0[least] >= last {
                    break;
                }
                self.0[hole] = self.0[least];
                hole = least;
            }
            self.0[hole] = last;
        }
        Some(unpack(first))
    }
}

/// A calendar queue: days of a fixed length, as many as VMs, each a small unsorted list.
///
/// Source: R. Brown, Calendar queues, Communications of the ACM 31 (1988).
struct Days {
    days: Vec<Vec<u128>>,
    length: u64,
    today: u64,
    count: usize,
}

impl Days {
    fn new(vms: usize) -> Self {
        let days = vms.next_power_of_two().max(16);
        // Most delays are a chunk: it should be about a year.
        let length = (CHUNK / days as u64).max(1);
        Self { days: vec![Vec::new(); days], length, today: 0, count: 0 }
    }
}

impl Pending for Days {
    fn put(&mut self, _lane: usize, at: u64, vm: u32) {
        let day = (at / self.length) as usize & (self.days.len() - 1);
        self.days[day].push(pack(at, vm));
        self.count += 1;
    }

    fn take(&mut self) -> Option<(u64, u32)> {
        if self.count == 0 {
            return None;
        }
        let mut empty = 0;
        loop {
            let mask = self.days.len() as u64 - 1;
            let day = &mut self.days[(self.today & mask) as usize];
            let ends = u128::from((self.today + 1) * self.length) << 32;
            let found = day.iter().enumerate().filter(|(_, key)| **key < ends);
            if let Some((index, _)) = found.min_by_key(|(_, key)| **key) {
                self.count -= 1;
                return Some(unpack(day.swap_remove(index)));
            }
            self.today += 1;
            empty += 1;
            if empty > mask {
                // Nothing within a year: go to the first there is.
                let first = self.days.iter().flatten().min().copied().unwrap_or_default();
                self.today = unpack(first).0 / self.length;
                empty = 0;
            }
        }
    }
}

const SECOND: u64 = 1_000_000;
const CHUNK: u64 = 900 * SECOND;

/// What a VM of the fleet waits for.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    Started,
    Ready,
    Done,
    CutWhileStarting,
    CutAtWork,
    CutWhileIdle,
}

/// M2 without its zone, an event for everything: `vms` VMs and 40 chunks for each. The events and the
/// end, the same with every calendar.
fn fleet(pending: &mut impl Pending, vms: u32, seed: u64) -> (u64, u64) {
    const STARTUP: u64 = 120 * SECOND;
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut exponential = |mean: f64| -> u64 {
        let draw: f64 = Exp1.sample(&mut generator);
        (draw * mean * SECOND as f64) as u64
    };
    let (mut left, mut at_work, mut events) = (40 * u64::from(vms), 0_u64, 0_u64);
    let mut next = vec![(Next::Started, 0_u64); vms as usize];
    let mut dies = vec![0_u64; vms as usize];
    let mut idle: Vec<u32> = Vec::new();
    for vm in 0..vms {
        let at = exponential(300.0);
        next[vm as usize] = (Next::Started, at);
        pending.put(2, at, vm);
    }
    while let Some((now, vm)) = pending.take() {
        let slot = vm as usize;
        let (what, at) = next[slot];
        // An idle VM that was given a chunk leaves its end behind.
        if at != now {
            continue;
        }
        events += 1;
        let mut free = None;
        match what {
            Next::Started => {
                dies[slot] = now + exponential(86_400.0);
                let ready = now + STARTUP;
                let lane = if ready <= dies[slot] {
                    next[slot] = (Next::Ready, ready);
                    1
                } else {
                    next[slot] = (Next::CutWhileStarting, dies[slot]);
                    2
                };
                pending.put(lane, next[slot].1, vm);
            }
            Next::Ready => free = Some(vm),
            Next::Done => {
                at_work -= 1;
                if left + at_work == 0 {
                    return (events, now);
                }
                free = Some(vm);
            }
            Next::CutWhileStarting | Next::CutAtWork | Next::CutWhileIdle => {
                next[slot] = (Next::Started, now + exponential(300.0));
                pending.put(2, next[slot].1, vm);
                if what == Next::CutAtWork {
                    at_work -= 1;
                    left += 1;
                    free = std::iter::from_fn(|| idle.pop())
                        .find(|&vm| next[vm as usize].0 == Next::CutWhileIdle);
                }
            }
        }
        let Some(vm) = free else { continue };
        let slot = vm as usize;
        let dies = dies[slot];
        let lane = if left == 0 {
            idle.push(vm);
            next[slot] = (Next::CutWhileIdle, dies);
            2
        } else {
            left -= 1;
            at_work += 1;
            if now + CHUNK <= dies {
                next[slot] = (Next::Done, now + CHUNK);
                0
            } else {
                next[slot] = (Next::CutAtWork, dies);
                2
            }
        };
        pending.put(lane, next[slot].1, vm);
    }
    unreachable!("VMs come back until all is done")
}

/// CPU ns per event of enough runs with `vms` VMs, and what all of them gave.
fn timed<P: Pending>(vms: u32, make: impl Fn() -> P) -> (f64, (u64, u64)) {
    let runs = (2_000_000 / (44 * u64::from(vms))).max(1);
    let mut sums = (0, 0);
    let start = ThreadTime::now();
    for seed in 0..runs {
        let (events, end) = fleet(&mut make(), vms, seed);
        sums = (sums.0 + events, sums.1 + end);
    }
    (start.elapsed().as_secs_f64() * 1e9 / sums.0 as f64, sums)
}

fn cpu(work: impl FnOnce()) -> f64 {
    let start = ThreadTime::now();
    work();
    start.elapsed().as_secs_f64() * 1e9
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let scenario = m2();
    let Workload::Batch(model) = &scenario.workload else { panic!("M2 is a batch") };
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(1);
    let events = play(&mut Batch::default(), model, true);
    assert_eq!(events, play(&mut Batch::stepping(), model, true));
    let mut cases = [
        ("M2, all statistics and the bill", Vec::new()),
        ("M2, the engine alone", Vec::new()),
        ("the same, an event for every chunk", Vec::new()),
    ];
    let mut floors = Vec::new();
    let draws_each = 20_000_000;
    for _ in 0..ROUNDS {
        floors.push(
            cpu(|| {
                black_box(draws(&mut generator, draws_each));
            }) / draws_each as f64,
        );
        let of = |time: f64| time / events as f64;
        cases[0].1.push(of(cpu(|| whole(&scenario))));
        let (mut counting, mut stepping) = (Batch::default(), Batch::stepping());
        cases[1].1.push(of(cpu(|| {
            play(&mut counting, model, false);
        })));
        cases[2].1.push(of(cpu(|| {
            play(&mut stepping, model, false);
        })));
    }
    println!(
        "{ROUNDS} rounds of {REPLICATIONS} replications, medians; {:.0} model events each; CPU ns an event",
        events as f64 / REPLICATIONS as f64
    );
    let ratios = |times: &[f64]| {
        let mut ratios: Vec<f64> =
            times.iter().zip(&floors).map(|(time, draw)| time / draw).collect();
        median(&mut ratios)
    };
    for (name, times) in &cases {
        let ratio = ratios(times);
        println!("{name:<36} {:>8.2} {ratio:>6.2} draws", median(&mut times.clone()));
    }
    println!(
        "{:<36} {:>8.2} {:>6.2}",
        "a draw of Exp(1), scalar ziggurat",
        median(&mut floors),
        1.0
    );

    const NAMES: [&str; 5] = ["binary", "4-ary", "calendar queue", "engine, heap", "engine, lanes"];
    println!("\nan event for everything, independent lives; CPU ns an event");
    println!("{:<10} {}", "VMs", NAMES.map(|name| format!("{name:>15}")).concat());
    for vms in [10_u32, 100, 1_000, 10_000, 100_000] {
        let mut times: [Vec<f64>; 5] = Default::default();
        for _ in 0..ROUNDS {
            let found = [
                timed(vms, || Binary(BinaryHeap::new())),
                timed(vms, || Quaternary(Vec::new())),
                timed(vms, || Days::new(vms as usize)),
                timed(vms, || Engine(Calendar::default())),
                timed(vms, || Engine(Calendar::with_lanes(2))),
            ];
            for ((time, sums), times) in found.iter().zip(&mut times) {
                assert_eq!(*sums, found[0].1, "every calendar gives the same");
                times.push(*time);
            }
        }
        let row = times.map(|mut times| format!("{:>15.1}", median(&mut times)));
        println!("{vms:<10} {}", row.concat());
    }
}

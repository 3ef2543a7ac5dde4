//! From a job to its exact solution: moments first, then the limits of time, then distributions.

use super::attempt::{Attempts, FAMILIES, Fineness, IN_A_CELL, State};
use super::chain::{Chain, Depth, Ends, FORGOTTEN, Ladder, Letters};
use super::grid::{self, Lattice, Rounding};
use super::law::{wait_beyond, wait_jet};
use super::reward::Reward;
use super::ring::{Jet, Ring};
use super::spread::Spread;
use super::{Accuracy, Quantity, Question, Solution, Unsolved};
use crate::model::billing::BillingRules;
use crate::model::capacity::Wait;
use crate::model::plan::{Course, Outcome};
use crate::model::restart::{MOST_ATTEMPTS, RestartRules};
use crate::model::workload::JobModel;
use crate::units::SimDuration;

/// Probabilities below this are neglected.
pub const NEGLECTED: f64 = 1e-9;
/// Chances to reach a timeout that are neglected too; the solution's tolerance then says so.
const NEGLIGIBLE: [f64; 4] = [NEGLECTED, 1e-8, 1e-7, 1e-6];
/// States between two attempts.
const MOST_STATES: usize = 8_000;
/// Steps of one recursion: 0.01 s on moments.
const MOST_STEPS: usize = 1_500_000;
/// The share beyond the end of a lattice.
const BEYOND: f64 = 1e-6;
/// Points of the lattice that finds the end of a distribution, and where steps are many.
const COARSE: usize = 512;
const COARSEST: usize = 128;

/// A job with everything its recursion needs.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// The job.
    pub job: &'a JobModel,
    /// How uptime becomes billed time.
    pub billing: &'a BillingRules,
    /// The recursion.
    pub chain: Chain<'a>,
}

impl<'a> Setting<'a> {
    fn new(question: &Question<'a>, attempts: &'a Attempts, ladder: &'a Ladder) -> Self {
        let job = question.job;
        let times_out =
            |state: &State| job.timeout.is_some_and(|timeout| state.safe_needed > timeout);
        let chain = Chain {
            attempts,
            ladder,
            refused: job.market.no_capacity_probability.fraction(),
            submissions: job.restart.max_submissions,
            safe_times_out: attempts.states.iter().map(times_out).collect(),
            start: 0,
        };
        Self { job, billing: question.billing, chain }
    }

    /// Intervals of a family that some attempt lives through.
    #[must_use]
    pub fn intervals(&self, family: usize) -> usize {
        let states = &self.chain.attempts.states;
        states
            .iter()
            .filter(|state| state.family == family)
            .map(|state| state.full)
            .max()
            .unwrap_or(0)
    }

    /// What an uptime on capacity that is never preempted adds.
    #[must_use]
    pub fn on_safe(&self, reward: &Reward, state: &State) -> f64 {
        let longest = self.job.timeout.unwrap_or(SimDuration::NEVER);
        reward.on_safe(state.safe_needed.min(longest), self.billing)
    }

    /// The wait for such capacity, and the longest that is waited \[h\].
    #[must_use]
    pub fn safe_wait(&self, course: Course) -> (Wait, f64) {
        let market = &self.job.market;
        match course {
            Course::FlexStart => (
                market.flex_wait.unwrap_or(Wait::NONE),
                market.max_wait.map_or(f64::INFINITY, SimDuration::hours),
            ),
            _ => (market.standard.wait, f64::INFINITY),
        }
    }

    /// P(a request for such capacity is refused), where it is made again.
    #[must_use]
    pub fn safe_refused(&self, course: Course) -> f64 {
        match course {
            Course::FlexStart => 0.0,
            _ => self.job.market.standard.no_capacity_probability.fraction(),
        }
    }

    /// A wait for such capacity with all refusals before it, from one wait and the gap after a
    /// refusal.
    pub fn granted<R: Ring>(&self, course: Course, wait: R, gap: R) -> R {
        let refused = self.safe_refused(course);
        if refused == 0.0 {
            return wait;
        }
        wait.scaled(1.0 - refused).times(wait.times(gap).scaled(refused).repeated())
    }

    /// Every step with its moments.
    fn jets(&self, course: Course, reward: &Reward) -> Letters<Jet> {
        let attempts = self.chain.attempts;
        let give_up = self.job.give_up_after.hours();
        let sum = |family: usize, interval: (f64, f64)| {
            let pieces = attempts.pieces(reward, family, interval);
            pieces.iter().fold(Jet::ZERO, |sum, piece| sum.plus(attempts.jet(piece)))
        };
        let spot = course.uses_spot();
        let states = if spot { &attempts.states[..] } else { &[] };
        let (safe_wait, limit) = self.safe_wait(course);
        let safe_limit = limit.min(give_up);
        Letters {
            wait: wait_jet(&self.job.market.wait, give_up, reward.waiting),
            gaps: self
                .chain
                .ladder
                .gaps
                .iter()
                .map(|gap| Jet::fixed(1.0, reward.gap * gap.hours() + reward.restart))
                .collect(),
            resubmit: Jet::fixed(1.0, reward.gap * self.job.restart.resubmit_after.hours()),
            full: std::array::from_fn(|family| {
                let count = if spot { self.intervals(family) } else { 0 };
                (0..count)
                    .map(|c| sum(family, attempts.interval(family, c, f64::INFINITY)))
                    .collect()
            }),
            tail: states
                .iter()
                .map(|state| {
                    let end = state.needed.hours();
                    sum(state.family, attempts.interval(state.family, state.full, end))
                })
                .collect(),
            done: states
                .iter()
                .map(|state| {
                    let mass = attempts.survival.at(state.needed.hours());
                    let amount = |uptime| reward.completed(uptime, self.billing);
                    self.over_cell(state, state.needed, amount).scaled(mass)
                })
                .collect(),
            fallback: Jet::fixed(1.0, reward.gap * self.job.restart.wait_before_fallback.hours()),
            safe_wait: self.granted(
                course,
                wait_jet(&safe_wait, safe_limit, reward.waiting),
                Jet::fixed(1.0, reward.gap * self.job.restart.retry_standard_after.hours()),
            ),
            safe: attempts
                .states
                .iter()
                .map(|state| {
                    let longest = self.job.timeout.unwrap_or(SimDuration::NEVER);
                    let amount =
                        |uptime: SimDuration| reward.on_safe(uptime.min(longest), self.billing);
                    self.over_cell(state, state.safe_needed, amount)
                })
                .collect(),
            no_capacity: if limit.is_finite() {
                Jet::fixed(wait_beyond(&safe_wait, limit), reward.waiting * limit)
            } else {
                Jet::ZERO
            },
        }
    }

    /// An amount that depends on an uptime, over the cell of saved work that a state stands for:
    /// what is billed grows in steps, and its middle would miss them.
    fn over_cell(
        &self,
        state: &State,
        uptime: SimDuration,
        amount: impl Fn(SimDuration) -> f64,
    ) -> Jet {
        let cell = SimDuration::from_hours_nearest(self.chain.attempts.work_step).micros();
        if state.family != IN_A_CELL || cell == 0 {
            return Jet::fixed(1.0, amount(uptime));
        }
        const PARTS: i64 = 16;
        (0..PARTS).fold(Jet::ZERO, |sum, part| {
            let shift = cell * (2 * part + 1 - PARTS) / (2 * PARTS);
            let uptime = SimDuration::from_micros((uptime.micros() + shift).max(1));
            sum.plus(Jet::fixed(1.0 / PARTS as f64, amount(uptime)))
        })
    }

    fn moments(&self, course: Course, reward: &Reward, depth: &Depth) -> Ends<Jet> {
        self.chain.run(&self.jets(course, reward), course, depth)
    }

    /// Probabilities alone.
    fn depth(&self, course: Course, forgotten: f64) -> Option<Depth> {
        if !course.uses_spot() {
            return Some(Depth::default());
        }
        let jets = self.jets(course, &Reward::default());
        let mass = |jets: &Vec<Jet>| jets.iter().map(|jet| jet.mass).collect();
        let letters = Letters {
            wait: jets.wait.mass,
            gaps: mass(&jets.gaps),
            resubmit: 1.0,
            full: jets.full.each_ref().map(mass),
            tail: mass(&jets.tail),
            done: mass(&jets.done),
            fallback: 1.0,
            safe_wait: jets.safe_wait.mass,
            safe: mass(&jets.safe),
            no_capacity: jets.no_capacity.mass,
        };
        self.chain.depth(&letters, course, forgotten, MOST_STEPS)
    }

    /// The value that a quantity exceeds with a probability of at most `beyond`, never too small;
    /// `None` where it is astronomically far.
    fn end(
        &self,
        course: Course,
        reward: &Reward,
        depth: &Depth,
        moments: &Jet,
        beyond: &[f64],
    ) -> Option<Vec<f64>> {
        let (mean, sd) = (moments.mean()?, moments.sd()?);
        if sd == 0.0 {
            return Some(vec![mean; beyond.len()]);
        }
        let steps = depth.layers.iter().sum::<usize>() * self.chain.pairs();
        let size = if steps * COARSE > 100_000_000 { COARSEST } else { COARSE };
        let mut end = mean + 20.0 * sd;
        for _ in 0..60 {
            let step = end / (size - 4) as f64;
            let lattice = Lattice { step, size, rounding: Rounding::Up };
            let masses = grid::masses(self, course, reward, depth, lattice);
            let mut share = 0.0;
            let cumulative: Vec<f64> = masses
                .all
                .iter()
                .map(|mass| {
                    share += mass;
                    share
                })
                .collect();
            let least = beyond.iter().copied().fold(f64::INFINITY, f64::min);
            if !share.is_finite() {
                return None;
            }
            if 1.0 - share > least {
                end *= 4.0;
                continue;
            }
            let at = |beyond: f64| {
                let point = cumulative.partition_point(|share| 1.0 - share > beyond);
                (point + 1) as f64 * step
            };
            let found = at(least);
            if found > 0.25 * end {
                return Some(beyond.iter().map(|&beyond| at(beyond)).collect());
            }
            end = found * 1.1;
        }
        None
    }
}

/// Solves a question.
///
/// # Errors
/// Why it has no exact solution.
pub fn solve(question: &Question<'_>) -> Result<Solution, Unsolved> {
    solution(question, true)
}

/// Solves a question for its means, probabilities and standard deviations, without distributions:
/// much faster.
///
/// # Errors
/// Why it has no exact solution.
pub fn solve_means(question: &Question<'_>) -> Result<Solution, Unsolved> {
    solution(question, false)
}

fn solution(question: &Question<'_>, with_spreads: bool) -> Result<Solution, Unsolved> {
    if question.billing.free_startup > SimDuration::ZERO {
        return Err(Unsolved::FreeStartup);
    }
    if question.course.uses_spot() && question.job.market.replay().is_some() {
        return Err(Unsolved::Replayed);
    }
    // What is never preempted is never replaced, and one node is a gang of one.
    let is_elastic = question.job.elastic.is_some() && question.job.nodes > 1;
    if question.course.uses_spot() && is_elastic {
        return Err(Unsolved::Elastic);
    }
    if question.course.uses_spot() && question.job.market.zones.is_some() {
        return Err(Unsolved::Memory);
    }
    if question.course == Course::SpotUntilDeadline {
        return until_deadline(question, with_spreads);
    }
    if question.course.falls_back() && question.job.market.standard.is_tied() {
        return Err(Unsolved::TiedRefusals);
    }
    solved(question, with_spreads, None)
}

/// `spot-until-deadline` where its moment to leave does not matter: it has passed at the submission,
/// or the work is done before it.
fn until_deadline(question: &Question<'_>, with_spreads: bool) -> Result<Solution, Unsolved> {
    let job = question.job;
    let leave = job.leave.ok_or(Unsolved::UntilDeadline)?;
    let moment = leave.moment(job, SimDuration::ZERO).since_start();
    if moment == SimDuration::ZERO {
        let question = Question { course: Course::Standard, ..*question };
        return solved(&question, with_spreads, None);
    }
    // The moment is at most the guard. With something saved the guard is later, and no run is left
    // longer before it than what comes before work and a last save take.
    let before = job.program.before_work(true) + job.program.save;
    let earliest = moment.saturating_sub(before);
    let job = JobModel {
        restart: RestartRules { max_submissions: u32::MAX, ..job.restart },
        ..job.clone()
    };
    let question = Question { job: &job, course: Course::SpotResubmit, ..*question };
    solved(&question, with_spreads, Some(earliest.hours()))
}

/// Solves a question in which no run may last until `leaves` \[h\], where there is such a moment.
fn solved(
    question: &Question<'_>,
    with_spreads: bool,
    leaves: Option<f64>,
) -> Result<Solution, Unsolved> {
    let ladder = Ladder::new(&question.job.restart).ok_or(Unsolved::Backoff)?;
    let solution = if question.job.program.notice.is_none() || !question.course.uses_spot() {
        solve_with(question, &ladder, Fineness { states: 0 }, with_spreads, leaves)
    } else {
        on_grid_of_work(question, &ladder, with_spreads, leaves)
    };
    Ok(solution?.with_fixed(question.tariff, question.job.nodes))
}

/// Saves on notice: the finest grid of saved work that is fast enough, and one half as fine. The
/// error of a mean falls with the square of the step, so the two tell the limit and its error.
fn on_grid_of_work(
    question: &Question<'_>,
    ladder: &Ladder,
    with_spreads: bool,
    leaves: Option<f64>,
) -> Result<Solution, Unsolved> {
    let mut reason = Unsolved::TooLarge;
    for states in [512, 256, 128] {
        match solve_with(question, ladder, Fineness { states }, false, leaves) {
            Ok(fine) => {
                let coarse = Fineness { states: states / 2 };
                let coarse = solve_with(question, ladder, coarse, false, leaves)?;
                let spread = Fineness { states: 96 };
                let spreads = with_spreads
                    .then(|| solve_with(question, ladder, spread, true, leaves))
                    .transpose()?;
                return Ok(fine.refined(&coarse, spreads));
            }
            Err(found @ (Unsolved::TooLarge | Unsolved::TooManySaves)) => reason = found,
            Err(other) => return Err(other),
        }
    }
    Err(reason)
}

fn solve_with(
    question: &Question<'_>,
    ladder: &Ladder,
    fineness: Fineness,
    with_spreads: bool,
    leaves: Option<f64>,
) -> Result<Solution, Unsolved> {
    let course = question.course;
    let attempts = Attempts::new(question.job, question.billing, fineness, MOST_STATES)
        .ok_or(Unsolved::TooManySaves)?;
    let setting = Setting::new(question, &attempts, ladder);
    check_waits(&setting, course)?;
    let depth = setting.depth(course, FORGOTTEN).ok_or(Unsolved::TooLarge)?;
    let span = setting.moments(course, &Reward::SPAN, &depth);
    let all = span.all();
    // Whatever is not followed, or is unlikely to end at all, shows here.
    if !all.second.is_finite() || (all.mass - 1.0).abs() > NEGLECTED {
        return Err(Unsolved::Endless);
    }
    let of = |reward: &Reward| setting.moments(course, reward, &depth);
    let cost_reward = Reward::cost(question.tariff, question.job.nodes);
    let mut solution = Solution {
        cost: Quantity::new(of(&cost_reward).all()),
        billed: Quantity::new(of(&Reward::BILLED).all()),
        waited: Quantity::new(of(&Reward::WAITED).all()),
        lost_work: Quantity::new(of(&Reward::LOST).all()),
        restarts: Quantity::new(of(&Reward::RESTARTS).all()),
        preemptions: Quantity::new(of(&Reward::PREEMPTIONS).all()),
        makespan: Quantity::new(span.completed),
        cost_if_completed: None,
        lines: question
            .tariff
            .lines
            .iter()
            .map(|line| of(&Reward::of_meter(line.meter)).all().first)
            .collect(),
        outcomes: outcomes(&span),
        on_time: None,
        accuracy: Accuracy { means: 1e-9, saved_work_h: attempts.work_step },
    };
    let depth = setting.depth(course, 0.1 * NEGLECTED).ok_or(Unsolved::TooLarge)?;
    let ends = limits(&setting, course, &depth, &all, &mut solution)?;
    if leaves.is_some_and(|leaves| ends[1] > leaves) {
        return Err(Unsolved::UntilDeadline);
    }
    if with_spreads {
        spreads(question, &setting, &depth, &cost_reward, ends, &mut solution);
    }
    Ok(solution)
}

fn outcomes(span: &Ends<Jet>) -> [f64; 5] {
    let mut outcomes = [0.0; 5];
    outcomes[Outcome::RestartsExhausted as usize] = span.exhausted.mass;
    outcomes[Outcome::NoCapacity as usize] = span.no_capacity.mass;
    outcomes[Outcome::TimedOut as usize] = span.timed_out.mass;
    // A failure of 10⁻¹² must not drown in the rounding of a completion near one.
    let failed: f64 = outcomes.iter().sum();
    outcomes[0] = if span.completed.mass > 0.0 { (1.0 - failed).clamp(0.0, 1.0) } else { 0.0 };
    outcomes
}

/// No wait may reach the end of simulated time.
fn check_waits(setting: &Setting<'_>, course: Course) -> Result<(), Unsolved> {
    let give_up = setting.job.give_up_after.hours();
    let (safe, limit) = setting.safe_wait(course);
    let uses_safe = course != Course::Spot && course != Course::SpotResubmit;
    let spot = course.uses_spot() && wait_beyond(&setting.job.market.wait, give_up) > NEGLECTED;
    if spot || (uses_safe && limit > give_up && wait_beyond(&safe, give_up) > NEGLECTED) {
        return Err(Unsolved::GivesUp);
    }
    let refused = setting.safe_refused(course);
    if uses_safe && libm::pow(refused, f64::from(MOST_ATTEMPTS - 1)) > NEGLECTED {
        return Err(Unsolved::TooManyAttempts);
    }
    Ok(())
}

/// Makes sure that no limit of time or of attempts matters. Returns where the time from submission
/// to the end is cut off: at [`BEYOND`], and at [`NEGLECTED`].
fn limits(
    setting: &Setting<'_>,
    course: Course,
    depth: &Depth,
    span: &Jet,
    solution: &mut Solution,
) -> Result<[f64; 2], Unsolved> {
    let tails = [BEYOND, NEGLECTED];
    let give_up = setting.job.give_up_after.hours();
    let ends = setting.end(course, &Reward::SPAN, depth, span, &tails).ok_or(Unsolved::GivesUp)?;
    if ends[1] > give_up {
        return Err(Unsolved::GivesUp);
    }
    if !course.uses_spot() {
        return Ok([ends[0], ends[1]]);
    }
    if setting.job.restart.max_restarts.is_none()
        || setting.job.restart.counts == crate::model::restart::Counts::Preemption
    {
        let restarts = &solution.restarts.moments;
        let most = setting
            .end(course, &Reward::RESTARTS, depth, restarts, &[NEGLECTED])
            .ok_or(Unsolved::TooManyAttempts)?;
        if most[0] > f64::from(MOST_ATTEMPTS - 1) {
            return Err(Unsolved::TooManyAttempts);
        }
    }
    if let Some(timeout) = setting.job.timeout {
        // A submission that starts with the least saved is taken for all later ones.
        let later = usize::from(depth.layers.len() > 1 && setting.chain.attempts.states.len() > 1);
        for start in 0..=later {
            let mut setting = setting.clone();
            setting.chain.start = start;
            let depth = setting.depth(Course::Spot, 0.1 * NEGLECTED).ok_or(Unsolved::TooLarge)?;
            let span = setting.moments(Course::Spot, &Reward::SPAN, &depth).all();
            let ends = setting
                .end(Course::Spot, &Reward::SPAN, &depth, &span, &NEGLIGIBLE)
                .ok_or(Unsolved::TimesOut)?;
            let within = ends.iter().position(|end| *end <= timeout.hours());
            let beyond = NEGLIGIBLE[within.ok_or(Unsolved::TimesOut)?];
            if beyond > NEGLECTED {
                // A run that times out may cost ten times as much as others.
                solution.accuracy.means = solution.accuracy.means.max(10.0 * beyond);
            }
        }
    }
    Ok([ends[0], ends[1]])
}

/// Steps that people read easily \[s\].
const NICE_SECONDS: [f64; 28] = [
    1e-6, 1e-5, 1e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0,
    6.0, 10.0, 12.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 3_600.0,
];

/// Values that a quantity can take.
#[derive(Clone, Copy)]
enum Points {
    /// Multiples of this, and sums of them.
    Multiples(f64),
    /// Any time.
    Time,
}

/// The distributions of all quantities.
fn spreads(
    question: &Question<'_>,
    setting: &Setting<'_>,
    depth: &Depth,
    cost: &Reward,
    ends: [f64; 2],
    solution: &mut Solution,
) {
    let course = question.course;
    let spreader = Spreader { setting, course, depth };
    let increment = question.billing.increment.hours();
    let unit = |reward: &Reward| {
        Points::Multiples(increment * if reward.paid > 0.0 { reward.paid } else { reward.safe })
    };
    let exact = |quantity: &mut Quantity, reward: &Reward, points: Points, most: usize| {
        quantity.spread = spreader.all(reward, &quantity.moments, points, most);
    };
    exact(&mut solution.billed, &Reward::BILLED, unit(&Reward::BILLED), FINEST);
    exact(&mut solution.waited, &Reward::WAITED, Points::Time, MEDIUM);
    exact(&mut solution.lost_work, &Reward::LOST, Points::Time, MEDIUM);
    exact(&mut solution.restarts, &Reward::RESTARTS, Points::Multiples(1.0), MEDIUM);
    exact(&mut solution.preemptions, &Reward::PREEMPTIONS, Points::Multiples(1.0), MEDIUM);

    let (all, completed) =
        spreader.cost(cost, &solution.cost.moments, unit(cost), solution.outcomes[0]);
    solution.cost.spread = all;
    solution.cost_if_completed = completed;

    let end = match question.deadline {
        Some(deadline) => ends[0].max(ends[1].min(deadline.hours())),
        None => ends[0],
    };
    solution.makespan.spread = spreader.makespan(end, &solution.makespan.moments);
    if let (Some(deadline), Some(spread)) = (question.deadline, &solution.makespan.spread) {
        solution.on_time = Some(spread.at_most(deadline.hours()));
    } else if question.deadline.is_some() && solution.outcomes[0] == 0.0 {
        solution.on_time = Some(0.0);
    }
}

/// The most points of a lattice: of billed time, which has multiples of the increment for values; of
/// cost and makespan; of everything else.
const FINEST: usize = 1 << 16;
const FINE: usize = 1 << 15;
const MEDIUM: usize = 1 << 13;
/// The fewest that are worth it.
const FEWEST: usize = 1 << 10;

/// Makes distributions of one course.
struct Spreader<'a> {
    setting: &'a Setting<'a>,
    course: Course,
    depth: &'a Depth,
}

impl Spreader<'_> {
    /// The distribution of a quantity that every run has.
    fn all(&self, reward: &Reward, moments: &Jet, points: Points, most: usize) -> Option<Spread> {
        if moments.sd()? == 0.0 {
            return Some(Spread::certain(moments.mean()?, 1.0));
        }
        let end = self.end(reward, moments)?;
        let (lattice, on_points) = self.lattice(end, points, most)?;
        let masses = grid::masses(self.setting, self.course, reward, self.depth, lattice);
        Some(Spread::new(lattice.step, &masses.all, on_points, Vec::new(), 1.0))
    }

    /// The distribution of the cost, of all runs and of those that complete.
    fn cost(
        &self,
        reward: &Reward,
        moments: &Jet,
        points: Points,
        completes: f64,
    ) -> (Option<Spread>, Option<Spread>) {
        let found = || {
            let (mean, sd) = (moments.mean()?, moments.sd()?);
            if sd == 0.0 {
                let of = |total| Spread::certain(mean, total);
                return Some((of(1.0), of(completes)));
            }
            let points = if reward.waiting > 0.0 { Points::Multiples(1e-4 * sd) } else { points };
            let end = self.end(reward, moments)?;
            let (lattice, on_points) = self.lattice(end, points, FINE)?;
            let masses = grid::masses(self.setting, self.course, reward, self.depth, lattice);
            let of = |masses: &[f64], total| {
                Spread::new(lattice.step, masses, on_points, Vec::new(), total)
            };
            Some((of(&masses.all, 1.0), of(&masses.completed, completes)))
        };
        found().map_or((None, None), |(all, completed)| (Some(all), Some(completed)))
    }

    /// The distribution of the makespan, of runs that complete, up to `end` \[h\].
    fn makespan(&self, end: f64, moments: &Jet) -> Option<Spread> {
        if moments.sd()? == 0.0 {
            return Some(Spread::certain(moments.mean()?, moments.mass));
        }
        let (lattice, _) = self.lattice(end, Points::Time, FINE)?;
        let masses = grid::masses(self.setting, self.course, &Reward::SPAN, self.depth, lattice);
        let atoms = self.atoms();
        Some(Spread::new(lattice.step, &masses.completed, false, atoms, moments.mass))
    }

    fn end(&self, reward: &Reward, moments: &Jet) -> Option<f64> {
        let ends = self.setting.end(self.course, reward, self.depth, moments, &[BEYOND])?;
        Some(ends[0])
    }

    /// Makespans with a probability of their own: no preemption, and nothing random in the waits.
    fn atoms(&self) -> Vec<(f64, f64)> {
        let chain = &self.setting.chain;
        let attempts = chain.attempts;
        let hours = SimDuration::hours;
        if !self.course.uses_spot() {
            let (wait, limit) = self.setting.safe_wait(self.course);
            return match wait {
                Wait::Fixed(wait) if hours(wait) <= limit => {
                    let refused = self.setting.safe_refused(self.course);
                    let again = hours(wait) + hours(self.setting.job.restart.retry_standard_after);
                    let first =
                        hours(wait) + self.setting.on_safe(&Reward::SPAN, &attempts.states[0]);
                    let mut atoms = Vec::new();
                    let mut mass = 1.0 - refused;
                    while mass >= 1e-9 && atoms.len() < 100 {
                        atoms.push((first + atoms.len() as f64 * again, mass));
                        mass *= refused;
                    }
                    atoms
                }
                _ => Vec::new(),
            };
        }
        let Wait::Fixed(wait) = self.setting.job.market.wait else { return Vec::new() };
        let needed = hours(attempts.states[0].needed);
        let mut atoms = Vec::new();
        let mut at = hours(wait) + needed;
        let mut mass = (1.0 - chain.refused) * attempts.survival.at(needed);
        let most = chain.ladder.most.unwrap_or(u32::MAX);
        for used in 0..100_u32 {
            if mass < 1e-9 {
                break;
            }
            atoms.push((at, mass));
            if used >= most {
                break;
            }
            let gaps = &chain.ladder.gaps;
            let gap = gaps.get(used as usize).or(gaps.last()).copied().unwrap_or_default();
            at += hours(gap) + hours(wait);
            mass *= chain.refused;
        }
        atoms
    }

    /// A lattice up to `end` that is as fine as time and memory allow, and whether the quantity has
    /// its points for values.
    fn lattice(&self, end: f64, points: Points, most: usize) -> Option<(Lattice, bool)> {
        let chain = &self.setting.chain;
        let products: usize = self.depth.layers.iter().sum::<usize>().max(1) * chain.pairs();
        let symbols = 2 * chain.attempts.states.len()
            + (0..FAMILIES).map(|family| self.setting.intervals(family)).sum::<usize>();
        let mut most = most;
        // About 1 ns per product and frequency, 30 ns per symbol and point, 8 bytes per symbol
        // and point.
        let too_much =
            |size: usize| products * size / 2 > 150_000_000 || symbols * size > 10_000_000;
        while most > FEWEST && too_much(most) {
            most /= 2;
        }
        if most <= FEWEST && (products * most / 2 > 200_000_000 || symbols * most > 15_000_000) {
            return None;
        }
        let needed = |step: f64| (end / step).ceil() + 3.0;
        let (step, on_points) = match points {
            Points::Time => {
                let steps = NICE_SECONDS.iter().map(|seconds| seconds / 3_600.0);
                let fits = steps.clone().find(|step| needed(*step) <= most as f64);
                (fits.unwrap_or(end / (most as f64 - 4.0)), false)
            }
            Points::Multiples(unit) => {
                let multiple = (end / unit / (most as f64 - 4.0)).ceil().max(1.0);
                (unit * multiple, multiple == 1.0)
            }
        };
        if !(step > 0.0 && step.is_finite()) {
            return None;
        }
        let size = (needed(step) as usize).next_power_of_two().max(64);
        Some((Lattice { step, size, rounding: Rounding::Nearest }, on_points))
    }
}

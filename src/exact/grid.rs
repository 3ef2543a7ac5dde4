//! From the recursion to a whole distribution: a lattice, transforms, and back.
//!
//! Every quantity is put on a lattice. Continuous parts are rounded to the nearest point; an amount
//! that is certain is split between its two neighbours so that its mean is kept. The recursion then
//! runs at every frequency of the lattice's discrete Fourier transform. Sums beyond the lattice's
//! end would wrap around; masses are damped by e^(−θ·index) before and restored after, which makes
//! what wraps around smaller by e^(−θ·size) = 6·10⁻⁶.
//!
//! Source: P. Embrechts, M. Frei, "Panjer recursion versus FFT for compound distributions",
//! Math. Methods Oper. Res. 69 (2009), section 3.2 (exponential tilting).

use std::sync::Arc;

use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlannerScalar};

use super::attempt::{FAMILIES, Piece, Value};
use super::chain::{Chain, Depth, Ends, Letters};
use super::law::wait_at_most;
use super::reward::Reward;
use super::ring::{LANES, Wave};
use super::solver::Setting;
use crate::model::capacity::Wait;
use crate::model::plan::Course;
use crate::units::SimDuration;

/// θ · size.
const TILT: f64 = 12.0;

/// How values between two points are put on the lattice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest point; certain amounts between their neighbours, mean kept.
    Nearest,
    /// Up: the distribution found is never to the left of the true one.
    Up,
}

/// Equidistant points from zero on.
#[derive(Clone, Copy, Debug)]
pub struct Lattice {
    /// From one point to the next, in the quantity's unit.
    pub step: f64,
    /// How many, a power of two.
    pub size: usize,
    /// How values are put on it.
    pub rounding: Rounding,
}

/// Probabilities at the lattice's points.
#[derive(Clone, Debug)]
pub struct Masses {
    /// Where the job completes.
    pub completed: Vec<f64>,
    /// However it ends.
    pub all: Vec<f64>,
}

/// One step's transform, stored as cheaply as it allows.
enum Symbol {
    /// A probability; nothing is added.
    Constant(f64),
    /// A probability; the same amount, in steps, is always added.
    Atom { mass: f64, at: f64 },
    /// Anything, at frequencies 0 to size ÷ 2.
    Transform(Vec<Complex64>),
}

/// A symbol, or masses that will be one. Masses may end before the lattice does.
enum Draft {
    Ready(Symbol),
    Masses(Vec<f64>),
}

struct Transformer {
    lattice: Lattice,
    /// e^(−θ·index).
    damping: Vec<f64>,
    /// e^(−2πi·index ÷ size).
    turns: Vec<Complex64>,
    forward: Arc<dyn Fft<f64>>,
}

impl Transformer {
    fn new(lattice: Lattice) -> Self {
        let size = lattice.size;
        let damping =
            (0..size).map(|index| libm::exp(-TILT * index as f64 / size as f64)).collect();
        let turns = (0..size)
            .map(|index| {
                let (sin, cos) = libm::sincos(std::f64::consts::TAU * index as f64 / size as f64);
                Complex64::new(cos, -sin)
            })
            .collect();
        // The scalar planner: the same bytes whatever instructions the processor has.
        let forward = FftPlannerScalar::new().plan_fft_forward(size);
        Self { lattice, damping, turns, forward }
    }

    /// The transforms of what is drafted. Two sequences of masses are transformed at once, as the
    /// real and the imaginary part of one: X = (Z(k) + Z*(−k)) ÷ 2, Y = (Z(k) − Z*(−k)) ÷ 2i.
    fn transform(&self, drafts: Vec<Draft>) -> Vec<Symbol> {
        let size = self.lattice.size;
        let mut symbols = Vec::with_capacity(drafts.len());
        let mut values = vec![Complex64::ZERO; size];
        let mut scratch = vec![Complex64::ZERO; self.forward.get_inplace_scratch_len()];
        let mut waiting: Option<(usize, Vec<f64>)> = None;
        let mut pair = |first: &[f64], second: &[f64]| {
            for (index, value) in values.iter_mut().enumerate() {
                let of = |masses: &[f64]| masses.get(index).copied().unwrap_or(0.0);
                *value = Complex64::new(of(first), of(second)) * self.damping[index];
            }
            self.forward.process_with_scratch(&mut values, &mut scratch);
            (0..=size / 2)
                .map(|k| {
                    let (here, there) = (values[k], values[(size - k) & (size - 1)].conj());
                    let (sum, difference) = (0.5 * (here + there), 0.5 * (here - there));
                    (sum, Complex64::new(difference.im, -difference.re))
                })
                .unzip::<_, _, Vec<_>, Vec<_>>()
        };
        for draft in drafts {
            match (draft, waiting.take()) {
                (Draft::Ready(symbol), before) => {
                    symbols.push(symbol);
                    waiting = before;
                }
                (Draft::Masses(masses), None) => {
                    waiting = Some((symbols.len(), masses));
                    symbols.push(Symbol::Constant(0.0));
                }
                (Draft::Masses(second), Some((at, first))) => {
                    let (x, y) = pair(&first, &second);
                    symbols[at] = Symbol::Transform(x);
                    symbols.push(Symbol::Transform(y));
                }
            }
        }
        if let Some((at, masses)) = waiting {
            symbols[at] = Symbol::Transform(pair(&masses, &[]).0);
        }
        symbols
    }

    /// The masses of a transform at frequencies 0 to size ÷ 2.
    fn back(&self, half: &[Complex64]) -> Vec<f64> {
        let size = self.lattice.size;
        // The inverse of a real sequence's transform is the transform of its conjugate.
        let mut values: Vec<Complex64> = (0..size)
            .map(|index| if index <= size / 2 { half[index].conj() } else { half[size - index] })
            .collect();
        self.forward.process(&mut values);
        values
            .iter()
            .zip(&self.damping)
            .map(|(value, damping)| value.re / (size as f64 * damping))
            .collect()
    }

    /// An amount that is certain.
    fn atom(&self, mass: f64, amount: f64) -> Symbol {
        let at = amount / self.lattice.step;
        if amount == 0.0 {
            Symbol::Constant(mass)
        } else if at + 1.0 >= self.lattice.size as f64 {
            Symbol::Constant(0.0)
        } else if self.lattice.rounding == Rounding::Up {
            Symbol::Atom { mass, at: (at - 1e-9).ceil() }
        } else {
            Symbol::Atom { mass, at }
        }
    }

    /// The end of the values that are put on point `index`.
    fn upper(&self, index: usize) -> f64 {
        match self.lattice.rounding {
            Rounding::Nearest => (index as f64 + 0.5) * self.lattice.step,
            Rounding::Up => index as f64 * self.lattice.step * (1.0 + 1e-12),
        }
    }

    /// Puts the law with distribution function `at_most` on the lattice from point `first` on,
    /// until its mass is used up.
    fn fill(
        &self,
        masses: &mut [f64],
        first: usize,
        mut left: f64,
        mut beyond: impl FnMut(f64) -> Option<f64>,
    ) {
        for (index, slot) in masses.iter_mut().enumerate().skip(first) {
            let Some(rest) = beyond(self.upper(index)) else {
                *slot += left;
                return;
            };
            *slot += (left - rest).max(0.0);
            left = left.min(rest);
        }
    }

    /// A Spot attempt that is preempted in an interval.
    fn pieces(&self, setting: &Setting<'_>, pieces: &[Piece]) -> Draft {
        let attempts = setting.chain.attempts;
        if let [Piece { from, to, value: Value::Constant(amount) }] = pieces {
            return Draft::Ready(self.atom(attempts.mass(*from, *to), *amount));
        }
        let mut masses = vec![0.0; self.lattice.size];
        let survival = |t: f64| attempts.survival.at(t);
        let step = self.lattice.step;
        for piece in pieces {
            let Piece { from, to, value } = *piece;
            let (end, mass) = (survival(to), attempts.mass(from, to));
            match value {
                Value::Constant(amount) => self.split(&mut masses, mass, amount / step),
                Value::Billed { weight: 0.0 } => masses[0] += mass,
                Value::Linear { origin, weight } => {
                    let first = (weight * (from - origin) / step - 0.5).max(0.0) as usize;
                    self.fill(&mut masses, first, mass, |upper| {
                        let reached = origin + upper / weight;
                        (reached < to).then(|| survival(reached.max(from)) - end)
                    });
                }
                Value::Billed { weight } => {
                    let first = (weight * from / step - 0.5).max(0.0) as usize;
                    self.fill(&mut masses, first, mass, |upper| {
                        let reached = attempts.billed_at_most(upper / weight);
                        (reached < to).then(|| survival(reached.max(from)) - end)
                    });
                }
            }
        }
        let used = masses.iter().rposition(|mass| *mass != 0.0).map_or(0, |last| last + 1);
        masses.truncate(used);
        masses.shrink_to_fit();
        Draft::Masses(masses)
    }

    fn split(&self, masses: &mut [f64], mass: f64, at: f64) {
        let at = if self.lattice.rounding == Rounding::Up { (at - 1e-9).ceil() } else { at };
        if at >= masses.len() as f64 {
            return;
        }
        let (point, rest) = split(at);
        for (index, share) in [(point, 1.0 - rest), (point + 1, rest)] {
            if let Some(slot) = masses.get_mut(index) {
                *slot += mass * share;
            }
        }
    }

    /// A wait of at most `limit`, `weight` times.
    fn wait(&self, wait: &Wait, weight: f64, limit: f64) -> Symbol {
        if let Wait::Fixed(fixed) = wait {
            let granted = f64::from(u8::from(fixed.hours() <= limit));
            return self.atom(granted, weight * fixed.hours());
        }
        let granted = wait_at_most(wait, limit);
        if weight == 0.0 {
            return Symbol::Constant(granted);
        }
        let mut masses = vec![0.0; self.lattice.size];
        self.fill(&mut masses, 0, granted, |upper| {
            (upper / weight < limit).then(|| granted - wait_at_most(wait, upper / weight))
        });
        self.transform(vec![Draft::Masses(masses)]).pop().unwrap_or(Symbol::Constant(granted))
    }

    /// A symbol at [`LANES`] frequencies from `from` on.
    fn wave(&self, symbol: &Symbol, from: usize) -> Wave {
        match symbol {
            Symbol::Constant(mass) => Wave::constant(*mass),
            Symbol::Transform(values) => Wave::of(values, from),
            Symbol::Atom { mass, at } => {
                let (point, rest) = split(*at);
                let mask = self.lattice.size - 1;
                let turn = |steps: usize| self.turns[steps & mask];
                // e^(−iω·point) at the first frequency, then turned from each to the next.
                let here = mass * (1.0 - rest) * self.damping[point];
                let mut value = turn(point * from) * here;
                let onward = turn(point);
                let mut values = [Complex64::ZERO; LANES];
                for slot in &mut values {
                    *slot = value;
                    value *= onward;
                }
                if rest > 0.0 {
                    let next = mass * rest * self.damping[point + 1];
                    for (lane, slot) in values.iter_mut().enumerate() {
                        *slot += turn((point + 1) * (from + lane)) * next;
                    }
                }
                Wave::of(&values, 0)
            }
        }
    }
}

/// The point below and how far towards the next; what is nearly on a point is on it.
fn split(at: f64) -> (usize, f64) {
    let point = (at + 1e-6).floor();
    let rest = at - point;
    (point as usize, if rest < 1e-6 { 0.0 } else { rest })
}

/// Transforms of every step, for one quantity.
struct Alphabet<'a> {
    setting: &'a Setting<'a>,
    course: Course,
    transformer: Transformer,
    wait: Symbol,
    gaps: Vec<Symbol>,
    resubmit: Symbol,
    full: [Vec<Symbol>; FAMILIES],
    tail: Vec<Symbol>,
    done: Vec<Symbol>,
    fallback: Symbol,
    /// One wait for capacity that is never preempted, and the gap after a refusal.
    safe_wait: Symbol,
    retry: Symbol,
    safe: Vec<Symbol>,
    no_capacity: Symbol,
}

impl<'a> Alphabet<'a> {
    fn new(setting: &'a Setting<'a>, course: Course, reward: &Reward, lattice: Lattice) -> Self {
        let transformer = Transformer::new(lattice);
        let t = &transformer;
        let attempts = setting.chain.attempts;
        let market = &setting.job.market;
        let hours = SimDuration::hours;
        let full = std::array::from_fn(|family| {
            let count = if course.uses_spot() { setting.intervals(family) } else { 0 };
            let draft = |c| {
                let interval = attempts.interval(family, c, f64::INFINITY);
                t.pieces(setting, &attempts.snapped(reward, family, c, interval))
            };
            t.transform((0..count).map(draft).collect())
        });
        let of_states = |of: &dyn Fn(&super::attempt::State) -> Symbol| -> Vec<Symbol> {
            attempts.states.iter().map(of).collect()
        };
        let tail = |state: &super::attempt::State| {
            let end = state.needed.hours();
            let interval = attempts.interval(state.family, state.full, end);
            t.pieces(setting, &attempts.snapped(reward, state.family, state.full, interval))
        };
        let done = |state: &super::attempt::State| {
            let mass = attempts.survival.at(hours(state.needed));
            t.atom(mass, reward.completed(state.needed, setting.billing))
        };
        let safe = |state: &super::attempt::State| t.atom(1.0, setting.on_safe(reward, state));
        let (safe_wait, limit) = setting.safe_wait(course);
        let rules = &setting.job.restart;
        Self {
            setting,
            course,
            wait: t.wait(&market.wait, reward.waiting, f64::INFINITY),
            gaps: setting
                .chain
                .ladder
                .gaps
                .iter()
                .map(|gap| t.atom(1.0, reward.gap * hours(*gap) + reward.restart))
                .collect(),
            resubmit: t.atom(1.0, reward.gap * hours(rules.resubmit_after)),
            full,
            tail: if course.uses_spot() {
                t.transform(attempts.states.iter().map(tail).collect())
            } else {
                Vec::new()
            },
            done: if course.uses_spot() { of_states(&done) } else { Vec::new() },
            fallback: t.atom(1.0, reward.gap * hours(rules.wait_before_fallback)),
            retry: t.atom(1.0, reward.gap * hours(rules.retry_standard_after)),
            safe_wait: t.wait(&safe_wait, reward.waiting, limit),
            safe: of_states(&safe),
            no_capacity: if limit.is_finite() {
                t.atom(super::law::wait_beyond(&safe_wait, limit), reward.waiting * limit)
            } else {
                Symbol::Constant(0.0)
            },
            transformer,
        }
    }

    fn letters(&self, from: usize) -> Letters<Wave> {
        let wave = |symbol: &Symbol| self.transformer.wave(symbol, from);
        let waves = |symbols: &Vec<Symbol>| symbols.iter().map(wave).collect();
        Letters {
            wait: wave(&self.wait),
            gaps: waves(&self.gaps),
            resubmit: wave(&self.resubmit),
            full: self.full.each_ref().map(waves),
            tail: waves(&self.tail),
            done: waves(&self.done),
            fallback: wave(&self.fallback),
            safe_wait: self.setting.granted(self.course, wave(&self.safe_wait), wave(&self.retry)),
            safe: waves(&self.safe),
            no_capacity: wave(&self.no_capacity),
        }
    }
}

/// The distribution of a quantity under a course.
#[must_use]
pub fn masses(
    setting: &Setting<'_>,
    course: Course,
    reward: &Reward,
    depth: &Depth,
    lattice: Lattice,
) -> Masses {
    let alphabet = Alphabet::new(setting, course, reward, lattice);
    let frequencies = lattice.size / 2 + 1;
    let chain: &Chain<'_> = &setting.chain;
    let mut completed = Vec::with_capacity(frequencies + LANES);
    let mut all = Vec::with_capacity(frequencies + LANES);
    for from in (0..frequencies).step_by(LANES) {
        let ends: Ends<Wave> = chain.run(&alphabet.letters(from), course, depth);
        let total = ends.all();
        for lane in 0..LANES {
            completed.push(ends.completed.lane(lane));
            all.push(total.lane(lane));
        }
    }
    Masses {
        completed: alphabet.transformer.back(&completed),
        all: alphabet.transformer.back(&all),
    }
}

//! Usage intervals and a tariff → line items: a pure function.
//!
//! Owns what is metered and how it is rounded. Leaves to [`super::tariff`] which lines a plan has.

use multiversion::multiversion;

use super::capacity::Capacity;
use super::spot_price::Path;
use crate::columns::{self, Divisor, larger};
use crate::units::{Rate, SimDuration, SimTime};

/// How billed time follows from uptime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BillingRules {
    /// Billed time is a multiple of this, at least 1 µs. Source: per-second billing, Compute Engine
    /// VM pricing; for Vertex AI no sentence of Google's was found (an assumption).
    pub increment: SimDuration,
    /// Billed time is at least this.
    pub minimum: SimDuration,
    /// A preemption before this uptime waives the Compute Engine line. Source: "preempted … less
    /// than one minute after … not billed", Spot VMs (Google Cloud, 2026-03-19).
    pub free_if_preempted_within: SimDuration,
    /// The first part of every uptime that is not billed: zero where startup is billed. Google says
    /// so of batch inference alone (an assumption elsewhere).
    pub free_startup: SimDuration,
}

impl BillingRules {
    /// Billed time of one VM for one uptime: max(minimum, ⌈uptime ÷ increment⌉ · increment), less
    /// the startup where it is free.
    #[inline]
    #[must_use]
    pub fn billed(&self, uptime: SimDuration) -> SimDuration {
        let uptime = uptime.saturating_sub(self.free_startup);
        let up_to_multiple =
            |increment: i64| (uptime.micros() + (increment - 1)) / increment * increment;
        let micros = match self.increment.micros() {
            // Dividing by a constant is much faster, and the second is the common case.
            1_000_000 => up_to_multiple(1_000_000),
            increment => up_to_multiple(increment),
        };
        SimDuration::from_micros(micros).max(self.minimum)
    }
}

/// [`BillingRules`] for columns \[µs\].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColumnRules {
    increment: Divisor,
    minimum: f64,
    /// A preemption before this uptime is waived.
    pub free_if_preempted_within: f64,
    free_startup: f64,
}

impl BillingRules {
    /// The same for columns, where uptimes are below 2⁴⁹ µs; `None` where an increment or a minimum
    /// is longer than a day.
    #[must_use]
    pub fn for_columns(&self) -> Option<ColumnRules> {
        let are_short = self.increment.max(self.minimum) <= SimDuration::from_hours(24);
        are_short.then(|| ColumnRules {
            increment: Divisor::new(self.increment.micros() as u64),
            minimum: self.minimum.micros() as f64,
            free_if_preempted_within: self.free_if_preempted_within.micros() as f64,
            free_startup: self.free_startup.micros() as f64,
        })
    }
}

impl ColumnRules {
    /// As [`BillingRules::billed`].
    #[inline]
    #[must_use]
    pub fn billed(&self, uptime: f64) -> f64 {
        let uptime = larger(uptime - self.free_startup, 0.0);
        larger(self.increment.multiple_from(uptime), self.minimum)
    }
}

/// One uptime of one VM, or of every VM of a gang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What was used.
    pub capacity: Capacity,
    /// VM start to its end.
    pub uptime: SimDuration,
    /// Ended by a preemption.
    pub preempted: bool,
}

/// Billed time of one replication, summed before any price is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metered {
    /// Billed time by capacity: Spot, standard, flex-start \[VM-µs of one gang member\].
    billed: [i64; 3],
    /// The part of it that the first minute waives.
    waived: i64,
    /// Makespan or horizon, for what is charged used or not.
    span: i64,
    /// Billed Spot time that is not waived × its price at the time \[VM-µs × picounits per hour\];
    /// nothing where the price does not move.
    paid: i128,
}

impl Metered {
    /// Adds one uptime.
    #[inline]
    pub fn add(&mut self, usage: Usage, rules: &BillingRules) {
        let billed = rules.billed(usage.uptime).micros();
        // Saturated time is refused in `Tariff::bill`.
        let sum = &mut self.billed[usage.capacity as usize];
        *sum = sum.saturating_add(billed);
        if usage.preempted && usage.uptime < rules.free_if_preempted_within {
            self.waived = self.waived.saturating_add(billed);
        }
    }

    /// Sets the time charged whether used or not; it is no uptime, so it is not rounded.
    #[inline]
    pub const fn set_span(&mut self, span: SimDuration) {
        self.span = span.micros();
    }

    /// Charges the span for each of `vms` VMs that are metered one by one.
    pub fn repeat_span(&mut self, vms: u32) {
        self.span = self.span.saturating_mul(i64::from(vms));
    }

    /// Sets what billed Spot time is worth along the path of its price: the sum of [`Self::worth`].
    pub const fn set_paid(&mut self, paid: i128) {
        self.paid = paid;
    }

    /// What an uptime from `started` on is worth along the path of the Spot price \[VM-µs × picounits
    /// per hour\]; nothing where it is no Spot time, or waived. Billed time is counted from the start
    /// of the VM, or from the end of a free startup.
    #[must_use]
    pub fn worth(
        usage: Usage,
        started: SimTime,
        rules: &BillingRules,
        path: &mut Path<'_>,
    ) -> i128 {
        let is_waived = usage.preempted && usage.uptime < rules.free_if_preempted_within;
        if usage.capacity != Capacity::Spot || is_waived {
            return 0;
        }
        let from = started + rules.free_startup.min(usage.uptime);
        path.paid(from, rules.billed(usage.uptime))
    }

    /// Billed time over all capacities \[VM-µs of one gang member\].
    #[inline]
    #[must_use]
    pub fn total(&self) -> i64 {
        self.billed.iter().fold(0, |sum, &billed| sum.saturating_add(billed))
    }
}

/// Billed time of many replications: [`Metered`] as columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeteredColumns {
    billed: [Vec<i64>; 3],
    waived: Vec<i64>,
    span: Vec<i64>,
    /// As in [`Metered`]; empty while it is nothing for all.
    paid: Vec<i128>,
    /// Not all time is on Spot VMs.
    is_mixed: bool,
    /// Of it, what is metered apart: see [`Pool::part`].
    parts: Vec<MeteredColumns>,
}

impl From<Metered> for MeteredColumns {
    fn from(one: Metered) -> Self {
        let mut columns = Self::of(1);
        columns.set(0, one);
        columns
    }
}

impl MeteredColumns {
    /// Nothing billed of so many replications.
    #[must_use]
    pub fn of(replications: usize) -> Self {
        let column = vec![0; replications];
        Self {
            billed: [column.clone(), column.clone(), column.clone()],
            waived: column.clone(),
            span: column,
            paid: Vec::new(),
            is_mixed: false,
            parts: Vec::new(),
        }
    }

    /// The same with as many parts that are metered apart.
    #[must_use]
    pub fn with_parts(mut self, parts: usize) -> Self {
        if parts == 0 {
            return self;
        }
        let blank = Self { parts: Vec::new(), ..self.clone() };
        self.parts = vec![blank; parts];
        self
    }

    /// Sets the parts of the replication at a place, in their order.
    pub fn set_parts(&mut self, place: usize, parts: &[Metered]) {
        for (columns, &metered) in self.parts.iter_mut().zip(parts) {
            columns.set(place, metered);
        }
    }

    /// Sets the replication at a place.
    pub fn set(&mut self, place: usize, metered: Metered) {
        for (column, billed) in self.billed.iter_mut().zip(metered.billed) {
            column[place] = billed;
        }
        self.waived[place] = metered.waived;
        self.span[place] = metered.span;
        if metered.paid != 0 || !self.paid.is_empty() {
            self.paid.resize(self.span.len(), 0);
            self.paid[place] = metered.paid;
        }
        let [_, standard, flex_start] = metered.billed;
        self.is_mixed |= standard | flex_start != 0;
    }

    /// Sets all: time on Spot VMs alone, the part of it that is waived, and the span, as columns of
    /// whole µs.
    pub fn set_spot(&mut self, billed: &[f64], waived: &[f64], span: &[f64]) {
        let [spot, standard, flex_start] = &mut self.billed;
        if std::mem::take(&mut self.is_mixed) {
            standard.fill(0);
            flex_start.fill(0);
        }
        let columns = [(spot, billed), (&mut self.waived, waived), (&mut self.span, span)];
        for (column, numbers) in columns {
            columns::wholes(numbers, column, |whole| whole as i64);
        }
    }

    /// Appends the billed time over all capacities of the first `count`: see [`Metered::total`].
    pub fn totals(&self, count: usize, totals: &mut Vec<u64>) {
        let [spot, standard, flex_start] = &self.billed;
        if !self.is_mixed {
            totals.extend(spot[..count].iter().map(|&spot| spot as u64));
            return;
        }
        let columns = spot[..count].iter().zip(&standard[..count]).zip(&flex_start[..count]);
        totals.extend(columns.map(|((&spot, &standard), &flex_start)| {
            spot.saturating_add(standard).saturating_add(flex_start) as u64
        }));
    }

    /// Whether the billed time of any of the first `count` leaves 64 bits.
    fn overflows(&self, count: usize) -> bool {
        // Where all bits together are far from the limit, so is every total.
        let bits = |column: &Vec<i64>| column[..count].iter().fold(0, |bits, &of| bits | of);
        let used = if self.is_mixed { &self.billed[..] } else { &self.billed[..1] };
        if used.iter().all(|column| bits(column) < 1 << 60) {
            return false;
        }
        let mut totals = Vec::new();
        self.totals(count, &mut totals);
        totals.contains(&(i64::MAX as u64))
    }

    /// What a meter reads of the first `quantities.len()` replications, times `vms`
    /// \[VM-µs\].
    fn read(&self, meter: Meter, vms: u32, quantities: &mut [u64]) -> Result<(), OutOfRange> {
        let (column, waived) = match meter {
            Meter::Uptime(capacity) => (&self.billed[capacity as usize], None),
            Meter::SpotOverTime => {
                return self.read(Meter::UnlessWaived(Capacity::Spot), vms, quantities);
            }
            Meter::UnlessWaived(capacity) => {
                let is_waivable = capacity == Capacity::Spot;
                (&self.billed[capacity as usize], is_waivable.then_some(&self.waived))
            }
            Meter::Span => (&self.span, None),
            Meter::Fixed(time) => {
                let quantity = time.micros().checked_mul(i64::from(vms)).ok_or(OutOfRange)?;
                quantities.fill(quantity as u64);
                return Ok(());
            }
        };
        for (quantity, &time) in quantities.iter_mut().zip(column) {
            *quantity = time as u64;
        }
        for (quantity, &waived) in quantities.iter_mut().zip(waived.into_iter().flatten()) {
            *quantity -= waived as u64;
        }
        if vms > 1 {
            for quantity in quantities {
                let times = (*quantity as i64).checked_mul(i64::from(vms)).ok_or(OutOfRange)?;
                *quantity = times as u64;
            }
        }
        Ok(())
    }
}

/// What a line item counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meter {
    /// Billed time on this capacity.
    Uptime(Capacity),
    /// Billed time on this capacity, less what the first minute waives.
    UnlessWaived(Capacity),
    /// As [`Self::UnlessWaived`] on Spot, each moment at the price of its time; the line's price is that
    /// at the start.
    SpotOverTime,
    /// Makespan or horizon, used or not.
    Span,
    /// So much in every replication, whatever happens \[VM-µs of one gang member\].
    Fixed(SimDuration),
}

/// A price with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The price per VM and hour.
    pub rate: Rate,
    /// The day it was valid, `YYYY-MM-DD`; empty for the user's own.
    pub as_of: String,
    /// Its source.
    pub source: String,
}

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// The machine itself.
    Compute,
    /// Vertex AI's management fee.
    ManagementFee,
    /// The boot disk that Vertex AI training bills.
    BootDisk,
    /// Local SSD that comes with the machine type.
    LocalSsd,
    /// A commitment of one's own that the plan does not use.
    StrandedCommitment,
}

impl Component {
    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compute => "compute",
            Self::ManagementFee => "management-fee",
            Self::BootDisk => "boot-disk",
            Self::LocalSsd => "local-ssd",
            Self::StrandedCommitment => "stranded-commitment",
        }
    }
}

/// Some of a workload's VMs that have lines of their own: a pool of machines of a job, or a deployed
/// model of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// How many VMs it has; of a model the most, one for each replica.
    pub vms: u32,
    /// The place of its metered time among the parts metered apart; `None` where its VMs run when all
    /// do.
    pub part: Option<usize>,
}

/// One line of a tariff: what is counted, at which price per VM-hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose time it counts; `None` for the whole workload's.
    pub pool: Option<Pool>,
    /// What it is for.
    pub component: Component,
    /// The name of what is sold, in words.
    pub sku: String,
    /// What it counts.
    pub meter: Meter,
    /// Its price.
    pub price: Figure,
}

impl Line {
    /// How many VMs run for the time that it counts, in a gang of so many.
    #[must_use]
    pub fn vms(&self, gang: u32) -> u32 {
        match &self.pool {
            None => gang,
            Some(Pool { part: None, vms, .. }) => *vms,
            // Metered VM by VM.
            Some(Pool { part: Some(_), .. }) => 1,
        }
    }

    /// The part of the metered time that it counts.
    fn part(&self) -> Option<usize> {
        self.pool.as_ref().and_then(|pool| pool.part)
    }

    /// Whether it is the machine itself on demand, with Vertex AI's fee or without.
    #[must_use]
    pub fn is_standard_machine(&self) -> bool {
        self.component == Component::Compute
            && matches!(
                self.meter,
                Meter::Uptime(Capacity::Standard) | Meter::UnlessWaived(Capacity::Standard)
            )
    }

    /// Whether it is the machine itself, at the Spot price.
    #[must_use]
    pub fn is_spot_machine(&self) -> bool {
        self.component == Component::Compute
            && matches!(self.meter, Meter::UnlessWaived(Capacity::Spot) | Meter::SpotOverTime)
    }
}

/// All the lines of one plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tariff {
    /// In the order in which they are shown.
    pub lines: Vec<Line>,
}

/// One replication's amount is more than 9.2 thousand million units of the currency, or its billed
/// time more than 292,000 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cost of one replication leaves the range of 64-bit nanounits (9.2 thousand million)")]
pub struct OutOfRange;

impl Tariff {
    /// Bills Spot machines at the price of each moment from now on.
    pub fn follow_spot_price(&mut self) {
        for line in &mut self.lines {
            if line.is_spot_machine() {
                line.meter = Meter::SpotOverTime;
            }
        }
    }

    /// Bills Spot machines at one price from now on, line by line.
    pub fn set_spot_price(&mut self, rate: impl Fn(&Line) -> Rate) {
        for line in &mut self.lines {
            if line.is_spot_machine() {
                line.price.rate = rate(line);
                line.meter = Meter::UnlessWaived(Capacity::Spot);
            }
        }
    }

    /// The cost of one replication with a gang of `vms` VMs \[nanounits\]: see [`Self::bill_all`].
    ///
    /// # Errors
    /// A quantity or an amount that leaves 64 bits.
    pub fn bill(&self, metered: Metered, vms: u32) -> Result<u64, OutOfRange> {
        self.bill_with_parts(metered, &[], vms)
    }

    /// The same with what is metered apart.
    ///
    /// # Errors
    /// A quantity or an amount that leaves 64 bits.
    pub fn bill_with_parts(
        &self,
        metered: Metered,
        parts: &[Metered],
        vms: u32,
    ) -> Result<u64, OutOfRange> {
        let mut columns = MeteredColumns::from(metered).with_parts(parts.len());
        columns.set_parts(0, parts);
        let mut costs = [0];
        self.bill_all(&columns, vms, &mut costs, |_, _, _| {})?;
        Ok(costs[0])
    }

    /// How many parts of the workload are metered apart for it.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.lines.iter().filter_map(Line::part).map(|part| part + 1).max().unwrap_or(0)
    }

    /// Sets the costs of the first `costs.len()` replications with a gang of `vms` VMs \[nanounits\];
    /// for each line the sums of its quantities \[VM-µs\] and amounts \[nanounits\] are handed to
    /// `each`. Every amount is rounded half to even to the nanounit, once per replication and line.
    ///
    /// # Errors
    /// A quantity or an amount that leaves 64 bits.
    pub fn bill_all(
        &self,
        metered: &MeteredColumns,
        vms: u32,
        costs: &mut [u64],
        mut each: impl FnMut(usize, u128, u128),
    ) -> Result<(), OutOfRange> {
        if metered.overflows(costs.len()) {
            return Err(OutOfRange);
        }
        costs.fill(0);
        let mut quantities = vec![0; costs.len()];
        for (index, line) in self.lines.iter().enumerate() {
            let of = line.part().map_or(metered, |part| &metered.parts[part]);
            of.read(line.meter, line.vms(vms), &mut quantities)?;
            let amounts = if line.meter == Meter::SpotOverTime {
                along_the_path(&of.paid, line.vms(vms), costs)?
            } else {
                match whole_seconds(&quantities, line.price.rate, costs) {
                    Some(amounts) => amounts,
                    None => to_the_microsecond(&quantities, line.price.rate, costs)?,
                }
            };
            each(index, quantities.iter().map(|&quantity| u128::from(quantity)).sum(), amounts);
            // Amounts and costs so far are below 2⁶³: no sum of two is lost.
            if costs.iter().fold(0, |bits, &cost| bits | cost) > i64::MAX as u64 {
                return Err(OutOfRange);
            }
        }
        Ok(())
    }

    /// What one VM costs for one hour of uptime, counted by the meters of `capacity`; a commitment's
    /// hour is counted under standard capacity.
    #[must_use]
    pub fn per_hour(&self, capacity: Capacity) -> Rate {
        self.lines
            .iter()
            .filter(|line| match line.meter {
                Meter::Uptime(of) | Meter::UnlessWaived(of) => of == capacity,
                Meter::SpotOverTime => capacity == Capacity::Spot,
                Meter::Span => capacity == Capacity::Standard,
                // No hour of uptime adds to it.
                Meter::Fixed(_) => false,
            })
            .fold(Rate::ZERO, |sum, line| sum + line.price.rate)
    }
}

/// Adds the amounts of the common case to `costs`, whole seconds at a price of whole nanounits,
/// where they are below 2⁴⁹; their sum. `None` where it is not the case: then nothing is added.
#[multiversion(targets = "simd")]
fn whole_seconds(quantities: &[u64], rate: Rate, costs: &mut [u64]) -> Option<u128> {
    const MICROS: f64 = 1e6;
    // Where a sum of so many does not leave 64 bits.
    const MOST: usize = 1 << 14;
    let picos = rate.picos() as u64;
    // No quantity is more than all their bits together.
    let bits = quantities.iter().fold(0, |bits, &quantity| bits | quantity);
    let largest = (bits / 1_000_000).checked_mul(picos / 1_000)?;
    let are_small = bits < 1 << 50 && largest < 1 << 49 && quantities.len() <= MOST;
    if !picos.is_multiple_of(1_000) || !are_small {
        return None;
    }
    let seconds = |quantity: u64| columns::nearest(columns::number(quantity) * (1.0 / MICROS));
    let is_split = |quantity: u64| seconds(quantity) * MICROS != columns::number(quantity);
    if quantities.iter().fold(false, |split, &quantity| split | is_split(quantity)) {
        return None;
    }
    let nanos = (picos / 1_000) as f64;
    let hour = Divisor::new(3_600);
    let mut amounts = 0;
    for (&quantity, cost) in quantities.iter().zip(costs) {
        let (whole, rest) = hour.divide(seconds(quantity) * nanos);
        let whole = columns::whole(whole);
        // A half goes to even.
        let amount = whole + u64::from(columns::whole(rest) + (whole & 1) > 1_800);
        amounts += amount;
        *cost += amount;
    }
    Some(amounts.into())
}

/// Adds the amounts to `costs`, whatever they are; their sum.
fn to_the_microsecond(
    quantities: &[u64],
    rate: Rate,
    costs: &mut [u64],
) -> Result<u128, OutOfRange> {
    let mut amounts = 0_u128;
    for (&quantity, cost) in quantities.iter().zip(costs) {
        let amount = amount(quantity, rate)?;
        amounts += u128::from(amount);
        *cost = cost.checked_add(amount).ok_or(OutOfRange)?;
    }
    Ok(amounts)
}

/// Adds what `vms` VMs pay along the path of the Spot price to `costs`; their sum. Every amount is
/// rounded once: a change of the price splits the rate, not the rounding.
fn along_the_path(paid: &[i128], vms: u32, costs: &mut [u64]) -> Result<u128, OutOfRange> {
    let mut amounts = 0_u128;
    for (&paid, cost) in paid.iter().zip(costs) {
        let product = paid.checked_mul(i128::from(vms)).ok_or(OutOfRange)?;
        let amount = nanounits(product)?;
        amounts += u128::from(amount);
        *cost = cost.checked_add(amount).ok_or(OutOfRange)?;
    }
    Ok(amounts)
}

/// `quantity` \[VM-µs\] × `rate` \[picounits per hour\] in nanounits, rounded half to even.
#[inline]
fn amount(quantity: u64, rate: Rate) -> Result<u64, OutOfRange> {
    nanounits(i128::from(quantity) * i128::from(rate.picos()))
}

/// VM-µs × picounits per hour in nanounits, rounded half to even.
#[inline]
fn nanounits(product: i128) -> Result<u64, OutOfRange> {
    // 3.6·10⁹ µs in an hour, 10³ picounits in a nanounit.
    let nanos = crate::units::div_half_even(product, 3_600_000_000_000);
    u64::try_from(nanos).map_err(|_| OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BillingRules = BillingRules {
        increment: SimDuration::from_secs(1),
        minimum: SimDuration::ZERO,
        free_if_preempted_within: SimDuration::from_secs(60),
        free_startup: SimDuration::ZERO,
    };

    #[test]
    fn billed_time_is_rounded_up_and_at_least_the_minimum() {
        let rules = BillingRules { minimum: SimDuration::from_secs(60), ..RULES };
        let billed = |micros| rules.billed(SimDuration::from_micros(micros)).micros();
        assert_eq!(billed(1), 60_000_000);
        assert_eq!(billed(60_000_001), 61_000_000);
        assert_eq!(billed(61_000_000), 61_000_000);
    }

    /// 65 min of uptime and 7 min of wait at 0.70 per hour, whatever the increment: 72 min are 0.84.
    #[test]
    fn a_commitment_is_charged_for_its_span_as_it_is() {
        let hour = SimDuration::from_hours(1);
        let rules = BillingRules { increment: hour, minimum: hour.times(10), ..RULES };
        let capacity = Capacity::Standard;
        let uptime = SimDuration::from_secs(65 * 60);
        let mut metered = Metered::default();
        metered.add(Usage { capacity, uptime, preempted: false }, &rules);
        metered.set_span(SimDuration::from_secs(72 * 60));
        let price = Figure {
            rate: Rate::parse("0.70 USD/h").unwrap().0,
            as_of: String::new(),
            source: String::new(),
        };
        let line = Line {
            pool: None,
            component: Component::Compute,
            sku: String::new(),
            meter: Meter::Span,
            price,
        };
        let tariff = Tariff { lines: vec![line] };

        assert_eq!(tariff.bill(metered, 1), Ok(840_000_000));
    }

    #[test]
    fn both_ways_to_multiply_agree_and_round_half_to_even() {
        for (seconds, picos) in [(1, 1_800_000), (3, 600_000), (9, 200_000), (7, 123_456_000)] {
            let exact = crate::units::div_half_even(seconds * picos, 3_600_000) as u128;
            let (quantity, rate) = ([seconds as u64 * 1_000_000], Rate::from_picos(picos as i64));
            assert_eq!(to_the_microsecond(&quantity, rate, &mut [0]), Ok(exact));
            assert_eq!(whole_seconds(&quantity, rate, &mut [0]), Some(exact));
        }
        // 1800 s at 1 nanounit/h is half a nanounit: to even, 0; 5400 s is 1.5: 2.
        let rate = Rate::from_picos(1_000);
        assert_eq!(amount(1_800_000_000, rate).unwrap(), 0);
        assert_eq!(amount(5_400_000_000, rate).unwrap(), 2);
        let mut costs = [0; 2];
        assert_eq!(whole_seconds(&[1_800_000_000, 5_400_000_000], rate, &mut costs), Some(2));
        assert_eq!(costs, [0, 2]);
        assert!(amount(u64::MAX, Rate::LARGEST).is_err());
    }

    /// Two VMs, by hand. The price is 0.400000001 until 1 h, then 0.5, in USD/h. Uptimes: 0:30:00.5
    /// to 1:30:00.5 (billed 3,600 s: 1,799.5 s at the first price, 1,800.5 s at the second), and
    /// 2:00:00 to 2:00:30, preempted: waived.
    /// 2 × (1,799.5 × 0.400000001 + 1,800.5 × 0.5) ÷ 3,600 = 0.9000277787775…, at once rounded to
    /// 0.900027779 (each part rounded first would be 0.399888890 + 0.500138889 = 0.900027779 too;
    /// with one VM 0.450013889 against 0.199944445 + 0.250069444 = 0.450013889).
    #[test]
    fn a_price_change_splits_the_rate_and_not_the_rounding() {
        use super::super::spot_price::SpotPrices;
        use crate::luck::Luck;
        let hour = SimTime::START + SimDuration::from_hours(1);
        let prices = SpotPrices {
            past: Vec::new(),
            known: vec![
                (SimTime::START, Rate::from_picos(400_000_001_000)),
                (hour, Rate::from_picos(500_000_000_000)),
            ],
            steps: None,
        };
        let mut path = prices.path(Luck::new(1, 0));
        let spot = |micros, preempted| Usage {
            capacity: Capacity::Spot,
            uptime: SimDuration::from_micros(micros),
            preempted,
        };
        let mut metered = Metered::default();
        let mut paid = 0;
        for (started, usage) in
            [(1_800_500_000, spot(3_600_000_000, false)), (7_200_000_000, spot(30_000_000, true))]
        {
            metered.add(usage, &RULES);
            let started = SimTime::START + SimDuration::from_micros(started);
            paid += Metered::worth(usage, started, &RULES, &mut path);
        }
        metered.set_paid(paid);
        let price = Figure { rate: prices.first(), as_of: String::new(), source: String::new() };
        let line = Line {
            pool: None,
            component: Component::Compute,
            sku: String::new(),
            meter: Meter::UnlessWaived(Capacity::Spot),
            price,
        };
        let mut tariff = Tariff { lines: vec![line] };
        tariff.follow_spot_price();
        assert_eq!(tariff.bill(metered, 2), Ok(900_027_779));
        // The quantity is that of any price: one hour each.
        let mut costs = [0];
        let mut hours = 0;
        tariff.bill_all(&metered.into(), 2, &mut costs, |_, quantity, _| hours = quantity).unwrap();
        assert_eq!(hours, 2 * 3_600_000_000);
        // Three changes within one nanounit: 3 × 0.4 nanounits are 1.2, not 0.
        let tiny = |at: i64| SimTime::START + SimDuration::from_secs(at);
        let prices = SpotPrices {
            past: Vec::new(),
            known: vec![
                (tiny(0), Rate::from_picos(1_440_000)),
                (tiny(1), Rate::from_picos(1_440_001)),
                (tiny(2), Rate::from_picos(1_439_999)),
            ],
            steps: None,
        };
        let mut path = prices.path(Luck::new(1, 0));
        let usage = spot(3_000_000, false);
        let mut metered = Metered::default();
        metered.add(usage, &RULES);
        metered.set_paid(Metered::worth(usage, SimTime::START, &RULES, &mut path));
        assert_eq!(tariff.bill(metered, 1), Ok(1));
    }

    /// An increment rounds up at the price of the time that it reaches into, and a free startup moves
    /// what is billed: 0:50 to 1:10 billed by the hour is 0:50 to 1:50, ten minutes at 1 and fifty at
    /// 2; ten minutes of startup free leave 1:00 to 2:00, all at 2.
    #[test]
    fn billed_time_is_priced_where_it_lies() {
        use super::super::spot_price::SpotPrices;
        use crate::luck::Luck;
        let hour = SimDuration::from_hours(1);
        let unit = 1_000_000_000_000_i128;
        let prices = SpotPrices {
            past: Vec::new(),
            known: vec![
                (SimTime::START, Rate::from_picos(unit as i64)),
                (SimTime::START + hour, Rate::from_picos(2 * unit as i64)),
            ],
            steps: None,
        };
        let mut path = prices.path(Luck::new(1, 0));
        let uptime = SimDuration::from_secs(1_200);
        let usage = Usage { capacity: Capacity::Spot, uptime, preempted: false };
        let started = SimTime::START + SimDuration::from_secs(3_000);
        let by_hour = BillingRules { increment: hour, ..RULES };
        let minute = 60_000_000_i128;
        let worth = Metered::worth(usage, started, &by_hour, &mut path);
        assert_eq!(worth, minute * unit * (10 + 50 * 2));
        let free = BillingRules { free_startup: SimDuration::from_secs(600), ..by_hour };
        assert_eq!(Metered::worth(usage, started, &free, &mut path), minute * unit * 120);
        let standard = Usage { capacity: Capacity::Standard, ..usage };
        assert_eq!(Metered::worth(standard, started, &free, &mut path), 0);
    }
}

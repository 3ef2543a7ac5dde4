//! Quantities as sums: what each wait, gap, uptime and preemption adds to a quantity.

use crate::model::billing::{BillingRules, Meter, Tariff};
use crate::model::capacity::Capacity;
use crate::units::SimDuration;

/// What adds to a quantity, each in its unit per hour or per event. Of `elapsed`, `paid`/`waived`,
/// `lost` and `preemption` at most one concerns Spot attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reward {
    /// Per hour of waiting.
    pub waiting: f64,
    /// Per hour of a gap.
    pub gap: f64,
    /// Per restart.
    pub restart: f64,
    /// Per preemption.
    pub preemption: f64,
    /// Per hour of uptime, as it is.
    pub elapsed: f64,
    /// Per billed Spot hour.
    pub paid: f64,
    /// The same, where the first minute waives a part.
    pub waived: f64,
    /// Per billed hour of standard or flex-start capacity.
    pub safe: f64,
    /// Per hour of work lost at a preemption.
    pub lost: f64,
}

impl Reward {
    /// Hours billed of one VM.
    pub const BILLED: Self = Self { paid: 1.0, waived: 1.0, safe: 1.0, ..Self::NONE };
    /// Hours waited.
    pub const WAITED: Self = Self { waiting: 1.0, ..Self::NONE };
    /// Gang-hours of work lost.
    pub const LOST: Self = Self { lost: 1.0, ..Self::NONE };
    /// Restarts.
    pub const RESTARTS: Self = Self { restart: 1.0, ..Self::NONE };
    /// Preemptions.
    pub const PREEMPTIONS: Self = Self { preemption: 1.0, ..Self::NONE };
    /// Hours from submission to the end.
    pub const SPAN: Self = Self { waiting: 1.0, gap: 1.0, elapsed: 1.0, ..Self::NONE };
    const NONE: Self = Self {
        waiting: 0.0,
        gap: 0.0,
        restart: 0.0,
        preemption: 0.0,
        elapsed: 0.0,
        paid: 0.0,
        waived: 0.0,
        safe: 0.0,
        lost: 0.0,
    };

    /// What a gang of `vms` VMs pays under a tariff, in units of the currency.
    #[must_use]
    pub fn cost(tariff: &Tariff, vms: u32) -> Self {
        let mut sum = Self::NONE;
        for line in &tariff.lines {
            let one = Self::of_meter(line.meter);
            let rate = line.price.rate.per_hour() * f64::from(line.vms(vms));
            sum = Self {
                waiting: sum.waiting + rate * one.waiting,
                gap: sum.gap + rate * one.gap,
                elapsed: sum.elapsed + rate * one.elapsed,
                paid: sum.paid + rate * one.paid,
                waived: sum.waived + rate * one.waived,
                safe: sum.safe + rate * one.safe,
                ..sum
            };
        }
        sum
    }

    /// Hours that a meter counts, of one VM.
    #[must_use]
    pub fn of_meter(meter: Meter) -> Self {
        match meter {
            Meter::Uptime(Capacity::Spot) => Self { paid: 1.0, waived: 1.0, ..Self::NONE },
            Meter::UnlessWaived(Capacity::Spot) | Meter::SpotOverTime => {
                Self { paid: 1.0, ..Self::NONE }
            }
            Meter::Uptime(_) | Meter::UnlessWaived(_) => Self { safe: 1.0, ..Self::NONE },
            Meter::Span => Self::SPAN,
            // A constant, added in the end.
            Meter::Fixed(_) => Self::NONE,
        }
    }

    /// What an attempt on Spot VMs adds that completes after `uptime`.
    #[must_use]
    pub fn completed(&self, uptime: SimDuration, billing: &BillingRules) -> f64 {
        self.elapsed * uptime.hours() + self.paid * billing.billed(uptime).hours()
    }

    /// What an uptime on VMs that are never preempted adds.
    #[must_use]
    pub fn on_safe(&self, uptime: SimDuration, billing: &BillingRules) -> f64 {
        self.elapsed * uptime.hours() + self.safe * billing.billed(uptime).hours()
    }
}

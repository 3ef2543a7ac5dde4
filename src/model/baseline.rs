//! What is paid for the machines today: a commitment that is owned, and the sustained-use discount.
//!
//! Owns how both change the lines of a tariff. Leaves to [`super::tariff`] which lines a plan has.

use super::billing::{Component, Figure, Line, Meter, Tariff};
use super::plan::Plan;
use crate::units::{Rate, Share, SimDuration};

/// A commitment that is owned: paid whether it is used or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// The share of the VM-hours of the standard plan that it covers.
    pub covered: Share,
    /// What it costs per VM-hour.
    pub price: Figure,
    /// How much longer it lasts, from the start of the run.
    pub lasts: SimDuration,
    /// How long the standard plan runs: beyond `lasts` nothing is covered.
    pub needs: SimDuration,
    /// The share of a freed commitment that is used elsewhere.
    pub reusable: Share,
    /// Billed time of the standard plan: what another plan frees \[VM-µs of one gang member\].
    pub freed: SimDuration,
}

impl Owned {
    /// The part of a price that falls on covered hours, rounded half to even to the picounit.
    #[must_use]
    pub fn of(&self, price: Rate) -> Rate {
        let covered = price.share(self.covered);
        if self.lasts >= self.needs {
            return covered;
        }
        // Both are below 2⁶³: the product fits.
        let product = i128::from(covered.picos()) * i128::from(self.lasts.micros());
        let picos = crate::units::div_half_even(product, self.needs.micros().into());
        Rate::from_picos(i64::try_from(picos).unwrap_or(i64::MAX))
    }

    /// Splits the standard machine of a plan into what the commitment covers and what it does not.
    ///
    /// The standard plan uses the commitment. Every other plan frees it and goes on paying for it; what
    /// it uses of standard capacity after all, as after leaving Spot, is taken from the freed commitment
    /// first and so costs only what would have been used elsewhere.
    pub fn apply(&self, plan: Plan, standard: Option<Rate>, tariff: &mut Tariff) {
        let paid = self.of(self.price.rate);
        let elsewhere = paid.share(self.reusable);
        let source = format!("{}; covers {} ([baseline])", self.price.source, self.covered);
        let line = |component, sku: &str, meter, rate| Line {
            pool: None,
            component,
            sku: sku.to_owned(),
            meter,
            price: Figure { rate, as_of: self.price.as_of.clone(), source: source.clone() },
        };
        let place = tariff.lines.iter().position(Line::is_standard_machine);
        if let (Some(place), Some(standard)) = (place, standard) {
            let machine = &mut tariff.lines[place];
            let meter = machine.meter;
            machine.price.rate = machine.price.rate.less(self.of(standard));
            machine.sku.push_str(", less what is covered");
            let is_nothing = machine.price.rate == Rate::ZERO;
            let (sku, rate) = if plan == Plan::Standard {
                ("standard machine, covered by your commitment", paid)
            } else {
                ("standard machine, in place of the commitment's use elsewhere", elsewhere)
            };
            if rate > Rate::ZERO {
                tariff.lines.insert(place + 1, line(Component::Compute, sku, meter, rate));
            }
            if is_nothing {
                tariff.lines.remove(place);
            }
        }
        if plan != Plan::Standard {
            tariff.lines.push(line(
                Component::StrandedCommitment,
                "your commitment, freed by this plan and paid",
                Meter::Fixed(self.freed),
                paid.less(elsewhere),
            ));
        }
    }
}

/// What is paid of the base rate in each quarter of a month \[hundredths of a percent\].
pub type Tiers = [i64; 4];

/// The sustained-use discount of Compute Engine on the standard price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SustainedUse {
    /// What is paid in each quarter of the month.
    pub tiers: Tiers,
    /// The share of the month in which the machine type runs, over all work.
    pub month_used: Share,
}

impl SustainedUse {
    /// The tiers of a machine family; `None` where it has no such discount.
    ///
    /// Source: general knowledge of Compute Engine's pricing, 30 % of N1 and 20 % of N2, N2D and C2 for
    /// a full month; not read in a page (inferred).
    #[must_use]
    pub fn tiers_of(machine_type: &str) -> Option<Tiers> {
        match machine_type.split('-').next()? {
            "n1" => Some([10_000, 8_000, 6_000, 4_000]),
            "n2" | "n2d" | "c2" => Some([10_000, 8_678, 7_330, 6_000]),
            _ => None,
        }
    }

    /// The mean price over the hours used of the month, rounded half to even to the picounit.
    #[must_use]
    pub fn of(&self, price: Rate) -> Rate {
        let used = i128::from(self.month_used.parts());
        if used == 0 {
            return price;
        }
        let quarter = i128::from(Share::ONE.parts() / 4);
        let paid: i128 = (0..)
            .zip(self.tiers)
            .map(|(index, tier)| (used - index * quarter).clamp(0, quarter) * i128::from(tier))
            .sum();
        let picos = crate::units::div_half_even(i128::from(price.picos()) * paid, used * 10_000);
        Rate::from_picos(i64::try_from(picos).unwrap_or(i64::MAX))
    }

    /// Lowers the standard machine of a tariff.
    pub fn apply(&self, standard: Rate, tariff: &mut Tariff) {
        if let Some(line) = tariff.lines.iter_mut().find(|line| line.is_standard_machine()) {
            line.price.rate = line.price.rate.less(standard.less(self.of(standard)));
            line.price.source.push_str(&format!(
                "; sustained-use discount at {} of the month ([baseline])",
                self.month_used
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N1: a quarter pays 100 %; half 90 %; all 70 %. N2: half 93.39 %, all 80.02 %. In between, 37.5 %
    /// of the month pays (25 + 12.5 · 0.8) ÷ 37.5 = 93.33… %.
    #[test]
    fn sustained_use_pays_less_for_every_further_quarter_of_the_month() {
        let paid = |machine: &str, month: &str| {
            let tiers = SustainedUse::tiers_of(machine).unwrap();
            let month_used = Share::parse(month).unwrap();
            SustainedUse { tiers, month_used }.of(Rate::from_picos(1_000_000_000_000)).picos()
        };
        assert_eq!(paid("n1-standard-4", "0 %"), 1_000_000_000_000);
        assert_eq!(paid("n1-standard-4", "25 %"), 1_000_000_000_000);
        assert_eq!(paid("n1-standard-4", "37.5 %"), 933_333_333_333);
        assert_eq!(paid("n1-standard-4", "50 %"), 900_000_000_000);
        assert_eq!(paid("n1-standard-4", "100 %"), 700_000_000_000);
        assert_eq!(paid("n2-standard-4", "50 %"), 933_900_000_000);
        assert_eq!(paid("c2-standard-8", "100 %"), 800_200_000_000);
        assert_eq!(SustainedUse::tiers_of("g2-standard-12"), None);
    }
}

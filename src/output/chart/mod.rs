//! Charts: what was computed, as pictures. Computes nothing new.
//!
//! A kind of chart reads plain figures and lays out a [`scene::Scene`]: marks on a page, with colours
//! that are roles, and text measured in the embedded font. [`svg`] and `png` write the same scene,
//! so both are the same drawing. Every function here is pure: figures in, a scene out.
//!
//! | kind | shows | file |
//! |---|---|---|
//! | `cost` | plans side by side: the mean by line item, its interval, the spread of runs | [`cost`] |
//! | `saving` | the distribution of the paired saving | [`saving`] |
//! | `makespan` | the chance to be done by a time, and the deadline | [`makespan`] |
//! | `sweep` | lines over one key ([`lines`]), a map over two ([`map`]) | |
//! | `tornado` | which key matters most | [`tornado`] |
//! | `timeline` | one replication, and how its cost grows | [`timeline`] |
//! | `replicas` | an endpoint or a batch over time: replicas serving, their spread, the load | [`replicas`] |
//! | `frontier` | what it costs against what is dropped or down, and which of the choices are worth it | [`frontier`] |
//! | `ladder` | the saving by mean lifetime, the break-even, what is known of the lifetime | [`ladder`] |
//! | `survival` | the VMs that outlive an age, fitted curves, the risk table | [`survival`] |
//! | `hazard` | preemptions per VM-hour by age | [`hazard`] |
//! | `reconcile` | predicted against actual: bands, dots, and the gap split | [`reconcile`] |
//! | `assumptions` | what each assumption is worth | [`assumptions`] |
//! | `uncertainty` | simulation error beside input uncertainty, and what each input explains | [`uncertainty`] |
//!
//! To add a kind: a file here that turns figures into a [`Page`](page::Page), a variant of
//! [`Kind`] with its name, and a line in `scene` of `cli/chart.rs`. A kind that reads results has
//! its figures in [`figures`], [`swept`] or [`decided`].

pub mod assumptions;
pub mod axis;
pub mod cost;
pub mod decided;
pub mod figures;
pub mod font;
pub mod frontier;
#[cfg(feature = "cli")]
pub mod hazard;
pub mod ladder;
pub mod lines;
pub mod makespan;
pub mod map;
pub mod page;
pub mod palette;
#[cfg(feature = "png")]
pub mod png;
pub mod price;
#[cfg(feature = "cli")]
pub mod reconcile;
pub mod replicas;
pub mod saving;
pub mod scale;
pub mod scene;
#[cfg(feature = "cli")]
pub mod survival;
pub mod svg;
pub mod swept;
pub mod timeline;
pub mod tornado;
pub mod uncertainty;

/// What a chart shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Kind {
    /// Plans side by side: the mean by line item, and how runs spread
    Cost,
    /// How the saving of single runs spreads, paired with standard
    Saving,
    /// The chance to be done by a time, and the deadline
    Makespan,
    /// A sweep: lines over one key, a map over two
    Sweep,
    /// Which varied key matters most
    Tornado,
    /// The saving by mean lifetime, the break-even, and what is known of the lifetime
    Ladder,
    /// What each assumption is worth
    Assumptions,
    /// Simulation error beside input uncertainty, and what each uncertain input explains
    Uncertainty,
    /// Observed lifetimes: the VMs that outlive an age, with fitted curves and the risk table
    Survival,
    /// Observed lifetimes: preemptions per VM-hour by age
    Hazard,
    /// Predicted against actual: each figure with its band, and the gap split
    Reconcile,
    /// One replication: waits, work, saves, lost work, preemptions, and how its cost grows
    Timeline,
    /// An endpoint or a batch over time: replicas serving, their spread, and what the load would need
    Replicas,
    /// Cost against the share that is dropped or down: every split of a mixed plan, or every point of
    /// --vary, and the cheapest that does what is required
    Frontier,
    /// The Spot price over time: what it was, and where it may go
    Price,
}

impl Kind {
    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Saving => "saving",
            Self::Makespan => "makespan",
            Self::Sweep => "sweep",
            Self::Tornado => "tornado",
            Self::Ladder => "ladder",
            Self::Assumptions => "assumptions",
            Self::Uncertainty => "uncertainty",
            Self::Survival => "survival",
            Self::Hazard => "hazard",
            Self::Reconcile => "reconcile",
            Self::Timeline => "timeline",
            Self::Replicas => "replicas",
            Self::Frontier => "frontier",
            Self::Price => "price",
        }
    }
}

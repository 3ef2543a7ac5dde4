//! What a workload really costs on Spot VMs, how late it may be, how likely it fails, and how sure
//! that is.
//!
//! `stockout` plays a workload many times under preemption, bills each run by Google Cloud's own
//! rules, and sets every way of buying the same capacity against standard VMs. This page is the
//! model; the modules below are its parts, in the order in which data flows through them.
//!
//! # The model on one page
//!
//! **A job** asks for a gang of VMs that all run or none. A request may be refused after its wait.
//! Otherwise the VMs start, `startup` passes, then `restore` if a save exists, then work; after
//! every `every` of work a save takes `save`, and none follows the last piece. With *w* work left
//! an attempt needs the uptime
//!
//! ```text
//! U = startup + [restore] + w + save · (⌈w ÷ every⌉ − 1)
//! ```
//!
//! If the gang's lifetime is at least U the job is done. Otherwise all its VMs end with STOCKOUT;
//! what finished saves hold stays, the rest is lost work. The attempt is restarted while restarts
//! are left (six on Vertex AI training); then the [plan](model::plan) decides: give up, submit
//! again, or go on with standard VMs. A plan may also [leave](model::leave) Spot while there is
//! just time enough for standard VMs to finish by the deadline. Standard VMs can be missing too: a
//! refused request for them is made again until it is granted.
//!
//! **An elastic job** (`restart_scope = "node"`) replaces lost nodes [one by one](engine::elastic): each VM
//! has its own lifetime from its own start, nodes lost at one instant are asked for together, and those that run
//! stay up and are billed. It works while at least `min_nodes` are ready; k of *n* take *n* ÷ k times as long.
//! Whenever a node is lost or joins, all workers restart from the last save, `restore` included. Every request
//! after the first uses up a restart; with fewer than `min_nodes` left the plan decides, as above.
//!
//! **An endpoint** is a number of replicas over a horizon. Each lives through wait, startup,
//! serving, preemption and restart on its own.
//!
//! **A batch** is a queue of chunks that replicas share, each with a life of its own as an endpoint's; the
//! chunk of a preempted one goes back. All are billed until the last chunk is done. Under a mixed plan the
//! first replicas of an endpoint or a batch are standard VMs and the others Spot.
//!
//! **A lifetime** is its cumulative hazard H(t). A share *s* of it strikes the whole gang at once,
//! so *n* VMs live until (s + n(1 − s))·H(t) reaches a unit-exponential draw. VMs of several
//! [pools](scenario::pools) of machines are one gang; the mean of their hazard factors multiplies it. Of an elastic
//! job the shared part has a draw of its own, and an age that counts from the first VM that ran where none did.
//!
//! **A market with memory** is one of [zones](model::zone) that are normal and scarce in turns, with
//! shocks that strike many VMs at one instant and hazards by the hour of the week. In a scarce zone no
//! Spot VM starts; those that run die when their cumulative hazard *along the path of the zone* reaches
//! the same draw. The [paths](engine::paths) have luck of their own, alike under every plan.
//!
//! **A replayed trace** is a market of its own: VMs start only while [it](model::availability) shows
//! capacity, and die when it drops. Replications take its windows in turn, begin at any moment of it, or are
//! put together of blocks of it.
//!
//! **Billing** counts uptime, startup and saves included, rounded up to the increment; waits and
//! gaps cost nothing. On Vertex AI a management fee of 15 % of the *standard* price is added, and
//! Spot does not discount it: that is why the true saving is smaller than the published one.
//!
//! **What is known only roughly** is written as a range, a distribution or a fit
//! ([`scenario::uncertain`]). The model sees fixed numbers only: the centres, and many draws of all inputs
//! at once under the same luck, whose spread is told from simulation error ([`decision::uncertainty`]).
//!
//! **A Spot price** stays, follows [dated prices, or changes by random steps](model::spot_price), on a path
//! that is the same under every plan. Billed time is paid at the price of its moment.
//!
//! **A saving** compares costs per completed run (or per serving hour). A run that failed cheaply
//! has saved nothing.
//!
//! # Five ideas
//!
//! 1. *Simulate, then price.* The [`engine`] tells what happened; [`model::billing`] and [`stats`]
//!    read it.
//! 2. *One engine.* Jobs and endpoints are small state machines over the same market; an attempt is
//!    arithmetic, and a version that steps through every event is the test's oracle.
//! 3. *Luck is addressed.* Every draw has an address in [`luck`], so plans meet the same luck and
//!    their differences are small.
//! 4. *What is summed is an integer.* Results are the same bytes on any number of threads.
//! 5. *A policy decides, the engine obeys.* Plans are policies in [`model::plan`].
//!
//! # Two ways to an answer
//!
//! [`montecarlo`] plays; [`exact`] solves a job without luck, where its lifetimes, waits and
//! refusals are independent and no limit of time and no moment to leave matters. Each checks the other:
//! [`montecarlo::verify`].
//!
//! # An estimate in code
//!
//! ```
//! use stockout::model::plan::Plan;
//! use stockout::montecarlo::{self, replicate::Unwatched};
//! use stockout::scenario;
//!
//! let text = r#"
//!     [workload]
//!     kind = "job"
//!     work = "8 h"
//!     [machine]
//!     service = "compute-engine"
//!     [price]
//!     standard = "0.60 USD/h"
//!     spot = "0.20 USD/h"
//!     [market]
//!     lifetime = { model = "exponential", mean = "10 h" }
//!     [compare]
//!     plans = ["spot-resubmit"]
//! "#;
//! let (scenario, _warnings) = scenario::from_toml("example", text, &["simulation.replications=10000"])
//!     .map_err(|problems| format!("{:?}", problems.found))?;
//! let answer = montecarlo::run(&scenario, 1, &Unwatched).map_err(|error| error.to_string())?;
//! let estimate = answer.plans[0].estimate.as_ref().expect("both prices are given");
//! assert_eq!(estimate.plan, Plan::SpotResubmit);
//! // Without checkpoints every preemption loses all work: the saving is far from 67 %.
//! let saving = estimate.saving.expect("both plans complete");
//! assert!((0.3..0.6).contains(&saving.mean));
//! # Ok::<(), String>(())
//! ```
//!
//! # Where things go
//!
//! | to add | write |
//! |---|---|
//! | a lifetime | a variant and a row of `FAMILIES` in [`model::lifetime`] |
//! | a plan | a variant in [`model::plan`]; what it pays is in [`model::tariff`] |
//! | a billing rule | a row of `RULES` in [`model::tariff`] |
//! | a result to ask for | a row of `MEASURES` in [`sweep::measure`] |
//! | a kind of evidence | a variant of [`evidence::Kind`], and a module of its rows |
//! | a form of an uncertain number | [`scenario::uncertain`] |
//! | a chart | a file in [`output::chart`] and a variant of its [`Kind`](output::chart::Kind) |
//! | a key | a row of `KEYS` in [`scenario::keys`], read in [`scenario::validate`] |
//!
//! The library does no I/O and needs no feature: `cli` is the program, `parallel` the threads, `png`
//! charts as pixels.

#[cfg(feature = "cli")]
pub mod cli;
pub mod columns;
pub mod decision;
pub mod engine;
pub mod evidence;
pub mod exact;
pub mod fit;
pub mod luck;
pub mod model;
pub mod montecarlo;
pub mod output;
pub mod prices;
pub mod scenario;
pub mod stats;
pub mod sweep;
pub mod units;

//! A job whose lost nodes are replaced one by one (`restart_scope = "node"`): with how many of them
//! it goes on, and how fast.
//!
//! Whenever a node is lost or joins, the workers of all nodes restart from the last save, as elastic
//! launchers do: what was done since is lost. The time between two such changes is a *round*.
//! Work stays what it is for the whole gang; a round with fewer nodes takes longer for it.
//!
//! Source: when a node departs or arrives all existing workers are stopped, and all workers of the new
//! group are started, which begin with loading a checkpoint: torchrun (Elastic Launch), "Membership
//! Changes", PyTorch documentation.

use super::checkpoint::{Program, Remains};
use crate::units::{Share, SimDuration};

/// How a job goes on when nodes are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elastic {
    /// Nodes that must be ready; with fewer the others wait.
    pub min_nodes: u32,
    /// Share of the whole gang's time that fewer nodes do not make longer: with k of n nodes work
    /// takes s + (1 − s)·n ÷ k times as long.
    ///
    /// Source: G. M. Amdahl, "Validity of the single processor approach to achieving large scale
    /// computing capabilities", AFIPS 30 (1967), 483–485.
    pub serial_share: Share,
}

/// How much longer work takes in a round than with the whole gang: a fraction, at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    numerator: u128,
    denominator: u128,
}

impl Elastic {
    /// The pace of `running` nodes of `nodes`.
    #[must_use]
    pub fn pace(&self, running: u32, nodes: u32) -> Pace {
        let (running, nodes) = (u128::from(running), u128::from(nodes));
        let serial = self.serial_share.parts() as u128;
        let parallel = self.serial_share.rest().parts() as u128;
        Pace {
            numerator: serial * running + parallel * nodes,
            denominator: (serial + parallel) * running,
        }
    }
}

impl Pace {
    /// The time that work of the whole gang takes, rounded up to the microsecond.
    #[must_use]
    pub fn time(self, work: SimDuration) -> SimDuration {
        let time = (work.micros() as u128 * self.numerator).div_ceil(self.denominator);
        i64::try_from(time)
            .map_or(SimDuration::NEVER, SimDuration::from_micros)
            .min(SimDuration::NEVER)
    }

    /// The work done in a time, rounded down.
    #[must_use]
    pub fn work(self, time: SimDuration) -> SimDuration {
        let work = time.micros() as u128 * self.denominator / self.numerator;
        SimDuration::from_micros(work as i64)
    }

    /// A program in the time of a round. Nodes are ready when a round begins: no startup is left.
    #[must_use]
    pub fn program(self, program: &Program) -> Program {
        Program {
            startup: SimDuration::ZERO,
            every: program.every.map(|every| self.time(every)),
            ..*program
        }
    }

    /// What a round leaves as work of the whole gang: whole pieces are whole pieces.
    #[must_use]
    pub fn remains(self, of_time: Remains, program: &Program) -> Remains {
        let saved = match program.every {
            None => self.work(of_time.saved),
            Some(every) => {
                let piece = self.time(every).micros();
                let (pieces, rest) =
                    (of_time.saved.micros() / piece, of_time.saved.micros() % piece);
                every.times(pieces) + self.work(SimDuration::from_micros(rest))
            }
        };
        Remains { saved, lost: self.work(of_time.lost) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn min(minutes: i64) -> SimDuration {
        SimDuration::from_secs(60 * minutes)
    }

    fn elastic(percent: i64) -> Elastic {
        Elastic { min_nodes: 1, serial_share: Share::percent(percent) }
    }

    /// 6 of 8 nodes: 8/6 of the time. With a serial share of 25 %: 0.25 + 0.75·8/6 = 1.25.
    #[test]
    fn fewer_nodes_take_longer() {
        assert_eq!(elastic(0).pace(6, 8).time(min(60)), min(80));
        assert_eq!(elastic(25).pace(6, 8).time(min(60)), min(75));
        assert_eq!(elastic(100).pace(1, 8).time(min(60)), min(60));
        for running in 1..=8 {
            let pace = elastic(25).pace(running, 8);
            let (work, one) = (SimDuration::from_micros(1_234_567), SimDuration::SHORTEST);
            let time = pace.time(work);
            assert_eq!(pace.work(time), work, "{running}");
            assert!(pace.work(SimDuration::from_micros(time.micros() - 1)) < work);
            assert!(pace.time(one) >= one);
        }
        assert_eq!(elastic(25).pace(8, 8).time(min(61)), min(61));
    }

    /// Saves after every 30 min of work: with 2 of 3 nodes after every 45 min. After 45 + 1 + 15 min
    /// 30 min of work are saved and 10 min not.
    #[test]
    fn a_round_saves_whole_pieces_of_work() {
        let program = Program {
            startup: min(5),
            restore: min(3),
            every: Some(min(30)),
            save: min(1),
            notice: None,
        };
        let pace = elastic(0).pace(2, 3);
        let scaled = pace.program(&program);
        let of_time = scaled.cut(pace.time(min(100)), false, min(45 + 1 + 15), None);
        let expected = Remains { saved: min(30), lost: min(10) };
        assert_eq!(pace.remains(of_time, &program), expected);
        // A third of a microsecond more per piece adds up to nothing.
        let program = Program { every: Some(SimDuration::from_micros(100)), ..program };
        let pace = elastic(0).pace(3, 7);
        let saved = SimDuration::from_micros(234 * 50);
        let remains = pace.remains(Remains { saved, lost: SimDuration::ZERO }, &program);
        assert_eq!(remains.saved, SimDuration::from_micros(100 * 50));
    }
}

//! A progress bar on standard error, when a run takes longer than a second and somebody watches;
//! and Ctrl-C.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::montecarlo::replicate::Watch;

/// What a bar counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    /// Replications of one run.
    Replications,
    /// This many design points.
    Points(u64),
    /// Replications of nobody knows how many runs.
    Unbounded,
}

/// Watches a run.
pub struct Progress {
    started: Instant,
    done: AtomicU64,
    total: AtomicU64,
    shown: bool,
    counted: Counted,
    bar: OnceLock<ProgressBar>,
    interrupted: Arc<AtomicBool>,
}

impl Progress {
    /// Starts watching, and takes over Ctrl-C.
    pub fn new(quiet: bool) -> Self {
        Self::counting(quiet, Counted::Replications)
    }

    /// Starts watching a list of jobs with so many replications in all.
    pub fn of_jobs(quiet: bool, replications: u64) -> Self {
        let progress = Self::counting(quiet, Counted::Replications);
        progress.total.store(replications, Ordering::Relaxed);
        progress
    }

    /// Starts watching design points.
    pub fn of_points(quiet: bool, points: usize) -> Self {
        Self::counting(quiet, Counted::Points(points as u64))
    }

    /// Starts watching the runs of a question whose number is not known.
    pub fn of_question(quiet: bool) -> Self {
        Self::counting(quiet, Counted::Unbounded)
    }

    fn counting(quiet: bool, counted: Counted) -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        // Without the handler Ctrl-C ends the program at once: also right.
        let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
        Self {
            started: Instant::now(),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            shown: !quiet && std::io::stderr().is_terminal(),
            counted,
            bar: OnceLock::new(),
            interrupted,
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }

    /// So many design points are finished.
    pub fn finished(&self, points: usize) {
        if self.shown && self.started.elapsed() > Duration::from_secs(1) {
            self.bar().set_position(points as u64);
        }
    }

    fn bar(&self) -> &ProgressBar {
        self.bar.get_or_init(|| {
            let (length, style) = match self.counted {
                Counted::Replications => (
                    Some(self.total.load(Ordering::Relaxed)),
                    "{bar:30} {human_pos} of {human_len} replications, {eta} left",
                ),
                Counted::Points(points) => {
                    (Some(points), "{bar:30} {human_pos} of {human_len} design points, {eta} left")
                }
                Counted::Unbounded => (None, "{spinner} {human_pos} replications"),
            };
            let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style);
            }
            bar
        })
    }
}

impl Watch for Progress {
    fn advanced(&self, done: u64) -> bool {
        let done = self.done.fetch_add(done, Ordering::Relaxed) + done;
        if self.shown
            && !matches!(self.counted, Counted::Points(_))
            && self.started.elapsed() > Duration::from_secs(1)
        {
            self.bar().set_position(done);
        }
        !self.interrupted.load(Ordering::Relaxed)
    }

    fn expects(&self, total: u64) {
        if self.counted != Counted::Replications {
            return;
        }
        self.total.store(total, Ordering::Relaxed);
        if let Some(bar) = self.bar.get() {
            bar.set_length(total);
        }
    }
}

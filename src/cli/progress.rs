//! A progress bar on standard error, when a run takes longer than a second and somebody watches;
//! and Ctrl-C.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::montecarlo::replicate::Watch;

/// Watches a run.
pub struct Progress {
    started: Instant,
    done: AtomicU64,
    total: AtomicU64,
    shown: bool,
    /// Design points, where it is they that are counted.
    points: Option<u64>,
    bar: OnceLock<ProgressBar>,
    interrupted: Arc<AtomicBool>,
}

impl Progress {
    /// Starts watching, and takes over Ctrl-C.
    pub fn new(quiet: bool) -> Self {
        Self::counting(quiet, None)
    }

    /// Starts watching design points.
    pub fn of_points(quiet: bool, points: usize) -> Self {
        Self::counting(quiet, Some(points as u64))
    }

    fn counting(quiet: bool, points: Option<u64>) -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        // Without the handler Ctrl-C ends the program at once: also right.
        let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
        Self {
            started: Instant::now(),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            shown: !quiet && std::io::stderr().is_terminal(),
            points,
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
            let bar = ProgressBar::with_draw_target(
                self.points.or_else(|| Some(self.total.load(Ordering::Relaxed))),
                ProgressDrawTarget::stderr(),
            );
            let what = if self.points.is_some() { "design points" } else { "replications" };
            let style = format!("{{bar:30}} {{human_pos}} of {{human_len}} {what}, {{eta}} left");
            if let Ok(style) = ProgressStyle::with_template(&style) {
                bar.set_style(style);
            }
            bar
        })
    }
}

impl Watch for Progress {
    fn advanced(&self, done: u64) -> bool {
        let done = self.done.fetch_add(done, Ordering::Relaxed) + done;
        if self.shown && self.points.is_none() && self.started.elapsed() > Duration::from_secs(1) {
            self.bar().set_position(done);
        }
        !self.interrupted.load(Ordering::Relaxed)
    }

    fn expects(&self, total: u64) {
        if self.points.is_some() {
            return;
        }
        self.total.store(total, Ordering::Relaxed);
        if let Some(bar) = self.bar.get() {
            bar.set_length(total);
        }
    }
}

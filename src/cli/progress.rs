//! Progress bars on stderr, and Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use crate::error::{Error, Result};
use crate::progress::Progress;

/// Shows one bar per stage; cancels when Ctrl-C was pressed.
pub(crate) struct Bars {
    bar: ProgressBar,
    stage: String,
    stop: Arc<AtomicBool>,
}

impl Bars {
    /// Bars on stderr, or none if `quiet` or if stderr is no terminal.
    ///
    /// The first Ctrl-C cancels the work at its next step, which leaves no half-written file; the second ends the process.
    pub(crate) fn new(quiet: bool) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let pressed = Arc::clone(&stop);
        ctrlc::set_handler(move || {
            if pressed.swap(true, Ordering::SeqCst) {
                std::process::exit(1);
            }
        })
        .map_err(|e| Error::parameter("Ctrl-C", e, "a handler", "run gemmule outside of what blocks signals"))?;
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
        let style = ProgressStyle::with_template("{msg:24} [{bar:40}] {percent:>3} % {eta:>5}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        bar.set_style(style);
        Ok(Self { bar, stage: String::new(), stop })
    }

    /// Takes the bar off the screen.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bars {
    fn report(&mut self, stage: &str, done: u64, total: u64) -> bool {
        if self.stage != stage {
            self.stage = stage.to_owned();
            self.bar.reset();
            self.bar.set_message(self.stage.clone());
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
        !self.stop.load(Ordering::SeqCst)
    }
}

//! Progress on standard error: a spinner with a bar on a terminal, plain lines elsewhere, nothing with `--quiet`.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::annotations;
use crate::progress::Listener;

/// Plain lines say at most this often how far a step is.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Shows the steps of a run.
pub struct Reporter {
    view: View,
}

enum View {
    Quiet,
    Terminal(ProgressBar),
    Lines(Mutex<LineState>),
    /// Lines, whose warnings are annotations of GitHub Actions.
    Annotations,
}

struct LineState {
    step: String,
    last: Instant,
}

impl Reporter {
    #[must_use]
    pub fn quiet() -> Self {
        Self { view: View::Quiet }
    }

    #[must_use]
    pub fn annotations() -> Self {
        Self { view: View::Annotations }
    }

    /// A bar when standard error is a terminal, lines when not.
    #[must_use]
    pub fn standard_error() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { view: View::Lines(Mutex::new(LineState { step: String::new(), last: Instant::now() })) };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { view: View::Terminal(bar) }
    }

    /// Clears what is on the terminal, before other text is printed.
    pub fn finish(&self) {
        if let View::Terminal(bar) = &self.view {
            bar.finish_and_clear();
        }
    }
}

/// Standard error may be closed; a run does not fail for want of a reader.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

impl Listener for Reporter {
    fn step(&self, text: &str) {
        match &self.view {
            View::Quiet => {}
            View::Terminal(bar) => {
                bar.set_length(0);
                bar.set_message(text.to_owned());
            }
            View::Annotations => say(text),
            View::Lines(state) => {
                say(text);
                if let Ok(mut state) = state.lock() {
                    *state = LineState { step: text.to_owned(), last: Instant::now() };
                }
            }
        }
    }

    fn progress(&self, done: u64, total: u64) {
        match &self.view {
            View::Quiet | View::Annotations => {}
            View::Terminal(bar) => {
                let style = if total > 0 { "{spinner} {msg} {wide_bar} {pos}/{len}" } else { "{spinner} {msg} {pos}" };
                if bar.length() != Some(total)
                    && let Ok(style) = ProgressStyle::with_template(style)
                {
                    bar.set_style(style);
                    bar.set_length(total);
                }
                bar.set_position(done);
            }
            View::Lines(state) => {
                let Ok(mut state) = state.lock() else { return };
                if state.last.elapsed() >= LINE_INTERVAL {
                    say(&format!("{}: {done} of {total}", state.step));
                    state.last = Instant::now();
                }
            }
        }
    }

    fn warning(&self, text: &str) {
        match &self.view {
            View::Quiet => {}
            View::Terminal(bar) => bar.println(format!("warning: {text}")),
            View::Lines(_) => say(&format!("warning: {text}")),
            View::Annotations => say(annotations::of_warning(text).trim_end()),
        }
    }
}

//! What a running experiment shows: on a terminal a line for each sweep point that is being played and one for the whole,
//! written over; elsewhere a plain line now and then.

use crate::Caller;
use crate::caller::caller;
use crate::words::{self, count};
use cratylus_core::experiment::{Budget, Point};
use cratylus_io::conduct::job::Refused;
use cratylus_io::conduct::progress::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Points that are shown at once.
const SHOWN: usize = 8;
/// How often a plain line is written.
const PLAIN: Duration = Duration::from_secs(10);

/// What is shown beside the counts.
pub struct Shown {
    pub quiet: bool,
    /// What each point is called; none where there is one.
    labels: Vec<String>,
    /// Whether models are asked.
    live: bool,
    budget: Budget,
}

impl Shown {
    /// The counts alone.
    pub fn bare(quiet: bool) -> Shown {
        Shown { quiet, labels: Vec::new(), live: false, budget: Budget::default() }
    }

    pub fn of(points: &[Point], live: bool, quiet: bool) -> Shown {
        let label = |point: &Point| point.label(|_| true).chars().take(40).collect();
        let labels = if points.len() > 1 { points.iter().map(label).collect() } else { Vec::new() };
        Shown { quiet, labels, live, budget: points[0].experiment.budget.clone() }
    }
}

/// Calls a function at Ctrl-C, SIGTERM and SIGHUP. Where no handler can be set they end the process at once; what was
/// finished is kept all the same.
pub fn on_stop(stop: impl FnMut() + Send + 'static) {
    // A program under `nohup` is meant to outlive its terminal, and a handler would be called all the same.
    if !hangups_are_ignored() {
        let _ = ctrlc::set_handler(stop);
    }
}

/// Whether this process was started with SIGHUP ignored, where the system says so.
fn hangups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
    ignored.and_then(|mask| u64::from_str_radix(mask, 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// Does something while its progress is shown, and lets Ctrl-C stop it.
pub fn watched<T>(progress: &Arc<Progress>, shown: &Shown, work: impl FnOnce() -> Result<T, Refused> + Send) -> Result<T, Refused>
where
    T: Send,
{
    if let Some(caller) = caller() {
        return watched_by(&caller, progress, work);
    }
    let seen = progress.clone();
    on_stop(move || {
        // Whoever asks twice does not want to wait for answers that are on their way.
        if seen.stop.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    let terminal = std::io::stderr().is_terminal();
    let bar = ProgressBar::new(0);
    bar.set_draw_target(if shown.quiet || !terminal { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() });
    // A line that is longer than the terminal is wide is written over in part alone.
    let wide = usize::from(console::Term::stderr().size_checked().map_or(80, |(_, columns)| columns));
    let template = match wide {
        0..60 => "{msg}{pos}/{len} runs  {eta} left",
        60..120 => "{msg}{bar:20} {pos}/{len} runs  {eta} left",
        _ => "{msg}{bar:32} {pos}/{len} runs  {prefix}  {eta} left",
    };
    bar.set_style(ProgressStyle::with_template(template).expect("a fixed template"));
    let started = Instant::now();
    let done = AtomicBool::new(false);
    let ended = std::thread::scope(|scope| {
        let watcher = scope.spawn({
            let (bar, progress, done) = (bar.clone(), progress.clone(), &done);
            move || {
                let mut said = started;
                while !done.load(Ordering::Relaxed) {
                    let [runs, total] = [&progress.runs, &progress.total].map(|counter| counter.load(Ordering::Relaxed));
                    let whole = whole(&progress, shown, Some(started.elapsed()));
                    bar.set_length(total);
                    bar.set_position(runs);
                    let lines = points(&progress, shown);
                    bar.set_message(
                        lines
                            .iter()
                            .map(|line| line.chars().take(wide.saturating_sub(1)).chain(['\n']).collect::<String>())
                            .collect::<String>(),
                    );
                    bar.set_prefix(whole.clone());
                    for note in progress.take_notes() {
                        bar.suspend(|| eprintln!("note: {note}"));
                    }
                    if !terminal && !shown.quiet && said.elapsed() > PLAIN {
                        said = Instant::now();
                        lines.iter().for_each(|line| eprintln!("{line}"));
                        let left = left(started.elapsed(), runs, total);
                        eprintln!("{} of {} runs, {whole}{left}", count(runs), count(total));
                    }
                    std::thread::park_timeout(Duration::from_millis(80));
                }
            }
        });
        let ended = {
            // Even if conducting panics, the watcher is told that it is over.
            let _over = Over(&done, watcher.thread());
            work()
        };
        watcher.join().expect("watching does not panic");
        ended
    });
    bar.finish_and_clear();
    ended
}

/// How long it will take, as fast as it went so far.
fn left(elapsed: Duration, runs: u64, total: u64) -> String {
    if runs == 0 || total <= runs {
        return String::new();
    }
    let seconds = elapsed.as_secs_f64() * (total - runs) as f64 / runs as f64;
    match seconds {
        s if s < 100.0 => format!(", {s:.0} s left"),
        s if s < 6000.0 => format!(", {:.0} minutes left", s / 60.0),
        s => format!(", {:.1} hours left", s / 3600.0),
    }
}

/// A line for each point that is being played.
fn points(progress: &Progress, shown: &Shown) -> Vec<String> {
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let all = progress.points();
    let going: Vec<usize> =
        (0..all.len()).filter(|&i| load(&all[i].interactions) > 0 && load(&all[i].runs) < load(&all[i].total)).collect();
    let wide = going.iter().filter_map(|&i| shown.labels.get(i)).map(|label| label.chars().count()).max().unwrap_or(0);
    let line = |&i: &usize| {
        let point = &all[i];
        let label = shown.labels.get(i).map_or("", String::as_str);
        let (runs, reached) = (load(&point.runs), load(&point.reached));
        let mut line = format!("  {label:wide$}  {}/{} runs", count(runs), count(load(&point.total)));
        if runs > 0 {
            line += &format!(", {} in consensus", words::percent(reached as f64 / runs as f64));
        }
        let (void, interactions) = (load(&point.void), load(&point.interactions));
        if shown.live && interactions > 0 {
            line += &format!(", {} void", words::percent(void as f64 / interactions as f64));
        }
        let spark = spark(&point.success());
        if spark.is_empty() { line } else { format!("{line}  success by round {spark}") }
    };
    let mut lines: Vec<String> = going.iter().take(SHOWN).map(line).collect();
    if going.len() > SHOWN {
        lines.push(format!("  and {} points more", going.len() - SHOWN));
    }
    lines
}

/// Shares as a row of bars.
fn spark(shares: &[f64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    shares.iter().map(|share| BARS[((share * 8.0) as usize).min(7)]).collect()
}

/// What the whole came to so far: its rate, and where models are asked what they were asked and what it cost.
fn whole(progress: &Progress, shown: &Shown, going: Option<Duration>) -> String {
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    if !shown.live {
        let seconds = going.unwrap_or_default().as_secs_f64().max(1e-3);
        return format!("{} interactions/s", count((load(&progress.interactions) as f64 / seconds) as u64));
    }
    asked(progress, &shown.budget, going)
}

/// What live models were asked so far, in a line, beside the budget.
pub fn asked(progress: &Progress, budget: &Budget, going: Option<Duration>) -> String {
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let spent = &progress.spent;
    let of = |limit: Option<u64>| limit.map_or(String::new(), |limit| format!(" of {}", count(limit)));
    let (calls, stored) = (load(&spent.calls), load(&spent.stored));
    let (running, limit) = progress.load.get();
    let mut line = format!("{}{} calls", count(calls), of(budget.calls));
    if let Some(elapsed) = going {
        let rate = calls as f64 / elapsed.as_secs_f64().max(1e-3);
        line += &format!(", {rate:.0}/s, {running} of {limit} in flight");
    }
    if calls + stored > 0 {
        line += &format!(", {} of questions answered before", words::percent(stored as f64 / (calls + stored) as f64));
    }
    let (unusable, answers) = (load(&spent.unusable), load(&spent.answers));
    if unusable > 0 {
        line += &format!(", {} unusable", words::percent(unusable as f64 / answers as f64));
    }
    let fallback = load(&spent.fallback);
    if fallback > 0 {
        line += &format!(", {} read by fallback", words::percent(fallback as f64 / answers as f64));
    }
    let resent = load(&spent.resent);
    if resent > 0 {
        line += &format!(", {} sent again", count(resent));
    }
    let tokens = load(&spent.prompt_tokens) + load(&spent.completion_tokens);
    if tokens > 0 {
        line += &format!(", {}{} tokens", count(tokens), of(budget.tokens));
    }
    let usd = load(&spent.micro_usd) as f64 / 1e6;
    if usd > 0.0 {
        let of = budget.usd.map_or(String::new(), |limit| format!(" of {limit:.2}"));
        line += &format!(", {usd:.2}{of} USD");
    }
    line
}

/// The same for a caller in another language, who sees the progress and may stop it.
fn watched_by<T>(
    caller: &Caller,
    progress: &Arc<Progress>,
    work: impl FnOnce() -> Result<T, Refused> + Send,
) -> Result<T, Refused>
where
    T: Send,
{
    std::thread::scope(|scope| {
        let working = scope.spawn(work);
        while !working.is_finished() {
            if caller.stop.load(Ordering::Relaxed) {
                progress.stop.store(true, Ordering::Relaxed);
            }
            (caller.watch)(progress);
            std::thread::sleep(Duration::from_millis(50));
        }
        (caller.watch)(progress);
        working.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Says that something is over when it is dropped, and wakes the thread that waits for it.
struct Over<'a>(&'a AtomicBool, &'a std::thread::Thread);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_become_bars_and_times_words() {
        assert_eq!(spark(&[0.0, 0.5, 0.999, 1.0]), "▁▅██");
        assert_eq!(left(Duration::from_secs(10), 5, 10), ", 10 s left");
        assert_eq!(left(Duration::from_secs(600), 1, 100), ", 16.5 hours left");
        assert_eq!(left(Duration::from_secs(600), 0, 100), "");
    }
}

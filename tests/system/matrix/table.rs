//! Results of rows, kept as files since each test may be a process of its own, and printed as a table.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::case::Outcome;

/// What a test says as long as it has not ended.
const RUNS: &str = "runs";
/// How long the table waits for rows that are still being run.
const PATIENCE: Duration = Duration::from_secs(300);

/// Set by nextest, the same for all tests of a run; without it they are threads of one process, in no order.
fn run_of_nextest() -> Option<String> {
    std::env::var("NEXTEST_RUN_ID").ok()
}

/// Where the results of this run of the tests are.
fn directory() -> PathBuf {
    let run = run_of_nextest().unwrap_or_else(|| format!("process-{}", std::process::id()));
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("matrix").join(run)
}

/// A test of a row that is being run.
pub struct Recorded {
    path: PathBuf,
    start: Instant,
}

/// Notes that `row` begins in `column`; a column may have more than one test.
pub fn begin(row: &str, column: &str, test: &str) -> Recorded {
    let directory = directory();
    fs_err::create_dir_all(&directory).unwrap();
    let path = directory.join(format!("{row}.{column}.{test}"));
    fs_err::write(&path, RUNS).unwrap();
    Recorded { path, start: Instant::now() }
}

impl Recorded {
    /// Notes how it went.
    pub fn end(self, outcome: &Outcome) {
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        fs_err::write(self.path, format!("{word} {:.1}", self.start.elapsed().as_secs_f64())).unwrap();
    }
}

/// The last test, by `.config/nextest.toml`: prints what the others of this run found.
#[test]
fn of_all_rows() {
    let start = Instant::now();
    let is_last = run_of_nextest().is_some();
    while is_last && results().iter().any(|result| result.said == RUNS) && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(200));
    }
    let mut results = results();
    if !is_last {
        results.retain(|result| result.said != RUNS);
    }
    let mut rows = vec![[&["row"], super::COLUMNS].concat().into_iter().map(str::to_owned).collect()];
    for row in super::ROWS {
        let cells = super::COLUMNS.iter().map(|column| cell(&results, row, column));
        rows.push(std::iter::once(row.replace('_', " ")).chain(cells).collect());
    }
    print(&rows);
    let strangers: Vec<&Found> =
        results.iter().filter(|found| !super::ROWS.contains(&found.row.as_str()) || found.said == RUNS).collect();
    assert!(strangers.is_empty(), "not in the table, or never ended: {strangers:?}");
    tidy();
}

#[derive(Debug)]
struct Found {
    row: String,
    column: String,
    said: String,
}

fn results() -> Vec<Found> {
    let Ok(entries) = fs_err::read_dir(directory()) else { return Vec::new() };
    let found = entries.map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let mut parts = name.split('.').map(str::to_owned);
        let mut part = || parts.next().expect("row.column.test");
        Found { row: part(), column: part(), said: fs_err::read_to_string(entry.path()).unwrap() }
    });
    found.collect()
}

/// `ok 2.1 s`, or for several tests `2/2 ok 4.3 s`; a line when the row is not for this column or was not run.
fn cell(results: &[Found], row: &str, column: &str) -> String {
    let here: Vec<&Found> = results.iter().filter(|found| found.row == row && found.column == column).collect();
    let well = here.iter().filter(|found| found.said.starts_with("ok")).count();
    let seconds: f64 = here.iter().filter_map(|found| found.said.split(' ').nth(1)?.parse::<f64>().ok()).sum();
    match here.len() {
        0 => "-".to_owned(),
        1 if well == 1 => format!("ok {seconds:.1} s"),
        all if well == all => format!("{well}/{all} ok {seconds:.1} s"),
        1 => "FAILED".to_owned(),
        all => format!("{}/{all} FAILED", all - well),
    }
}

fn print(rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
        println!("{}", cells.join("  ").trim_end());
    }
}

/// Results of earlier runs are of no more use.
fn tidy() {
    let current = directory();
    let Some(all) = current.parent() else { return };
    let Ok(entries) = fs_err::read_dir(all) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| *path != current) {
        let age = fs_err::metadata(&path).and_then(|facts| facts.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > Duration::from_secs(86400)) {
            let _ = fs_err::remove_dir_all(&path);
        }
    }
}

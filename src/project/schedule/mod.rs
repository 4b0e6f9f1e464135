//! `schedule` of a service: the same moments for systemd timers and, where it can say them, for cron.
//!
//! Whatever the user wrote becomes [`Calendar`]s, sets of moments, and these are written out again in the part of the
//! syntax that every supported systemd reads: before version 233 there were no ranges but of weekdays, and their
//! separator changed (`parse_weekdays` in systemd's `calendarspec.c`), so everything is listed.

mod calendar;
mod cron;
#[cfg(test)]
mod tests;

use serde::Serialize;

use self::calendar::Calendar;
use super::error::Fault;
use super::values;

/// When a service runs, in the target's local time unless `calendar` names another zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// As written.
    pub text: String,
    /// Calendar expressions (systemd.time(7)); it runs at each moment of each. There is at least one.
    pub calendar: Vec<String>,
    /// First major version of systemd that reads `calendar`.
    pub systemd: u32,
    pub cron: Cron,
}

/// The same for crontab(5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cron {
    /// Five fields, numbers only.
    Line(String),
    /// Cron cannot say it; the reason follows on "cron has no".
    No { reason: String },
}

/// Words of systemd (systemd.time(7), "Calendar Events").
const WORDS: [(&str, &str); 12] = [
    ("minutely", "*-*-* *:*:00"),
    ("hourly", "*-*-* *:00:00"),
    ("daily", "*-*-* 00:00:00"),
    ("weekly", "Mon *-*-* 00:00:00"),
    ("monthly", "*-*-01 00:00:00"),
    ("quarterly", "*-01,04,07,10-01 00:00:00"),
    ("semiannually", "*-01,07-01 00:00:00"),
    ("semi-annually", "*-01,07-01 00:00:00"),
    ("biannually", "*-01,07-01 00:00:00"),
    ("bi-annually", "*-01,07-01 00:00:00"),
    ("yearly", "*-01-01 00:00:00"),
    ("annually", "*-01-01 00:00:00"),
];

/// Words of cron (crontab(5), "Extensions"). Its week starts on Sunday, systemd's on Monday.
const CRON_WORDS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// A word, a line of cron or a calendar expression of systemd; five words are cron's, as systemd has four at most.
pub(super) fn parse(text: &str) -> Result<Schedule, Fault> {
    let text = values::phrase(&text.replace('\t', " "))?;
    let words = text.split_whitespace().collect::<Vec<_>>();
    if let [word] = words.as_slice()
        && let Some(schedule) = by_word(&text, word)
    {
        return schedule;
    }
    match words.as_slice() {
        [minute, hour, day, month, weekday] => of_cron(&text, [minute, hour, day, month, weekday]),
        _ if words.len() > 5 => {
            let message = format!("there are {} fields in `{text}`", words.len());
            Err(Fault::new(message, "a line of cron has five: minute, hour, day of month, month, day of week"))
        }
        _ => of_calendar(&text, Calendar::parse(&words)?),
    }
}

fn by_word(text: &str, word: &str) -> Option<Result<Schedule, Fault>> {
    let lower = word.to_ascii_lowercase();
    if lower == "@reboot" {
        let help = "leave `schedule` out and enable the service: it then runs at every boot";
        return Some(Err(Fault::new("the start of the machine is not a time", help)));
    }
    let meaning = |words: &[(&str, &'static str)]| words.iter().find(|(known, _)| *known == lower).map(|known| known.1);
    if let Some(line) = meaning(&CRON_WORDS) {
        let fields = line.split(' ').collect::<Vec<_>>();
        return fields.try_into().ok().map(|fields: [&str; 5]| of_cron(text, fields));
    }
    let expression = meaning(&WORDS)?.split(' ').collect::<Vec<_>>();
    Some(Calendar::parse(&expression).and_then(|calendar| of_calendar(text, calendar)))
}

fn of_cron(text: &str, fields: [&str; 5]) -> Result<Schedule, Fault> {
    let line = cron::parse(fields)?;
    finish(text, &line.calendars, Cron::Line(line.text))
}

fn of_calendar(text: &str, calendar: Calendar) -> Result<Schedule, Fault> {
    let cron = match cron::line_of(&calendar) {
        Ok(line) => Cron::Line(line),
        Err(reason) => Cron::No { reason: reason.to_owned() },
    };
    finish(text, &[calendar], cron)
}

fn finish(text: &str, calendars: &[Calendar], cron: Cron) -> Result<Schedule, Fault> {
    let mut real = calendars.iter().filter(|calendar| calendar.ever_happens()).peekable();
    if real.peek().is_none() {
        let message = format!("`{text}` never happens");
        return Err(Fault::new(message, "no month or no year that it names has such a day"));
    }
    let systemd = calendars.iter().map(Calendar::first_systemd).max().unwrap_or_default();
    Ok(Schedule { text: text.to_owned(), calendar: real.flat_map(Calendar::expressions).collect(), systemd, cron })
}

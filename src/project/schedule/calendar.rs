//! Calendar expressions of systemd, as in systemd.time(7) and `calendarspec.c` of its source.

use std::collections::BTreeSet;

use super::super::error::Fault;

/// Values that one part of a moment may have; `None` is every one.
pub(super) type Part = Option<BTreeSet<u16>>;

/// The moments whose every part is one of its set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Calendar {
    /// 0 is Monday.
    pub weekdays: Part,
    pub years: Part,
    pub months: Part,
    pub days: Part,
    pub day_count: DayCount,
    pub hours: Part,
    pub minutes: Part,
    pub seconds: Part,
    /// As the tz database names it; `None` is the machine's own.
    pub zone: Option<String>,
}

/// Which end of the month days are counted from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum DayCount {
    #[default]
    FromFirst,
    /// 1 is the last day.
    FromLast,
}

pub(super) const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const LONG_WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const YEARS: (u16, u16) = (1970, 2199);
const MONTHS: (u16, u16) = (1, 12);
const DAYS: (u16, u16) = (1, 31);
/// systemd counts no further from the end of a month, so that every month has such a day.
const LAST_DAYS: (u16, u16) = (1, 28);
const HOURS: (u16, u16) = (0, 23);
const MINUTES: (u16, u16) = (0, 59);

/// Counting from the end of the month came with systemd 233 (its NEWS).
const FROM_LAST_SINCE: u32 = 233;
/// Time zones other than UTC and the machine's own came with systemd 235 (its NEWS); an older UTC is not relied upon.
const ZONE_SINCE: u32 = 235;

const HELP: &str = "write a word such as `daily`, a line of cron such as `30 4 * * 1-5`, or a calendar expression of \
                    systemd such as `Mon..Fri *-*-* 04:30` (systemd.time(7))";

impl Calendar {
    /// Reads `[WEEKDAYS] [DATE] [TIME] [ZONE]`.
    pub fn parse(words: &[&str]) -> Result<Self, Fault> {
        let mut calendar = Self { seconds: only(0), ..Self::default() };
        let mut rest = words;
        if let [first, others @ ..] = rest
            && is_name(first)
        {
            calendar.weekdays = weekdays(first)?;
            rest = others;
        }
        if let [others @ .., last] = rest
            && is_name(last)
        {
            calendar.zone = Some(zone(last)?);
            rest = others;
        }
        match rest {
            [] if calendar.weekdays.is_some() => calendar.at_midnight(),
            [time] if time.contains(':') => calendar.time(time)?,
            [date] => {
                calendar.date(date)?;
                calendar.at_midnight();
            }
            [date, time] => {
                calendar.date(date)?;
                calendar.time(time)?;
            }
            _ => return Err(Fault::new(format!("`{}` is not a time", words.join(" ").escape_debug()), HELP)),
        }
        Ok(calendar)
    }

    fn at_midnight(&mut self) {
        self.hours = only(0);
        self.minutes = only(0);
    }

    fn date(&mut self, text: &str) -> Result<(), Fault> {
        let (before, days) = match text.rsplit_once(['-', '~']) {
            Some(parts) => parts,
            None => return Err(Fault::new(format!("`{}` is not a date", text.escape_debug()), HELP)),
        };
        if text.contains('~') && days != "*" {
            self.day_count = DayCount::FromLast;
            // All that can be counted so are not all days of most months.
            let all = || (LAST_DAYS.0..=LAST_DAYS.1).collect();
            self.days = component("day", days, LAST_DAYS, Steps::Down)?.or_else(|| Some(all()));
        } else {
            self.days = component("day", days, DAYS, Steps::Up)?;
        }
        let months = match before.split_once('-') {
            Some((years, months)) => {
                self.years = component("year", &full_years(years), YEARS, Steps::Up)?;
                months
            }
            None => before,
        };
        self.months = component("month", months, MONTHS, Steps::Up)?;
        Ok(())
    }

    fn time(&mut self, text: &str) -> Result<(), Fault> {
        let mut parts = text.splitn(3, ':');
        self.hours = component("hour", parts.next().unwrap_or_default(), HOURS, Steps::Up)?;
        self.minutes = component("minute", parts.next().unwrap_or_default(), MINUTES, Steps::Up)?;
        if let Some(seconds) = parts.next() {
            self.seconds = component("second", seconds, MINUTES, Steps::Up)?;
        }
        Ok(())
    }

    /// Is there a moment in the years that systemd knows?
    pub fn ever_happens(&self) -> bool {
        if self.day_count == DayCount::FromLast {
            return true;
        }
        let mut weekday = 3; // 1 January 1970 was a Thursday.
        for year in YEARS.0..=YEARS.1 {
            for month in MONTHS.0..=MONTHS.1 {
                for day in 1..=days_of(year, month) {
                    let date =
                        [(&self.years, year), (&self.months, month), (&self.days, day), (&self.weekdays, weekday)];
                    if date.into_iter().all(|(part, value)| has(part, value)) {
                        return true;
                    }
                    weekday = (weekday + 1) % 7;
                }
            }
        }
        false
    }

    /// First major version of systemd that reads what this is written as; 0 when every version does.
    pub fn first_systemd(&self) -> u32 {
        match (&self.zone, self.day_count) {
            (Some(_), _) => ZONE_SINCE,
            (None, DayCount::FromLast) => FROM_LAST_SINCE,
            (None, DayCount::FromFirst) => 0,
        }
    }
}

impl Calendar {
    /// The expressions that mean it together. A list of days from the end of the month is checked wrongly by systemd (each
    /// further item may be three days less: `chain_valid` in `calendarspec.c`), so each has an expression of its own.
    pub fn expressions(&self) -> Vec<String> {
        let Some(days) = self.days.as_ref().filter(|_| self.day_count == DayCount::FromLast) else {
            return vec![self.with_days(&format!("-{}", listed(&self.days, DAYS)))];
        };
        runs(days)
            .into_iter()
            .map(|(first, last)| match first == last {
                true => self.with_days(&format!("~{first:02}")),
                false => self.with_days(&format!("~{first:02}..{last:02}")),
            })
            .collect()
    }

    fn with_days(&self, days: &str) -> String {
        let mut weekdays = String::new();
        if let Some(numbers) = &self.weekdays {
            let names = WEEKDAYS.iter().zip(0..).filter(|(_, number)| numbers.contains(number));
            weekdays = format!("{} ", names.map(|(name, _)| *name).collect::<Vec<_>>().join(","));
        }
        let [years, months] = [listed(&self.years, YEARS), listed(&self.months, MONTHS)];
        let [hours, minutes] = [listed(&self.hours, HOURS), listed(&self.minutes, MINUTES)];
        let seconds = listed(&self.seconds, MINUTES);
        let zone = self.zone.as_ref().map_or_else(String::new, |zone| format!(" {zone}"));
        format!("{weekdays}{years}-{months}{days} {hours}:{minutes}:{seconds}{zone}")
    }
}

/// The only value, where a part is that.
pub(super) fn only(value: u16) -> Part {
    Some(BTreeSet::from([value]))
}

fn has(part: &Part, value: u16) -> bool {
    part.as_ref().is_none_or(|values| values.contains(&value))
}

/// `None` where `values` is everything from `range.0` to `range.1`.
pub(super) fn part(values: BTreeSet<u16>, range: (u16, u16)) -> Part {
    (values.len() <= usize::from(range.1 - range.0)).then_some(values)
}

/// First value and step of a sequence of three or more that goes on as long as it can, up to `last`.
pub(super) fn sequence(values: &BTreeSet<u16>, last: u16) -> Option<(u16, u16)> {
    let mut distances = values.iter().zip(values.iter().skip(1)).map(|(before, after)| after - before);
    let (first, end, step) = (*values.first()?, *values.last()?, distances.next()?);
    (values.len() > 2 && distances.all(|other| other == step) && end.checked_add(step)? > last).then_some((first, step))
}

/// A step whose next value past the end is not the start of the next hour, day or year makes systemd skip moments
/// (`tm_within_bounds` in `calendarspec.c` of 252: `*:00/25` goes from 23:50 to 00:25), so all others are listed.
fn listed(part: &Part, range: (u16, u16)) -> String {
    let Some(values) = part else { return "*".to_owned() };
    match sequence(values, range.1) {
        Some((first, step)) if first == range.0 && range != DAYS && (range.1 - range.0 + 1).is_multiple_of(step) => {
            format!("{first:02}/{step}")
        }
        _ => values.iter().map(|value| format!("{value:02}")).collect::<Vec<_>>().join(","),
    }
}

/// First and last of what is without a gap.
pub(super) fn runs(values: &BTreeSet<u16>) -> Vec<(u16, u16)> {
    let mut runs = Vec::<(u16, u16)>::new();
    for value in values {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *value => *last = *value,
            _ => runs.push((*value, *value)),
        }
    }
    runs
}

fn days_of(year: u16, month: u16) -> u16 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic())
}

fn weekdays(word: &str) -> Result<Part, Fault> {
    let mut days = BTreeSet::new();
    for item in word.split(',') {
        let (first, last) = item.split_once("..").or_else(|| item.split_once('-')).unwrap_or((item, item));
        let (first, last) = (weekday(first)?, weekday(last)?);
        if first > last {
            let message = format!("`{}` goes backwards", item.escape_debug());
            return Err(Fault::new(message, "a week starts on Monday; a list has any order: `Sat,Sun,Mon`"));
        }
        days.extend(first..=last);
    }
    Ok(part(days, (0, 6)))
}

fn weekday(name: &str) -> Result<u16, Fault> {
    let known = WEEKDAYS.iter().zip(LONG_WEEKDAYS).zip(0..);
    let mut same =
        known.filter(|((short, long), _)| short.eq_ignore_ascii_case(name) || long.eq_ignore_ascii_case(name));
    let day = same.next().map(|(_, number)| number);
    day.ok_or_else(|| Fault::new(format!("`{}` is neither a time nor a weekday", name.escape_debug()), HELP))
}

/// The shape of a name of the tz database; which names there are is known on the target only.
fn zone(word: &str) -> Result<String, Fault> {
    if word.eq_ignore_ascii_case("utc") {
        return Ok("UTC".to_owned());
    }
    let good = |part: &str| {
        !part.is_empty() && part.chars().all(|character| character.is_ascii_alphanumeric() || "_+-".contains(character))
    };
    if word.split('/').all(good) {
        return Ok(word.to_owned());
    }
    Err(Fault::new(format!("`{}` is not a time zone", word.escape_debug()), "`UTC`, or as in `Europe/Berlin`"))
}

/// Years of two digits are those from 1970 to 2069.
fn full_years(text: &str) -> String {
    let full = |number: &str| match number.parse::<u16>() {
        Ok(year @ 0..70) => (year + 2000).to_string(),
        Ok(year @ 70..100) => (year + 1900).to_string(),
        _ => number.to_owned(),
    };
    let item = |item: &str| {
        let (range, step) =
            item.split_once('/').map_or((item, String::new()), |(range, step)| (range, format!("/{step}")));
        format!("{}{step}", range.split("..").map(full).collect::<Vec<_>>().join(".."))
    };
    text.split(',').map(item).collect::<Vec<_>>().join(",")
}

/// Where a step without an end leads: days that are counted from the end of the month come down to its last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Steps {
    Up,
    Down,
}

/// `*`, or a list of `5`, `1..5`, `1..9/2`, `1/2`.
fn component(what: &str, text: &str, range: (u16, u16), steps: Steps) -> Result<Part, Fault> {
    if text == "*" {
        return Ok(None);
    }
    let mut values = BTreeSet::new();
    for item in text.split(',') {
        let item = item_values(item, range, steps).map_err(|reason| {
            let message = format!("`{}` cannot be the {what}: {reason}", item.escape_debug());
            Fault::new(message, format!("from {} to {}; {HELP}", range.0, range.1))
        })?;
        values.extend(item);
    }
    Ok(part(values, range))
}

fn item_values(item: &str, range: (u16, u16), steps: Steps) -> Result<Vec<u16>, String> {
    let (span, step) = match item.split_once('/') {
        Some((span, step)) => (span, Some(number(step)?)),
        None => (item, None),
    };
    let (first, last) = match span.split_once("..") {
        Some((first, last)) => (number(first)?, Some(number(last)?)),
        None => (number(span)?, None),
    };
    if let Some(outside) = [Some(first), last].into_iter().flatten().find(|value| !(range.0..=range.1).contains(value))
    {
        return Err(format!("there is no {outside}"));
    }
    match (last, step) {
        (_, Some(0)) => Err("a step of 0 leads nowhere".to_owned()),
        (Some(last), _) if last < first => Err("it goes backwards".to_owned()),
        (Some(last), step) => Ok((first..=last).step_by(step.unwrap_or(1).into()).collect()),
        (None, None) => Ok(vec![first]),
        (None, Some(step)) => {
            let values: Vec<u16> = match steps {
                Steps::Up => (first..=range.1).step_by(step.into()).collect(),
                Steps::Down => (range.0..=first).rev().step_by(step.into()).collect(),
            };
            if values.len() > 1 { Ok(values) } else { Err(format!("a step of {step} leads out of it")) }
        }
    }
}

fn number(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits => Ok(number),
        _ => Err(format!("`{}` is not a whole number", text.escape_debug())),
    }
}

//! Lines of five fields, as crontab(5) of Vixie cron and cronie has them.

use std::collections::BTreeSet;

use super::super::error::Fault;
use super::calendar::{Calendar, DayCount, Part, only, part, runs, sequence};

/// A line and what it means.
pub(super) struct Line {
    /// With numbers for names and one blank between fields.
    pub text: String,
    pub calendars: Vec<Calendar>,
}

struct Kind {
    name: &'static str,
    range: (u16, u16),
    /// Names of the values from the lowest on.
    names: &'static [&'static str],
}

const MINUTE: Kind = Kind { name: "minute", range: (0, 59), names: &[] };
const HOUR: Kind = Kind { name: "hour", range: (0, 23), names: &[] };
const DAY: Kind = Kind { name: "day of the month", range: (1, 31), names: &[] };
const MONTH: Kind = Kind {
    name: "month",
    range: (1, 12),
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// Both 0 and 7 are Sunday.
const WEEKDAY: Kind =
    Kind { name: "day of the week", range: (0, 7), names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

struct Field {
    text: String,
    values: BTreeSet<u16>,
}

impl Field {
    /// Does cron take it for unrestricted, which it tells by the first character?
    fn is_star(&self) -> bool {
        self.text.starts_with('*')
    }
}

/// Reads minute, hour, day of the month, month and day of the week.
pub(super) fn parse(fields: [&str; 5]) -> Result<Line, Fault> {
    let [minute, hour, day, month, weekday] = fields;
    let [minute, hour] = [field(&MINUTE, minute)?, field(&HOUR, hour)?];
    let [day, month, weekday] = [field(&DAY, day)?, field(&MONTH, month)?, field(&WEEKDAY, weekday)?];
    let days = part(day.values.clone(), DAY.range);
    // Cron's week starts on Sunday, that of calendars on Monday.
    let weekdays = part(weekday.values.iter().map(|number| (number + 6) % 7).collect(), (0, 6));
    let every_day = Calendar {
        months: part(month.values.clone(), MONTH.range),
        hours: part(hour.values.clone(), HOUR.range),
        minutes: part(minute.values.clone(), MINUTE.range),
        seconds: only(0),
        ..Calendar::default()
    };
    // crontab(5), "Note": with both days restricted, which is to say not starting with `*`, either one is enough.
    let calendars = if day.is_star() || weekday.is_star() {
        vec![Calendar { days, weekdays, ..every_day }]
    } else {
        vec![Calendar { days, ..every_day.clone() }, Calendar { weekdays, ..every_day }]
    };
    let text = [&minute, &hour, &day, &month, &weekday].map(|field| field.text.as_str()).join(" ");
    Ok(Line { text, calendars })
}

fn field(kind: &Kind, text: &str) -> Result<Field, Fault> {
    let mut values = BTreeSet::new();
    let mut items = Vec::new();
    for item in text.split(',') {
        let (first, last, step, text) = range(kind, item).map_err(|reason| {
            let message = format!("`{}` cannot be the {}: {reason}", item.escape_debug(), kind.name);
            Fault::new(
                message,
                format!(
                    "a list of `*`, numbers from {} to {}, ranges, and steps of these, such as `{}`",
                    kind.range.0,
                    kind.range.1,
                    example(kind)
                ),
            )
        })?;
        values.extend((first..=last).step_by(step.into()));
        items.push(text);
    }
    Ok(Field { text: items.join(","), values })
}

fn example(kind: &Kind) -> String {
    let (first, last) = kind.range;
    format!("{first},{}-{last}/2", first + 3)
}

/// First, last, step, and the same with numbers only.
fn range(kind: &Kind, item: &str) -> Result<(u16, u16, u16, String), String> {
    let (span, step) = match item.split_once('/') {
        Some((span, step)) => (span, Some(number(step)?)),
        None => (item, None),
    };
    let after_step = step.map_or_else(String::new, |step| format!("/{step}"));
    let (first, last, text) = if span == "*" {
        (kind.range.0, kind.range.1, "*".to_owned())
    } else if let Some((first, last)) = span.split_once('-') {
        let (first, last) = (value(kind, first)?, value(kind, last)?);
        // `fri-sun`: as the end of a range Sunday is the last day.
        let last = if last == 0 && first > 0 && kind.range == WEEKDAY.range { 7 } else { last };
        (first, last, format!("{first}-{last}"))
    } else {
        let only = value(kind, span)?;
        (only, only, only.to_string())
    };
    match step {
        Some(0) => Err("a step of 0 leads nowhere".to_owned()),
        _ if last < first => Err("it goes backwards".to_owned()),
        Some(_) if first == last => Err(format!("a step follows a range or `*`, as in `{first}-{}/2`", kind.range.1)),
        Some(step) if step > last - first => Err(format!("a step of {step} leads out of it")),
        step => Ok((first, last, step.unwrap_or(1), text + &after_step)),
    }
}

fn value(kind: &Kind, text: &str) -> Result<u16, String> {
    let named = kind.names.iter().zip(kind.range.0..).find(|(name, _)| name.eq_ignore_ascii_case(text));
    let value = match named {
        Some((_, value)) => value,
        None => number(text)?,
    };
    if (kind.range.0..=kind.range.1).contains(&value) { Ok(value) } else { Err(format!("there is no {value}")) }
}

fn number(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits => Ok(number),
        _ => Err(format!("`{}` is not a number", text.escape_debug())),
    }
}

/// The line that means the same moments.
///
/// # Errors
/// What cron has not, where there is no such line.
pub(super) fn line_of(calendar: &Calendar) -> Result<String, &'static str> {
    if calendar.zone.is_some() {
        return Err("time zones");
    }
    if calendar.years.is_some() {
        return Err("years");
    }
    if calendar.seconds != only(0) {
        return Err("seconds");
    }
    if calendar.day_count == DayCount::FromLast {
        return Err("days that are counted from the end of the month");
    }
    if calendar.days.is_some() && calendar.weekdays.is_some() {
        return Err("way to ask for a day of the month that is a certain weekday as well");
    }
    let weekdays = calendar.weekdays.as_ref().map(|days| days.iter().map(|number| (number + 1) % 7).collect());
    let fields = [
        written(&calendar.minutes, MINUTE.range),
        written(&calendar.hours, HOUR.range),
        written(&calendar.days, DAY.range),
        written(&calendar.months, MONTH.range),
        written(&weekdays, (0, 6)),
    ];
    Ok(fields.join(" "))
}

fn written(part: &Part, (lowest, highest): (u16, u16)) -> String {
    let Some(values) = part else { return "*".to_owned() };
    match sequence(values, highest) {
        Some((first, 1)) => format!("{first}-{highest}"),
        Some((first, step)) if first == lowest => format!("*/{step}"),
        Some((first, step)) => format!("{first}-{highest}/{step}"),
        None => ranges(values),
    }
}

/// `1,3-5,9`
fn ranges(values: &BTreeSet<u16>) -> String {
    let text = |(first, last): (u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    runs(values).into_iter().map(text).collect::<Vec<_>>().join(",")
}

//! What is read is held against the real `systemd-analyze calendar` and against a reader of crontab lines that shares
//! nothing with the code.

use proptest::prelude::*;

use super::*;
use crate::exec::Command;

fn calendar(text: &str) -> Vec<String> {
    parse(text).unwrap_or_else(|fault| panic!("{text}: {}", fault.message)).calendar
}

fn cron(text: &str) -> String {
    match parse(text).unwrap().cron {
        Cron::Line(line) => line,
        Cron::No { reason } => format!("no {reason}"),
    }
}

#[test]
fn words_lines_and_expressions_become_both() {
    let cases = [
        ("minutely", "*-*-* *:*:00", "* * * * *"),
        ("Hourly", "*-*-* *:00:00", "0 * * * *"),
        ("daily", "*-*-* 00:00:00", "0 0 * * *"),
        ("@midnight", "*-*-* 00:00:00", "0 0 * * *"),
        ("weekly", "Mon *-*-* 00:00:00", "0 0 * * 1"),
        ("@weekly", "Sun *-*-* 00:00:00", "0 0 * * 0"),
        ("monthly", "*-*-01 00:00:00", "0 0 1 * *"),
        ("quarterly", "*-01/3-01 00:00:00", "0 0 1 */3 *"),
        ("@yearly", "*-01-01 00:00:00", "0 0 1 1 *"),
        ("30 4 * * *", "*-*-* 04:30:00", "30 4 * * *"),
        (
            "  */15   9-17\t* * mon-fri ",
            "Mon,Tue,Wed,Thu,Fri *-*-* 09,10,11,12,13,14,15,16,17:00/15:00",
            "*/15 9-17 * * 1-5",
        ),
        ("0 0 * JAN,jul 7", "Sun *-01,07-* 00:00:00", "0 0 * 1,7 7"),
        ("0 0 * * fri-sun", "Fri,Sat,Sun *-*-* 00:00:00", "0 0 * * 5-7"),
        ("0 12 */2 * 1", "Mon *-*-01,03,05,07,09,11,13,15,17,19,21,23,25,27,29,31 12:00:00", "0 12 */2 * 1"),
        ("Mon..Fri 04:30", "Mon,Tue,Wed,Thu,Fri *-*-* 04:30:00", "30 4 * * 1-5"),
        ("Sat,monday 2:5:00", "Mon,Sat *-*-* 02:05:00", "5 2 * * 1,6"),
        ("*-*-1..7", "*-*-01,02,03,04,05,06,07 00:00:00", "0 0 1-7 * *"),
        ("12-24 18:00", "*-12-24 18:00:00", "0 18 24 12 *"),
        ("*:0/20", "*-*-* *:00/20:00", "*/20 * * * *"),
        ("*-*-* 9..17/2:00", "*-*-* 09,11,13,15,17:00:00", "0 9,11,13,15,17 * * *"),
        (
            "Mon *-*-1..7",
            "Mon *-*-01,02,03,04,05,06,07 00:00:00",
            "no way to ask for a day of the month that is a certain weekday as well",
        ),
        ("*-*~1", "*-*~01 00:00:00", "no days that are counted from the end of the month"),
        ("27-2-*", "2027-02-* 00:00:00", "no years"),
        ("*:*:30", "*-*-* *:*:30", "no seconds"),
        ("daily UTC", "", ""),
        ("02:00 Europe/Berlin", "*-*-* 02:00:00 Europe/Berlin", "no time zones"),
    ];
    for (text, expression, line) in cases {
        if expression.is_empty() {
            assert!(parse(text).is_err(), "{text}");
            continue;
        }
        assert_eq!(calendar(text), [expression], "{text}");
        assert_eq!(cron(text), line, "{text}");
    }
}

#[test]
fn two_restricted_days_of_cron_are_two_expressions() {
    assert_eq!(calendar("0 0 13 * 5"), ["*-*-13 00:00:00", "Fri *-*-* 00:00:00"]);
    assert_eq!(calendar("*-*~1..3,28"), ["*-*~01..03 00:00:00", "*-*~28 00:00:00"]);
    assert_eq!(calendar("*-*~28/1"), ["*-*~01..28 00:00:00"]);
    // The one that never comes is left out.
    assert_eq!(calendar("0 0 30 2 mon"), ["Mon *-02-* 00:00:00"]);
}

#[test]
fn what_only_a_newer_systemd_reads_is_said() {
    let first = |text| parse(text).unwrap().systemd;
    assert_eq!([first("daily"), first("*-*~3"), first("10:00 UTC")], [0, 233, 235]);
}

#[test]
fn what_is_no_time_is_refused() {
    let wrong = [
        "sometimes",
        "@reboot",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "5/15 * * * *",
        "*/0 * * * *",
        "*/60 * * * *",
        "9-5 * * * *",
        "1-3/9 * * * *",
        "0 0 * * fri-mon",
        "x * * * *",
        "1,,2 * * * *",
        "0 0 30 2 *",
        "0 0 31 4,6 *",
        "0 0 0 ? * MON *",
        "0 0 12 * * MON",
        "25:00",
        "10:60",
        "10",
        "*-*-32",
        "*-13-1",
        "Sat..Mon 10:00",
        "Mon..",
        "Moon",
        "*-2-30",
        "2027-2-29",
        "1969-1-1",
        "10:00:00.5",
        "*/2:00",
        "50/20:00",
        "0/24:00",
        "*-*~29",
        "*-*~1/1",
        "*-*-* 10:00 x/",
        "10:00 ../../etc",
        "Mon 10:00 20:00 UTC",
        "-1:00",
        "+1:00",
    ];
    for text in wrong {
        assert!(parse(text).is_err(), "{text} is taken for {:?}", parse(text).unwrap().calendar);
    }
}

/// The next moments of all expressions after the start of 2027, as systemd computes them.
fn of_systemd(expressions: &[String]) -> Vec<String> {
    let base = ["calendar", "--iterations=8", "--base-time=2026-12-31 23:59:59 UTC"];
    let mut moments = Vec::new();
    for expression in expressions {
        let command = Command::new("systemd-analyze").args(base).arg(expression).env("TZ", "UTC").env("LC_ALL", "C");
        let text = command.run_checked().unwrap().stdout_text();
        let lines = text.lines().filter_map(|line| line.trim().split_once(": "));
        let lines =
            lines.filter(|(key, value)| (*key == "Next elapse" || key.starts_with("Iter.")) && *value != "never");
        moments.extend(lines.map(|(_, moment)| moment.trim().split(' ').skip(1).collect::<Vec<_>>().join(" ")));
    }
    moments.sort();
    moments.dedup();
    moments.truncate(8);
    moments
}

/// The same for a line of cron, looking at one day and one minute after the other.
fn of_cron_line(line: &str) -> Vec<String> {
    let fields = line.to_lowercase();
    let names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let number = |text: &str| -> u32 {
        let month = names.iter().position(|name| *name == text).map(|index| index as u32 + 1);
        month
            .or_else(|| days.iter().position(|name| *name == text).map(|index| index as u32))
            .unwrap_or_else(|| text.parse().unwrap())
    };
    let matches = |field: &str, value: u32, low: u32| {
        field.split(',').any(|item| {
            let (span, step) = item.split_once('/').map_or((item, 1), |(span, step)| (span, number(step)));
            let (from, to) = match span.split_once('-') {
                _ if span == "*" => (low, 99),
                Some((from, to)) => (number(from), number(to)),
                None => (number(span), number(span)),
            };
            value >= from && value <= to && (value - from).is_multiple_of(step)
        })
    };
    let fields = fields.split_whitespace().collect::<Vec<_>>();
    let mut found = Vec::new();
    // Days since 1 March 0000 (Howard Hinnant, "chrono-compatible low-level date algorithms").
    for day_number in 740_287u32..740_287 + 366 * 45 {
        let (era, of_era) = (day_number / 146_097, day_number % 146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = era * 400 + year_of_era + u32::from(month <= 2);
        let weekday = (day_number + 3) % 7;
        let by_day = matches(fields[2], day, 1);
        let by_weekday = matches(fields[4], weekday, 0) || (weekday == 0 && matches(fields[4], 7, 0));
        let star = fields[2].starts_with('*') || fields[4].starts_with('*');
        if !matches(fields[3], month, 1) || !(if star { by_day && by_weekday } else { by_day || by_weekday }) {
            continue;
        }
        for minute in 0..24 * 60 {
            if matches(fields[1], minute / 60, 0) && matches(fields[0], minute % 60, 0) {
                found.push(format!("{year}-{month:02}-{day:02} {:02}:{:02}:00 UTC", minute / 60, minute % 60));
            }
            if found.len() == 8 {
                return found;
            }
        }
    }
    found
}

#[test]
fn the_two_judges_agree_on_a_known_date() {
    assert_eq!(of_cron_line("0 0 1 1 *")[0], "2027-01-01 00:00:00 UTC");
    assert_eq!(of_cron_line("0 0 * * 5")[0], "2027-01-01 00:00:00 UTC");
    assert_eq!(of_systemd(&["Fri *-*-* 00:00:00".to_owned()])[..2], of_cron_line("0 0 * * fri")[..2]);
}

/// An item of a field of cron between `low` and `high`.
fn item(low: u32, high: u32) -> impl Strategy<Value = String> {
    prop_oneof![
        2 => (low..=high).prop_map(|value| value.to_string()),
        2 => (low..high).prop_flat_map(move |from| (Just(from), from + 1..=high)).prop_map(|(from, to)| format!("{from}-{to}")),
        1 => (low..high - 1).prop_flat_map(move |from| (Just(from), from + 2..=high, 1..=2u32))
            .prop_map(|(from, to, step)| format!("{from}-{to}/{step}")),
        1 => (1..=high - low).prop_map(|step| format!("*/{step}")),
    ]
}

fn cron_field(low: u32, high: u32) -> impl Strategy<Value = String> {
    prop_oneof![2 => Just("*".to_owned()), 3 => prop::collection::vec(item(low, high), 1..3).prop_map(|items| items.join(","))]
}

fn named(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    (0..names.len()).prop_flat_map(move |from| (Just(from), from..names.len())).prop_map(move |(from, to)| {
        if from == to { names[from].to_owned() } else { format!("{}-{}", names[from], names[to]) }
    })
}

fn cron_line() -> impl Strategy<Value = String> {
    const MONTHS: [&str; 12] = ["jan", "Feb", "MAR", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const DAYS: [&str; 7] = ["Sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let month = prop_oneof![3 => cron_field(1, 12), 1 => named(&MONTHS)];
    let weekday = prop_oneof![3 => cron_field(0, 7), 1 => named(&DAYS)];
    (cron_field(0, 59), cron_field(0, 23), cron_field(1, 31), month, weekday)
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

/// A part of a calendar expression. What stands between `!` and `/` is for the judge only: without an end, systemd's
/// steps skip what lies after the next month or hour has begun.
fn systemd_part(low: u32, high: u32) -> impl Strategy<Value = String> {
    let one = prop_oneof![
        3 => (low..=high).prop_map(|value| value.to_string()),
        1 => (low..high).prop_flat_map(move |from| (Just(from), from + 1..=high)).prop_map(|(from, to)| format!("{from}..{to:02}")),
        1 => (low..high - 3).prop_flat_map(move |from| (Just(from), from + 3..=high, 1..=3u32))
            .prop_map(|(from, to, step)| format!("{from}..{to}/{step}")),
        1 => (low..high).prop_flat_map(move |from| (Just(from), 1..=high - from)).prop_map(move |(from, step)| format!("{from}!{high}/{step}")),
    ];
    prop_oneof![1 => Just("*".to_owned()), 2 => prop::collection::vec(one, 1..3).prop_map(|items| items.join(","))]
}

/// `3!59/2` as `3/2`, and `~3!27/2` as `~27/2`.
fn without_ends(marked: &str) -> String {
    let mut text = String::new();
    for piece in marked.split_inclusive('/') {
        match piece.rsplit_once('!') {
            Some((before, end)) => {
                let (rest, start) = before.split_at(before.trim_end_matches(|c: char| c.is_ascii_digit()).len());
                let counts_down = rest.ends_with('~');
                text.extend([rest, if counts_down { end.trim_end_matches('/') } else { start }, "/"]);
            }
            None => text.push_str(piece),
        }
    }
    text
}

fn from_last() -> impl Strategy<Value = String> {
    prop_oneof![
        (1..=28u32).prop_map(|day| format!("~{day}")),
        // Down to the last day: the judge has it the other way round.
        (2..=28u32)
            .prop_flat_map(|day| (Just(day), 1..day))
            .prop_map(|(day, step)| format!("~{}!{day}/{step}", (day - 1) % step + 1)),
        (1..=20u32)
            .prop_flat_map(|day| (Just(day), day + 3..=28, 1..=3u32))
            .prop_map(|(a, b, step)| format!("~{a}..{b}/{step}")),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    let weekdays = prop_oneof![
        2 => Just(String::new()),
        1 => prop::sample::select(vec!["Mon ", "tue,Sat ", "Wednesday..Sunday ", "Mon-Thu,sun ", "Mon..Sun "]).prop_map(str::to_owned),
    ];
    let days = prop_oneof![2 => systemd_part(1, 31).prop_map(|part| format!("-{part}")), 1 => from_last()];
    let year = prop_oneof![3 => Just("*-".to_owned()), 1 => Just(String::new()), 1 => systemd_part(2027, 2040).prop_map(|part| format!("{part}-"))];
    let date = prop_oneof![1 => Just(String::new()), 3 => (year, systemd_part(1, 12), days).prop_map(|(y, m, d)| format!("{y}{m}{d} "))];
    let seconds = prop_oneof![2 => Just(String::new()), 1 => systemd_part(0, 59).prop_map(|part| format!(":{part}"))];
    let time = (systemd_part(0, 23), systemd_part(0, 59), seconds).prop_map(|(h, m, s)| format!("{h}:{m}{s}"));
    (weekdays, date, time).prop_map(|(weekdays, date, time)| format!("{weekdays}{date}{time}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_line_of_cron_and_its_expressions_mean_the_same_moments(line in cron_line()) {
        let expected = of_cron_line(&line);
        match parse(&line) {
            Ok(schedule) => {
                prop_assert_eq!(of_systemd(&schedule.calendar), expected.clone(), "{:?}", schedule);
                let Cron::Line(written) = schedule.cron else { panic!("{line} is not for cron") };
                prop_assert_eq!(of_cron_line(&written), expected, "{}", written);
            }
            // Such as 31 April.
            Err(fault) => prop_assert!(expected.is_empty(), "{}", fault.message),
        }
    }

    #[test]
    fn an_expression_keeps_its_meaning_and_cron_agrees(marked in expression()) {
        let expected = of_systemd(&[marked.replace('!', "..")]);
        let text = without_ends(&marked);
        match parse(&text) {
            Ok(schedule) => {
                prop_assert_eq!(of_systemd(&schedule.calendar), expected.clone(), "{:?}", schedule);
                if let Cron::Line(line) = schedule.cron {
                    prop_assert_eq!(of_cron_line(&line), expected, "{}", line);
                }
            }
            Err(fault) => prop_assert!(expected.is_empty(), "{}", fault.message),
        }
    }

    #[test]
    fn nothing_makes_it_panic_and_what_is_written_is_plain(text in "[-*/.,~:0-9a-zA-Z @]{0,24}|\\PC{0,12}") {
        if let Ok(schedule) = parse(&text) {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-*/,~: _+".contains(c);
            prop_assert!(schedule.calendar.iter().all(|line| line.chars().all(plain)), "{:?}", schedule);
            if let Cron::Line(line) = schedule.cron {
                prop_assert!(line.chars().all(|c| c.is_ascii_digit() || "-*/, ".contains(c)), "{}", line);
            }
        }
    }
}

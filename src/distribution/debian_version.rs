//! The order of Debian's version numbers: deb-version(7), "Sorting algorithm".

use std::cmp::Ordering;

/// Compares `[epoch:]upstream[-revision]` as dpkg does.
#[must_use]
pub fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (parts(left), parts(right));
    left.0.cmp(&right.0).then_with(|| compare_part(left.1, right.1)).then_with(|| compare_part(left.2, right.2))
}

fn parts(version: &str) -> (u64, &str, &str) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch.parse().unwrap_or(u64::MAX), upstream, revision)
}

/// By turns what is no digit, character by character, and numbers.
fn compare_part(mut left: &str, mut right: &str) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let words = (split(&mut left, |c| !c.is_ascii_digit()), split(&mut right, |c| !c.is_ascii_digit()));
        let weights = |word: &str| word.chars().map(weight).chain([0]).collect::<Vec<_>>();
        let order = weights(words.0).cmp(&weights(words.1)).then_with(|| {
            let number = |text: &mut &str| {
                let digits = split(text, |c| c.is_ascii_digit()).trim_start_matches('0').to_owned();
                (digits.len(), digits)
            };
            number(&mut left).cmp(&number(&mut right))
        });
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// Takes the start of `text` that `belongs`.
fn split<'a>(text: &mut &'a str, belongs: impl Fn(char) -> bool) -> &'a str {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    let (start, rest) = text.split_at(end);
    *text = rest;
    start
}

/// `~` is before the end of a part (0), letters are before all else.
fn weight(c: char) -> i64 {
    match c {
        '~' => -1,
        c if c.is_ascii_alphabetic() => i64::from(u32::from(c)),
        c => i64::from(u32::from(c)) + 256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Versions in their order, with all that is special: tildes, epochs, revisions, letters before signs, zeros.
    const SORTED: &[&str] = &[
        "0~~",
        "0~",
        "0",
        "0a",
        "0+",
        "0.0~rc1",
        "0.0",
        "1.0~rc1-1",
        "1.0",
        "1.0-0.1",
        "1.0-1",
        "1.0-1+b1",
        "1.0.1",
        "1.0a",
        "1.0+dfsg",
        "1.9",
        "1.010",
        "2017~U7",
        "1:0.1",
        "2:0",
    ];

    fn dpkg(left: &str, operator: &str, right: &str) -> bool {
        let command = crate::exec::Command::new("dpkg").args(["--compare-versions", left, operator, right]);
        command.run().unwrap().code == 0
    }

    #[test]
    fn the_order_is_that_of_dpkg() {
        for left in SORTED {
            for right in SORTED {
                let operator = match compare(left, right) {
                    Ordering::Less => "lt",
                    Ordering::Equal => "eq",
                    Ordering::Greater => "gt",
                };
                assert!(dpkg(left, operator, right), "{left} {operator} {right}");
            }
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(200))]
        #[test]
        fn any_two_versions_are_ordered_as_dpkg_does(
            left in "([0-2]:)?[0-9][0-9a-c.+~]{0,6}(-[0-9a-c.+~]{1,3})?",
            right in "([0-2]:)?[0-9][0-9a-c.+~]{0,6}(-[0-9a-c.+~]{1,3})?",
        ) {
            let operator = match compare(&left, &right) {
                Ordering::Less => "lt",
                Ordering::Equal => "eq",
                Ordering::Greater => "gt",
            };
            proptest::prop_assert!(dpkg(&left, operator, &right), "{} {} {}", left, operator, right);
        }
    }
}

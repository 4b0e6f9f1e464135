//! A command as the user wrote it, to words: as a shell splits them (POSIX XCU 2.2 and 2.3), with none of a shell's
//! other features. What a shell would act on is refused rather than passed on as an argument.

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    Text(String),
    /// `$MAINPID`: the process id of the service, in its `reload` command.
    MainPid,
}

/// May a command name the main process of its service?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MainPid {
    Allowed,
    Refused,
}

/// Splits `command` into words.
///
/// # Errors
/// Says what is wrong: a quote that is not closed, or something only a shell could do.
pub fn split(command: &str, main_pid: MainPid) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut characters = command.chars().peekable();
    loop {
        while characters.next_if(|c| c.is_ascii_whitespace()).is_some() {}
        if characters.peek().is_none() {
            return Ok(words);
        }
        let raw = characters.clone().take_while(|c| !c.is_ascii_whitespace()).collect::<String>();
        if main_pid == MainPid::Allowed && matches!(raw.as_str(), "$MAINPID" | "${MAINPID}") {
            words.push(Word::MainPid);
            characters = skip(characters, raw.chars().count());
            continue;
        }
        words.push(Word::Text(word(&mut characters)?));
    }
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn skip(mut characters: Characters<'_>, count: usize) -> Characters<'_> {
    for _ in 0..count {
        characters.next();
    }
    characters
}

fn word(characters: &mut Characters<'_>) -> Result<String, String> {
    let mut text = String::new();
    while let Some(character) = characters.next_if(|c| !c.is_ascii_whitespace()) {
        match character {
            '\'' => single_quoted(characters, &mut text)?,
            '"' => double_quoted(characters, &mut text)?,
            '\\' => match characters.next() {
                Some('\n') => {}
                Some(escaped) => text.push(escaped),
                None => return Err("it ends with a backslash".to_owned()),
            },
            '|' | '&' | ';' | '<' | '>' | '(' | ')' => return Err(shell_feature(&character.to_string())),
            '$' | '`' => text.push(dollar_or_backtick(character, characters)?),
            other => text.push(other),
        }
    }
    Ok(text)
}

fn single_quoted(characters: &mut Characters<'_>, text: &mut String) -> Result<(), String> {
    loop {
        match characters.next() {
            Some('\'') => return Ok(()),
            Some(other) => text.push(other),
            None => return Err("a single quote is not closed".to_owned()),
        }
    }
}

fn double_quoted(characters: &mut Characters<'_>, text: &mut String) -> Result<(), String> {
    loop {
        match characters.next() {
            Some('"') => return Ok(()),
            Some('\\') => match characters.next() {
                Some('\n') => {}
                Some(special @ ('$' | '`' | '"' | '\\')) => text.push(special),
                Some(other) => text.extend(['\\', other]),
                None => return Err("a double quote is not closed".to_owned()),
            },
            Some(special @ ('$' | '`')) => text.push(dollar_or_backtick(special, characters)?),
            Some(other) => text.push(other),
            None => return Err("a double quote is not closed".to_owned()),
        }
    }
}

/// A dollar sign that starts no expansion stands for itself.
fn dollar_or_backtick(special: char, characters: &mut Characters<'_>) -> Result<char, String> {
    let starts = |next: char| next.is_ascii_alphanumeric() || "_{(@*#?-$!".contains(next);
    match characters.peek() {
        Some(next) if special == '$' && starts(*next) => Err(shell_feature(&format!("${next}"))),
        _ if special == '`' => Err(shell_feature("`")),
        _ => Ok(special),
    }
}

fn shell_feature(what: &str) -> String {
    format!("`{what}` has a meaning only for a shell, and there is none")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Command;
    use proptest::prelude::*;

    fn texts(command: &str) -> Result<Vec<String>, String> {
        split(command, MainPid::Refused).map(|words| {
            words
                .into_iter()
                .map(|word| match word {
                    Word::Text(text) => text,
                    Word::MainPid => panic!("not allowed here"),
                })
                .collect()
        })
    }

    #[test]
    fn what_only_a_shell_can_do_is_refused() {
        for command in ["a | b", "a > log", "a && b", "a $HOME", "a \"${X}\"", "a `b`", "a $(b)", "a;", "(a)"] {
            let error = texts(command).unwrap_err();
            assert!(error.contains("shell"), "{command}: {error}");
        }
        assert_eq!(texts(r"a '$HOME' \$x 'b|c' 5$").unwrap(), ["a", "$HOME", "$x", "b|c", "5$"]);
    }

    #[test]
    fn open_quotes_are_refused() {
        for command in ["a 'b", "a \"b", "a \"b\\", "a \\"] {
            assert!(texts(command).is_err(), "{command}");
        }
    }

    #[test]
    fn the_main_process_is_named_only_where_allowed() {
        let words = split("kill -HUP $MAINPID x", MainPid::Allowed).unwrap();
        assert_eq!(words[2..], [Word::MainPid, Word::Text("x".to_owned())]);
        assert!(split("kill $MAINPID", MainPid::Refused).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
        /// What is accepted is split as the real shell splits it.
        #[test]
        fn words_are_those_of_a_shell(command in "[a-c \t'\"\\\\$%=+-]{0,16}") {
            if let Ok(words) = texts(&command) {
                let script = format!("for word in {command}\ndo printf '%s\\0' \"$word\"; done");
                let output = Command::new("sh").args(["-f", "-c", &script]).run_checked().unwrap();
                let mut expected = output.stdout_text().split('\0').map(str::to_owned).collect::<Vec<_>>();
                expected.pop();
                prop_assert_eq!(words, expected, "{}", command);
            }
        }
    }
}

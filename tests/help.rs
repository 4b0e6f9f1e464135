//! What explains omnipack: topics of help, manual pages and completions, tried with the programs that read them.

mod support;

use omnipack::exec::Command;
use support::{expect_success, omnipack};

fn subcommands() -> Vec<String> {
    let help = expect_success(&omnipack().args(["--help"]));
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn every_page_of_the_manual_is_sound_and_there_is_one_for_each_subcommand() {
    let directory = tempfile::tempdir().unwrap();
    expect_success(&omnipack().args(["man", "--output-directory"]).arg(directory.path().join("man1")));
    let pages = fs_err::read_dir(directory.path().join("man1")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages = pages.collect::<Vec<_>>();
    pages.sort();
    let names = pages.iter().map(|page| page.file_name().unwrap().to_string_lossy().into_owned());
    let mut expected = subcommands().iter().map(|name| format!("omnipack-{name}.1")).collect::<Vec<_>>();
    let below = ["build", "dockerfile", "list", "prune"];
    expected.extend(below.map(|name| format!("omnipack-builder-{name}.1")));
    expected.push("omnipack.1".to_owned());
    expected.sort();
    assert!(expected.len() > 10);
    assert_eq!(names.collect::<Vec<_>>(), expected);
    for page in &pages {
        let output = Command::new("groff").args(["-man", "-ww", "-z", "-Tutf8"]).arg(page).run().unwrap();
        assert_eq!((output.code, output.stderr_text()), (0, String::new()), "{}", page.display());
    }
    let shown = |name: &str| {
        let page = directory.path().join("man1").join(name);
        expect_success(&Command::new("groff").args(["-man", "-Tascii", "-P-cbou"]).arg(page))
    };
    let page = shown("omnipack-diff.1");
    for line in
        ["EXAMPLES\n", "EXIT STATUS\n", "       omnipack diff old/app-1.0-1.x86_64.rpm dist/app-1.1-1.x86_64.rpm\n"]
    {
        assert!(page.contains(line), "no {line:?} in\n{page}");
    }
    assert!(!page.contains("SUBCOMMANDS"), "{page}");
    assert!(shown("omnipack.1").contains("SUBCOMMANDS\n       omnipack-build(1)"), "{}", shown("omnipack.1"));
    assert_eq!(expect_success(&omnipack().args(["man"])).into_bytes(), fs_err::read(pages.last().unwrap()).unwrap());
}

#[test]
fn bash_completes_subcommands_options_and_values() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("omnipack.bash");
    fs_err::write(&script, expect_success(&omnipack().args(["completions", "bash"]))).unwrap();
    for (words, expected) in [
        ("omnipack gen", "generate-spec"),
        ("omnipack smoke --jun", "--junit"),
        ("omnipack inspect --color n", "never"),
        ("omnipack completions z", "zsh"),
    ] {
        let program = format!(
            "source \"$1\"; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _omnipack omnipack \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; echo \"${{COMPREPLY[*]}}\""
        );
        let said = expect_success(&Command::new("bash").args(["-c", &program, "bash"]).arg(&script));
        assert_eq!(said.trim(), expected, "{words}");
    }
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        assert!(expect_success(&omnipack().args(["completions", shell])).contains("generate-spec"), "{shell}");
    }
}

#[test]
fn help_has_topics() {
    let reference = expect_success(&omnipack().args(["help", "config"]));
    assert_eq!(reference, omnipack::project::reference());
    for name in subcommands() {
        let long = expect_success(&omnipack().args([&name, "--help"]));
        assert_eq!(expect_success(&omnipack().args(["help", &name])), long, "{name}");
    }
    assert_eq!(expect_success(&omnipack().args(["help"])), expect_success(&omnipack().args(["--help"])));
    let output = omnipack().args(["help", "confg"]).run().unwrap();
    assert_eq!(output.code, 2);
    assert!(output.stderr_text().contains("did you mean `config`?"), "{}", output.stderr_text());
}

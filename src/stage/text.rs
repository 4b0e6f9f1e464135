//! Renders the texts that lie in a virtual environment, from `templates/venv/`.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

/// A template of `templates/venv/` or `templates/plugins/`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Template {
    Activate,
    ActivateCsh,
    ActivateFish,
    Launcher,
    /// Keeps packages in home directories out where those of the distribution are seen.
    NoUserSite,
    /// pip for plugins.
    PluginsPip,
    PluginsPth,
    PluginsPyvenvCfg,
    PyvenvCfg,
    Shebang,
    /// For an interpreter that the kernel cannot start from a `#!` line.
    ShebangExec,
}

impl Template {
    const ALL: [(Self, &'static str); 11] = [
        (Self::Activate, include_str!("../../templates/venv/activate")),
        (Self::ActivateCsh, include_str!("../../templates/venv/activate.csh")),
        (Self::ActivateFish, include_str!("../../templates/venv/activate.fish")),
        (Self::Launcher, include_str!("../../templates/venv/launcher.py")),
        (Self::NoUserSite, include_str!("../../templates/venv/no_user_site.pth")),
        (Self::PluginsPip, include_str!("../../templates/plugins/pip.py")),
        (Self::PluginsPth, include_str!("../../templates/plugins/plugins.pth")),
        (Self::PluginsPyvenvCfg, include_str!("../../templates/plugins/pyvenv.cfg")),
        (Self::PyvenvCfg, include_str!("../../templates/venv/pyvenv.cfg")),
        (Self::Shebang, include_str!("../../templates/venv/shebang")),
        (Self::ShebangExec, include_str!("../../templates/venv/shebang-exec")),
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::ActivateCsh => "activate.csh",
            Self::ActivateFish => "activate.fish",
            Self::Launcher => "launcher.py",
            Self::NoUserSite => "no_user_site.pth",
            Self::PluginsPip => "pip",
            Self::PluginsPth => "plugins.pth",
            Self::PluginsPyvenvCfg => "pyvenv.cfg of the plugins",
            Self::PyvenvCfg => "pyvenv.cfg",
            Self::Shebang => "shebang",
            Self::ShebangExec => "shebang-exec",
        }
    }

    /// # Errors
    /// When the template names something that `context` does not have.
    pub(super) fn render(self, context: impl Into<Value>) -> Result<String, std::io::Error> {
        static TEMPLATES: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
            let mut environment = strict_environment();
            for (template, text) in Template::ALL {
                environment.add_template(template.name(), text)?;
            }
            Ok(environment)
        });
        let environment = TEMPLATES.as_ref().map_err(|error| std::io::Error::other(error.to_string()))?;
        environment
            .get_template(self.name())
            .and_then(|template| template.render(context.into()))
            .map_err(|error| std::io::Error::other(format!("{error:#}")))
    }
}

/// No undefined names, no escaping but what a filter asks for, every newline kept.
pub(super) fn strict_environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    syntax.keep_trailing_newline(true);
    // With the default delimiters this cannot fail.
    if let Ok(syntax) = syntax.build() {
        environment.set_syntax(syntax);
    }
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.add_filter("sh", |text: String| quote_sh(&text));
    environment.add_filter("fish", |text: String| quote_fish(&text));
    environment.add_filter("csh", |text: String| quote_csh(&text));
    environment.add_filter("python_path", |text: String| quote_python_path(&text));
    environment
}

/// As one word of a POSIX shell. The `'"'"'` form for a quote never has three quotes in a row, so that the result may
/// stand in a Python string in `'''`.
pub(super) fn quote_sh(text: &str) -> String {
    format!("'{}'", text.replace('\'', r#"'"'"'"#))
}

/// As one word of fish, where a backslash is special inside of single quotes, too.
fn quote_fish(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// As one word of csh, which replaces `!` even inside of single quotes.
fn quote_csh(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''").replace('!', r"\!"))
}

/// As an expression of Python that gives a path, where `os` is imported. It is in ASCII, since a `.pth` file is read in the
/// encoding of the locale, and gives the same bytes in any locale, where Python before 3.7 takes "C" for ASCII.
fn quote_python_path(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' => quoted.push(char::from(byte)),
            other => quoted.push_str(&format!("\\x{other:02x}")),
        }
    }
    if text.is_ascii() { format!("\"{quoted}\"") } else { format!("os.fsdecode(b\"{quoted}\")") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_gets_one_word() {
        assert_eq!(quote_sh("it's $x"), r#"'it'"'"'s $x'"#);
        assert_eq!(quote_fish(r"it's \ $x"), r"'it\'s \\ $x'");
        assert_eq!(quote_csh("it's $x!"), r"'it'\''s $x\!'");
    }

    #[test]
    fn python_reads_a_path_back() {
        let texts = ["/o/a b", "it's \"x\" \\ {}", "/d\u{e9}/\u{1f40d}", "\n#"];
        let script =
            format!("import os, sys; assert [{}] == sys.argv[1:], sys.argv", texts.map(quote_python_path).join(", "));
        let python = which::which("python3").unwrap();
        for locale in ["C", "C.UTF-8"] {
            let command = crate::exec::Command::new(&python).args(["-c", &script]).args(texts);
            command.env("LC_ALL", locale).run_checked().unwrap();
        }
    }

    #[test]
    fn a_template_with_an_unknown_name_is_an_error() {
        let error = Template::PyvenvCfg.render(minijinja::context! { home => "/usr/bin" }).unwrap_err().to_string();
        assert!(error.contains("undefined"), "{error}");
    }

    #[test]
    fn texts_end_with_one_newline() {
        let text =
            Template::PyvenvCfg.render(minijinja::context! { home => "/usr/bin", version => "3.6", system => false });
        let text = text.unwrap();
        assert_eq!(text, "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.6\n");
    }
}

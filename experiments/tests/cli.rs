//! The command line without any data: usage, help, versions, completions.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::{Command, Output};

fn trueup(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    command.args(arguments).env("NO_COLOR", "1").output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let output = trueup(&["--help"]);
    assert!(output.status.success());
    let help = text(&output.stdout);
    for word in ["run", "compare", "validate", "report", "describe", "export", "completions"] {
        assert!(help.contains(&format!("\n  {word} ")), "{word}: {help}");
    }
    assert!(help.contains("Exit codes: 0 done, 1"), "{help}");
}

#[test]
fn wrong_usage_is_exit_code_2_with_a_suggestion() {
    for arguments in [&["rum"][..], &["run"], &["run", "a.toml", "--thread"], &[]] {
        assert_eq!(trueup(arguments).status.code(), Some(2), "{arguments:?}");
    }
    let output = trueup(&["rum"]);
    assert!(text(&output.stderr).contains("'run'"), "{}", text(&output.stderr));
    assert_eq!(trueup(&["--threads", "0", "validate", "a.toml"]).status.code(), Some(2));
}

#[test]
fn the_version_is_that_of_the_crate() {
    let output = trueup(&["--version"]);
    assert_eq!(text(&output.stdout), format!("trueup {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_exist_for_every_shell_and_know_the_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = trueup(&["completions", shell]);
        assert!(output.status.success(), "{shell}");
        assert!(text(&output.stdout).contains("describe"), "{shell}");
    }
}

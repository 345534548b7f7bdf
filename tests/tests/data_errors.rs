//! Logs that are wrong: each complaint names file, line, column, value and remedy, with exit code
//! 3, and nothing is written.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write;

use trueup_tests::Folder;
use trueup_tests::data::{CONFIG, purchases};

/// Runs the config on a log and expects these words in the complaint.
fn refuses(log: impl AsRef<[u8]>, words: &[&str]) {
    refuses_with(CONFIG, log, words);
}

fn refuses_with(config: &str, log: impl AsRef<[u8]>, words: &[&str]) {
    let folder = Folder::new();
    folder.write("log.csv", log).write("tiny.toml", config);
    folder.trueup(&["run", "tiny.toml"]).code(3).complains(words);
    assert_eq!(folder.list("."), ["log.csv", "tiny.toml"], "something was written");
}

#[test]
fn a_missing_column() {
    let log = purchases(60, 1).replace("euros", "Euro");
    refuses(log, &["log.csv", "euros", "columns are", "Euro"]);
}

#[test]
fn a_wrong_date_format() {
    let log = purchases(60, 1).replace("2021-01-", "01.2021.");
    refuses(log, &["log.csv", "line ", "day", "01.2021."]);
}

#[test]
fn an_amount_that_is_no_number_on_line_40017() {
    let mut log = String::from("client,day,euros\n");
    for line in 2..=50_000 {
        let amount = if line == 40_017 { "12,50 EUR".into() } else { format!("{}.25", line % 90) };
        let _ = writeln!(
            log,
            "c{},2021-{:02}-{:02},\"{amount}\"",
            line % 900,
            1 + line % 7,
            1 + line % 28
        );
    }
    refuses(log, &["line 40017", "euros", "12,50 EUR"]);
}

#[test]
fn an_empty_file_a_header_alone_and_no_file() {
    refuses("", &["log.csv", "empty"]);
    refuses("client,day,euros\n", &["log.csv", "no rows"]);
    let folder = Folder::new();
    folder.write("tiny.toml", CONFIG);
    folder.trueup(&["run", "tiny.toml"]).code(3).complains(&["log.csv", "no such file"]);
    assert_eq!(folder.list("."), ["tiny.toml"]);
}

#[test]
fn one_user() {
    let log = "client,day,euros\nc1,2021-01-05,10.0\nc1,2021-08-05,12.5\n";
    refuses(log, &["1 user", "at least"]);
}

#[test]
fn a_kind_that_is_never_mapped() {
    let config = CONFIG
        .replace("amount = \"euros\" }", "amount = \"euros\", kind = \"what\" }")
        .replace("clock = \"week\"", "clock = \"week\"\nkinds = { buy = \"purchase\" }");
    let log: String = purchases(120, 1)
        .lines()
        .enumerate()
        .map(|(i, line)| match i {
            0 => format!("{line},what\n"),
            77 => format!("{line},swap\n"),
            _ => format!("{line},buy\n"),
        })
        .collect();
    refuses_with(&config, log, &["swap", "line 78", "unmapped"]);
}

#[test]
fn twenty_bad_rows_are_told_at_once() {
    let mut log = purchases(60, 1);
    for i in 0..25 {
        let _ = writeln!(log, "c1,2021-01-05,bad{i}");
    }
    refuses(log, &["bad0", "bad19", "and 5 more"]);
}

#[test]
fn statistics_that_do_not_fit_the_log_or_are_none() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(60, 1)).write("tiny.toml", CONFIG).write("s.json", "{}");
    let set = ["--set", "external.statistics=s.json"];
    folder.trueup(&[&["run", "tiny.toml"][..], &set].concat()).code(3).complains(&["s.json"]);
    let set = ["--set", "external.statistics=t.json"];
    folder.trueup(&[&["run", "tiny.toml"][..], &set].concat()).code(3).complains(&["t.json"]);
    let builtin = ["describe", "builtin:cdnow", "--statistics", "c.json"];
    let _ = folder.trueup(&builtin).ok();
    let set = ["--set", "external.statistics=c.json"];
    let output = folder.trueup(&[&["run", "tiny.toml"][..], &set].concat());
    output.code(3).complains(&["52 weeks", "26 weeks"]);
    assert!(folder.list("runs").is_empty());
}

/// A bank's export as it comes: semicolons, decimal commas, days first, signed amounts, a byte order
/// mark and broken rows. Each complaint says the next key of the map that it needs.
#[test]
fn a_european_bank_export_is_read_step_by_step() {
    let mut log = String::from("\u{feff}Konto;Buchungstag;Betrag;Art\r\n");
    for (i, line) in purchases(60, 1).lines().skip(1).enumerate() {
        let [user, day, amount] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let [year, month, day] = day.split('-').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (sign, kind) = if i % 3 == 0 { ("", "Gehalt") } else { ("-", "Überweisung") };
        let amount = amount.replace('.', ",");
        let _ = write!(log, "{user};{day}.{month}.{year};{sign}1.{amount:0>6};{kind}\r\n");
    }
    log += "c1;31.02.2021;-5,00;Gehalt\r\nc1;01.03.2021;;Gehalt\r\nSumme;;;\r\n";
    let columns =
        "{ user = \"Konto\", time = \"Buchungstag\", amount = \"Betrag\", kind = \"Art\" }";
    let mut map = format!("columns = {columns}\n");
    let folder = Folder::new();
    folder.write("bank.csv", &log);
    for (needed, said) in [
        ("delimiter = \";\"\n", "did you mean delimiter = \";\"?"),
        ("time_format = \"%d.%m.%Y\"\n", "fit time_format = \"%d.%m.%Y\""),
        ("decimal = \",\"\nthousands = \".\"\n", "fit decimal = \",\", thousands = \".\""),
        ("cleaning.negative = \"absolute\"\n", "set cleaning.negative = \"absolute\""),
        (
            "cleaning.missing = \"drop\"\ncleaning.unparsable = \"drop\"\n",
            "policy under `cleaning`",
        ),
    ] {
        folder.write("map.toml", &map);
        folder.trueup(&["describe", "bank.csv", "--map", "map.toml"]).code(3).complains(&[said]);
        map += needed;
    }
    folder.write("map.toml", &map);
    let json = folder.trueup(&["describe", "bank.csv", "--map", "map.toml", "--json"]).ok().json();
    assert_eq!(json["users"], 60);
    assert_eq!(json["kinds"][1]["kind"], "Überweisung");
    assert_eq!(json["account"]["rows_dropped"].as_array().unwrap().len(), 3);
}

#[test]
fn a_folder_too_many_kinds_and_amounts_beyond_reason() {
    let folder = Folder::new();
    folder.write("tiny.toml", CONFIG);
    std::fs::create_dir(folder.path("log.csv")).unwrap();
    folder.trueup(&["run", "tiny.toml"]).code(3).complains(&["log.csv", "a folder, not a file"]);
    let huge = purchases(60, 1).replace(".00\n", ".00e300\n") + "c1,2021-01-05,1e300\n";
    refuses(huge, &["1e300", "too large to compute with"]);
    let config = CONFIG.replace("amount = \"euros\" }", "amount = \"euros\", kind = \"client\" }");
    let folder = Folder::new();
    folder.write("log.csv", purchases(300, 1)).write("tiny.toml", config);
    let output = folder.trueup(&["run", "tiny.toml"]).code(3);
    output.complains(&["300 kinds", "merge rare ones"]);
    // Said once.
    assert_eq!(output.err.matches("300 kinds").count(), 1, "{}", output.err);
}

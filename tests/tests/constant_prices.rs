//! Logs in which everybody pays a price of their own again and again: what has no spread is told as
//! such, and nothing is measured or trained on what rounding leaves of it.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write;

use serde_json::Value;
use trueup_tests::Folder;
use trueup_tests::data::Numbers;

const MAP: &str = "\
columns = { user = \"user\", time = \"tick\", amount = \"amount\" }
time_format = \"tick\"
clock = \"day\"
[window]
horizon = 30
";

/// 80 users with three payments each: every second one of them of `price`, the others of prices
/// that are the same in all logs.
fn half_and_half(price: &str) -> String {
    let mut numbers = Numbers::new(7);
    let mut text = String::from("user,tick,amount\n");
    for user in 0..80 {
        for tick in [0, 10, 20] {
            let varied = format!("{:.2}", 1.0 + 40.0 * numbers.next_number());
            let amount = if user % 2 == 0 { price } else { &varied };
            let _ = writeln!(text, "u{user},{tick},{amount}");
        }
    }
    text
}

/// Half of the users have a spread of 0, whatever their price: the same law on both sides.
#[test]
fn one_price_has_no_spread_whatever_it_is() {
    let folder = Folder::new();
    folder.write("real.csv", half_and_half("5.00")).write("map.toml", MAP);
    for price in ["6.00", "9.99", "14.30", "19.99"] {
        folder.write("simulated.csv", half_and_half(price));
        let logs = ["compare", "simulated.csv", "real.csv", "--map", "map.toml", "--json"];
        let metrics =
            ["--metric", "sd_log_amount:kolmogorov-smirnov", "--metric", "sd_log_amount:psi"];
        let summary = folder.trueup(&[&logs[..], &metrics].concat()).ok().json();
        let panel = summary["calibrators"][0]["panel"].as_array().unwrap();
        assert_eq!(panel.len(), 2);
        assert!(panel.iter().all(|row| row["value"] == 0.0), "{price}: {panel:?}");
    }
}

/// Each of 90 users pays one of three prices every month, from some month on and for a while. No
/// distance is a multiple of rounding, and a reward that pays for nothing but differences trains.
#[test]
fn subscriptions_are_judged_and_trained_on_what_differs() {
    let mut numbers = Numbers::new(3);
    let mut text = String::from("user,tick,amount\n");
    for user in 0..90 {
        let price = ["4.99", "9.99", "14.99"][user % 3];
        let start = (6.0 * numbers.next_number()) as u32;
        let months = 2 + (16.0 * numbers.next_number()) as u32;
        for tick in start..start + months {
            let _ = writeln!(text, "u{user},{tick},{price}");
        }
    }
    let folder = Folder::new();
    folder.write("log.csv", text).write(
        "c.toml",
        r#"
name = "subscriptions"
seed = 1
[external]
source = "log.csv"
columns = { user = "user", time = "tick", amount = "amount" }
time_format = "tick"
clock = "month"
window = { horizon = 24 }
[evaluation]
seeds = 1
replicates = 40
permutations = 0
[[calibrators]]
kind = "personas"
[[calibrators]]
kind = "ppo"
iterations = 2
users = 100
"#,
    );
    let _ = folder.trueup(&["run", "c.toml"]).ok();
    let summary: Value =
        serde_json::from_str(&folder.read("runs/subscriptions-1/summary.json")).unwrap();
    for calibrator in summary["calibrators"].as_array().unwrap() {
        let excess = calibrator["mean_excess"].as_f64().unwrap();
        assert!(excess.abs() < 10.0, "{}: {excess}", calibrator["name"]);
        let panel = calibrator["panel"].as_array().unwrap();
        let spread = |row: &&Value| row["feature"] == "sd_log_amount" && row["floor"] != 0.0;
        assert!(!panel.iter().any(|row| spread(&row)), "{panel:?}");
    }
    let metrics = folder.read("runs/subscriptions-1/metrics.jsonl");
    let kl = |line: &str| {
        serde_json::from_str::<Value>(line).unwrap()["values"]["approximate_kl"].as_f64()
    };
    let largest = metrics.lines().filter_map(kl).fold(0.0, f64::max);
    assert!(largest > 1e-3, "{largest}\n{metrics}");
}

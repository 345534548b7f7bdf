//! What kinds do to money: how it was found stands wherever a log is described or used.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};
use trueup_tests::Folder;
use trueup_tests::data::{CONFIG, purchases};

/// [`purchases`] with a kind a row, by turns.
fn with_kinds(kinds: [&str; 2]) -> String {
    let mut log = String::from("client,day,euros,what\n");
    for (i, line) in purchases(60, 1).lines().skip(1).enumerate() {
        log += &format!("{line},{}\n", kinds[i % 2]);
    }
    log
}

/// The first calibrator alone, on a log with kinds.
fn config() -> String {
    let config = CONFIG.replace("amount = \"euros\" }", "amount = \"euros\", kind = \"what\" }");
    let head = config.split("[[calibrators]]").next().unwrap().to_owned();
    let metrics = "seeds = 1\npermutations = 0\nmetrics = [\n\
                   { feature = \"net_flow\", discrepancy = \"wasserstein-1\" },\n\
                   { feature = \"event_count\", discrepancy = \"wasserstein-1\" },\n]";
    head.replace("seeds = 2", metrics) + "[[calibrators]]\nkind = \"personas\"\n"
}

#[test]
fn what_is_assumed_of_a_kind_is_told_and_a_config_replaces_it() {
    let folder = Folder::new();
    folder.write("log.csv", with_kinds(["order", "boleto"])).write("tiny.toml", config());
    let output = folder.trueup(&["run", "tiny.toml"]).ok();
    output.complains(&["kind \"boleto\" has no known effect on money", "boleto = \"spend\""]);
    let summary = |name: &str| -> Value {
        serde_json::from_str(&folder.read(&format!("runs/{name}/summary.json"))).unwrap()
    };
    let first = summary("tiny-7");
    let kind = |kind: &str, effect: &str, found: &str| json!({ "kind": kind, "effect": effect, "found": found });
    let assumed = json!([kind("boleto", "record", "assumed"), kind("order", "spend", "name")]);
    assert_eq!(first["kinds"], assumed);
    assert!(first["notes"].to_string().contains("boleto"), "{}", first["notes"]);
    let report = folder.read("runs/tiny-7/report.html");
    for words in ["boleto: moves no money, assumed", "order: money out, by its name"] {
        assert!(report.contains(words), "{words}");
    }

    let told = ["run", "tiny.toml", "--set", "world.kinds.boleto=receive", "--set", "name=told"];
    let output = folder.trueup(&told).ok();
    assert!(!output.err.contains("no known effect"), "{}", output.err);
    let second = summary("told-7");
    let given = json!([kind("boleto", "receive", "config"), kind("order", "spend", "name")]);
    assert_eq!(second["kinds"], given);
    assert_eq!(
        second["notes"].as_array().unwrap().len() + 1,
        first["notes"].as_array().unwrap().len()
    );
    // Money in and money out: net flow can be measured, in the panel and of the simulated users.
    let measured = |summary: &Value| {
        let rows = summary["calibrators"][0]["panel"].as_array().unwrap();
        rows.iter().any(|row| row["feature"] == "net_flow")
    };
    assert!(!measured(&first) && measured(&second));
}

#[test]
fn a_description_says_what_balances_show() {
    let map =
        "columns = { user = \"u\", time = \"t\", amount = \"a\", kind = \"k\", balance = \"b\" }";
    let log = "u,t,k,a,b\n1,2024-01-01,PRIJEM,100,100\n1,2024-01-02,VYDAJ,30,70\n\
               1,2024-01-03,PRIJEM,20,90\n1,2024-01-03,VYDAJ,15,75\n1,2024-01-09,PRIJEM,10,85\n";
    let folder = Folder::new();
    folder.write("log.csv", log).write("map.toml", map);
    let text = folder.trueup(&["describe", "log.csv", "--map", "map.toml"]).ok().out;
    for words in [
        "PRIJEM: 3 events of 1 users; money in, by the balances",
        "VYDAJ: 2 events of 1 users; money out, by the balances",
    ] {
        assert!(text.contains(words), "{text}");
    }
    assert!(!text.contains("assumed"), "{text}");
    let arguments =
        ["describe", "log.csv", "--map", "map.toml", "--json", "--statistics", "s.json"];
    let json = folder.trueup(&arguments).ok().json();
    assert_eq!(json["kinds"][1]["effect"], "spend");
    let statistics: Value = serde_json::from_str(&folder.read("s.json")).unwrap();
    assert_eq!(statistics["effects"][1], json!({ "effect": "spend", "found": "balance" }));
    // Without balances nothing tells.
    folder.write("map.toml", map.replace(", balance = \"b\"", ""));
    let text = folder.trueup(&["describe", "log.csv", "--map", "map.toml"]).ok().out;
    assert!(text.contains("VYDAJ: 2 events of 1 users; moves no money, assumed"), "{text}");
    assert!(text.contains("set `[world.kinds]` VYDAJ = \"spend\""), "{text}");
}

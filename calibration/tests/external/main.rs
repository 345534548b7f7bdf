//! From files to logs: what the map says is what the log holds, and no row is lost unseen.

#![allow(clippy::unwrap_used)] // Helpers of tests fail as tests do.

mod logs;
mod reading;
mod real;

use flate2::Compression;
use flate2::write::GzEncoder;
use trueup_calibration::external::{self, Account, Loaded, Map};
use trueup_env::{Clock, Event, EventLog, Tick};

fn load(text: &[u8], map: &str) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, text).unwrap();
    let map: Map = toml::from_str(map).unwrap();
    external::load(path.to_str().unwrap(), Some(&map), "key").unwrap()
}

/// Events of a user by number as (tick, kind, amount).
fn events(log: &EventLog, user: usize) -> Vec<(u32, &str, f64)> {
    let kind = |event: &Event| log.kinds()[usize::from(event.kind)].as_str();
    log.events_of(user).iter().map(|event| (event.tick, kind(event), event.amount)).collect()
}

fn count(account: &Account, reason: &str) -> u64 {
    let all = account.rows_dropped.iter().chain(&account.rows_repaired);
    let mut all = all.chain(&account.users_dropped);
    all.find(|tally| tally.reason.contains(reason)).map_or(0, |tally| tally.count)
}

/// Every row and every user is accounted for.
fn assert_balanced(account: &Account) {
    let dropped: u64 = account.rows_dropped.iter().map(|tally| tally.count).sum();
    assert_eq!(account.rows_read, account.rows_kept + dropped, "{account:?}");
    let merged = count(account, "merged into another row");
    assert_eq!(account.rows_kept, account.events + merged, "{account:?}");
    let lost: u64 = account.users_dropped.iter().map(|tally| tally.count).sum();
    assert_eq!(account.users_seen, account.users_kept + lost, "{account:?}");
}

#[test]
fn compression_bom_crlf_and_quotes_change_nothing() {
    let plain = load(b"user,time,amount\na b,2024-01-01,5\nc,2024-01-03,6\n", "");
    let dressed =
        "\u{feff}\"user\" , time,amount\r\n\"a b\",2024-01-01, 5\r\n\r\nc,\"2024-01-03\",6";
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    std::io::Write::write_all(&mut encoder, dressed.as_bytes()).unwrap();
    let compressed = load(&encoder.finish().unwrap(), "");
    for user in 0..2 {
        assert_eq!(events(&plain.log, user), events(&compressed.log, user));
        assert_eq!(events(&plain.log, user), events(&load(dressed.as_bytes(), "").log, user));
    }
    assert_eq!(plain.log.users(), compressed.log.users());
    assert_ne!(plain.sha256, compressed.sha256);
}

const THREE: &[u8] = b"user,time,amount\n\
    a,2024-01-01,1\na,2024-01-08,2\na,2024-01-09,3\na,2024-01-22,4\n\
    b,2024-01-20,5\nb,2024-01-22,6\nc,2024-01-02,7\n";

#[test]
fn calendar_windows_are_the_same_for_all() {
    let map = "clock = \"week\"\nwindow = { start = \"2024-01-08\" }";
    let loaded = load(THREE, map);
    assert_balanced(&loaded.account);
    // Two whole weeks from the 8th to the 22nd; the 22nd begins a third.
    assert_eq!(
        *loaded.log.clock(),
        Clock { tick: Tick::Week, horizon: 2, start_day: Some(19_730) }
    );
    let purchase = "purchase";
    assert_eq!(events(&loaded.log, 0), [(0, purchase, 2.0), (0, purchase, 3.0)]);
    assert_eq!(events(&loaded.log, 1), [(1, purchase, 5.0)]);
    assert_eq!(events(&loaded.log, 2), []);
    let map = "clock = \"week\"\nwindow = { end = \"2024-01-14\" }";
    let loaded = load(THREE, map);
    assert_balanced(&loaded.account);
    assert_eq!(loaded.log.user_count(), 2);
    assert_eq!(count(&loaded.account, "first row after the window"), 1);
    let map = "clock = \"month\"\nwindow = { horizon = 3, require_full_window = false }";
    assert_eq!(load(THREE, map).log.clock().horizon, 3);
}

#[test]
fn first_event_windows_follow_each_user() {
    let window = |more: &str| {
        format!("clock = \"week\"\nwindow = {{ align = \"first-event\", horizon = 1{more} }}")
    };
    let loaded = load(THREE, &window(""));
    assert_balanced(&loaded.account);
    // b's week would end on the 27th, but the data end on the 22nd.
    assert_eq!(
        loaded.log.users(),
        ["a", "c"].map(|user| external::pseudonym("key", user).unwrap())
    );
    assert_eq!(events(&loaded.log, 0), [(0, "purchase", 2.0)]);
    assert_eq!(events(&loaded.log, 1), []);
    assert_eq!(count(&loaded.account, "window reaches beyond the end of the data"), 1);
    let loaded = load(THREE, &window(", include_first = true, require_full_window = false"));
    assert_balanced(&loaded.account);
    assert_eq!(events(&loaded.log, 0), [(0, "purchase", 1.0)]);
    assert_eq!(events(&loaded.log, 1), [(0, "purchase", 5.0), (0, "purchase", 6.0)]);
    let loaded = load(THREE, &window(", start = \"2024-01-02\", end = \"2024-01-31\""));
    assert_balanced(&loaded.account);
    assert_eq!(count(&loaded.account, "first event before window.start"), 1);
    assert_eq!(loaded.log.user_count(), 2);
}

#[test]
fn rows_of_a_day_merge_by_kind() {
    let text = b"user,time,amount,kind,left\n\
        a,2024-01-01 09:00:00,1,in,10\na,2024-01-01 08:00:00,2,in,9\na,2024-01-01 08:30:00,4,out,8\n\
        a,2024-01-02 00:00:00,8,in,7\nb,2024-01-02 00:00:00,16,in,6\n";
    let columns = "columns = { kind = \"kind\", balance = \"left\" }";
    let loaded = load(text, &format!("{columns}\nmerge = \"day\""));
    assert_balanced(&loaded.account);
    assert_eq!(loaded.log.kinds(), ["in", "out"]);
    assert_eq!(events(&loaded.log, 0), [(0, "in", 3.0), (0, "out", 4.0), (1, "in", 8.0)]);
    // The balance after the latest of the merged rows.
    assert_eq!(loaded.log.events_of(0)[0].balance, 10.0);
    let loaded = load(text, columns);
    let in_time_order = [(0, "in", 2.0), (0, "out", 4.0), (0, "in", 1.0), (1, "in", 8.0)];
    assert_eq!(events(&loaded.log, 0), in_time_order);
}

/// Merged rows amount to the sum of their digits, in any order: 0.1 and 0.2 are 0.3, and not
/// 0.30000000000000004.
#[test]
fn merged_amounts_are_exact() {
    let rows = ["0.1", "0.2", "19.99", "19.99", "19.99", "1234.57", "320.01"];
    for turned in [false, true] {
        let line = |amount: &&str| format!("a,2024-01-01,{amount}\n");
        let mut lines: Vec<String> = rows.iter().map(line).collect();
        if turned {
            lines.reverse();
        }
        lines.push("b,2024-01-01,0.1\nb,2024-01-01,0.2\n".into());
        let text = format!("user,time,amount\n{}", lines.concat());
        let loaded = load(text.as_bytes(), "merge = \"day\"");
        assert_eq!(loaded.log.events_of(0)[0].amount, 1614.85);
        assert_eq!(loaded.log.events_of(1)[0].amount, 0.3);
    }
}

#[test]
fn kinds_are_renamed_merged_dropped_and_ordered() {
    let text = b"user,time,amount,t\na,2024-01-01,1,A\na,2024-01-01,2,B\na,2024-01-01,3,C\n";
    let columns = "columns = { kind = \"t\" }";
    let map = format!("{columns}\nkinds = {{ A = \"buy\", B = \"buy\" }}\nunmapped = \"drop\"");
    let loaded = load(text, &map);
    assert_balanced(&loaded.account);
    assert_eq!(events(&loaded.log, 0), [(0, "buy", 1.0), (0, "buy", 2.0)]);
    assert_eq!(count(&loaded.account, "kind not in"), 1);
    let map = format!("{columns}\nkinds = {{ A = \"buy\" }}\nunmapped = \"keep\"");
    assert_eq!(load(text, &map).log.kinds(), ["B", "C", "buy"]);
    let loaded = load(text, &format!("{columns}\nkind_order = [\"C\", \"Z\"]"));
    assert_eq!(loaded.log.kinds(), ["C", "Z", "A", "B"]);
    assert_eq!(events(&loaded.log, 0), [(0, "A", 1.0), (0, "B", 2.0), (0, "C", 3.0)]);
    let text = b"user,time,amount\na,2024-01-01,5\na,2024-01-01,-3\na,2024-01-01,0\n";
    let loaded = load(text, "kind = \"deposit\"\nnegative_kind = \"withdrawal\"");
    let signed = [(0, "deposit", 5.0), (0, "withdrawal", 3.0), (0, "deposit", 0.0)];
    assert_eq!(events(&loaded.log, 0), signed);
}

#[test]
fn cleaning_drops_and_repairs_and_counts() {
    let text = b"user,time,amount\na,2024-01-01,5\na,2024-01-01,5\na,2024-01-02,-3\n\
        a,soon,1\na,2024-01-03,\na,2024-01-04,x\na,2024-01-05\nb,2024-01-05,NA\n";
    let drop = "missing = \"drop\", unparsable = \"drop\"";
    let loaded = load(text, &format!("cleaning = {{ {drop}, negative = \"drop\" }}"));
    assert_balanced(&loaded.account);
    assert_eq!(events(&loaded.log, 0), [(0, "purchase", 5.0), (0, "purchase", 5.0)]);
    for (reason, times) in [
        ("negative amount", 1),
        ("unparsable time", 1),
        ("missing amount", 2),
        ("unparsable number", 1),
        ("wrong number of fields", 1),
        ("no usable row", 1),
    ] {
        assert_eq!(count(&loaded.account, reason), times, "{reason}");
    }
    assert_eq!((loaded.account.duplicates, loaded.account.users_seen), (1, 2));
    let policies = "negative = \"absolute\", duplicate = \"drop\"";
    let loaded = load(text, &format!("cleaning = {{ {drop}, {policies} }}"));
    assert_balanced(&loaded.account);
    assert_eq!(events(&loaded.log, 0), [(0, "purchase", 5.0), (1, "purchase", 3.0)]);
    assert_eq!(count(&loaded.account, "without its sign"), 1);
}

#[test]
fn outliers_are_judged_by_kind() {
    let mut text = String::from("user,time,amount,k\n");
    for amount in 1..=100 {
        text += &format!("a,2024-01-01,{amount},small\na,2024-01-01,{},large\n", 1000 * amount);
    }
    let map = |policy: &str| {
        format!(
            "columns = {{ kind = \"k\" }}\ncleaning = {{ outliers = {{ policy = \"{policy}\", \
             quantile = 0.9 }} }}"
        )
    };
    let largest = |log: &EventLog, kind: u16| {
        let of_kind = log.events().iter().filter(|event| event.kind == kind);
        of_kind.map(|event| event.amount).fold(0.0, f64::max)
    };
    for (policy, events) in [("winsorise", 200), ("drop", 180)] {
        let loaded = load(text.as_bytes(), &map(policy));
        assert_balanced(&loaded.account);
        assert_eq!(count(&loaded.account, "outlier quantile"), 20);
        assert_eq!(loaded.log.events().len(), events);
        assert_eq!((largest(&loaded.log, 0), largest(&loaded.log, 1)), (90_000.0, 90.0));
    }
}

#[test]
fn filters_hold_together() {
    let text = b"user,time,amount,type,n\na,2024-01-01,1,x,1\na,2024-01-01,2,y,2\n\
        a,2024-01-01,3,z,3\nb,2024-01-01,4,x,9\n";
    let map = "[[filters]]\ncolumn = \"type\"\none_of = [\"x\", \"y\"]\n\
               [[filters]]\ncolumn = \"n\"\nmin = 2\nmax = 8.5\n";
    let loaded = load(text, map);
    assert_balanced(&loaded.account);
    assert_eq!(events(&loaded.log, 0), [(0, "purchase", 2.0)]);
    assert_eq!(loaded.log.user_count(), 1);
    let loaded = load(text, "filters = [{ column = \"type\", equals = \"z\" }]");
    assert_eq!(events(&loaded.log, 0), [(0, "purchase", 3.0)]);
}

#[test]
fn covariates_are_the_first_of_each_user() {
    let text = b"user,time,amount,age,income\na,2024-01-01,1,,10\na,2024-01-01,2,40,11\nb,2024-01-01,3,50,12\n\
        c,2024-01-01,4,,13\n";
    let map = "columns = { covariates = [\"age\", \"income\"] }\ncleaning = { missing = \"drop\" }";
    let loaded = load(text, map);
    assert_balanced(&loaded.account);
    assert_eq!(loaded.log.covariates().names, ["age", "income"]);
    assert_eq!(loaded.log.covariates().values, [40.0, 10.0, 50.0, 12.0]);
    assert_eq!(count(&loaded.account, "no value of a covariate"), 1);
    assert_eq!(count(&loaded.account, "covariate differs"), 1);
}

/// Categories are numbered by name, whatever the order of the rows; users without one are a category
/// of their own, and a column of texts needs no word in the map.
#[test]
fn categories_are_numbered_by_name() {
    let text = b"user,time,amount,region,district\na,2024-01-01,1,west,10\nb,2024-01-01,2,east,9\n\
        c,2024-01-01,3,NA,10\nd,2024-01-02,4,west,\n";
    let map = "columns = { covariates = [\"region\"], categories = [\"district\"] }";
    let loaded = load(text, map);
    assert_balanced(&loaded.account);
    let facts = loaded.log.covariates();
    assert_eq!(facts.names, ["region", "district"]);
    assert_eq!(facts.categories_of(0), ["(missing)", "east", "west"]);
    assert_eq!(facts.categories_of(1), ["(missing)", "10", "9"]);
    assert_eq!(facts.values, [2.0, 1.0, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0]);
    let lines = loaded.account.lines().join("\n");
    assert!(lines.contains("1 with no value of the covariate \"region\""), "{lines}");
    let told = external::describe(&loaded).text();
    assert!(told.contains("region\n  (missing): 1 users\n  east: 1 users"), "{told}");
}

/// The 31 most frequent categories stand alone; the rest are one together, and counted.
#[test]
fn rare_categories_are_one_together() {
    let row = |i: u32| format!("{i},2024-01-01,1,{}\n", if i < 62 { i / 2 } else { i });
    let text: String = (0..70).map(row).collect();
    let text = format!("user,time,amount,shop\n{text}");
    let loaded = load(text.as_bytes(), "columns = { categories = [\"shop\"] }");
    let names = loaded.log.covariates().categories_of(0);
    assert_eq!((names.len(), names[0].as_str()), (32, "(other)"));
    assert_eq!(loaded.log.covariates().column(0).filter(|value| *value == 0.0).count(), 8);
    assert!(loaded.account.lines().iter().any(|line| line.contains("8 with a rare category")));
}

#[test]
fn a_map_survives_toml() {
    let map = Map::builtin("builtin:cdnow").unwrap();
    let text = toml::to_string(&map).unwrap();
    assert_eq!(toml::from_str::<Map>(&text).unwrap(), map);
    let text = "columns = { user = \"customer_id\", time = \"date\", amount = \"amount_usd\" }\n\
                clock = \"week\"\nmerge = \"day\"\n\
                window = { align = \"first-event\", horizon = 52 }";
    assert_eq!(toml::from_str::<Map>(text).unwrap(), map);
}

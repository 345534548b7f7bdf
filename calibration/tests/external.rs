//! From files to logs: what the map says is what the log holds, and no row is lost unseen.

#![allow(clippy::unwrap_used)] // Helpers of tests fail as tests do.

use std::collections::BTreeSet;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use trueup_calibration::external::{self, Account, Loaded, Map};
use trueup_env::{Clock, Covariates, Event, EventLog, History, Streams, Tick};

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

fn mean_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (mean, (square / (n - 1.0)).sqrt())
}

fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let ((ma, sa), (mb, sb)) = (mean_sd(&a), mean_sd(&b));
    let cross: f64 = pairs.iter().map(|(x, y)| (x - ma) * (y - mb)).sum();
    cross / (pairs.len() as f64 - 1.0) / sa / sb
}

/// `fixtures/external_cdnow.py` computes the same numbers with pandas from the same file.
#[test]
fn cdnow_is_what_pandas_sees() {
    let fixture = include_str!("fixtures/external_cdnow.json");
    let fixture: Value = serde_json::from_str(fixture).unwrap();
    let number = |name: &str| fixture[name].as_f64().unwrap();
    let whole = |name: &str| fixture[name].as_u64().unwrap();
    let close = |value: f64, name: &str| {
        let wanted = number(name);
        assert!((value - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{name}: {value} {wanted}");
    };
    let loaded = external::load("builtin:cdnow", None, "key").unwrap();
    let (log, account) = (&loaded.log, &loaded.account);
    assert_balanced(account);
    assert_eq!(*log.clock(), Clock { tick: Tick::Week, horizon: 52, start_day: None });
    assert_eq!(account.rows_read, whole("rows"));
    assert_eq!(account.rows_kept, whole("rows_inside"));
    assert_eq!(count(account, "on the day of the user's first event"), whole("rows_first_day"));
    assert_eq!(count(account, "after the user's window"), whole("rows_after"));
    assert_eq!(account.duplicates, whole("duplicates"));
    assert_eq!(account.users_kept, whole("users"));
    assert_eq!(log.events().len() as u64, whole("events"));
    assert_eq!(loaded.days, Some(("1997-01-01".into(), "1998-06-30".into())));

    let users = 0..log.user_count();
    let counts: Vec<f64> = users.clone().map(|u| log.events_of(u).len() as f64).collect();
    close(mean_sd(&counts).0, "count_mean");
    close(mean_sd(&counts).1, "count_sd");
    assert_eq!(counts.iter().filter(|n| **n == 0.0).count() as u64, whole("idle"));
    assert_eq!(counts.iter().copied().fold(0.0, f64::max) as u64, whole("count_max"));
    let amounts: Vec<f64> = log.events().iter().map(|event| event.amount).collect();
    close(amounts.iter().sum(), "amount_sum");
    let logs: Vec<f64> = amounts.iter().filter(|a| **a > 0.0).map(|a| a.ln()).collect();
    close(mean_sd(&logs).0, "log_amount_mean");
    close(mean_sd(&logs).1, "log_amount_sd");
    let ticks: Vec<f64> = log.events().iter().map(|event| f64::from(event.tick)).collect();
    close(mean_sd(&ticks).0, "tick_mean");
    let pairs: Vec<&[Event]> = users.flat_map(|u| log.events_of(u).windows(2)).collect();
    let gaps: Vec<f64> = pairs.iter().map(|p| f64::from(p[1].tick - p[0].tick)).collect();
    close(mean_sd(&gaps).0, "gap_mean");
    close(mean_sd(&gaps).1, "gap_sd");
    let positive = pairs.iter().filter(|p| p[0].amount > 0.0 && p[1].amount > 0.0);
    let pairs: Vec<_> = positive.map(|p| (p[0].amount.ln(), p[1].amount.ln())).collect();
    assert_eq!(pairs.len() as u64, whole("pairs"));
    close(correlation(&pairs), "lag1_correlation");
}

/// Mean and standard deviation (n - 1) of the event counts, as first computed on days 1 to 364.
#[test]
fn cdnow_has_the_stated_event_counts() {
    let log = external::load("builtin:cdnow", None, "").unwrap().log;
    let counts: Vec<f64> = (0..log.user_count()).map(|u| log.events_of(u).len() as f64).collect();
    let (mean, sd) = mean_sd(&counts);
    assert_eq!(log.user_count(), 23_570);
    assert!((mean - 1.469_495).abs() < 5e-7 && (sd - 3.230_733).abs() < 5e-7, "{mean} {sd}");
}

#[test]
fn pseudonyms_hide_the_identifiers_and_depend_on_the_key() {
    let a = external::load("builtin:cdnow", None, "one").unwrap().log;
    let b = external::load("builtin:cdnow", None, "two").unwrap().log;
    let labels: BTreeSet<&String> = a.users().iter().collect();
    assert_eq!(labels.len(), 23_570);
    assert!(labels.iter().all(|l| l.len() == 16 && l.chars().all(|c| c.is_ascii_hexdigit())));
    assert!(b.users().iter().all(|label| !labels.contains(label)));
    assert_eq!(a.users()[0], external::pseudonym("one", "1"));
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

/// `printf 'user,time,amount\na,2024-01-01,5\n' | sha256sum`
#[test]
fn the_sum_is_that_of_the_file() {
    let loaded = load(b"user,time,amount\na,2024-01-01,5\n", "");
    assert_eq!(loaded.sha256, "b86faaa8c91add8e462a27783416cdd812c4f2098be1b65cec8499c4d3485609");
    let cdnow = external::load("builtin:cdnow", None, "").unwrap();
    assert_eq!(cdnow.sha256, "6d6f6517f9d53fab4bb53506736c5739aab20924f4870c187e12d7ba1800f834");
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
        [external::pseudonym("key", "a"), external::pseudonym("key", "c")]
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
fn a_subset_of_users_is_always_the_same() {
    let map = Map { max_users: Some(500), ..Map::builtin("builtin:cdnow").unwrap() };
    let loaded = external::load("builtin:cdnow", Some(&map), "key").unwrap();
    let again = external::load("builtin:cdnow", Some(&map), "key").unwrap();
    assert_balanced(&loaded.account);
    assert_eq!(loaded.log.users(), again.log.users());
    assert_eq!(count(&loaded.account, "max_users"), 23_070);
    let whole = external::load("builtin:cdnow", None, "key").unwrap().log;
    let kept: BTreeSet<&String> = loaded.log.users().iter().collect();
    let order: Vec<&String> = whole.users().iter().filter(|user| kept.contains(user)).collect();
    assert!(order.into_iter().eq(loaded.log.users()));
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

#[test]
fn a_split_is_disjoint_complete_and_reproducible() {
    let label = |n: usize| format!("user {n}");
    for users in [40, 41, 97, 400] {
        let clock = Clock { tick: Tick::Day, horizon: 3, start_day: None };
        let event =
            |user: u32| Event { tick: 1, kind: 0, amount: f64::from(user), balance: f64::NAN };
        let events: Vec<_> = (0..users as u32).map(|user| (user, event(user))).collect();
        let labels = (0..users).map(label).collect();
        let kinds = vec!["purchase".to_string()];
        let log = EventLog::new(clock, kinds, labels, events, Covariates::default()).unwrap();
        let mut sides = BTreeSet::new();
        for seed in 0..50 {
            let split = external::split(&log, 0.5, &Streams::new(seed)).unwrap();
            let again = external::split(&log, 0.5, &Streams::new(seed)).unwrap();
            assert_eq!(split.train.users(), again.train.users());
            assert_eq!(split.test.users(), again.test.users());
            let mut all: Vec<&String> = split.train.users().iter().collect();
            assert!(split.test.users().iter().all(|user| !all.contains(&user)));
            all.extend(split.test.users());
            assert_eq!(all.len(), users);
            assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), users);
            assert_eq!(split.test.user_count(), users.div_ceil(2));
            sides.insert(split.test.users().to_vec());
        }
        assert_eq!(sides.len(), 50);
    }
}

/// Each user is a test user in half of the splits: all of 40 counts of 2,000 splits lie within 4.9
/// standard deviations (false alarm 40 x 1e-6).
#[test]
fn a_split_favours_nobody() {
    let text: String = (0..40).map(|i| format!("{i},2024-01-01,{i}\n")).collect();
    let map = "pseudonymise = false";
    let log = load(format!("user,time,amount\n{text}").as_bytes(), map).log;
    let mut times = [0_i32; 40];
    for seed in 0..2000 {
        for user in external::split(&log, 0.5, &Streams::new(seed)).unwrap().test.users() {
            times[user.parse::<usize>().unwrap()] += 1;
        }
    }
    let limit = 4.9 * (2000.0_f64 * 0.25).sqrt();
    assert!(times.iter().all(|n| f64::from((n - 1000).abs()) < limit), "{times:?}");
}

fn assert_same(a: &EventLog, b: &EventLog) {
    assert_eq!((a.clock(), a.kinds(), a.users()), (b.clock(), b.kinds(), b.users()));
    assert_eq!(a.offsets(), b.offsets());
    let bits = |log: &EventLog| -> Vec<_> {
        let known = |x: f64| (!x.is_nan()).then(|| x.to_bits());
        let event = |e: &Event| (e.tick, e.kind, e.amount.to_bits(), known(e.balance));
        log.events().iter().map(event).collect()
    };
    assert_eq!(bits(a), bits(b));
    assert_eq!(a.covariates().values, b.covariates().values);
}

fn round_trip(log: &EventLog) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    external::write_log(log, &mut std::fs::File::create(&path).unwrap()).unwrap();
    let path = path.to_str().unwrap();
    assert!(external::is_written_log(path).unwrap());
    external::read_log(path, log.clock(), log.kinds()).unwrap()
}

#[test]
fn a_log_comes_back_as_it_was_written() {
    let cdnow = external::load("builtin:cdnow", None, "key").unwrap().log;
    let back = round_trip(&cdnow);
    assert_same(&cdnow, &back.log);
    assert_balanced(&back.account);
    assert_eq!(count(&back.account, "without events"), 12_774);
    assert!(!external::is_written_log("builtin:cdnow").unwrap());
}

#[test]
fn amounts_balances_covariates_and_odd_names_come_back() {
    let kinds = ["an \"odd\", kind", "입금", "unused"].map(String::from).to_vec();
    let users = ["first, with comma", "김", "idle", "last"].map(String::from).to_vec();
    let amounts = [0.1 + 0.2, f64::MIN_POSITIVE, 1e30, 0.0, 12.0, 1.0 / 3.0, 5e-324];
    let events = amounts.iter().enumerate().map(|(i, &amount)| {
        let balance = if i % 2 == 0 { f64::NAN } else { -amount };
        (
            if i < 4 { 0 } else { 3 },
            Event { tick: i as u32 / 2, kind: i as u16 % 2, amount, balance },
        )
    });
    let clock = Clock { tick: Tick::Month, horizon: 9, start_day: Some(19_723) };
    let values = vec![0.1, -2.0, 3e9, 4.0, 5.0, 6.5, 7.0, 8.0];
    let covariates = Covariates { names: vec!["age".into(), "amount".into()], values };
    let log = EventLog::new(clock, kinds, users, events, covariates).unwrap();
    assert_same(&log, &round_trip(&log).log);
}

#[test]
fn a_description_counts_what_is_there() {
    let text = b"user,time,amount,k\na,2024-01-01,1,x\na,2024-01-03,2,x\na,2024-01-07,0,y\nb,2024-01-01,9,x\n";
    let loaded = load(text, "columns = { kind = \"k\" }");
    let description = external::describe(&loaded);
    assert_eq!((description.users, description.events, description.zero_amounts), (2, 4, 1));
    let kinds: Vec<_> = description.kinds.iter().map(|k| (k.events, k.users)).collect();
    assert_eq!(kinds, [(3, 2), (1, 1)]);
    let gap = description.gap.as_ref().unwrap();
    assert_eq!((gap.count, gap.mean, gap.at), (2, 3.0, [2.0, 2.0, 2.0, 2.0, 4.0, 4.0, 4.0]));
    assert_eq!(gap.sd, Some(2.0_f64.sqrt()));
    assert_eq!(description.first_rows[1].date.as_deref(), Some("2024-01-03"));
    assert_eq!((description.first_rows[1].line, description.first_rows[1].tick), (3, 2));
    let json = serde_json::to_string(&description).unwrap();
    let back: external::Description = serde_json::from_str(&json).unwrap();
    assert_eq!(back, description);
    let text = description.text();
    for part in ["4 rows read, 4 kept", "7 days, from 2024-01-01", "x: 3 events of 2 users"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
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

/// The history of every user can be built from what was loaded (events are in time order).
#[test]
fn loaded_events_are_in_time_order() {
    let log = external::load("builtin:cdnow", None, "key").unwrap().log;
    for user in 0..log.user_count() {
        let mut history = History::default();
        for event in log.events_of(user) {
            assert!(history.count == 0 || history.last_tick <= event.tick);
            history.push(event);
        }
        assert_eq!(history.count as usize, log.events_of(user).len());
    }
}

/// A bank's accounts by calendar month, against counts made with pandas (`reference.json` of the
/// data set, table `trans_1993_only`).
#[test]
fn bank_accounts_fall_into_calendar_months() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/berka_1993");
    let Ok(reference) = std::fs::read_to_string(format!("{folder}/reference.json")) else {
        println!("skipped: {folder} is not there");
        return;
    };
    let reference: Value = serde_json::from_str(&reference).unwrap();
    let map: Map = toml::from_str(
        r#"
        columns = { user = "account_id", time = "date", amount = "amount", kind = "type", balance = "balance" }
        kinds = { PRIJEM = "deposit", VYDAJ = "withdrawal", VYBER = "withdrawal" }
        clock = "month"
        window = { start = "1993-01-01", horizon = 12 }
        "#,
    )
    .unwrap();
    let path = format!("{folder}/trans_1993_01_to_1994_03.csv.gz");
    let loaded = external::load(&path, Some(&map), "key").unwrap();
    assert_balanced(&loaded.account);
    let months = &reference["tables"]["trans_all"]["month_rows"];
    for tick in 0..12 {
        let rows = loaded.log.events().iter().filter(|event| event.tick == tick).count();
        let month = format!("1993-{:02}", tick + 1);
        assert_eq!(rows as u64, months[&month].as_u64().unwrap(), "{month}");
    }
    let year = &reference["tables"]["trans_1993_only"];
    assert_eq!(loaded.log.user_count() as u64, year["users"].as_u64().unwrap());
    let sum: f64 = loaded.log.events().iter().map(|event| event.amount).sum();
    assert!((sum - year["amount"]["sum"].as_f64().unwrap()).abs() < 0.01, "{sum}");
    assert_eq!(loaded.log.kinds(), ["deposit", "withdrawal"]);
    assert!(loaded.log.events().iter().all(|event| event.balance.is_finite()));
}

//! What is done with a loaded log: it is split, written and read again, and described.

use std::collections::BTreeSet;

use trueup_calibration::external::{self, Loaded};
use trueup_env::{Clock, Covariates, Event, EventLog, Streams, Tick};

use super::{assert_balanced, count, load};

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
    assert_eq!(a.covariates(), b.covariates());
}

fn round_trip(log: &EventLog) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    external::write_log(log, &mut std::fs::File::create(&path).unwrap()).unwrap();
    let path = path.to_str().unwrap();
    let users = std::fs::File::create(external::users_file(path));
    external::write_users(log, &mut users.unwrap()).unwrap();
    assert!(external::is_written_log(path).unwrap());
    external::read_log(path, log.clock(), log.kinds()).unwrap()
}

#[test]
fn a_log_comes_back_as_it_was_written() {
    let cdnow = external::load("builtin:cdnow", None, "key").unwrap().log;
    let back = round_trip(&cdnow);
    assert_same(&cdnow, &back.log);
    assert_balanced(&back.account);
    assert_eq!(back.account.users_kept, cdnow.user_count() as u64);
    assert!(!external::is_written_log("builtin:cdnow").unwrap());
}

/// Logs of older versions have a row with empty fields for a user without events.
#[test]
fn logs_of_before_are_still_read_and_lists_of_other_logs_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let clock = Clock { tick: Tick::Week, horizon: 9, start_day: None };
    let kinds = ["purchase".to_string()];
    let read = || external::read_log(path.to_str().unwrap(), &clock, &kinds);
    write("log.csv", "user,tick,kind,amount\na,,,\nb,3,purchase,2.5\nc,,,\n");
    let before = read().unwrap();
    assert_eq!(before.log.users(), ["a", "b", "c"]);
    assert_eq!(count(&before.account, "without events"), 2);
    write("log.csv", "user,tick,kind,amount\nb,3,purchase,2.5\n");
    assert_eq!(read().unwrap().log.users(), ["b"]);
    write("log.users.csv", "user,events\na,0\nb,1\nc,0\n");
    let now = read().unwrap();
    assert_same(&before.log, &now.log);
    assert_balanced(&now.account);
    for (list, said) in [
        ("user,events\na,0\nb,2\n", "line 3 says that the user b has 2 events"),
        ("user,events\na,0\n", "does not list all users"),
        ("user,events\nd,1\nb,1\n", "line 2"),
        ("user,events\na,0\nb,x\n", "has x events"),
        ("name,events\na,0\n", "no columns user, events"),
    ] {
        write("log.users.csv", list);
        let error = read().unwrap_err().to_string();
        assert!(error.contains("log.users.csv") && error.contains(said), "{error}");
    }
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
    // Categories that look like numbers.
    let covariates = Covariates {
        names: ["age", "district", "amount"].map(String::from).to_vec(),
        values: vec![0.1, 1.0, -2.0, 3e9, 0.0, 4.0, 5.0, 2.0, 6.5, 7.0, 1.0, 8.0],
        categories: vec![vec![], ["1", "10", "no, thanks"].map(String::from).to_vec(), vec![]],
    };
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

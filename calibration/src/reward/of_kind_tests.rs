//! Terms on the amounts of one kind.

use super::tests::{internal, log, statistics, term};
use super::*;
use crate::statistics::Form;

const REFUND: &str = "log_amount(kind=refund)";

fn build(kind: &str, feature: &str) -> Result<Box<dyn Reward>, RewardError> {
    let config = serde_json::json!({
        "kind": kind, "terms": [{ "feature": feature, "discrepancy": "cramer-von-mises" }],
    });
    serde_json::from_value::<RewardConfig>(config).unwrap().build(&statistics())
}

/// Events of the kind are paid as `log_amount` would pay them in a log that has no others, and
/// events of other kinds nothing.
#[test]
fn only_events_of_the_kind_are_paid() {
    let whole = internal();
    let mut reward = build("witness", REFUND).unwrap();
    let pay = reward.pay(&whole).unwrap();
    let refunds = |log: &EventLog| -> Vec<(u32, trueup_env::Event)> {
        let users = 0..log.user_count() as u32;
        let of = |user: u32| log.events_of(user as usize).iter().map(move |event| (user, *event));
        users.flat_map(of).filter(|(_, event)| event.kind == 1).collect()
    };
    let alone = |log: &EventLog| {
        let labels = (0..log.user_count()).map(|user| user.to_string()).collect();
        let (clock, kinds) = (*log.clock(), log.kinds().to_vec());
        EventLog::new(clock, kinds, labels, refunds(log), Default::default()).unwrap()
    };
    let external = Statistics::of(&alone(&log(400, 0.06, 11.0, 0.1, 2)));
    let terms = Some(vec![term("log_amount", "cramer-von-mises")]);
    let config = RewardConfig::Witness(WitnessConfig { terms, ..Default::default() });
    let other = config.build(&external).unwrap().pay(&alone(&whole)).unwrap();
    let kinds = whole.events().iter().map(|event| event.kind);
    let (mut own, mut rest) = (Vec::new(), Vec::new());
    kinds.zip(&pay.events).for_each(|(kind, pay)| match kind {
        1 => own.push(*pay),
        _ => rest.push(*pay),
    });
    assert!(own.len() > 50 && rest.len() > 50 && rest.iter().all(|pay| *pay == 0.0));
    assert!(own.iter().any(|pay| pay.abs() > 1e-3));
    assert_eq!(own.len(), other.events.len());
    for (own, other) in own.iter().zip(&other.events) {
        assert!((own - other).abs() < 1e-9 * (1.0 + other.abs()), "{own} {other}");
    }
}

#[test]
fn every_kind_of_reward_takes_them_and_unknown_kinds_are_refused() {
    for kind in ["witness", "shared", "difference", "leave-one-out"] {
        let mut reward = build(kind, " log_amount( kind = refund )").unwrap();
        assert!(reward.pay(&internal()).is_ok() && reward.discrepancy() > 0.0, "{kind}");
    }
    let refused = |feature: &str| build("witness", feature).err().unwrap().to_string();
    let said = refused("log_amount(kind=refunt)");
    assert!(said.contains("did you mean `log_amount(kind=refund)`?"), "{said}");
    assert!(refused("log_amount(kind=*)").contains("unknown feature"));
    let check = |features: &[&str]| {
        let terms = Some(features.iter().map(|feature| term(feature, "energy")).collect());
        RewardConfig::Witness(WitnessConfig { terms, ..Default::default() }).check()
    };
    assert!(check(&[REFUND, "log_amount(kind=purchase)", "log_amount"]).is_ok());
    let twice = check(&[REFUND, "log_amount( kind=refund )"]).unwrap_err();
    assert!(twice.key == "terms.1" && twice.to_string().contains("stands twice"), "{twice}");
    assert_eq!(check(&["log_amount(kind=*)"]).unwrap_err().key, "terms.0.feature");
}

/// The grid of a kind is that of the amounts of the kind, on a log scale; a file keeps it.
#[test]
fn statistics_hold_the_amounts_of_every_kind() {
    let statistics = statistics();
    for (kind, amounts) in statistics.kinds.iter().zip(&statistics.amounts) {
        let entry = statistics.feature(&format!("log_amount(kind={kind})")).unwrap();
        let (Form::Grid(logs), Some(amounts)) = (&entry.form, amounts) else { panic!("{kind}") };
        let pairs = logs.quantiles.iter().zip(&amounts.quantiles);
        pairs.for_each(|(log, amount)| assert!((log - amount.ln()).abs() < 1e-12));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.json");
    statistics.save(&path).unwrap();
    assert_eq!(Statistics::load(&path).unwrap(), statistics);
}

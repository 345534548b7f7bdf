use trueup_calibration::privacy::{Privacy, PrivacyConfig};
use trueup_env::{EventLog, Streams};

use super::tests::{input, log, written};
use crate::summary::{CalibratorPrivacy, Summary};

#[test]
fn columns_are_there_where_a_row_has_them() {
    let mut input = input("columns");
    let heads = ["<th scope=\"col\">Verdict</th>", "<th scope=\"col\">q</th>"];
    let (_folder, html) = written(&input);
    assert!(heads.iter().all(|head| html.contains(head)));
    assert!(html.contains("<td>near</td><td>0.04</td><td>0.08</td><td>1\u{202F}200</td>"));
    assert!(html.contains("<dt>Users needed</dt>"));
    for row in input.summary.calibrators.iter_mut().flat_map(|c| &mut c.panel) {
        (row.verdict, row.p, row.q, row.users_needed) = (None, None, None, None);
    }
    let (_folder, html) = written(&input);
    assert!(heads.iter().all(|head| !html.contains(head)) && !html.contains("Users needed"));
}

#[test]
fn privacy_is_told_where_it_was_measured() {
    let mut input = input("privacy");
    let (_folder, html) = written(&input);
    assert!(!html.contains("id=\"privacy\""));
    let (train, holdout) = (log(60, 0.0), log(50, 0.2));
    let config = PrivacyConfig { replicates: 50, relabellings: 499 };
    let streams = Streams::new(1);
    let of = |simulated: &EventLog, name: &str| CalibratorPrivacy {
        name: name.into(),
        privacy: Privacy::of_logs(simulated, &train, &holdout, &config, &streams).unwrap(),
    };
    input.summary.privacy = vec![of(&train, "copycat"), of(&log(60, 0.4), "personas")];
    let (_folder, html) = written(&input);
    assert!(html.contains("id=\"privacy\"") && html.contains("href=\"#privacy\""));
    let row = html.split("<th scope=\"row\">copycat</th>").nth(1).unwrap();
    let row = row.split("</tr>").next().unwrap();
    // Every user is a training user again.
    assert!(row.starts_with("<td>copies</td>") && row.contains("<td>100.0%"), "{row}");
    assert!(html.contains("<li>copycat: The simulation repeats training users."), "{html}");
    let json = serde_json::to_string(&input.summary).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), input.summary);
}

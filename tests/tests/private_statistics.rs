//! Private statistics on the command line: written with a record of their budget, refused without
//! public bounds, and as good as any others to train from.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use trueup_tests::Folder;

const DESCRIBE: [&str; 4] = ["describe", "builtin:cdnow", "--statistics", "s.json"];

fn described(folder: &Folder, options: &[&str]) -> serde_json::Value {
    let _ = folder.trueup(&[&DESCRIBE[..], options].concat()).ok();
    serde_json::from_slice(&std::fs::read(folder.path("s.json")).unwrap()).unwrap()
}

#[test]
fn a_private_file_says_what_it_promises() {
    let folder = Folder::new();
    let private =
        ["--epsilon", "1", "--amounts", "1:1000", "--mechanism", "laplace", "--delta", "0"];
    let [first, second] = [(); 2].map(|()| described(&folder, &private));
    let record = &first["privacy"];
    assert_eq!((&record["epsilon"], &record["unit"]), (&1.0.into(), &"user".into()));
    assert_eq!(
        (&record["mechanism"], &record["composition"]),
        (&"discrete-laplace".into(), &"basic".into())
    );
    assert_ne!(first["features"], second["features"], "the noise is the same twice");
    let none = described(&folder, &["--epsilon", "inf", "--amounts", "1:1000"]);
    assert!(none["privacy"]["epsilon"].is_null());
    assert!(described(&folder, &[])["privacy"].is_null());
}

#[test]
fn what_would_not_be_private_is_refused() {
    let folder = Folder::new();
    let refused = |options: &[&str], code: i32, words: &[&str]| {
        folder.trueup(&[&DESCRIBE[..], options].concat()).code(code).complains(words);
        assert!(folder.list(".").is_empty());
    };
    refused(&["--epsilon", "1"], 2, &["--amounts"]);
    refused(&["--amounts", "1:9"], 2, &["--epsilon"]);
    refused(&["--epsilon", "1", "--amounts", "9"], 2, &["1:1000"]);
    refused(&["--epsilon", "0", "--amounts", "1:9"], 3, &["epsilon is 0"]);
    refused(&["--epsilon", "1", "--delta", "0", "--amounts", "1:9"], 3, &["Laplace"]);
    refused(&["--epsilon", "1", "--amounts", "1:9", "--features", "gpa"], 3, &["`gpa`"]);
}

//! Checkpoints on disk.

use std::cell::RefCell;

use crate::architecture::{Activation, Head};

use super::*;

fn identity() -> Identity {
    Identity {
        environment: "somewhere 1".into(),
        architecture: Architecture {
            observation: 2,
            hidden: vec![3],
            activation: Activation::Tanh,
            shared: false,
            head: Head::Discrete { choices: vec![2] },
        },
        settings: serde_json::json!({ "ppo": { "clip": 0.2, "epochs": 4 } }),
        streams: Streams::new(1),
    }
}

fn checkpoint(iteration: usize) -> Checkpoint {
    let n = identity().architecture.parameters();
    let values = |by: f32| (0..n).map(|i| (i as f32 + iteration as f32) * by).collect();
    Checkpoint {
        iteration,
        env_steps: 100 * iteration as u64,
        parameters: values(0.1),
        average: values(-0.3),
        best: Some(Best { iteration: 1, score: 0.1 + 0.2, parameters: values(1e-30) }),
        optimiser: vec![1, 2, 3],
        experience: vec![],
    }
}

fn latest(checkpoints: &Checkpoints) -> (Result<Option<Checkpoint>, CheckpointError>, Vec<String>) {
    let notes = RefCell::new(Vec::new());
    let found = checkpoints.latest(|note| notes.borrow_mut().push(note.to_owned()));
    (found, notes.into_inner())
}

#[test]
fn the_newest_comes_back_to_the_bit_and_two_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(&folder.path().join("new"), identity(), 10);
    assert_eq!(latest(&checkpoints).0.unwrap(), None);
    for iteration in [10, 20, 30] {
        checkpoints.save(&checkpoint(iteration)).unwrap();
    }
    assert_eq!(latest(&checkpoints).0.unwrap().unwrap(), checkpoint(30));
    assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 2);
    assert!(checkpoints.due(40, 95) && checkpoints.due(95, 95) && !checkpoints.due(41, 95));
}

/// Cut short, one bit flipped in a tensor or in the header, empty: the one before it, with a word.
#[test]
fn a_damaged_one_falls_back_to_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path(), identity(), 10);
    checkpoints.save(&checkpoint(10)).unwrap();
    checkpoints.save(&checkpoint(20)).unwrap();
    let path = folder.path().join("checkpoint-00000020.safetensors");
    let whole = fs::read(&path).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let cut = whole[..whole.len() / 2].to_vec();
    for damaged in [cut, flipped(whole.len() - 3), flipped(40), Vec::new()] {
        fs::write(&path, damaged).unwrap();
        let (found, notes) = latest(&checkpoints);
        assert_eq!(found.unwrap().unwrap(), checkpoint(10));
        assert!(notes[0].contains("00000020") && notes[0].contains("damaged"), "{notes:?}");
    }
    fs::write(folder.path().join("checkpoint-00000010.safetensors"), b"x").unwrap();
    let (found, notes) = latest(&checkpoints);
    assert_eq!(found.unwrap(), None);
    assert!(notes.last().unwrap().contains("beginning anew"));
}

#[test]
fn one_of_another_run_is_refused_with_the_difference() {
    let folder = tempfile::tempdir().unwrap();
    Checkpoints::new(folder.path(), identity(), 10).save(&checkpoint(10)).unwrap();
    let refused = |identity: Identity| {
        latest(&Checkpoints::new(folder.path(), identity, 10)).0.unwrap_err().to_string()
    };
    let architecture = Architecture { hidden: vec![4], ..identity().architecture };
    let text = refused(Identity { architecture, ..identity() });
    assert!(text.contains("[3]") && text.contains("[4]"), "{text}");
    let text = refused(Identity { environment: "elsewhere 1".into(), ..identity() });
    assert!(text.contains("somewhere 1 there, elsewhere 1 here"), "{text}");
    let settings = serde_json::json!({ "ppo": { "clip": 0.1, "epochs": 4 } });
    let text = refused(Identity { settings, ..identity() });
    assert!(text.contains("ppo.clip is 0.2 there, 0.1 here"), "{text}");
    let text = refused(Identity { streams: Streams::new(2), ..identity() });
    assert!(text.contains("another seed"), "{text}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = Checkpoints::new(&file, identity(), 1).save(&checkpoint(1)).unwrap_err();
    assert!(error.to_string().contains("checkpoint-00000001"), "{error}");
}

//! Exports to a tracking server: a real one where Python has MLflow, and what is no server.

#![cfg(unix)] // The server is stopped by the number of its group.
#![allow(clippy::unwrap_used)] // Helpers of tests are not seen as tests.

mod common;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{LABELS, SEEDS, has, objective, parts, python, run, sweep, training};
use serde_json::Value;
use trueup_notebooks_export::mlflow::{Exported, export};

/// A server that ends with the test.
struct Server {
    process: Child,
    uri: String,
}

impl Server {
    /// Starts one on a port of its own, and waits until it answers.
    fn start(folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = std::fs::File::create(folder.join("mlflow.log")).unwrap();
        let process = Command::new("python3")
            .args(["-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"])
            .args(["--port", &port.to_string()])
            .args(["--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination", "art"])
            .current_dir(folder)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let server = Self { process, uri: format!("http://127.0.0.1:{port}") };
        let begun = Instant::now();
        while !answers(port) {
            let log = || std::fs::read_to_string(folder.join("mlflow.log")).unwrap();
            assert!(begun.elapsed() < Duration::from_secs(600), "no server: {}", log());
            std::thread::sleep(Duration::from_millis(200));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server starts processes of its own: all of its group are told to end.
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _ = self.process.wait();
    }
}

/// Whether the server says that it is well.
fn answers(port: u16) -> bool {
    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let asked =
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.contains(" 200 ")
}

/// What MLflow's own client reads: runs with parameters, tags and the history of every metric.
fn read(uri: &str, experiment: &str) -> Vec<Value> {
    let code = "import json, sys, mlflow
client = mlflow.MlflowClient(sys.argv[1])
e = client.get_experiment_by_name(sys.argv[2])
out = []
for r in client.search_runs([e.experiment_id]):
    history = {k: [(m.step, m.value) for m in client.get_metric_history(r.info.run_id, k)] for k in r.data.metrics}
    out.append({'name': r.info.run_name, 'status': r.info.status, 'params': r.data.params, 'tags': r.data.tags, 'last': r.data.metrics, 'metrics': history})
print(json.dumps(out))";
    let out = python(code, &[Path::new(uri), Path::new(experiment)]).unwrap().unwrap();
    serde_json::from_str(&out).unwrap()
}

#[test]
fn a_server_keeps_the_same_numbers_once() {
    if !has("mlflow, sqlalchemy, flask") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let sweep = sweep(folder.path());
    let begun = 3 * SEEDS.len() - 1;
    let name = "보상 \"sweep\"".to_owned();
    let sent = |created, updated, unchanged| Exported {
        experiment: name.clone(),
        created,
        updated,
        unchanged,
    };
    assert_eq!(export(&sweep, &server.uri, None).unwrap(), sent(begun, 0, 0));
    let runs = read(&server.uri, &name);
    assert_eq!(runs.len(), begun);
    let trial = parts::id;
    let find =
        |runs: &[Value], name: String| runs.iter().find(|r| r["name"] == *name).unwrap().clone();
    for (index, label) in LABELS.iter().enumerate() {
        let run = find(&runs, format!("{}-11", trial(index)));
        assert_eq!(run["status"], "FINISHED");
        assert_eq!(run["params"]["reward.kind"], *label);
        assert_eq!(run["last"]["objective"], objective(index, 11));
        assert_eq!(run["last"]["강화 ppo/gap_closed"], 1.0 - objective(index, 11));
        let panel = &run["last"]["강화 ppo/panel/거래 간격/psi_bins_20_"];
        assert_eq!(*panel, 0.02 + objective(index, 11));
        let curve = run["metrics"]["강화 ppo/discrepancy"].as_array().unwrap();
        let steps: Vec<i64> = curve.iter().map(|point| point[0].as_i64().unwrap()).collect();
        assert_eq!(steps, (1..=20).map(|i| 100 * i).collect::<Vec<_>>());
        for (i, point) in (1..).zip(curve) {
            assert_eq!(point[1], objective(index, 11) + 1.0 / f64::from(i));
        }
        for (tag, value) in
            [("seed", "11"), ("state", "done"), ("version", "0.1.0"), ("commit", "c0ffee")]
        {
            assert_eq!(run["tags"][tag], value);
        }
        assert_eq!(run["tags"]["trial"], *trial(index));
        assert_eq!(run["tags"]["sweep"], *name);
    }
    let failed = find(&runs, format!("{}-2", trial(2)));
    assert_eq!(
        (&failed["status"], &failed["tags"]["message"]),
        (&"FAILED".into(), &"메모리 부족, \"out of memory\"".into())
    );
    assert_eq!(find(&runs, format!("{}-3", trial(2)))["status"], "KILLED");

    // Again: nothing. One run goes on: it is gone on with, and no point is there twice.
    assert_eq!(export(&sweep, &server.uri, None).unwrap(), sent(0, 0, begun));
    let path = sweep.join(format!("runs/{}/1/metrics.jsonl", trial(0)));
    let text = std::fs::read_to_string(&path).unwrap();
    let last = text.lines().last().unwrap().replace("\"iteration\":20", "\"iteration\":21");
    std::fs::write(&path, text + &last.replace("2000.0", "2100.0") + "\n").unwrap();
    assert_eq!(export(&sweep, &server.uri, None).unwrap(), sent(0, 1, begun - 1));
    let runs = read(&server.uri, &name);
    assert_eq!(runs.len(), begun);
    let curve = find(&runs, format!("{}-1", trial(0)))["metrics"]["강화 ppo/discrepancy"].clone();
    assert_eq!(curve.as_array().unwrap().len(), 21);
    assert_eq!(curve[20][0], 2100);

    // More points than one call takes, into an experiment of another name.
    let training = training(folder.path());
    let path = training.join("metrics.jsonl");
    let first = std::fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned();
    let line = |i: u64| first.replace("\"iteration\":1", &format!("\"iteration\":{i}")) + "\n";
    std::fs::write(&path, (1..=2500).map(line).collect::<String>()).unwrap();
    let sent = export(&training, &server.uri, Some("another / one")).unwrap();
    assert_eq!((sent.created, sent.experiment.as_str()), (1, "another / one"));
    let runs = read(&server.uri, "another / one");
    let curve = &runs[0]["metrics"]["ppo/seed-1/return_last_100"];
    assert_eq!(curve.as_array().unwrap().len(), 2500);
    assert_eq!(runs[0]["last"]["objective"], 450.0);

    // A run by itself: its config is what it can be found by.
    let single = run(folder.path());
    let config = "seed = 1\n[[calibrators]]\nname = \"ppo\"\nhidden = [64, 64]\naverage = 0.96\n";
    std::fs::write(single.join("config.toml"), config).unwrap();
    let _ = export(&single, &server.uri, Some("single")).unwrap();
    let params = &read(&server.uri, "single")[0]["params"];
    let known = [("seed", "1"), ("calibrators.ppo.hidden", "[64, 64]")];
    for (path, value) in known.into_iter().chain([("calibrators.ppo.average", "0.96")]) {
        assert_eq!(params[path], value, "{params}");
    }
}

#[test]
fn what_is_no_server_is_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path());
    let fails = |uri: &str| export(&sweep, uri, None).unwrap_err().to_string();
    for uri in ["", "127.0.0.1:5000", "http://", "http://a b/", "https://127.0.0.1:5000", "ftp://a"]
    {
        let error = fails(uri);
        assert!(error.contains("no address") && error.contains("http://127.0.0.1:5000"), "{error}");
    }
    // A port that nobody listens on.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = fails(&format!("http://127.0.0.1:{port}/"));
    assert!(error.contains(&format!("http://127.0.0.1:{port}: ")), "{error}");
    assert!(error.contains("mlflow server") && error.contains("--uri"), "{error}");
    // Something else that listens.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let other = std::thread::spawn(move || {
        for answer in ["200 OK", "404 Not Found"] {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let body = "<html>hello</html>";
            let head = format!(
                "HTTP/1.1 {answer}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all((head + body).as_bytes()).unwrap();
        }
    });
    for why in ["no JSON", "status 404"] {
        let error = fails(&format!("http://127.0.0.1:{port}"));
        assert!(error.contains(why) && error.contains("another program"), "{error}");
    }
    other.join().unwrap();
}

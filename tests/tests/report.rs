//! The report in a browser: nothing may stick out of a phone or a desktop page.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

use trueup_tests::data::{CONFIG, purchases};
use trueup_tests::{Folder, skip};

/// A headless browser, where there is one.
fn browser() -> Option<&'static str> {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    })
}

/// Shows a page in a frame of `width` pixels, and returns its document as text after `script` has
/// written its findings into the title of the outer page. The frame keeps its width whatever the
/// smallest window of the browser is.
fn measure(browser: &str, page: &Path, width: u32, folder: &Folder) -> String {
    let html = std::fs::read_to_string(page).unwrap();
    let quoted = html.replace('&', "&amp;").replace('"', "&quot;");
    let outer = format!(
        "<!doctype html><meta charset=utf-8><title>?</title>\
         <iframe id=f style=\"border:0;width:{width}px;height:2000px\" srcdoc=\"{quoted}\"></iframe>\
         <script>addEventListener('load', () => {{\
           const d = document.getElementById('f').contentDocument, r = d.documentElement;\
           const images = [...d.querySelectorAll('svg[role=img]')];\
           document.title = JSON.stringify({{scroll: r.scrollWidth, client: r.clientWidth,\
             headings: d.querySelectorAll('h1').length, images: images.length,\
             unnamed: images.filter(i => !i.getAttribute('aria-label') && !i.querySelector('title')).length,\
             headless: [...d.querySelectorAll('table')].filter(t => !t.querySelector('th[scope]')).length}});\
         }});</script>"
    );
    let name = format!("outer-{width}.html");
    folder.write(&name, outer);
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--virtual-time-budget=5000", "--window-size=1600,2200", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.path(&format!("profile-{width}")).display()))
        .arg(format!("file://{}", folder.path(&name).display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let title = dom.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    title.map(|(title, _)| title.to_owned()).unwrap_or_default()
}

#[test]
fn the_report_fits_a_phone_and_a_desktop_and_names_its_pictures() {
    let Some(browser) = browser() else {
        return skip("no chromium here");
    };
    let folder = Folder::new();
    folder.write("log.csv", purchases(240, 1)).write("tiny.toml", CONFIG);
    let _ = folder.trueup(&["run", "tiny.toml", "--quiet"]).ok();
    let report = folder.path("runs/tiny-7/report.html");
    assert!(std::fs::metadata(&report).unwrap().len() < 2_000_000);
    for width in [390, 1280] {
        let found = measure(browser, &report, width, &folder);
        let found: serde_json::Value =
            serde_json::from_str(&found).unwrap_or_else(|e| panic!("{e}: {found}"));
        let number = |name: &str| found[name].as_u64().unwrap();
        assert_eq!(number("scroll"), number("client"), "{width} px: the page overflows: {found}");
        assert!(number("client") <= u64::from(width));
        assert_eq!(number("headings"), 1, "{found}");
        assert!(number("images") >= 3, "{found}");
        assert_eq!((number("unnamed"), number("headless")), (0, 0), "{found}");
    }
}

#[test]
fn the_report_opens_offline() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(240, 1)).write("tiny.toml", CONFIG);
    let sets = ["--set", "calibrators.ppo.iterations=1", "--quiet"];
    let _ = folder.trueup(&[&["run", "tiny.toml"][..], &sets].concat()).ok();
    let html = folder.read("runs/tiny-7/report.html");
    for outside in ["src=\"http", "href=\"http", "url(http", "@import", "<link"] {
        assert!(!html.contains(outside), "{outside}");
    }
}

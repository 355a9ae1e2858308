//! `report.html` in a browser, curation that lasts, and review blind: from the command line, on a small synthetic series.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use gemmule::phantom::{self, PhantomParams, SeriesParams};
use gemmule::progress::Silent;

/// What a user may call a field, at worst.
const HOSTILE: &str =
    "<script>document.title='broken'</script>\"'&amp;<img src=https://example.org/x onerror=alert(1)>";

fn gemmule(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gemmule")).args(args).current_dir(dir).output().expect("gemmule starts")
}

fn run(dir: &Path, args: &[&str]) {
    let out = gemmule(dir, args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
}

fn failure(dir: &Path, args: &[&str]) -> String {
    let out = gemmule(dir, args);
    assert_eq!(out.status.code(), Some(2), "{args:?}");
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.as_ref().display()))
}

/// A table by column name.
fn table(path: impl AsRef<Path>) -> Vec<std::collections::HashMap<String, String>> {
    csv::Reader::from_path(path).expect("a table").deserialize().map(|row| row.expect("a row")).collect()
}

/// A folder with the stacks of three sessions and `open/`, what `gemmule track` makes of them.
fn series() -> &'static Path {
    static DIR: OnceLock<tempfile::TempDir> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a folder");
        let field = PhantomParams { seed: 3, planes: 24, rows: 360, columns: 360, ..PhantomParams::default() };
        let kinetics = SeriesParams { days: vec![0.0, 2.0, 4.0], ..SeriesParams::default() };
        let made = phantom::series(&field, &kinetics, &mut Silent).expect("valid");
        let mut text = format!("fov = '''{HOSTILE}'''\n");
        for (k, session) in made.sessions.iter().enumerate() {
            gemmule::io::write_stack(dir.path().join(format!("s{k}.tif")), &session.stack).expect("written");
            text += &format!("[[session]]\npath = \"s{k}.tif\"\nday = {}\nname = \"visit-{k}\"\n", 2 * k);
        }
        std::fs::write(dir.path().join("series.toml"), text).expect("written");
        run(dir.path(), &["track", "series.toml", "-o", "open", "--backend", "cpu", "--quiet"]);
        dir
    })
    .path()
}

/// Chromium, or none if `GEMMULE_BROWSER_TESTS=skip` says that pages are not to be opened.
fn browser() -> Option<PathBuf> {
    if std::env::var("GEMMULE_BROWSER_TESTS").is_ok_and(|v| v == "skip") {
        eprintln!("GEMMULE_BROWSER_TESTS=skip: pages are NOT opened in a browser");
        return None;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = std::env::split_paths(&path).flat_map(|dir| names.map(|n| dir.join(n))).find(|p| p.is_file());
    Some(found.unwrap_or_else(|| {
        panic!("no chromium in PATH: install it (apt-get install chromium), or set GEMMULE_BROWSER_TESTS=skip")
    }))
}

/// Measures a page as it is at two widths, from outside: it has no script and lets none run.
const MEASURE: &str = r#"<script>
const measure = async frame => {
  const page = frame.contentDocument, view = frame.contentWindow, client = page.documentElement.clientWidth;
  const wide = [...page.body.querySelectorAll("*")].filter(e => !e.closest(".scroll") && e.getBoundingClientRect().right > client + 1);
  const addresses = [...page.querySelectorAll("image, img")].map(e => e.getAttribute("href") ?? e.src);
  let shown = 0;
  for (const address of addresses) {
    const image = new Image();
    await new Promise((loaded, failed) => { image.onload = loaded; image.onerror = failed; image.src = address; });
    shown += image.width > 50;
  }
  return { width: view.innerWidth, client, scroll: page.documentElement.scrollWidth, wide: wide.map(e => e.outerHTML.slice(0, 80)),
    title: page.title, heading: page.querySelector("h1").textContent, scripts: page.scripts.length, pictures: addresses.length, shown,
    sections: [...page.querySelectorAll("section")].map(s => s.id), marks: page.querySelectorAll("svg.field g").length,
    text: page.body.textContent, rows: page.querySelectorAll("tbody tr").length };
};
addEventListener("load", async () => {
  const all = [];
  for (const frame of document.querySelectorAll("iframe")) all.push(await measure(frame));
  const said = document.createElement("output");
  said.textContent = JSON.stringify(all);
  document.body.replaceChildren(said);
});
</script>"#;

/// What a browser says of a page 390 and 1280 pixels wide; it may complain of nothing.
fn measured(browser: &Path, page: &str) -> Vec<serde_json::Value> {
    let dir = tempfile::tempdir().expect("a folder");
    let inner = page.replace('&', "&amp;").replace('"', "&quot;");
    let frames = [390, 1280].map(|w| format!("<iframe width=\"{w}\" height=\"800\" srcdoc=\"{inner}\"></iframe>"));
    let outer = dir.path().join("outer.html");
    std::fs::write(&outer, format!("<!DOCTYPE html><meta charset=\"utf-8\"><body>{MEASURE}{}", frames.concat()))
        .expect("written");
    let out = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"])
        .args(["--disable-background-networking", "--disable-component-update", "--enable-logging=stderr"])
        .args(["--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", dir.path().join("profile").display()))
        .arg(format!("file://{}", outer.display()))
        .output()
        .expect("chromium starts");
    let said = String::from_utf8_lossy(&out.stderr);
    let console: Vec<&str> = said.lines().filter(|l| l.contains("CONSOLE")).collect();
    assert!(out.status.success() && console.is_empty(), "{console:?}\n{said}");
    let dom = String::from_utf8_lossy(&out.stdout);
    let found = dom.split("<output>").nth(1).and_then(|rest| rest.split("</output>").next());
    let found = found.unwrap_or_else(|| panic!("the page was not measured: {said}"));
    let found = found.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&amp;", "&");
    serde_json::from_str(&found).expect("JSON")
}

/// Addresses that a page refers to.
fn addresses(page: &str) -> Vec<&str> {
    let of = |name: &str| {
        page.split(&format!(" {name}=\"")).skip(1).map(|rest| rest.split('"').next().unwrap_or("")).collect::<Vec<_>>()
    };
    ["src", "href", "srcset", "data", "action", "xlink:href"].into_iter().flat_map(of).collect()
}

fn holds_itself(page: &str) {
    let found = addresses(page);
    assert!(found.len() > 3);
    let outside: Vec<&&str> = found.iter().filter(|a| !a.starts_with("data:") && !a.starts_with('#')).collect();
    assert!(outside.is_empty(), "{outside:?}");
    let style = page.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next()).expect("a style");
    assert!(!style.contains("url(") && !style.contains("@import"));
}

#[test]
fn the_report_holds_itself_and_reads_on_a_phone_and_on_a_desk() {
    let page = read(series().join("open/report.html"));
    holds_itself(&page);
    assert!(!page.contains("<script") && !page.contains("<img"));
    let Some(browser) = browser() else { return };
    let tracks = table(series().join("open/tracks.csv"));
    let sites: std::collections::BTreeSet<&String> = tracks.iter().map(|row| &row["track_id"]).collect();
    let placed = tracks.iter().filter(|row| !row["z_um"].is_empty()).count();
    let sizes = measured(&browser, &page);
    assert_eq!(sizes.len(), 2);
    for found in &sizes {
        // A scroll bar takes some of the width.
        assert!(found["client"].as_u64() > Some(360) && found["scroll"] == found["client"], "{}", found["wide"]);
        assert_eq!(found["wide"], serde_json::json!([]));
        assert_eq!(found["heading"], HOSTILE);
        assert_eq!(found["title"], format!("{HOSTILE} · gemmule"));
        assert_eq!(found["scripts"], 0);
        assert!(found["pictures"].as_u64() > Some(3) && found["shown"] == found["pictures"], "{}", found["pictures"]);
        assert_eq!(found["marks"].as_u64(), Some(placed as u64));
        let sections = ["field", "dynamics", "survival", "doubt", "registration", "unscorable", "origin"];
        assert_eq!(found["sections"], serde_json::json!(sections));
        let text = found["text"].as_str().expect("text");
        let sums = (0..3).map(|k| gemmule::io::sha256(series().join(format!("s{k}.tif"))).expect("a sum"));
        sums.chain([format!("{}sites", sites.len())]).for_each(|part| {
            assert!(text.replace(' ', "").contains(&part), "{part}");
        });
    }
    assert_eq!((sizes[0]["width"].as_u64(), sizes[1]["width"].as_u64()), (Some(390), Some(1280)));
    // What is too wide for a phone is noticed.
    let wide = measured(&browser, &page.replace("<main>", "<main><div style=\"width:800px\">wide</div>"));
    assert!(
        wide[0]["scroll"].as_u64() >= Some(800) && wide[0]["wide"].to_string().contains("800px"),
        "{}",
        wide[0]["wide"]
    );
    assert_eq!(wide[1]["scroll"], wide[1]["client"]);
}

#[test]
fn what_people_decided_stands_on_every_rerun() {
    let dir = series();
    let rows = table(dir.join("open/curation-template.csv"));
    let before = table(dir.join("open/tracks.csv"));
    assert!(
        rows.len() > 20 && rows[0]["p_present"] < rows[rows.len() / 2]["p_present"]
            || rows[0]["p_present"].starts_with("0.")
    );
    // What is called present is none, what is called absent is there, and another site is no spine at all.
    let pick = |status: &str| before.iter().find(|r| r["status"] == status).expect("one");
    let (present, absent) = (pick("present"), pick("absent"));
    let not = before
        .iter()
        .rev()
        .find(|r| r["status"] == "present" && r["session"] == "visit-2" && r["track_id"] != absent["track_id"])
        .expect("one");
    assert_ne!(not["track_id"], present["track_id"]);
    let row = |r: &std::collections::HashMap<String, String>, verdict: &str, who: &str| {
        format!("{},{},{},{},{verdict},{who},2026-11-24,\"a, note\"\n", r["session"], r["z_um"], r["y_um"], r["x_um"])
    };
    let head = "session,z_um,y_um,x_um,verdict,who,when,note\n";
    let decided =
        [row(present, "absent", "ann"), row(absent, "present", "<b>bob"), row(not, "not-a-spine", "ann")].concat();
    std::fs::write(dir.join("curation.csv"), format!("{head}{decided}")).expect("written");
    // Other parameters give other numbers, and the places are as they were.
    std::fs::write(dir.join("other.toml"), "[detect]\nscore_min = 1.7\n").expect("written");
    let args = [
        "track",
        "series.toml",
        "-o",
        "curated",
        "--curation",
        "curation.csv",
        "--params",
        "other.toml",
        "--backend",
        "cpu",
    ];
    run(dir, &args);
    let applied = table(dir.join("curated/curation-applied.csv"));
    let after = table(dir.join("curated/tracks.csv"));
    let call = |n: usize, session: &str| {
        after.iter().find(|r| r["track_id"] == applied[n]["track_id"] && r["session"] == session).expect("its track")
    };
    let said = |n: usize, session: &str| ["status", "p_present", "curated"].map(|c| call(n, session)[c].clone());
    assert_eq!(said(0, &present["session"]), ["absent", "0.0000", "ann"]);
    assert_eq!(said(1, &absent["session"]), ["present", "1.0000", "<b>bob"]);
    for session in ["visit-0", "visit-1", "visit-2"] {
        assert_eq!(said(2, session), ["absent", "0.0000", "ann"]);
    }
    assert_eq!(after.iter().filter(|r| !r["curated"].is_empty()).count(), 5);
    assert_eq!(applied[0]["note"], "a, note");
    let page = read(dir.join("curated/report.html"));
    assert!(page.contains("3 decisions of people were applied") && !page.contains("<b>bob"));
    // What was applied can be given again.
    std::fs::copy(dir.join("curated/curation-applied.csv"), dir.join("again.csv")).expect("copied");
    let nothing = format!("{head}visit-1,1,2,3,present,ann,,\n");
    std::fs::write(dir.join("nothing.csv"), nothing).expect("written");
    let message =
        failure(dir, &["track", "series.toml", "-o", "no", "--curation", "nothing.csv", "--backend", "cpu", "--quiet"]);
    assert!(message.contains("line 2 (session visit-1") && !dir.join("no/tracks.csv").exists(), "{message}");
    std::fs::write(dir.join("curated/curation-template.csv"), format!("{head}{decided}")).expect("written");
    let message = failure(dir, &[&args[..], &["--force"]].concat());
    assert!(message.contains("has been filled in"), "{message}");
}

#[test]
fn a_blind_rater_sees_no_order_and_what_is_decided_blind_is_applied() {
    let dir = series();
    run(dir, &["track", "series.toml", "-o", "blind", "--blind", "--backend", "cpu", "--quiet"]);
    let blind = dir.join("blind");
    let mut there: Vec<String> = std::fs::read_dir(&blind)
        .expect("a folder")
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    there.sort();
    assert_eq!(there, ["curation-template.csv", "locked", "report.html", "strips.png"]);
    let page = read(blind.join("report.html"));
    holds_itself(&page);
    let visible = [page.clone(), read(blind.join("curation-template.csv"))].concat();
    // Not the pictures' own bytes, in which any letters may stand.
    let visible: String =
        visible.split("data:image").map(|part| part.split_once('"').map_or(part, |(_, rest)| rest)).collect();
    for word in ["visit", "day", "s0.tif", "example.org", "P(present)", "sha", "eliminated", "formed"] {
        let known = visible.matches(word).count();
        let in_words = if word == "day" { visible.matches("names and days").count() } else { 0 };
        assert_eq!(known, in_words, "{word}");
    }
    // Sites do not share an order: over the sites every session comes first at some of them.
    let key: std::collections::HashMap<String, String> = table(blind.join("locked/blind-key.csv"))
        .into_iter()
        .map(|r| (r["code"].clone(), r["session"].clone()))
        .collect();
    let rows = table(blind.join("curation-template.csv"));
    let mut first = std::collections::BTreeSet::new();
    let sessions: Vec<&String> = rows.iter().map(|r| &key[&r["code"]]).collect();
    sessions.chunks_exact(3).for_each(|site| {
        first.insert(site[0].clone());
    });
    assert_eq!(first.len(), 3, "{first:?}");

    let decided =
        format!("code,verdict,who\n{},absent,eve\n{},present,eve\n", rows[0]["code"], rows[40]["code"].to_lowercase());
    std::fs::write(dir.join("by-code.csv"), decided).expect("written");
    let message = failure(dir, &["track", "series.toml", "-o", "no", "--curation", "by-code.csv", "--backend", "cpu"]);
    assert!(message.contains("--blind-key"), "{message}");
    let message = failure(dir, &["track", "series.toml", "-o", "blind", "--force"]);
    assert!(message.contains("is of a blind review"), "{message}");

    run(dir, &["unblind", "blind"]);
    assert_eq!(read(blind.join("tracks.csv")), read(dir.join("open/tracks.csv")));
    assert!(blind.join("blind/report.html").is_file() && !blind.join("locked").exists());
    assert!(read(blind.join("report.html")).contains("visit-1") && blind.join("session-visit-0/overlay.png").is_file());
    assert!(failure(dir, &["unblind", "blind"]).contains("no locked results"));
    assert!(failure(dir, &["track", "series.toml", "-o", "blind", "--blind", "--force"]).contains("is open there"));

    let args =
        ["track", "series.toml", "-o", "decided", "--curation", "by-code.csv", "--blind-key", "blind/blind-key.csv"];
    run(dir, &[&args[..], &["--backend", "cpu", "--quiet"]].concat());
    let applied = table(dir.join("decided/curation-applied.csv"));
    assert_eq!(applied[0]["session"], key[&rows[0]["code"]]);
    let after = table(dir.join("decided/tracks.csv"));
    let call = after
        .iter()
        .find(|r| r["track_id"] == applied[0]["track_id"] && r["session"] == applied[0]["session"])
        .expect("it");
    assert_eq!((call["status"].as_str(), call["curated"].as_str()), ("absent", "eve"));
}

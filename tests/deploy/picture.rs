//! The README's picture: drawn by `floorcast backtest --html` from the load below, with the figures that stand beneath it.
//!
//! Load and HPA are the same in every build, and so must their curves be in the picture. What floorcast does of it may move by a replica
//! with its engine: there the picture may be older, but not what it claims. `UPDATE=1` draws it anew.

use crate::files;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

const PICTURE: &str = "docs/floor-before-load.svg";
/// The chart's own style is the page's; a picture that stands alone brings its colours along.
const STYLE: &str = "<style>svg{--paper:#fff;--ink:#1c2126;--soft:#59636e;--line:#d9dee3;--load:#6a7480;--with:#0969da;\
    --floor:#1a7f37;--alone:#bc4c00;--starved:#cf222e}\n\
    @media (prefers-color-scheme:dark){svg{--paper:#15191e;--ink:#e6eaee;--soft:#9aa5b1;--line:#333b44;--load:#9aa5b1;\
    --with:#58a6ff;--floor:#56d364;--alone:#f0883e;--starved:#ff7b72}}\n\
    text{font:12px system-ui,sans-serif;fill:var(--soft)}\nrect{fill:var(--paper)}\npath{fill:none;stroke-width:1.8}\n\
    .grid{stroke:var(--line);stroke-width:1}\npath.load{stroke:var(--load);stroke-width:1.2}\npath.with{stroke:var(--with)}\n\
    path.floor{stroke:var(--floor);stroke-dasharray:5 3}\npath.alone{stroke:var(--alone)}\n\
    path.starved{stroke:var(--starved);stroke-width:2}</style>\n";

/// Three weeks in steps of a quarter of an hour: up from 08:00 to 09:30, down from 17:30 to 19:00, and a little that looks like chance.
fn load() -> String {
    let mut csv = String::new();
    for i in 0..21 * 96_i64 {
        let quarter = i % 96;
        let risen = (quarter - 32).clamp(0, 6) - (quarter - 70).clamp(0, 6);
        writeln!(csv, "{},{}", 1_772_409_600 + i * 900, 100 + 120 * risen + i * 7919 % 41).unwrap();
    }
    csv
}

/// The morning on which the HPA alone starved longest: its chart, and the minutes of both.
struct Morning {
    svg: String,
    alone: f64,
    with: f64,
    /// Pod-hours of the week more than the HPA's, percent.
    more: f64,
}

fn replayed() -> Morning {
    let folder = tempfile::tempdir().unwrap();
    let (csv, page) = (folder.path().join("load.csv"), folder.path().join("page.html"));
    std::fs::write(&csv, load()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_floorcast"));
    command.args(["backtest", "--pod-start", "15m", "--replicas-at-mean", "15", "--days", "7", "--no-equal-service"]);
    let told = command.args([Path::new("--csv"), &csv, Path::new("--html"), &page]).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let table = String::from_utf8(told.stdout).unwrap();
    let row = table.lines().find(|line| line.starts_with("floorcast ") && line.contains(" % ")).unwrap();
    let more = row.split_whitespace().find_map(|cell| cell.strip_prefix('+')?.parse().ok()).unwrap();
    let page = std::fs::read_to_string(page).unwrap();
    let worst = page.split_once("<h2>The worst moments</h2>").unwrap().1;
    let heading = worst.split_once("UTC: ").unwrap().1;
    let minutes = |text: &str| text.trim_start().split(' ').next().unwrap().parse().unwrap();
    let (alone, with) = heading.split_once("by the HPA alone,").unwrap();
    let chart = worst.split_once("<svg").unwrap().1.split_once("</svg>").unwrap().0;
    Morning { svg: standing_alone(chart), alone: minutes(alone), with: minutes(with), more }
}

/// With a name space, colours, paper and a legend of its own.
fn standing_alone(chart: &str) -> String {
    let (attributes, inside) = chart.split_once('>').unwrap();
    let attributes = attributes.replace("viewBox=\"0 0 960 260\"", "viewBox=\"0 0 984 294\"");
    assert!(attributes.contains("984"), "the chart has another size: {attributes}");
    let paper = "<rect width=\"984\" height=\"294\"/>\n";
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\"{attributes}>\n{STYLE}{paper}{}\n{}\n</svg>\n",
        inside.trim().replace("><path", ">\n<path"),
        legend()
    )
}

/// Under the chart, from its left edge on; a letter is about 6.6 wide.
fn legend() -> String {
    let shown = [
        ("floor", "floor"),
        ("with", "replicas with floorcast"),
        ("alone", "replicas of the HPA alone"),
        ("load", "load ÷ target per replica"),
        ("starved", "HPA alone starved"),
    ];
    let (mut legend, mut x) = (String::new(), 64.0);
    for (class, name) in shown {
        write!(
            legend,
            "<path class=\"{class}\" d=\"M{x:.1} 276h22\"/><text x=\"{:.1}\" y=\"280\">{name}</text>",
            x + 28.0
        )
        .unwrap();
        x += 52.0 + 6.6 * name.chars().count() as f64;
    }
    legend
}

/// What every build draws alike: everything but the curves of floorcast.
fn common(svg: &str) -> Vec<&str> {
    let own = ["<path class=\"floor\"", "<path class=\"with\""];
    let is_curve = |line: &str| own.iter().any(|start| line.starts_with(start)) && !line.contains("<text");
    svg.lines().filter(|line| !is_curve(line)).collect()
}

#[test]
fn the_readme_shows_what_a_backtest_draws_and_tells_its_figures() {
    let morning = replayed();
    assert!(morning.with < 0.5, "{} minutes starved with floorcast", morning.with);
    assert!((4.0..7.0).contains(&morning.more), "about 5 %: {} %", morning.more);
    if std::env::var("UPDATE").is_ok_and(|v| v == "1") {
        files::up_to_date(PICTURE, &morning.svg);
    }
    let shipped = files::text(PICTURE);
    assert_eq!(common(&shipped), common(&morning.svg), "{PICTURE}: draw it anew by UPDATE=1 cargo test --test deploy");
    let told = format!(
        "short of replicas for {:.0} minutes, with floorcast for none; over the week that cost about 5 % more pod-hours",
        morning.alone
    );
    let readme = files::text("README.md").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(&told), "README.md does not say: {told}");
}

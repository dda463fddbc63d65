//! A real Chromium without a window, led by its `DevTools` protocol over a WebSocket.

use base64::{Engine, prelude::BASE64_STANDARD};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// Leaves the tests in a browser out when set to `1`.
const SKIP_VARIABLE: &str = "FLOORCAST_SKIP_BROWSER_TESTS";
/// Where the browser is, if not on the PATH under a name of its own.
const PATH_VARIABLE: &str = "FLOORCAST_BROWSER";
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
/// Nothing that a browser does here takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(2);
/// Pixels of a picture; what is below is more of the same.
const HIGHEST: f64 = 2400.0;

/// Whether the browser tests are left out on purpose; says so, so that nobody takes it for a pass.
pub(crate) fn left_out() -> bool {
    let skip = std::env::var(SKIP_VARIABLE).is_ok_and(|value| value == "1");
    if skip {
        eprintln!("a test in a real browser is left out because {SKIP_VARIABLE}=1");
    }
    skip
}

/// The browser's program, or what to do about there being none.
fn program(told: Option<PathBuf>, path: &std::ffi::OsStr) -> Result<PathBuf, String> {
    if let Some(told) = told {
        return told.is_file().then_some(told.clone()).ok_or_else(|| {
            format!(
                "{PATH_VARIABLE} names {}, which is no file; name the browser's program, or unset it",
                told.display()
            )
        });
    }
    let places = std::env::split_paths(path).flat_map(|folder| NAMES.map(|name| folder.join(name)));
    places.into_iter().find(|place| place.is_file()).ok_or_else(|| {
        format!(
            "there is no browser on the PATH ({}). The web page is tested in a real one: install Chromium (Debian: apt-get install \
             chromium) or name it in {PATH_VARIABLE}, or leave these tests out on purpose with {SKIP_VARIABLE}=1",
            NAMES.join(", ")
        )
    })
}

/// One browser with one page.
pub(crate) struct Browser {
    socket: WebSocketStream<TcpStream>,
    session: Option<String>,
    last: u64,
    loads: usize,
    /// What the page wrote to its console, errors of scripts and of the network, and what its policy blocked.
    pub(crate) console: Vec<String>,
    /// What it asked of any network or file since `Network.enable`.
    pub(crate) requests: Vec<String>,
    _profile: tempfile::TempDir,
    _process: Child,
}

impl Browser {
    /// Starts it.
    pub(crate) async fn start() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program =
            program(std::env::var_os(PATH_VARIABLE).map(PathBuf::from), &path).unwrap_or_else(|why| panic!("{why}"));
        let profile = tempfile::tempdir().unwrap();
        let mut process = Command::new(program)
            // Containers seldom allow a sandbox, and nothing but our own page is looked at.
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = timeout(PATIENCE, async {
            let mut heard = String::new();
            while let Some(line) = said.next_line().await.unwrap() {
                if let Some(address) = line.strip_prefix("DevTools listening on ") {
                    return address.to_owned();
                }
                heard += &format!("{line}\n");
            }
            panic!("the browser ended before it listened:\n{heard}");
        });
        let address = address.await.expect("the browser listens");
        // Nobody must wait for us to read what it goes on saying.
        tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
        let host = address.trim_start_matches("ws://").split('/').next().unwrap().to_owned();
        let stream = TcpStream::connect(host).await.unwrap();
        let (socket, _) = client_async(address, stream).await.unwrap();
        let (session, console, requests) = (None, Vec::new(), Vec::new());
        let mut browser =
            Self { socket, session, last: 0, loads: 0, console, requests, _profile: profile, _process: process };
        browser.open().await;
        browser
    }

    async fn open(&mut self) {
        let target = self.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        self.session = self.call("Target.attachToTarget", attach).await["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable", "DOM.enable"] {
            self.call(domain, json!({})).await;
        }
    }

    /// One question and its answer; what happens meanwhile is noted.
    pub(crate) async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let mut question = json!({"id": self.last, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            question["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(question.to_string())).await.unwrap();
        loop {
            let message = self.next().await;
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
        }
    }

    async fn next(&mut self) -> Value {
        let message = timeout(PATIENCE, self.socket.next()).await.expect("the browser answers");
        let message: Value = serde_json::from_str(message.unwrap().unwrap().to_text().unwrap()).unwrap();
        self.note(&message);
        message
    }

    fn note(&mut self, message: &Value) {
        let parameters = &message["params"];
        match message["method"].as_str() {
            Some("Page.loadEventFired") => self.loads += 1,
            Some("Runtime.consoleAPICalled") => self.console.push(parameters["args"].to_string()),
            Some("Runtime.exceptionThrown") => self.console.push(parameters["exceptionDetails"].to_string()),
            Some("Network.requestWillBeSent") => {
                self.requests.push(parameters["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
            Some("Log.entryAdded") => self.console.push(parameters["entry"]["text"].to_string()),
            _ => {}
        }
    }

    /// Goes to an address and waits until all of it is loaded.
    pub(crate) async fn go(&mut self, url: &str) {
        let before = self.loads;
        let answer = self.call("Page.navigate", json!({"url": url})).await;
        assert!(answer["errorText"].is_null(), "{url}: {answer}");
        self.loaded(before).await;
    }

    async fn loaded(&mut self, before: usize) {
        while self.loads == before {
            self.next().await;
        }
    }

    /// Does what leads to another page, and waits for it.
    pub(crate) async fn follow(&mut self, script: &str) {
        let before = self.loads;
        self.eval(script).await;
        self.loaded(before).await;
    }

    /// The value of an expression within the page.
    pub(crate) async fn eval(&mut self, expression: &str) -> Value {
        let question = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", question).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(crate) async fn until(&mut self, expression: &str) {
        let waited = timeout(PATIENCE, async {
            while self.eval(expression).await != true {
                sleep(Duration::from_millis(20)).await;
            }
        });
        assert!(waited.await.is_ok(), "never came true: {expression}");
    }

    /// Presses a key that needs no text.
    pub(crate) async fn press(&mut self, key: &str, code: u32) {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// A window of so many pixels, light or dark.
    pub(crate) async fn look(&mut self, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500});
        self.call("Emulation.setDeviceMetricsOverride", size).await;
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", media).await;
    }

    /// Keeps a picture of the page, for people to look at after the tests.
    pub(crate) async fn picture(&mut self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("page");
        std::fs::create_dir_all(&folder).unwrap();
        let size = self.call("Page.getLayoutMetrics", json!({})).await["cssContentSize"].clone();
        let height = size["height"].as_f64().unwrap().min(HIGHEST);
        let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1});
        let whole = json!({"format": "png", "clip": clip, "captureBeyondViewport": true});
        let answer = self.call("Page.captureScreenshot", whole).await;
        let picture = BASE64_STANDARD.decode(answer["data"].as_str().unwrap()).unwrap();
        assert!(picture.starts_with(b"\x89PNG"));
        std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }
}

#[test]
fn a_missing_browser_is_told_with_its_remedy() {
    let told = program(None, "/nowhere".as_ref()).unwrap_err();
    assert!(told.contains("install Chromium") && told.contains("FLOORCAST_SKIP_BROWSER_TESTS=1"), "{told}");
    let told = program(Some("/nowhere/chromium".into()), "".as_ref()).unwrap_err();
    assert!(told.contains("FLOORCAST_BROWSER names /nowhere/chromium"), "{told}");
}

//! The pages of `reports/` in a real Chromium: what is interactive is clicked, on a telephone's and on a
//! desk's width, light and dark; words reach the contrast of WCAG AA; nothing is wider than the page;
//! without script the pictures stand there; it prints. Any console message of an error and any request
//! fails the test.
//!
//! Chromium is spoken to through two pipes (its DevTools protocol), so nothing else is needed. Where
//! there is no Chromium the tests say so and pass, but fail where `STOCKOUT_BROWSER=required` is set.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running Chromium with one page.
struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    session: Option<String>,
    count: u64,
    /// What happened, in order.
    events: Vec<Value>,
    _profile: tempfile::TempDir,
}

/// The program, where there is one.
fn chromium() -> Option<String> {
    let own = std::env::var("CHROMIUM").ok();
    let names = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    let found = own.into_iter().chain(names).find(|name| {
        let output = Command::new(name).arg("--version").output();
        output.is_ok_and(|output| output.status.success())
    });
    if found.is_none() {
        let required = std::env::var("STOCKOUT_BROWSER").is_ok_and(|value| value == "required");
        assert!(!required, "no Chromium was found: install chromium, or name one in CHROMIUM");
        eprintln!("skipped: no Chromium was found (install chromium, or name one in CHROMIUM)");
    }
    found
}

impl Browser {
    fn start(program: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        // Chromium reads commands from descriptor 3 and writes answers to descriptor 4.
        let script = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1";
        let mut child = Command::new("sh")
            .args(["-c", script, program])
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"])
            .args([
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .args(["--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = child.stdin.take().unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let (sender, from) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while answers.read_until(0, &mut message).is_ok_and(|count| count > 0) {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else { break };
                if sender.send(value).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let mut browser = Self {
            child,
            to,
            from,
            session: None,
            count: 0,
            events: Vec::new(),
            _profile: profile,
        };
        let target = browser.ask("Target.createTarget", json!({ "url": "about:blank" }));
        let id = &target["targetId"];
        let session =
            browser.ask("Target.attachToTarget", json!({ "targetId": id, "flatten": true }));
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network", "DOM"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Sends a command and waits for its answer; events are kept.
    fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.count += 1;
        let mut message = json!({ "id": self.count, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let answer = self.from.recv_timeout(PATIENCE);
            let answer = answer.unwrap_or_else(|_| panic!("no answer to {method}"));
            if answer["id"] == self.count {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    /// Waits for an event.
    fn wait(&mut self, method: &str) {
        while !self.events.iter().any(|event| event["method"] == method) {
            let event = self.from.recv_timeout(PATIENCE);
            self.events.push(event.unwrap_or_else(|_| panic!("no {method}")));
        }
    }

    /// The page at a width and in a colour scheme.
    fn open(&mut self, page: &std::path::Path, width: u32, scheme: &str) {
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": 900, "deviceScaleFactor": 2, "mobile": false }),
        );
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.ask("Emulation.setEmulatedMedia", json!({ "media": "", "features": features }));
        self.events.clear();
        self.ask("Page.navigate", json!({ "url": format!("file://{}", page.display()) }));
        self.wait("Page.loadEventFired");
    }

    /// The value of an expression in the page, promises awaited.
    fn value(&mut self, expression: &str) -> Value {
        let result = self.ask(
            "Runtime.evaluate",
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true }),
        );
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Clicks, or only moves the mouse, in the middle of an element.
    fn mouse(&mut self, element: &str, clicks: bool) {
        let place = self.value(&format!(
            "(() => {{ const e = {element}; e.scrollIntoView({{ block: 'center' }}); \
             const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        ));
        let kinds: &[&str] =
            if clicks { &["mouseMoved", "mousePressed", "mouseReleased"] } else { &["mouseMoved"] };
        for kind in kinds {
            let button = if *kind == "mouseMoved" { "none" } else { "left" };
            self.ask(
                "Input.dispatchMouseEvent",
                json!({ "type": kind, "x": place[0], "y": place[1], "button": button, "clickCount": 1 }),
            );
        }
    }

    /// Two frames, so that what was asked for is drawn.
    fn settle(&mut self) {
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))");
    }

    /// Fails on what a quiet page does not do.
    fn is_quiet(&mut self, page: &str) {
        // Whatever was under way has come by now.
        self.settle();
        for event in &self.events {
            let parameters = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Runtime.exceptionThrown" => panic!("{page}: {event}"),
                "Runtime.consoleAPICalled" if parameters["type"] != "log" => {
                    panic!("{page}: {event}")
                }
                "Log.entryAdded" => panic!("{page}: {event}"),
                "Network.requestWillBeSent" => {
                    let url = parameters["request"]["url"].as_str().unwrap_or_default();
                    let own = url.starts_with("data:") || url.ends_with(page);
                    assert!(own, "{page} asks for {url}");
                }
                _ => {}
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.to.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        for _ in 0..50 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Words whose contrast with what they stand on is below that of WCAG AA (4.5 : 1, of large letters 3 : 1).
const FAINT: &str = r"(() => {
  const channel = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const parse = (text) => { const n = text.match(/[\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour[3] > 0) return colour;
    }
    return [255, 255, 255, 1];
  };
  const faint = [];
  let count = 0;
  for (const element of document.querySelectorAll('main *')) {
    const words = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!words || element.closest('title, desc, script') || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const inSvg = element instanceof SVGElement;
    const [a, b] = [light(parse(inSvg ? style.fill : style.color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    count += 1;
    if (ratio < (size >= 24 ? 3 : 4.5)) faint.push(ratio.toFixed(2) + ' ' + element.textContent.slice(0, 40));
  }
  return count > 50 ? faint : ['only ' + count + ' texts'];
})()";

/// What sticks out of the page, or out of a picture.
const TOO_WIDE: &str = r"(() => {
  const wide = [];
  if (document.documentElement.scrollWidth > innerWidth) wide.push('page ' + document.documentElement.scrollWidth);
  for (const svg of document.querySelectorAll('.picture svg')) {
    if (!svg.getClientRects().length) continue;
    const own = svg.getBoundingClientRect();
    for (const text of svg.querySelectorAll('text')) {
      const r = text.getBoundingClientRect();
      if (r.left < own.left - 1 || r.right > own.right + 1 || r.bottom > own.bottom + 1) wide.push(text.textContent);
    }
  }
  return wide;
})()";

#[test]
fn pages_work_on_telephone_and_desk_in_light_and_dark() {
    let Some(program) = chromium() else { return };
    let mut browser = Browser::start(&program);
    for name in ["training-l4", "gang-a3", "endpoint-t4", "portfolio"] {
        let page = std::fs::canonicalize(format!("reports/{name}/report.html")).unwrap();
        let shown = format!("{name}/report.html");
        for (width, scheme) in [(390, "light"), (1280, "dark")] {
            browser.open(&page, width, scheme);
            browser.value("document.fonts.ready.then(() => true)");
            browser.settle();
            assert_eq!(browser.value(TOO_WIDE), json!([]), "{shown} at {width}");
            assert_eq!(browser.value(FAINT), json!([]), "{shown}, {scheme}");
            let readings = browser.value("document.querySelectorAll('.reading canvas').length");
            let curves = browser.value("document.querySelectorAll('script.curves').length");
            assert_eq!(readings, curves, "{shown}");
            for index in 0..curves.as_u64().unwrap() {
                reads_values(&mut browser, index, &shown);
            }
            opens_details(&mut browser, &shown);
            assert_eq!(browser.value(FAINT), json!([]), "{shown}, {scheme}, opened");
            assert_eq!(browser.value(TOO_WIDE), json!([]), "{shown} at {width}, opened");
            browser.is_quiet(&shown);
        }
    }
}

/// Points at a chart, moves the line with a key, leaves a plan out.
fn reads_values(browser: &mut Browser, index: u64, page: &str) {
    let panel = format!("document.querySelectorAll('.reading')[{index}]");
    let said = format!("{panel}.querySelector('.said').textContent");
    let before = browser.value(&said);
    browser.mouse(&format!("{panel}.querySelector('.u-over')"), false);
    browser.settle();
    let at = browser.value(&said);
    assert!(at.as_str().unwrap().starts_with("By ") && at != before, "{page}: {at}");
    let values =
        format!("[...{panel}.querySelectorAll('button')].map(b => b.lastChild.textContent)");
    let read = browser.value(&values);
    let read = read.as_array().unwrap();
    assert!(!read.is_empty());
    assert!(read.iter().all(|value| value.as_str().unwrap().ends_with(" %")), "{page}: {read:?}");
    browser.value(&format!("{panel}.querySelector('.plot').focus()"));
    for kind in ["rawKeyDown", "keyUp"] {
        let key = json!({ "type": kind, "key": "ArrowRight", "code": "ArrowRight", "windowsVirtualKeyCode": 39 });
        browser.ask("Input.dispatchKeyEvent", key);
    }
    browser.settle();
    assert_ne!(browser.value(&said), at, "{page}: an arrow key moves the line");
    let first = format!("{panel}.querySelector('button')");
    for pressed in ["false", "true"] {
        browser.mouse(&first, true);
        let now = browser.value(&format!("{first}.getAttribute('aria-pressed')"));
        assert_eq!(now, json!(pressed), "{page}");
    }
}

/// Opens everything that can be opened.
fn opens_details(browser: &mut Browser, page: &str) {
    let count = browser.value("document.querySelectorAll('details').length").as_u64().unwrap();
    assert!(count >= 3, "{page}");
    for index in 0..count {
        let details = format!("document.querySelectorAll('details')[{index}]");
        browser.mouse(&format!("{details}.querySelector('summary')"), true);
        assert_eq!(browser.value(&format!("{details}.open")), json!(true), "{page}: {index}");
    }
}

#[test]
fn without_script_the_pictures_stand_there_and_paper_has_them_too() {
    let Some(program) = chromium() else { return };
    let mut browser = Browser::start(&program);
    let page = std::fs::canonicalize("reports/gang-a3/report.html").unwrap();
    browser.open(&page, 1280, "light");
    browser.value("document.fonts.ready.then(() => true)");
    browser.settle();
    browser.ask("Emulation.setEmulatedMedia", json!({ "media": "print" }));
    let on_paper = browser.value(
        "[document.querySelectorAll('.reading').length, \
          [...document.querySelectorAll('.reading')].filter(e => e.getClientRects().length).length, \
          [...document.querySelectorAll('.wide svg')].filter(e => e.getBoundingClientRect().width < 500).length]",
    );
    assert_eq!(on_paper, json!([1, 0, 0]));
    let paper = browser.ask("Page.printToPDF", json!({}));
    // `%PDF-` in base64.
    assert!(paper["data"].as_str().unwrap().starts_with("JVBERi0"));
    browser.is_quiet("gang-a3/report.html");

    browser.ask("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    browser.open(&page, 1280, "light");
    let root = browser.ask("DOM.getDocument", json!({}))["root"]["nodeId"].clone();
    let mut all = |selector: &str| {
        let found =
            browser.ask("DOM.querySelectorAll", json!({ "nodeId": root, "selector": selector }));
        found["nodeIds"].as_array().unwrap().clone()
    };
    assert!(all(".reading").is_empty(), "no script has run");
    let pictures = all(".wide svg");
    assert!(pictures.len() >= 5);
    for picture in pictures {
        let model = browser.ask("DOM.getBoxModel", json!({ "nodeId": picture }));
        assert!(model["model"]["width"].as_f64().unwrap() > 600.0, "{model}");
    }
    // A page without script draws no frames that can be waited for.
    browser.ask("Emulation.setScriptExecutionDisabled", json!({ "value": false }));
    browser.is_quiet("gang-a3/report.html");
}

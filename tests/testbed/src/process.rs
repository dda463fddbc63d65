//! Child processes that never outlive the test: killed on drop, on panic, and by a small watchdog shell when the test
//! process itself is killed.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Error;

/// Keeps every folder after the tests when set to `1`, to read the logs.
pub const KEEP_VARIABLE: &str = "FLOORCAST_TESTBED_KEEP";

/// The watchdog: reads `+ pid` and `- pid`; when the pipe closes (we dropped it, or died in whatever way), it kills what
/// is left and removes the folder. A shell and a pipe do what `PR_SET_PDEATHSIG` does, without tying the children to
/// the *thread* that started them (test threads end before a shared cluster does).
const WARDEN: &str = r#"trap '' HUP INT TERM
while read -r op pid; do
  left=; for p in $pids; do [ "$p" = "$pid" ] || left="$left $p"; done; pids=$left
  [ "$op" = + ] && pids="$pids $pid"
done
[ -n "$pids" ] && kill -KILL $pids 2>/dev/null
[ "$2" = keep ] || for try in 1 2 3 4 5; do rm -rf "$1" 2>/dev/null && break; sleep 0.2; done"#;

/// A temporary folder that holds the files and logs of a group of processes, and guards these processes.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    warden: Mutex<(Child, Option<ChildStdin>)>,
}

impl Folder {
    /// Makes an empty folder under the system's temporary directory.
    pub fn new(name: &str) -> Result<Arc<Self>, Error> {
        let parent = std::env::temp_dir();
        let path = tempfile::Builder::new()
            .prefix(&format!("floorcast-{name}-"))
            .tempdir()
            .map_err(Error::file("create a folder in", &parent))?
            .keep();
        let keep = std::env::var(KEEP_VARIABLE).is_ok_and(|v| v == "1");
        let mut warden = Command::new("sh")
            .args(["-c", WARDEN, "floorcast-warden"])
            .arg(&path)
            .arg(if keep { "keep" } else { "remove" })
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| Error::Spawn { name: "the watchdog shell".into(), source })?;
        let pipe = warden.stdin.take();
        Ok(Arc::new(Self { path, warden: Mutex::new((warden, pipe)) }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path inside.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file inside, readable by us only, and returns its path.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Result<PathBuf, Error> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = self.join(name);
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_ref()))
            .map_err(Error::file("write", &path))?;
        Ok(path)
    }

    fn tell(&self, op: char, pid: u32) {
        let mut warden = self.warden.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipe) = &mut warden.1 {
            // A dead watchdog only loses the second net; the first (Drop) still holds.
            let _ = writeln!(pipe, "{op} {pid}");
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let mut warden = self.warden.lock().unwrap_or_else(PoisonError::into_inner);
        drop(warden.1.take());
        let _ = warden.0.wait();
    }
}

/// How to start a component: program, arguments, environment.
#[derive(Debug, Clone)]
pub struct Launch {
    program: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl Launch {
    /// A program without arguments.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), args: Vec::new(), env: Vec::new() }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: Into<String>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds `--name=path`.
    #[must_use]
    pub fn path(self, name: &str, path: &Path) -> Self {
        let value = format!("--{name}={}", path.display());
        self.arg(value)
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }
}

/// A process of its own process group, its output appended to a log file in the folder.
#[derive(Debug)]
pub struct Process {
    name: String,
    launch: Launch,
    folder: Arc<Folder>,
    child: Option<Child>,
}

impl Process {
    /// Starts it.
    pub fn start(folder: &Arc<Folder>, name: &str, launch: Launch) -> Result<Self, Error> {
        let mut process = Self { name: name.into(), launch, folder: Arc::clone(folder), child: None };
        process.resume_or_spawn()?;
        Ok(process)
    }

    /// Starts it again after [`Process::stop`] or [`Process::kill`], with the same arguments; nothing if it runs.
    pub fn restart(&mut self) -> Result<(), Error> {
        if self.running() { Ok(()) } else { self.resume_or_spawn() }
    }

    fn resume_or_spawn(&mut self) -> Result<(), Error> {
        use std::os::unix::process::CommandExt as _;
        let path = self.log();
        let log = OpenOptions::new().create(true).append(true).open(&path).map_err(Error::file("open", &path))?;
        let both = log.try_clone().map_err(Error::file("open", &path))?;
        let child = Command::new(&self.launch.program)
            .args(&self.launch.args)
            .envs(self.launch.env.iter().map(|(k, v)| (k, v)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(both)
            // A group of its own: Ctrl-C in a terminal reaches us, and we decide the order of the end.
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Spawn {
                name: format!("{} ({})", self.name, self.launch.program.display()),
                source,
            })?;
        self.folder.tell('+', child.id());
        self.child = Some(child);
        Ok(())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Process id, if it was started and not stopped.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Its log file: standard output and standard error of every run, one after the other.
    pub fn log(&self) -> PathBuf {
        self.folder.join(&format!("{}.log", self.name))
    }

    /// The whole log.
    pub fn output(&self) -> String {
        std::fs::read(self.log()).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
    }

    /// The last `lines` lines of the log.
    pub fn tail(&self, lines: usize) -> String {
        last_lines(&self.log(), lines)
    }

    /// Whether it runs.
    pub fn running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Exit code, if it ended by itself; `None` while it runs or when a signal ended it.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.child.as_mut()?.try_wait().ok()?.and_then(|status| status.code())
    }

    /// An error with the end of the log, if it ended by itself.
    pub fn check(&mut self) -> Result<(), Error> {
        let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
        match ended {
            None => Ok(()),
            Some(status) => Err(Error::Died {
                name: self.name.clone(),
                status: status.to_string(),
                log: self.log(),
                tail: self.tail(40),
            }),
        }
    }

    /// Sends a signal (STOP, CONT, TERM, …); nothing if it does not run.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    /// `kill -9`, and waits for the end.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.reap();
    }

    /// SIGTERM, then SIGKILL if it still runs after `grace`. Returns the time it took and whether it ended by itself.
    pub fn stop(&mut self, grace: Duration) -> (Duration, bool) {
        let begun = Instant::now();
        self.signal(Signal::TERM);
        while self.running() && begun.elapsed() < grace {
            std::thread::sleep(Duration::from_millis(10));
        }
        let itself = !self.running();
        self.kill();
        (begun.elapsed(), itself)
    }

    fn reap(&mut self) {
        if let Some(mut child) = self.child.take() {
            let id = child.id();
            let _ = child.kill();
            let _ = child.wait();
            self.folder.tell('-', id);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- end of the log of {} ---\n{}", self.name, self.tail(15));
        }
        self.kill();
    }
}

/// The last `lines` lines of a file; empty if it cannot be read. Reads at most the last 64 KiB.
pub fn last_lines(path: &Path, lines: usize) -> String {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let Ok(mut file) = File::open(path) else { return String::new() };
    let length = file.metadata().map_or(0, |m| m.len());
    let mut bytes = Vec::new();
    if file.seek(SeekFrom::Start(length.saturating_sub(65_536))).is_err() || file.read_to_end(&mut bytes).is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sleeper(folder: &Arc<Folder>) -> Process {
        Process::start(folder, "sleeper", Launch::new("sleep").arg("1000")).unwrap()
    }

    fn alive(id: u32) -> bool {
        // A zombie is dead: state Z in /proc.
        std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|s| !s.contains(") Z "))
    }

    #[test]
    fn drop_kills_the_process_and_removes_the_folder() {
        let folder = Folder::new("test").unwrap();
        let path = folder.path().to_owned();
        let process = sleeper(&folder);
        let id = process.id().unwrap();
        assert!(alive(id));
        drop(process);
        drop(folder);
        assert!(!alive(id), "process {id} outlived its owner");
        assert!(!path.exists(), "{} was left behind", path.display());
    }

    #[test]
    fn the_watchdog_kills_what_was_forgotten() {
        let folder = Folder::new("test").unwrap();
        let mut process = sleeper(&folder);
        let id = process.id().unwrap();
        let mut orphan = process.child.take().unwrap();
        drop(process);
        drop(folder);
        orphan.wait().unwrap();
        assert!(!alive(id));
    }

    #[test]
    fn a_dead_process_is_told_with_the_end_of_its_log() {
        let folder = Folder::new("test").unwrap();
        let launch = Launch::new("sh").args(["-c", "echo no such flag >&2; exit 3"]);
        let mut process = Process::start(&folder, "broken", launch).unwrap();
        while process.running() {
            std::thread::yield_now();
        }
        let told = process.check().unwrap_err().to_string();
        assert!(told.contains("broken ended by itself (exit status: 3)") && told.contains("no such flag"), "{told}");
    }

    #[test]
    fn stop_kills_after_its_grace_and_restart_starts_again() {
        let folder = Folder::new("test").unwrap();
        let launch = Launch::new("sh").args(["-c", "trap '' TERM; echo up; while :; do sleep 0.05; done"]);
        let mut process = Process::start(&folder, "stubborn", launch).unwrap();
        while !process.output().contains("up") {
            std::thread::yield_now();
        }
        let (_, itself) = process.stop(Duration::from_millis(50));
        assert!(!itself && !process.running());
        process.restart().unwrap();
        assert!(process.running());
    }
}

//! The CPU time and memory of an upload of 100 MB, compared with those of `md5sum` and `curl -F`
//! for the same file: `cargo bench -p wechat-memory --bench upload`.
//!
//! Each program runs in a child process; the server is a child process as well, which compares the
//! bytes with the file and discards them. The sum of `md5sum` and `curl -F` is the work of an upload:
//! the service requires the MD5 of the whole file with its first piece. (`curl` reads the file
//! once, and sends it as one request rather than as 200.)
//!
//! Callgrind counts the instructions that a program executes in user mode, which the load of the
//! machine does not affect. They reveal an additional pass over the file, copy or hash, but not the
//! time of MD5, whose steps depend on each other.
//!
//! The memory is the peak of the resident memory (`VmHWM`) above that of the same process before the
//! upload, connected and idle. CPU times, of user and system, are medians of interleaved rounds.
//!
//! The benchmark fails if the instructions or the memory exceed their bounds, or if the server
//! received different bytes or a different MD5. CPU times have no bound.
//!
//! The profile of each program is kept: `callgrind_annotate target/tmp/upload-hyper.callgrind`.

mod server;
#[expect(dead_code, reason = "only the login is shared, not the server that replays replies")]
#[path = "../shared/mod.rs"]
mod shared;

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use wechat_proto::{Session, UserName};
use wechat_simulator::{Layout, Simulator, World};
use wechat_transport_hyper as asynchronous;
use wechat_transport_ureq as blocking;

use crate::shared::process::Process;
use crate::shared::{Result, exit, open};

/// The length of the file.
const LENGTH: usize = 100 << 20;
const ROUNDS: usize = 9;
const PROGRAMS: [&str; 4] = ["md5sum", "curl", "ureq", "hyper"];
/// The adapters, with the maximum ratio of their instructions to those of `md5sum` and `curl`
/// together: 3 % above the ratio measured with Rust 1.95.
const ADAPTERS: [(&str, f64); 2] = [("ureq", 1.39), ("hyper", 1.50)];
/// The maximum memory above that of the idle process, in KB.
const MEMORY: u64 = 2 << 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match &arguments[..] {
        [command, file] if command == "serve" => server::serve(file.as_ref()),
        [adapter, file] if adapter == "ureq" => upload(file),
        [adapter, file] if adapter == "hyper" => upload_async(file),
        _ => compare(),
    };
    exit(result)
}

fn compare() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("made-up.bin");
    write_file(&file)?;
    let mut bench = Bench::new(&file)?;

    let mut times = PROGRAMS.map(|_| Vec::new());
    let mut memory = PROGRAMS.map(|_| 0);
    for _ in 0..ROUNDS {
        for (at, program) in PROGRAMS.into_iter().enumerate() {
            let before = cpu()?;
            let output = bench.run(program, None)?;
            times[at].push(cpu()? - before);
            if is_ours(program) {
                memory[at] = output.trim().parse::<u64>()?.max(memory[at]);
            }
        }
    }
    let times = times.map(median);
    let mut instructions = [0.0; PROGRAMS.len()];
    for (count, program) in instructions.iter_mut().zip(PROGRAMS) {
        *count = bench.count(program)?;
    }

    println!("an upload of {} MB; CPU times are medians of {ROUNDS} rounds:", LENGTH >> 20);
    for (at, program) in PROGRAMS.into_iter().enumerate() {
        let millions = instructions[at] / 1e6;
        println!("{program:<6} {:>4.0} ms, {millions:>6.1} million instructions", times[at]);
    }
    let ratio = |of: &[f64; 4], at: usize| of[at] / (of[0] + of[1]);
    let mut within = true;
    println!("relative to md5sum and curl together:");
    for (at, (adapter, bound)) in (2..).zip(ADAPTERS) {
        let (time, count, memory) = (ratio(&times, at), ratio(&instructions, at), memory[at]);
        println!(
            "{adapter:<6} {time:.2} of the time, {count:.2} of the instructions (at most \
             {bound:.2}), {memory} KB above the idle process (at most {MEMORY})"
        );
        within &= count <= bound && memory <= MEMORY;
    }
    if within { Ok(()) } else { Err("an adapter exceeds its bound".into()) }
}

fn is_ours(program: &str) -> bool {
    ADAPTERS.iter().any(|(adapter, _)| *adapter == program)
}

/// Writes pseudo-random bytes.
fn write_file(file: &Path) -> io::Result<()> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let words = (0..LENGTH / 8).flat_map(|_| {
        // Xorshift.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    fs::write(file, words.collect::<Vec<_>>())
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// Returns the CPU time of all child processes that have ended, in milliseconds.
fn cpu() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok((usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e3)
}

/// The file, the session of the adapters, and the server.
struct Bench<'a> {
    file: &'a Path,
    md5: String,
    session: String,
    origin: String,
    server: Process,
}

impl<'a> Bench<'a> {
    fn new(file: &'a Path) -> Result<Self> {
        let mut server = Process::start(&[], &["serve", file.to_str().ok_or("not Unicode")?])?;
        let origin = server.line()?;
        let session = log_in(&origin)?.to_json();
        let mut bench = Self { file, md5: String::new(), session, origin, server };
        let line = bench.run("md5sum", None)?;
        bench.md5 = line.split(' ').next().unwrap_or_default().to_owned();
        Ok(bench)
    }

    /// Runs a program to its end, and checks the data that the server received. Returns its output.
    fn run(&mut self, program: &str, profile: Option<&Path>) -> Result<String> {
        let (this, file) = (env::current_exe()?, self.file.to_str().ok_or("not Unicode")?);
        let form = format!("filename=@{file}");
        let (path, arguments): (&Path, &[&str]) = match program {
            "md5sum" => (program.as_ref(), &[file]),
            "curl" => (program.as_ref(), &["-sS", "-H", "Expect:", "-F", &*form, &*self.origin]),
            adapter => (&this, &[adapter, file]),
        };
        let mut command = Command::new(if profile.is_some() { "valgrind".as_ref() } else { path });
        if let Some(profile) = profile {
            command.args(["--quiet", "--tool=callgrind"]);
            command.arg(format!("--callgrind-out-file={}", profile.display())).arg(path);
        }
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let mut stdin = child.stdin.take().ok_or("no stdin")?;
        if is_ours(program) {
            stdin.write_all(self.session.as_bytes())?;
        }
        drop(stdin);
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(format!("{program} ended with {}", output.status).into());
        }

        let found = self.server.ask("")?;
        let expected = match program {
            "md5sum" => "0 same bytes, MD5 ".to_owned(),
            "curl" => format!("{LENGTH} same bytes, MD5 "),
            _ => format!("{LENGTH} same bytes, MD5 {}", self.md5),
        };
        if found != expected {
            return Err(format!("{program}: received {found}, expected {expected}").into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Returns the instructions of a program.
    fn count(&mut self, program: &str) -> Result<f64> {
        let name = format!("upload-{program}.callgrind");
        let profile = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        self.run(program, Some(&profile))?;
        let profile = fs::read_to_string(profile)?;
        let total = profile.lines().find_map(|line| line.strip_prefix("totals: "));
        Ok(total.ok_or("Callgrind wrote no total")?.parse()?)
    }
}

fn log_in(origin: &str) -> Result<Session> {
    let mut world = World::demo();
    world.layout(Layout::One { origin: origin.to_owned() });
    Ok(open(&Simulator::new(world), origin, &mut Vec::new())?.session().clone())
}

/// Uploads the file on the session from stdin, and prints the memory that this takes, in KB.
fn upload(file: &str) -> Result<()> {
    let session = Session::from_json(&io::read_to_string(io::stdin())?)?;
    let transport = blocking::Transport::new(Default::default())?;
    let client = blocking::Client::resume(&transport, session)?;
    // The idle process is connected.
    client.send_text(UserName::file_helper(), "a text")?;
    let idle = idle()?;
    client.send_file(UserName::file_helper(), file, |_| {})?;
    println!("{}", most()?.saturating_sub(idle));
    Ok(())
}

fn upload_async(file: &str) -> Result<()> {
    let session = Session::from_json(&io::read_to_string(io::stdin())?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let transport = asynchronous::Transport::new(Default::default())?;
        let client = asynchronous::Client::resume(&transport, session)?;
        client.send_text(UserName::file_helper(), "a text").await?;
        let idle = idle()?;
        client.send_file(UserName::file_helper(), file, |_| {}).await?;
        println!("{}", most()?.saturating_sub(idle));
        Ok(())
    })
}

/// Resets the peak of [`most`], and returns the resident memory of this process, in KB.
fn idle() -> Result<u64> {
    fs::write("/proc/self/clear_refs", "5")?;
    status("VmRSS:")
}

/// Returns the peak of the resident memory of this process, in KB.
fn most() -> Result<u64> {
    status("VmHWM:")
}

fn status(name: &str) -> Result<u64> {
    let mut status = String::new();
    fs::File::open("/proc/self/status")?.read_to_string(&mut status)?;
    let value = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
    Ok(value.trim().trim_end_matches(" kB").parse()?)
}

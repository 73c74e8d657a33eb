//! The terminal as it ships, measured from outside: what a finger waits for, what it costs to stand there.
//!
//! Every figure is printed beside its goal. The panel is a file, so "flipped" means that the whole frame
//! of 1080x1920 lies in it.

#![expect(clippy::unwrap_used, reason = "a bench ends by panicking")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use hall::Hall;
use tests::stage::pause;

#[expect(dead_code, reason = "a bench needs less of a hall than the tests do")]
#[path = "../../tests/hall/hall.rs"]
mod hall;
mod stopwatch;

/// Touches of a button that are measured.
const TOUCHES: usize = 100;
/// Sessions of the soak.
const SESSIONS: usize = 1_000;
/// Before memory is compared: what is loaded once is loaded then.
const WARM_UP: usize = 100;
const IDLE: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut hall = Hall::open().await;
    start(&mut hall).await;
    idle(&hall, "nobody there").await;
    hall.tap("轻触屏幕开始").await;
    press(&mut hall).await;
    idle(&hall, "a page stands").await;
    hall.tap("结束并清除").await;
    sessions(&mut hall).await;
}

/// From the start of the process to the first whole frame.
async fn start(hall: &mut Hall) {
    let mut times = Vec::new();
    for _ in 0..5 {
        times.push(hall.starts_again().await);
    }
    report("first frame after start", &mut times, 50, Duration::from_millis(400));
}

async fn press(hall: &mut Hall) {
    let (mut flips, mut pages) = (Vec::new(), Vec::new());
    for _ in 0..TOUCHES / 2 {
        for label in ["全部分类", "返回"] {
            let (flip, page) = hall.measured_tap(label).await;
            flips.push(flip);
            pages.push(page);
        }
    }
    report("press to flipped frame, p95", &mut flips, 95, Duration::from_millis(50));
    report("page change, p95", &mut pages, 95, Duration::from_millis(100));
}

async fn idle(hall: &Hall, what: &str) {
    let pid = hall.terminal();
    let (before, frames) = (cpu(pid.as_raw()), hall.frames());
    #[expect(clippy::disallowed_methods, reason = "a bench measures")]
    let began = Instant::now();
    pause(IDLE).await;
    let used = cpu(pid.as_raw()).saturating_sub(before);
    let percent = used.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
    let drawn = hall.frames() - frames;
    println!("idle, {what}: {percent:.2} % of a core (goal 0.5), {drawn} frames drawn in {IDLE:?}");
}

/// A thousand people who come, look around in large letters and in English, and go.
async fn sessions(hall: &mut Hall) {
    let mut warm = 0;
    for number in 0..WARM_UP + SESSIONS {
        if number == WARM_UP {
            warm = resident_kib(hall);
        }
        hall.tap("轻触屏幕开始").await;
        hall.tap("大字").await;
        hall.tap("打印证明").await;
        hall.tap("房产证明").await;
        hall.tap("开始办理").await;
        hall.sees("请放上身份证").await;
        hall.tap("结束并清除").await;
        hall.sees("轻触屏幕开始").await;
    }
    let after = resident_kib(hall);
    let grown = i128::from(after) - i128::from(warm);
    println!("memory: {} MiB after {SESSIONS} sessions (goal 100)", after / 1024);
    println!("growth over {SESSIONS} sessions: {grown} KiB (goal below 1024)");
}

fn report(what: &str, times: &mut [Duration], percent: usize, goal: Duration) {
    times.sort_unstable();
    let at = times[(times.len() * percent / 100).min(times.len() - 1)];
    println!(
        "{what}: {at:.1?} (goal {goal:?}), median {:.1?}, worst {:.1?}",
        times[times.len() / 2],
        times[times.len() - 1]
    );
}

/// Time that all threads of a process have run.
fn cpu(pid: i32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    // Linux counts a hundred a second.
    Duration::from_millis(ticks * 10)
}

fn resident_kib(hall: &Hall) -> u64 {
    let path = format!("/proc/{}/status", hall.terminal());
    let status = fs::read_to_string(Path::new(&path)).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

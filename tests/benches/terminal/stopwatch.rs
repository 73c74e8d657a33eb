//! A finger with a stopwatch: looks at the panel without a pause, as an eye does.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::hall::Hall;

/// Where the count of frames stands in a panel file.
const SEQUENCE: std::ops::Range<usize> = 16..24;

impl Hall {
    /// Ends the terminal and starts it again: until its first whole frame lies in the panel.
    pub(crate) async fn starts_again(&mut self) -> Duration {
        self.kill().await;
        let _ = fs::remove_file(self.path("panel"));
        let began = now();
        self.launch();
        while sequence(&self.path("panel")).is_none() {
            std::hint::spin_loop();
        }
        let took = began.elapsed();
        self.sees("轻触屏幕开始").await;
        took
    }

    /// Touches what is called so: until the panel shows that it is pressed, and from the moment the
    /// finger leaves until it shows what comes then.
    pub(crate) async fn measured_tap(&mut self, label: &str) -> (Duration, Duration) {
        let (x, y) = self.place_of(label).await;
        let panel = self.path("panel");
        let before = sequence(&panel);
        let pressed = now();
        self.finger_down(x, y);
        let held = after(&panel, before);
        let flip = pressed.elapsed();
        let lifted = now();
        self.finger_up();
        after(&panel, held);
        (flip, lifted.elapsed())
    }

    /// Frames the panel ever showed.
    pub(crate) fn frames(&self) -> u64 {
        sequence(&self.path("panel")).unwrap_or(0)
    }
}

/// Looks until the panel shows another frame than this.
fn after(panel: &Path, before: Option<u64>) -> Option<u64> {
    loop {
        let shown = sequence(panel);
        if shown.is_some() && shown != before {
            return shown;
        }
    }
}

fn sequence(panel: &Path) -> Option<u64> {
    let mut header = [0; 32];
    File::open(panel).ok()?.read_exact(&mut header).ok()?;
    Some(u64::from_le_bytes(header[SEQUENCE].try_into().ok()?))
}

#[expect(clippy::disallowed_methods, reason = "a bench measures")]
fn now() -> Instant {
    Instant::now()
}

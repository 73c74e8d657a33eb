//! What Slint asks of the machine.

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use slint::PlatformError;
use slint::platform::software_renderer::{MinimalSoftwareWindow, RepaintBufferType};
use slint::platform::{EventLoopProxy, Platform, SetPlatformError, WindowAdapter};

use crate::{Clock, Waker};

struct Bare {
    window: Rc<MinimalSoftwareWindow>,
    clock: Clock,
    waker: Waker,
}

/// Makes this thread the screen's thread: the one window that every component is shown in.
pub(crate) fn install(
    clock: Clock,
    waker: Waker,
) -> Result<Rc<MinimalSoftwareWindow>, SetPlatformError> {
    let window = MinimalSoftwareWindow::new(RepaintBufferType::ReusedBuffer);
    let bare = Bare { window: Rc::clone(&window), clock, waker };
    slint::platform::set_platform(Box::new(bare))?;
    Ok(window)
}

impl Platform for Bare {
    fn create_window_adapter(&self) -> Result<Rc<dyn WindowAdapter>, PlatformError> {
        Ok(Rc::clone(&self.window) as Rc<dyn WindowAdapter>)
    }

    fn duration_since_start(&self) -> Duration {
        self.clock.now()
    }

    /// Nothing blinks.
    fn cursor_flash_cycle(&self) -> Duration {
        Duration::ZERO
    }

    /// Slint has one proxy in a process, even when tests start a screen in each thread: the first has it.
    fn new_event_loop_proxy(&self) -> Option<Box<dyn EventLoopProxy>> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let first = !TAKEN.swap(true, Ordering::Relaxed);
        first.then(|| Box::new(self.waker.clone()) as Box<dyn EventLoopProxy>)
    }

    fn debug_log(&self, arguments: std::fmt::Arguments<'_>) {
        tracing::debug!(target: "slint", "{arguments}");
    }
}

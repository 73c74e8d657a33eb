//! The shell: waits for fingers, keys, timers and other threads, and shows what changed.
//!
//! One turn: wait for the next of (input, bell, timer, panel), hand it to Slint, draw what changed,
//! put it on the panel. When nothing happens nothing is drawn and the thread sleeps.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use drivers::input::{Contact, Key, Pad, Position, Press, Said, Source};
use drivers::surface::{Frame, Surface};
use embedded_graphics::geometry::Size;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use slint::platform::software_renderer::MinimalSoftwareWindow;
use slint::platform::{Key as SlintKey, PointerEventButton, WindowAdapter as _, WindowEvent};
use slint::{LogicalPosition, PhysicalSize};

use crate::canvas::Canvas;
use crate::outline::{self, Part};
use crate::waker::Bell;
use crate::{Clock, Mounting, Waker, platform};

/// Between two frames of an animation: 60 a second.
const FRAME: Duration = Duration::from_millis(16);

/// Until an absent panel or input device is tried again, and between two looks at the connectors.
const RETRY: Duration = Duration::from_secs(2);

/// What the program learns from its screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Somebody is there: a finger went down. Whoever counts idle time starts anew.
    Touched,
    /// A key of the keypad went down.
    Pad(Pad),
    /// A character was typed on a real keyboard; it has gone into the focused field.
    Typed,
    /// A scanner read a code.
    Code(String),
    /// The panel came (true) or went.
    Panel(bool),
    /// An input device came (true) or went.
    Input(PathBuf, bool),
}

/// Where the keys of the keypad go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PadRoute {
    /// Up and Down move the focus, Select does what is focused.
    #[default]
    Focus,
    /// To the program only, which moves the mark on the keyboard on the glass.
    Program,
}

/// Shows a watchdog that the screen is alive. Cheap to clone and to send.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<[AtomicU64; 2]>);

/// Why there is no screen.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    /// A thread has one screen.
    #[error("this thread has a screen already: {0}")]
    Taken(slint::platform::SetPlatformError),
    /// The system refuses a socket pair or to wait.
    #[error("wait for input: {0}")]
    System(#[from] io::Error),
}

/// The glass with all that hangs on it. Lives on the thread that opened it.
#[derive(Debug)]
pub struct Screen {
    window: Window,
    surface: Surface,
    mounting: Mounting,
    canvas: Canvas,
    sources: Vec<Slot>,
    clock: Clock,
    waker: Waker,
    bell: Bell,
    progress: Progress,
    route: Rc<Cell<PadRoute>>,
    events: VecDeque<Event>,
    /// While the panel is away: when it is tried again.
    panel_retry: Option<Duration>,
    panel_look: Duration,
}

struct Window(Rc<MinimalSoftwareWindow>);

/// One input device, and when it is tried again while it is away.
#[derive(Debug)]
struct Slot {
    source: Source,
    retry: Option<Duration>,
}

impl Screen {
    /// Makes this thread the screen's. Components made afterwards are shown on `surface`.
    pub fn open(
        surface: Surface,
        mounting: Mounting,
        sources: Vec<Source>,
        clock: Clock,
    ) -> Result<Self, ScreenError> {
        let (waker, bell) = Waker::pair()?;
        let window = platform::install(clock.clone(), waker.clone()).map_err(ScreenError::Taken)?;
        let now = clock.now();
        let slot = |source| Slot { source, retry: Some(now) };
        let mut screen = Self {
            window: Window(window),
            canvas: Canvas::new(surface.size()),
            surface,
            mounting,
            sources: sources.into_iter().map(slot).collect(),
            clock,
            waker,
            bell,
            progress: Progress::default(),
            route: Rc::default(),
            events: VecDeque::new(),
            panel_retry: None,
            panel_look: now + RETRY,
        };
        screen.fit();
        screen.reopen(now);
        Ok(screen)
    }

    /// Reaches this thread from others.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// For a watchdog.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The picture as it is on the panel, for remote views and tests.
    pub fn picture(&self) -> &Frame {
        self.canvas.frame()
    }

    /// What stands on the glass, part by part.
    pub fn outline(&self) -> Vec<Part> {
        outline::of(self.window.0.window())
    }

    /// Time of the screen's clock.
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Says where the keys of the keypad go; callbacks of components keep a clone and set it.
    pub fn pad_route(&self) -> Rc<Cell<PadRoute>> {
        Rc::clone(&self.route)
    }

    /// Takes turns until `on` breaks or `slint::quit_event_loop` is called.
    pub fn run(
        &mut self,
        mut on: impl FnMut(&mut Self, Event) -> ControlFlow<()>,
    ) -> Result<(), ScreenError> {
        loop {
            let events = self.turn(None)?;
            for event in events {
                if on(self, event).is_break() {
                    return Ok(());
                }
            }
            if self.bell.take_quit() {
                return Ok(());
            }
        }
    }

    /// One turn, which waits at most `limit`. What is drawn because of an input is on the panel when
    /// it returns.
    pub fn turn(&mut self, limit: Option<Duration>) -> Result<Vec<Event>, ScreenError> {
        self.refresh();
        let wait = if self.events.is_empty() { self.wait(limit) } else { Some(Duration::ZERO) };
        self.listen(wait)?;
        self.refresh();
        self.progress.0[0].fetch_add(1, Ordering::Relaxed);
        Ok(self.events.drain(..).collect())
    }

    /// How long nothing will happen by itself.
    fn wait(&self, limit: Option<Duration>) -> Option<Duration> {
        let now = self.clock.now();
        let animation = self.window.0.has_active_animations().then_some(FRAME);
        let timer = slint::platform::duration_until_next_timer_update();
        let retries = self.sources.iter().map(|slot| slot.retry).chain([self.panel_retry]);
        let look = self.surface.may_change().then_some(self.panel_look);
        let deadlines = retries.chain([look]).flatten().map(|at| at.saturating_sub(now));
        deadlines.chain(animation).chain(timer).chain(limit).min()
    }

    /// Waits, then takes in what came.
    fn listen(&mut self, wait: Option<Duration>) -> Result<(), ScreenError> {
        // Rounded up: a deadline is never missed by waking too early and spinning.
        let millis = wait.map(|wait| wait.as_nanos().div_ceil(1_000_000));
        let timeout = millis.map_or(PollTimeout::NONE, |millis| {
            PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
        });
        let mut ports = vec![PollFd::new(self.bell.waitable(), PollFlags::POLLIN)];
        let waitable = self.sources.iter().filter_map(|slot| slot.source.waitable());
        ports.extend(waitable.map(|port| PollFd::new(port, PollFlags::POLLIN)));
        match poll(&mut ports, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(ScreenError::System(errno.into())),
        }
        self.bell.answer();
        let now = self.clock.now();
        self.read(now);
        self.reopen(now);
        self.look_at_panel(now);
        Ok(())
    }

    fn read(&mut self, now: Duration) {
        let mut said = Vec::new();
        for slot in &mut self.sources {
            if slot.source.waitable().is_none() {
                continue;
            }
            if let Err(error) = slot.source.read(now, &mut said) {
                tracing::warn!("{error}; trying again every {RETRY:?}");
                slot.retry = Some(now + RETRY);
                self.events.push_back(Event::Input(slot.source.path().into(), false));
            }
        }
        for said in said {
            self.take_in(said);
        }
    }

    fn reopen(&mut self, now: Duration) {
        for slot in &mut self.sources {
            if slot.retry.is_none_or(|at| at > now) {
                continue;
            }
            match slot.source.reopen() {
                Ok(()) => {
                    slot.retry = None;
                    self.events.push_back(Event::Input(slot.source.path().into(), true));
                }
                Err(error) => {
                    tracing::debug!("{error}");
                    slot.retry = Some(now + RETRY);
                }
            }
        }
    }

    fn take_in(&mut self, said: Said) {
        match said {
            Said::Touch(contact) => self.touch(contact),
            Said::Key(Press { key, down }) => self.key(key, down),
            Said::Code(code) => self.events.push_back(Event::Code(code)),
        }
    }

    fn touch(&mut self, contact: Contact) {
        let button = PointerEventButton::Left;
        match contact {
            Contact::Down(at) => {
                self.events.push_back(Event::Touched);
                let position = self.position(at);
                self.tell(WindowEvent::PointerMoved { position });
                self.tell(WindowEvent::PointerPressed { position, button });
            }
            Contact::Moved(at) => {
                self.tell(WindowEvent::PointerMoved { position: self.position(at) });
            }
            Contact::Up(at) => {
                self.tell(WindowEvent::PointerReleased { position: self.position(at), button });
                // A lifted finger is nowhere; it doesn't hover like a mouse.
                self.tell(WindowEvent::PointerExited);
            }
            Contact::Lost => self.tell(WindowEvent::PointerExited),
        }
    }

    fn position(&self, at: Position) -> LogicalPosition {
        let at = self.mounting.touched(at);
        let size = self.window.0.size();
        let scale = self.mounting.scale();
        #[expect(clippy::cast_precision_loss, reason = "a side of a panel is below 2^23 dots")]
        let dots = |fraction: f32, side: u32| fraction * side.saturating_sub(1) as f32 / scale;
        LogicalPosition::new(dots(at.x, size.width), dots(at.y, size.height))
    }

    fn key(&mut self, key: Key, down: bool) {
        let text = match key {
            Key::Pad(pad) => {
                if down {
                    self.events.push_back(Event::Pad(pad));
                }
                if self.route.get() == PadRoute::Program {
                    return;
                }
                slint_key(pad).into()
            }
            Key::Text(character) => character.into(),
            Key::Backspace => SlintKey::Backspace.into(),
        };
        if down {
            if !matches!(key, Key::Pad(_)) {
                self.events.push_back(Event::Typed);
            }
            self.tell(WindowEvent::KeyPressed { text });
        } else {
            self.tell(WindowEvent::KeyReleased { text });
        }
    }

    fn tell(&self, event: WindowEvent) {
        if let Err(error) = self.window.0.dispatch_event_with_result(event) {
            tracing::error!("input is lost: {error}");
        }
    }

    /// Runs due timers, draws what changed and puts it on the panel; each turn does so before and after it waits.
    pub fn refresh(&mut self) {
        slint::platform::update_timers_and_animations();
        self.window.0.draw_if_needed(|renderer| self.canvas.draw(renderer));
        let now = self.clock.now();
        if self.canvas.unseen().is_empty() || self.panel_retry.is_some_and(|at| at > now) {
            return;
        }
        match self.surface.present(self.canvas.frame(), &self.canvas.unseen()) {
            Ok(_) => {
                self.canvas.mark_seen();
                self.progress.0[1].fetch_add(1, Ordering::Relaxed);
                if self.panel_retry.take().is_some() {
                    self.events.push_back(Event::Panel(true));
                }
            }
            Err(error) => {
                tracing::warn!("{error}");
                self.canvas.mark_unseen();
                if self.panel_retry.replace(now + RETRY).is_none() {
                    self.events.push_back(Event::Panel(false));
                }
            }
        }
    }

    fn look_at_panel(&mut self, now: Duration) {
        if !self.surface.may_change() || now < self.panel_look {
            return;
        }
        self.panel_look = now + RETRY;
        if self.surface.look() {
            self.fit();
        }
    }

    /// Makes picture and window as large as the panel.
    fn fit(&mut self) {
        let size = self.surface.size();
        self.canvas = Canvas::new(size);
        let Size { width, height } = self.mounting.upright(size);
        let scale_factor = self.mounting.scale();
        self.tell(WindowEvent::ScaleFactorChanged { scale_factor });
        self.window.0.set_size(PhysicalSize::new(width, height));
        self.tell(WindowEvent::WindowActiveChanged(true));
        let rotation = self.mounting.rotation.into();
        self.window.0.request_redraw();
        self.window.0.draw_if_needed(|renderer| renderer.set_rendering_rotation(rotation));
        self.window.0.request_redraw();
    }
}

impl Progress {
    /// Turns taken. A thread that is stuck takes none even when it is [nudged](Waker::nudge).
    pub fn turns(&self) -> u64 {
        self.0[0].load(Ordering::Relaxed)
    }

    /// Frames put on the panel.
    pub fn frames(&self) -> u64 {
        self.0[1].load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Window")
    }
}

/// Slint moves the focus with Tab; the other keys are for what is focused.
fn slint_key(pad: Pad) -> SlintKey {
    match pad {
        Pad::Up => SlintKey::Backtab,
        Pad::Down => SlintKey::Tab,
        Pad::Left => SlintKey::LeftArrow,
        Pad::Right => SlintKey::RightArrow,
        Pad::Select => SlintKey::Return,
        Pad::Back => SlintKey::Escape,
        Pad::Help => SlintKey::F1,
        Pad::Rate => SlintKey::F2,
        Pad::VolumeDown => SlintKey::F3,
        Pad::VolumeUp => SlintKey::F4,
        Pad::Pause => SlintKey::F5,
    }
}

//! What the screen says beside its pages: that somebody is there, and the keys of the keypad.
//!
//! Up, Down, Left, Right and Select go to what is focused, or to the keyboard on the glass while
//! somebody types. Back goes back; Help turns the voice on, and says the page again once it is on;
//! any key wakes the terminal.

use drivers::input::Pad;
use kiosk::page::{Act, Body, Mode};
use kiosk::terminal::Event;
use screen::keyboard::Touch;

use super::Desk;

impl Desk {
    pub(super) fn heard(&mut self, event: screen::Event) {
        match event {
            screen::Event::Code(code) => self.take(Event::Scanned(code)),
            screen::Event::Touched | screen::Event::Typed => self.stays(),
            screen::Event::Pad(pad) => self.pad(pad),
            screen::Event::Panel(_) | screen::Event::Input(..) => {}
        }
    }

    /// Somebody is there. A question that stands over the page is answered by its own buttons.
    fn stays(&mut self) {
        let now = self.watch.now();
        let nobody = self.terminal.page(now).body == Body::Attract;
        if !nobody && self.terminal.overlay(now).is_none() {
            self.take(Event::Act(Act::MoreTime));
        }
    }

    fn pad(&mut self, pad: Pad) {
        let now = self.watch.now();
        let page = self.terminal.page(now);
        let voice = self.terminal.modes().voice;
        if page.body == Body::Attract {
            self.take(Event::Act(Act::Wake));
            if pad == Pad::Help {
                self.take(Event::Act(Act::Mode(Mode::Voice)));
            }
            return;
        }
        self.stays();
        match pad {
            Pad::Help if voice => self.speech.repeat(),
            Pad::Help => self.take(Event::Act(Act::Mode(Mode::Voice))),
            pad if self.glass.is_typing() => self.hands.touch(&self.app.0, Touch::Pad(pad)),
            Pad::Back if page.back => self.take(Event::Act(Act::Back)),
            _ => {}
        }
    }
}

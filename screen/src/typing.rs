//! Types into the focused field, as a keyboard would; callbacks of components may call it.

use slint::platform::{Key, WindowEvent};
use slint::{SharedString, Window};

/// Types `text`, several characters at once.
pub fn text(window: &Window, text: &str) {
    press(window, text.into());
}

/// Deletes the character before the cursor.
pub fn backspace(window: &Window) {
    press(window, Key::Backspace.into());
}

fn press(window: &Window, text: SharedString) {
    for event in [WindowEvent::KeyPressed { text: text.clone() }, WindowEvent::KeyReleased { text }]
    {
        if let Err(error) = window.dispatch_event_with_result(event) {
            tracing::error!("typing is lost: {error}");
        }
    }
}

//! What fingers and keys do on the pages, as acts of the citizen.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use kiosk::page::{Act, Mode, ShotId};
use screen::keyboard::{Effect, Keyboard, Layout, Touch};
use screen::typing;
use slint::{ComponentHandle as _, Global as _};

use crate::ui::{App, Face, Hall, KeyRow, Keys};

/// Most acts that wait; a finger is never so fast.
const ACTS_MAX: usize = 64;

/// What was done and not yet handed on.
#[derive(Debug, Clone, Default)]
pub struct Hands(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    done: VecDeque<Done>,
    keyboard: Keyboard,
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    Act(Act),
    /// A part of the date was turned: 0 year, 1 month, 2 day.
    Turn {
        part: i32,
        by: i32,
    },
    /// The list was turned.
    List(i32),
    /// What else can be done was chosen, by its place.
    Offer(usize),
    /// A point of the map was touched, in parts of it.
    Point(f32, f32),
    Language,
    /// Typing began or ended.
    Typing(bool),
    /// The keypad came to this key of the keyboard.
    Key(String),
}

impl Hands {
    /// Listens to every page.
    pub fn on(app: &App) -> Hands {
        let hands = Hands::default();
        hands.listen(app);
        hands.listen_answers(app);
        hands.listen_hall(app);
        hands.listen_keys(app);
        hands
    }

    /// The next thing that was done.
    pub fn take(&self) -> Option<Done> {
        self.0.borrow_mut().done.pop_front()
    }

    /// The keyboard that the field needs.
    pub fn lay_keys(&self, app: &App, layout: Layout) {
        let mut state = self.0.borrow_mut();
        state.keyboard.open(layout);
        screen::show_keyboard!(app, Keys, KeyRow, state.keyboard.view());
    }

    /// Forgets what the keyboard learned of a citizen.
    pub fn forget(&self) {
        let mut state = self.0.borrow_mut();
        state.keyboard.forget();
        state.done.clear();
    }

    fn done(&self, done: Done) {
        let mut state = self.0.borrow_mut();
        if state.done.len() < ACTS_MAX {
            state.done.push_back(done);
        }
    }

    fn act(&self, act: Act) {
        self.done(Done::Act(act));
    }

    /// The ways through the pages.
    fn listen(&self, app: &App) {
        let face = Face::get(app);
        let hands = || self.clone();
        let index = |at: i32| usize::try_from(at).unwrap_or(usize::MAX);
        face.on_wake({
            let it = hands();
            move || it.act(Act::Wake)
        });
        face.on_emblem({
            let it = hands();
            move || it.act(Act::Emblem)
        });
        face.on_offer({
            let it = hands();
            move |at| it.done(Done::Offer(index(at)))
        });
        face.on_open({
            let it = hands();
            move |id| it.act(Act::Open(id.into()))
        });
        face.on_search({
            let it = hands();
            move |query| it.act(Act::Search(query.into()))
        });
        face.on_next({
            let it = hands();
            move || {
                it.done(Done::Typing(false));
                it.act(Act::Next);
            }
        });
        face.on_went_back({
            let it = hands();
            move || {
                it.done(Done::Typing(false));
                it.act(Act::Back);
            }
        });
        face.on_choose({
            let it = hands();
            move |at| it.act(Act::Choose(index(at)))
        });
        face.on_choose_second({
            let it = hands();
            move |at| it.act(Act::ChooseSecond(index(at)))
        });
    }

    /// What is put into a page.
    fn listen_answers(&self, app: &App) {
        let face = Face::get(app);
        let hands = || self.clone();
        face.on_typed({
            let it = hands();
            move |text| it.act(Act::Input(text.into()))
        });
        face.on_typing_began({
            let it = hands();
            move || it.done(Done::Typing(true))
        });
        face.on_typing_ended({
            let it = hands();
            move || it.done(Done::Typing(false))
        });
        face.on_turn_date({
            let it = hands();
            move |part, by| it.done(Done::Turn { part, by })
        });
        face.on_turn_list({
            let it = hands();
            move |by| it.done(Done::List(by))
        });
        face.on_touch_place({
            let it = hands();
            move |x, y| it.done(Done::Point(x, y))
        });
        face.on_signed({
            let it = hands();
            move |path, width, height| it.act(Act::SetStrokes(strokes(&path, width, height)))
        });
        face.on_shoot({
            let it = hands();
            move || it.act(Act::Shoot)
        });
        face.on_discard({
            let it = hands();
            move |shot| it.act(Act::Discard(ShotId(u32::try_from(shot).unwrap_or(0))))
        });
        face.on_ask_staff({
            let it = hands();
            move || it.act(Act::OtherWay)
        });
        face.on_edit({
            let it = hands();
            move |step| it.act(Act::Edit(step.into()))
        });
        face.on_more_time({
            let it = hands();
            move || it.act(Act::MoreTime)
        });
    }

    fn listen_hall(&self, app: &App) {
        let hall = Hall::get(app);
        let hands = || self.clone();
        hall.on_language({
            let it = hands();
            move || it.done(Done::Language)
        });
        hall.on_large({
            let it = hands();
            move || it.act(Act::Mode(Mode::Large))
        });
        hall.on_contrast({
            let it = hands();
            move || it.act(Act::Mode(Mode::HighContrast))
        });
        hall.on_reach({
            let it = hands();
            move || it.act(Act::Mode(Mode::Reach))
        });
        hall.on_speak({
            let it = hands();
            move || it.act(Act::Mode(Mode::Voice))
        });
        hall.on_finish({
            let it = hands();
            move || it.act(Act::Finish)
        });
    }

    fn listen_keys(&self, app: &App) {
        let keys = Keys::get(app);
        let touch = |it: &Hands, app: &slint::Weak<App>, touch: Touch| {
            if let Some(app) = app.upgrade() {
                it.touch(&app, touch);
            }
        };
        keys.on_touched({
            let (it, app) = (self.clone(), app.as_weak());
            move |name| touch(&it, &app, Touch::Key(name.into()))
        });
        keys.on_chosen({
            let (it, app) = (self.clone(), app.as_weak());
            move |at| touch(&it, &app, Touch::Candidate(usize::try_from(at).unwrap_or(0)))
        });
    }

    /// Something was done to the keyboard on the glass, by finger or by keypad.
    pub fn touch(&self, app: &App, touch: Touch) {
        let effects = {
            let mut state = self.0.borrow_mut();
            let effects = state.keyboard.handle(touch);
            screen::show_keyboard!(app, Keys, KeyRow, state.keyboard.view());
            effects
        };
        for effect in effects {
            match effect {
                Effect::Insert(text) => typing::text(app.window(), &text),
                Effect::Backspace => typing::backspace(app.window()),
                Effect::Done => self.done(Done::Typing(false)),
                Effect::Say(key) => self.done(Done::Key(key)),
            }
        }
    }
}

/// Path commands such as `M12 30 L13 31` as strokes in parts of the pad.
fn strokes(path: &str, width: f32, height: f32) -> Vec<Vec<(f32, f32)>> {
    let mut strokes: Vec<Vec<(f32, f32)>> = Vec::new();
    let mut words = path.split_whitespace();
    while let (Some(x), Some(y)) = (words.next(), words.next()) {
        if x.starts_with('M') || strokes.is_empty() {
            strokes.push(Vec::new());
        }
        let number = |word: &str| word.trim_start_matches(['M', 'L']).parse::<f32>().unwrap_or(0.0);
        if let Some(stroke) = strokes.last_mut() {
            stroke.push((number(x) / width.max(1.0), number(y) / height.max(1.0)));
        }
    }
    strokes
}

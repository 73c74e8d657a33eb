//! Connects the kit's globals to this crate. Each program compiles the kit itself, so the types of
//! the globals are its own, and only a macro can name them.

/// Shows a [`View`](crate::keyboard::View) in the global `Keys` of `$ui`.
///
/// The `.slint` file of the program exports `Keys` from the kit.
#[macro_export]
macro_rules! show_keyboard {
    ($ui:expr, $keys:ident, $row:ident, $view:expr) => {{
        use ::slint::{Global as _, ModelRc, SharedString, VecModel};
        let view: $crate::keyboard::View = $view;
        let strings = |names: Vec<String>| {
            let names: Vec<SharedString> = names.into_iter().map(Into::into).collect();
            ModelRc::new(VecModel::from(names))
        };
        let (mark_row, mark_place) = view.mark.map_or((-1, -1), |(row, place)| {
            (i32::try_from(row).unwrap_or(-1), i32::try_from(place).unwrap_or(-1))
        });
        let rows: Vec<$row> =
            view.rows.into_iter().map(|row| $row { keys: strings(row) }).collect();
        let keys = $keys::get($ui);
        keys.set_rows(ModelRc::new(VecModel::from(rows)));
        keys.set_composing(view.composing.into());
        keys.set_candidates(strings(view.candidates));
        keys.set_pages_before(view.pages.0);
        keys.set_pages_after(view.pages.1);
        keys.set_shifted(view.shifted);
        keys.set_rare(view.rare);
        keys.set_mark_row(mark_row);
        keys.set_mark_place(mark_place);
    }};
}

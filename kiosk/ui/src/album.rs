//! Pictures that a citizen took, until they are sent or she is gone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kiosk::page::ShotId;
use serde_json::{Map, Value};
use sync::ask::{KEPT_PHOTOS_MAX, PHOTO_MAX, PHOTOS_MAX};
use zeroize::Zeroize as _;

/// Most pictures of one citizen; the oldest goes first.
const PICTURES_MAX: usize = 12;

/// JPEG files by their numbers; the devices' thread puts them in, the screen's takes them.
#[derive(Clone, Default)]
pub struct Album(Arc<Mutex<BTreeMap<u32, Vec<u8>>>>);

impl Album {
    /// Keeps a picture.
    pub fn put(&self, shot: ShotId, jpeg: Vec<u8>) {
        self.with(|pictures| {
            if pictures.len() >= PICTURES_MAX
                && let Some((_, mut oldest)) = pictures.pop_first()
            {
                oldest.zeroize();
            }
            pictures.insert(shot.0, jpeg);
        });
    }

    /// Overwrites and forgets all of them.
    pub fn wipe(&self) {
        self.with(|pictures| {
            pictures.values_mut().for_each(zeroize::Zeroize::zeroize);
            pictures.clear();
        });
    }

    /// Puts the pictures in place of their count, as many as the platform takes; what is kept for
    /// later has less room. A picture that does not fit is left out, and its count stays.
    pub fn attach(&self, answers: &mut Map<String, Value>, shots: &[ShotId], keep: bool) {
        if shots.is_empty() || !answers.contains_key("photos") {
            return;
        }
        let mut room = if keep { KEPT_PHOTOS_MAX } else { PHOTOS_MAX * PHOTO_MAX };
        let photos: Vec<Value> = self.with(|pictures| {
            let taken = shots.iter().filter_map(|shot| pictures.get(&shot.0));
            let fits = taken.filter(|jpeg| {
                let fits = jpeg.len() <= PHOTO_MAX.min(room);
                room -= if fits { jpeg.len() } else { 0 };
                fits
            });
            fits.take(PHOTOS_MAX).map(|jpeg| BASE64_STANDARD.encode(jpeg).into()).collect()
        });
        if photos.len() < shots.len() {
            tracing::warn!("{} of {} pictures do not fit", shots.len() - photos.len(), shots.len());
        }
        if !photos.is_empty() {
            answers.insert("photos".to_owned(), photos.into());
        }
    }

    fn with<T>(&self, step: impl FnOnce(&mut BTreeMap<u32, Vec<u8>>) -> T) -> T {
        // A thread that died in here left whole pictures or none.
        step(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Album {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Album")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answers() -> Map<String, Value> {
        let Value::Object(answers) = json!({ "photos": { "count": 2 } }) else { unreachable!() };
        answers
    }

    #[test]
    fn pictures_take_the_place_of_their_count() {
        let album = Album::default();
        album.put(ShotId(1), vec![1, 2, 3]);
        album.put(ShotId(2), vec![4]);
        let mut sent = answers();
        album.attach(&mut sent, &[ShotId(1), ShotId(2)], false);
        assert_eq!(Value::Object(sent), json!({ "photos": ["AQID", "BA=="] }));
        album.wipe();
        let mut none = answers();
        album.attach(&mut none, &[ShotId(1)], false);
        assert_eq!(none, answers());
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let album = Album::default();
        album.put(ShotId(1), vec![0; PHOTO_MAX + 1]);
        album.put(ShotId(2), vec![0; KEPT_PHOTOS_MAX]);
        album.put(ShotId(3), vec![0]);
        let count = |keep| {
            let mut sent = answers();
            album.attach(&mut sent, &[ShotId(1), ShotId(2), ShotId(3)], keep);
            sent["photos"].as_array().map(Vec::len)
        };
        assert_eq!((count(false), count(true)), (Some(2), Some(1)));
    }
}

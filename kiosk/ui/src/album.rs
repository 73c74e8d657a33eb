//! Pictures that a citizen took, until they are sent or she is gone.

mod picture;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kiosk::page::ShotId;
use serde_json::{Map, Value};
use slint::{Image, SharedPixelBuffer};
use sync::ask::{KEPT_PHOTOS_MAX, PHOTO_MAX, PHOTOS_MAX};
use zeroize::Zeroize as _;

use self::picture::Picture;

/// Most pictures of one citizen; the oldest goes first.
const PICTURES_MAX: usize = 12;

/// Longest side of what is sent and shown, in dots.
const SIDE: usize = 1280;

/// Pictures by their numbers; the devices' thread puts them in, the screen's takes them.
#[derive(Clone, Default)]
pub struct Album(Arc<Mutex<BTreeMap<u32, Shot>>>);

/// One picture, as it is sent and as it is shown.
struct Shot {
    jpeg: Vec<u8>,
    picture: Picture,
}

impl Album {
    /// Keeps a picture as a camera sent it; whether it is one.
    pub fn put(&self, shot: ShotId, mut jpeg: Vec<u8>) -> bool {
        let picture = Picture::read(&jpeg).map(|picture| picture.within(SIDE));
        jpeg.zeroize();
        let Some(picture) = picture else { return false };
        let Some(jpeg) = picture.jpeg() else { return false };
        self.keep(shot, Shot { jpeg, picture });
        true
    }

    fn keep(&self, id: ShotId, shot: Shot) {
        self.with(|pictures| {
            if pictures.len() >= PICTURES_MAX {
                pictures.pop_first();
            }
            pictures.insert(id.0, shot);
        });
    }

    /// For the glass; empty where there is none.
    pub fn image(&self, shot: ShotId) -> Image {
        let side = |side: usize| u32::try_from(side).unwrap_or(0);
        self.with(|pictures| {
            let picture = pictures.get(&shot.0).map(|shot| &shot.picture);
            picture.map_or_else(Image::default, |Picture { width, height, rgb }| {
                let (width, height) = (side(*width), side(*height));
                Image::from_rgb8(SharedPixelBuffer::clone_from_slice(rgb, width, height))
            })
        })
    }

    /// Overwrites and forgets all of them.
    pub fn wipe(&self) {
        self.with(|pictures| {
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
            let taken = shots.iter().filter_map(|shot| Some(&pictures.get(&shot.0)?.jpeg));
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

    fn with<T>(&self, step: impl FnOnce(&mut BTreeMap<u32, Shot>) -> T) -> T {
        // A thread that died in here left whole pictures or none.
        step(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Shot {
    fn drop(&mut self) {
        self.jpeg.zeroize();
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

    fn shot(jpeg: Vec<u8>) -> Shot {
        Shot { jpeg, picture: Picture { width: 0, height: 0, rgb: vec![] } }
    }

    #[test]
    fn a_picture_is_shown_until_she_is_gone() {
        let album = Album::default();
        assert!(!album.put(ShotId(1), b"no picture".to_vec()));
        assert!(album.put(ShotId(1), picture::grey(2560, 1440)));
        assert_eq!(album.image(ShotId(1)).size().width, 1280);
        album.wipe();
        assert_eq!(album.image(ShotId(1)).size().width, 0);
    }

    #[test]
    fn pictures_take_the_place_of_their_count() {
        let album = Album::default();
        album.keep(ShotId(1), shot(vec![1, 2, 3]));
        album.keep(ShotId(2), shot(vec![4]));
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
        album.keep(ShotId(1), shot(vec![0; PHOTO_MAX + 1]));
        album.keep(ShotId(2), shot(vec![0; KEPT_PHOTOS_MAX]));
        album.keep(ShotId(3), shot(vec![0]));
        let count = |keep| {
            let mut sent = answers();
            album.attach(&mut sent, &[ShotId(1), ShotId(2), ShotId(3)], keep);
            sent["photos"].as_array().map(Vec::len)
        };
        assert_eq!((count(false), count(true)), (Some(2), Some(1)));
    }
}

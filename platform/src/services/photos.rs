//! Photographs that come with what people report: small JPEGs, at most three.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sqlx::{AnyConnection, Row as _};
use sync::ask::{Answer, PHOTO_MAX, PHOTOS_MAX};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::deal::refused;
use super::vault::{Vault, VaultError};
use crate::store::{Store, StoreError};

/// Longest side, in pixels; no camera of a terminal has more.
const SIDE_MAX: usize = 8192;
/// What a JPEG begins with: start of image, and the next marker.
const MAGIC: [u8; 3] = [0xFF, 0xD8, 0xFF];

/// A photograph whose header was read: JPEG of bounded size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo(Vec<u8>);

/// Why photographs are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhotoFault {
    /// More than [`PHOTOS_MAX`].
    TooMany,
    /// One has more than [`PHOTO_MAX`] bytes.
    TooLarge,
    /// One is not a JPEG, or of absurd size.
    Unreadable,
}

/// The one parser of photographs: a list of JPEGs in base64.
pub fn parse(list: &[Value]) -> Result<Vec<Photo>, PhotoFault> {
    if list.len() > PHOTOS_MAX {
        return Err(PhotoFault::TooMany);
    }
    let photo = |entry: &Value| {
        let text = entry.as_str().ok_or(PhotoFault::Unreadable)?;
        if text.len() > PHOTO_MAX.div_ceil(3) * 4 {
            return Err(PhotoFault::TooLarge);
        }
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| PhotoFault::Unreadable)?;
        Photo::parse(bytes)
    };
    list.iter().map(photo).collect()
}

impl Photo {
    fn parse(bytes: Vec<u8>) -> Result<Photo, PhotoFault> {
        if bytes.len() > PHOTO_MAX {
            return Err(PhotoFault::TooLarge);
        }
        if !bytes.starts_with(&MAGIC) {
            return Err(PhotoFault::Unreadable);
        }
        let options = DecoderOptions::default().set_max_width(SIDE_MAX).set_max_height(SIDE_MAX);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&bytes), options);
        decoder.decode_headers().map_err(|_| PhotoFault::Unreadable)?;
        Ok(Photo(bytes))
    }

    /// As it lies in the database.
    pub(super) fn seal(&self, vault: &Vault) -> String {
        vault.shut(&self.0)
    }
}

impl PhotoFault {
    /// What the citizen is told.
    pub(super) fn answer(self) -> Answer {
        match self {
            PhotoFault::TooMany => refused("照片最多三张。", "At most three photographs."),
            PhotoFault::TooLarge => refused(
                "照片太大，请重新拍一张。",
                "A photograph is too large; please take it again.",
            ),
            PhotoFault::Unreadable => refused(
                "照片打不开，请重新拍一张。",
                "A photograph can't be read; please take it again.",
            ),
        }
    }
}

/// Writes the photographs of a case down, as [`Photo::seal`] sealed them.
pub(super) async fn keep(
    connection: &mut AnyConnection,
    number: &str,
    sealed: &[String],
) -> Result<(), sqlx::Error> {
    for (position, sealed) in (1_i64..).zip(sealed) {
        let sql = "INSERT INTO case_photos (number, position, sealed) VALUES ($1, $2, $3)";
        let query = sqlx::query(sql).bind(number).bind(position).bind(sealed.as_str());
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// How many photographs of a case lie here.
pub async fn count(store: &Store, number: &str) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM case_photos WHERE number = $1";
    let count: i64 = sqlx::query_scalar(sql).bind(number).fetch_one(store.pool()).await?;
    Ok(count.unsigned_abs())
}

/// One photograph of a case, counted from 1: a JPEG.
pub async fn one(
    store: &Store,
    vault: &Vault,
    (number, position): (&str, u32),
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT sealed FROM case_photos WHERE number = $1 AND position = $2";
    let query = sqlx::query(sql).bind(number).bind(i64::from(position));
    let Some(row) = query.fetch_optional(store.pool()).await? else { return Ok(None) };
    let opened = vault.reopen_bytes(&row.try_get::<String, _>(0)?);
    opened.map(Some).map_err(|error: VaultError| StoreError::Row(error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The smallest header that names a size: SOI, SOF0 of `width` x 8 in grey, SOS, EOI.
    fn jpeg(width: u16) -> Vec<u8> {
        let [high, low] = width.to_be_bytes();
        let frame = [0xFF, 0xC0, 0, 11, 8, 0, 8, high, low, 1, 1, 0x11, 0];
        let scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0xFF, 0xD9];
        [&[0xFF, 0xD8][..], &frame, &scan].concat()
    }

    fn sent(photos: &[Vec<u8>]) -> Result<usize, PhotoFault> {
        let list: Vec<Value> = photos.iter().map(|it| json!(BASE64_STANDARD.encode(it))).collect();
        parse(&list).map(|photos| photos.len())
    }

    #[test]
    fn up_to_three_small_jpegs_are_taken() {
        assert_eq!(sent(&[]), Ok(0));
        assert_eq!(sent(&[jpeg(8), jpeg(640), jpeg(8192)]), Ok(3));
        assert_eq!(sent(&vec![jpeg(8); 4]), Err(PhotoFault::TooMany));
        let large = [jpeg(8), vec![0; PHOTO_MAX]].concat();
        assert_eq!(sent(&[large]), Err(PhotoFault::TooLarge));
    }

    #[test]
    fn what_is_no_jpeg_is_refused_in_plain_words() {
        let absurd = jpeg(8193);
        let cut = jpeg(8)[..12].to_vec();
        for other in [b"GIF89a".to_vec(), b"\xFF\xD8\xFFhello".to_vec(), vec![], absurd, cut] {
            assert_eq!(
                sent(std::slice::from_ref(&other)),
                Err(PhotoFault::Unreadable),
                "{other:?}"
            );
        }
        assert_eq!(parse(&[json!(7)]), Err(PhotoFault::Unreadable));
        assert_eq!(parse(&[json!("?")]), Err(PhotoFault::Unreadable));
        let Answer::Refused(why) = PhotoFault::Unreadable.answer() else { panic!() };
        assert_eq!(why.zh, "照片打不开，请重新拍一张。");
    }
}

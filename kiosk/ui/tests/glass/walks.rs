//! Every item, from the attract page to its end, in both languages.
//!
//! A way is found without the glass, where a thousand citizens may try in a second; here it is gone
//! with what stands on the glass alone, and the platform has to be told the same.

use hall::{Content, Hall};
use service::text::Language;

use crate::gallery::walk_name;
use crate::hand::Hand;
use crate::stand::{Stand, Walked};

/// The tests share the items among them, so that they run side by side.
const PARTS: usize = 8;
/// With the keypad only each so many-th item is done: 21 of 146.
const SAMPLE: usize = 7;

/// Walks each `step`-th item, from the `first` on.
fn walk(hand: Hand, language: Language, first: usize, step: usize) {
    let content = Content::read();
    let mut hall = Hall::open(&content);
    let mut stand = Stand::new(&content);
    stand.hand = hand;
    let mut stuck = Vec::new();
    for service in content.catalogue.iter().skip(first).step_by(step) {
        let mut walk = || -> Walked {
            let way = hall.way(&service.code, language)?;
            stand.set_time(way.began);
            stand.begins(&walk_name(&service.code, language));
            stand.wakes(language)?;
            stand.goes(&way, service, language)
        };
        if let Err(why) = walk() {
            stuck.push(format!("{} {}: {why}", service.code, service.name.zh));
        }
        if let Err(why) = stand.leaves(language) {
            stuck.push(why);
            break;
        }
    }
    assert!(stuck.is_empty(), "{} stuck\n{}", stuck.len(), stuck.join("\n\n"));
}

#[test]
fn every_item_is_done_by_touch_in_chinese_first_part() {
    walk(Hand::Finger, Language::Chinese, 0, PARTS);
}

#[test]
fn every_item_is_done_by_touch_in_chinese_second_part() {
    walk(Hand::Finger, Language::Chinese, 1, PARTS);
}

#[test]
fn every_item_is_done_by_touch_in_chinese_third_part() {
    walk(Hand::Finger, Language::Chinese, 2, PARTS);
}

#[test]
fn every_item_is_done_by_touch_in_chinese_fourth_part() {
    walk(Hand::Finger, Language::Chinese, 3, PARTS);
}

#[test]
fn every_item_is_done_by_touch_in_chinese_fifth_part() {
    walk(Hand::Finger, Language::Chinese, 4, PARTS);
}

#[test]
fn every_item_is_done_by_touch_in_chinese_sixth_part() {
    walk(Hand::Finger, Language::Chinese, 5, PARTS);
}

#[test]
fn every_item_is_done_by_touch_in_chinese_seventh_part() {
    walk(Hand::Finger, Language::Chinese, 6, PARTS);
}

#[test]
fn every_item_is_done_by_touch_in_chinese_eighth_part() {
    walk(Hand::Finger, Language::Chinese, 7, PARTS);
}

#[test]
fn every_item_is_done_by_touch_in_english_first_part() {
    walk(Hand::Finger, Language::English, 0, PARTS);
}

#[test]
fn every_item_is_done_by_touch_in_english_second_part() {
    walk(Hand::Finger, Language::English, 1, PARTS);
}

#[test]
fn every_item_is_done_by_touch_in_english_third_part() {
    walk(Hand::Finger, Language::English, 2, PARTS);
}

#[test]
fn every_item_is_done_by_touch_in_english_fourth_part() {
    walk(Hand::Finger, Language::English, 3, PARTS);
}

#[test]
fn every_item_is_done_by_touch_in_english_fifth_part() {
    walk(Hand::Finger, Language::English, 4, PARTS);
}

#[test]
fn every_item_is_done_by_touch_in_english_sixth_part() {
    walk(Hand::Finger, Language::English, 5, PARTS);
}

#[test]
fn every_item_is_done_by_touch_in_english_seventh_part() {
    walk(Hand::Finger, Language::English, 6, PARTS);
}

#[test]
fn every_item_is_done_by_touch_in_english_eighth_part() {
    walk(Hand::Finger, Language::English, 7, PARTS);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn one_half_of_a_sample_is_done_by_keypad_alone_in_chinese() {
    walk(Hand::Keypad, Language::Chinese, 0, 2 * SAMPLE);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn the_other_half_of_a_sample_is_done_by_keypad_alone_in_chinese() {
    walk(Hand::Keypad, Language::Chinese, SAMPLE, 2 * SAMPLE);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn one_half_of_a_sample_is_done_by_keypad_alone_in_english() {
    walk(Hand::Keypad, Language::English, 2, 2 * SAMPLE);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn the_other_half_of_a_sample_is_done_by_keypad_alone_in_english() {
    walk(Hand::Keypad, Language::English, 2 + SAMPLE, 2 * SAMPLE);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn one_half_of_a_sample_is_done_by_ear_alone_in_chinese() {
    walk(Hand::Ear, Language::Chinese, 4, 2 * SAMPLE);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn the_other_half_of_a_sample_is_done_by_ear_alone_in_chinese() {
    walk(Hand::Ear, Language::Chinese, 4 + SAMPLE, 2 * SAMPLE);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn one_half_of_a_sample_is_done_by_ear_alone_in_english() {
    walk(Hand::Ear, Language::English, 6, 2 * SAMPLE);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn the_other_half_of_a_sample_is_done_by_ear_alone_in_english() {
    walk(Hand::Ear, Language::English, 6 + SAMPLE, 2 * SAMPLE);
}

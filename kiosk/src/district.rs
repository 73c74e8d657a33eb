//! The district the terminal stands in: its name, its sub-districts, its map.

use serde::Deserialize;
use service::answer::{Address, Answer};
use service::text::Text;

/// As `content/district.toml` says it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct District {
    pub name: Text,
    /// South, west, north and east edge of the map, degrees WGS 84.
    pub bounds: [f64; 4],
    /// Whom to call.
    pub call: Text,
    pub streets: Vec<Street>,
    /// Codes of the items that most people come for.
    pub most_used: Vec<String>,
}

/// A sub-district.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Street {
    pub name: Text,
    /// Latitude and longitude, degrees WGS 84.
    pub centre: [f64; 2],
    /// Those that are named; a person may live in another.
    pub communities: Vec<Text>,
}

impl District {
    /// The answer of an address page; `None` while something is missing. Without a community the detail must name it.
    pub fn address(
        &self,
        street: Option<usize>,
        community: Option<usize>,
        detail: &str,
    ) -> Option<Answer> {
        let street = self.streets.get(street?)?;
        let community = community.and_then(|index| street.communities.get(index));
        let detail = detail.trim();
        (!detail.is_empty()).then(|| {
            Answer::Address(Address {
                street: street.name.zh.clone(),
                community: community.map(|it| it.zh.clone()).unwrap_or_default(),
                detail: detail.to_owned(),
            })
        })
    }

    /// Takes an address from a card apart: 福州市鼓楼区安泰街道吉庇社区吉庇路18号 has all three.
    pub fn parse(&self, address: &str) -> (Option<usize>, Option<usize>, String) {
        let rest = address.strip_prefix("福建省").unwrap_or(address);
        let rest = rest.strip_prefix(self.name.zh.as_str()).unwrap_or(rest);
        let street = self.streets.iter().position(|it| rest.starts_with(&it.name.zh));
        let Some(index) = street else { return (None, None, rest.to_owned()) };
        let street = &self.streets[index];
        let rest = &rest[street.name.zh.len()..];
        let community = street.communities.iter().position(|it| rest.starts_with(&it.zh));
        let rest = community.map_or(rest, |it| &rest[street.communities[it].zh.len()..]);
        (Some(index), community, rest.to_owned())
    }

    /// Where a point lies on the map, in parts of it from its north-west corner.
    #[expect(clippy::cast_possible_truncation, reason = "parts of a picture")]
    pub fn on_map(&self, (lat, lon): (f64, f64)) -> (f32, f32) {
        let [south, west, north, east] = self.bounds;
        (((lon - west) / (east - west)) as f32, ((north - lat) / (north - south)) as f32)
    }

    /// The point at this part of the map.
    pub fn at_map(&self, x: f32, y: f32) -> (f64, f64) {
        let [south, west, north, east] = self.bounds;
        (north - f64::from(y) * (north - south), west + f64::from(x) * (east - west))
    }

    /// A point as an answer: its neighbourhood in words, and its coordinates.
    pub fn place(&self, (lat, lon): (f64, f64)) -> Answer {
        Answer::Text(format!("{} ({lat:.5}, {lon:.5})", self.label(lat, lon)))
    }

    /// The sub-district nearest to a point, as people name a place.
    pub fn label(&self, lat: f64, lon: f64) -> String {
        let distance = |street: &Street| {
            let [y, x] = street.centre;
            // A degree of longitude is 0.9 of a degree of latitude at 26° north.
            (y - lat).powi(2) + ((x - lon) * 0.9).powi(2)
        };
        let nearest = self.streets.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        nearest.map_or_else(String::new, |street| format!("{}附近", street.name.zh))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gulou() -> District {
        toml::from_str(include_str!("../../content/district.toml")).unwrap()
    }

    #[test]
    fn an_address_from_a_card_falls_into_its_parts() {
        let gulou = gulou();
        let (street, community, rest) = gulou.parse("福州市鼓楼区安泰街道吉庇社区吉庇路18号2座301");
        assert_eq!(gulou.streets[street.unwrap()].name.zh, "安泰街道");
        assert_eq!(community, Some(0));
        assert_eq!(rest, "吉庇路18号2座301");
        assert_eq!(gulou.parse("福建省连江县凤城镇").0, None);
    }

    #[test]
    fn all_ten_sub_districts_lie_on_the_map() {
        let gulou = gulou();
        assert_eq!(gulou.streets.len(), 10);
        let [south, west, north, east] = gulou.bounds;
        for street in &gulou.streets {
            let [lat, lon] = street.centre;
            assert!((south..north).contains(&lat) && (west..east).contains(&lon), "{street:?}");
            assert!(gulou.label(lat, lon).starts_with(&street.name.zh));
        }
    }
}

//! Where things are: points on the earth, and paths a bus follows.

/// Metres of one degree of latitude (mean meridian, IUGG 1980 sphere).
const METRES_PER_DEGREE: f64 = 111_195.0;

/// A point in WGS-84 degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// North of the equator.
    pub lat: f64,
    /// East of Greenwich.
    pub lon: f64,
}

impl Point {
    /// East and north distance to `other` in metres; good within a city.
    pub fn offset_m(self, other: Point) -> (f64, f64) {
        let east = (other.lon - self.lon) * METRES_PER_DEGREE * self.lat.to_radians().cos();
        (east, (other.lat - self.lat) * METRES_PER_DEGREE)
    }

    /// Distance to `other` in metres.
    pub fn distance_m(self, other: Point) -> f64 {
        let (east, north) = self.offset_m(other);
        east.hypot(north)
    }

    /// The point `east` and `north` metres from here.
    #[must_use]
    pub fn moved_m(self, east: f64, north: f64) -> Point {
        let lon = self.lon + east / (METRES_PER_DEGREE * self.lat.to_radians().cos());
        Point { lat: self.lat + north / METRES_PER_DEGREE, lon }
    }
}

/// A line of points with the distance travelled at each.
#[derive(Debug, Clone)]
pub struct Path {
    points: Vec<Point>,
    along_m: Vec<f64>,
}

impl Path {
    /// A path through `points`, of which there are at least two.
    pub fn new(points: Vec<Point>) -> Self {
        assert!(points.len() >= 2, "a path leads from somewhere to somewhere");
        let mut along_m = vec![0.0];
        for pair in points.windows(2) {
            along_m.push(along_m[along_m.len() - 1] + pair[0].distance_m(pair[1]));
        }
        Self { points, along_m }
    }

    /// Each point with its distance from the start.
    pub fn points(&self) -> impl Iterator<Item = (Point, f64)> {
        self.points.iter().copied().zip(self.along_m.iter().copied())
    }

    /// Distance from the start at point number `index`.
    pub fn along_m(&self, index: usize) -> f64 {
        self.along_m[index]
    }

    /// Where one is after `distance_m`, and the compass bearing there in degrees.
    pub fn at(&self, distance_m: f64) -> (Point, f64) {
        let after = self.along_m.partition_point(|&along| along <= distance_m);
        let end = after.clamp(1, self.points.len() - 1);
        let (from, to) = (self.points[end - 1], self.points[end]);
        let length = (self.along_m[end] - self.along_m[end - 1]).max(f64::EPSILON);
        let share = ((distance_m - self.along_m[end - 1]) / length).clamp(0.0, 1.0);
        let (east, north) = from.offset_m(to);
        let bearing = east.atan2(north).to_degrees().rem_euclid(360.0);
        (from.moved_m(east * share, north * share), bearing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRUM_TOWER: Point = Point { lat: 26.0912, lon: 119.2957 };

    #[test]
    fn a_path_knows_where_one_is_and_where_one_heads() {
        let corner = DRUM_TOWER.moved_m(0.0, 100.0);
        let path = Path::new(vec![DRUM_TOWER, corner, corner.moved_m(50.0, 0.0)]);
        let (half, bearing) = path.at(50.0);
        assert!(half.distance_m(DRUM_TOWER.moved_m(0.0, 50.0)) < 0.1);
        assert!(bearing.abs() < 0.1, "{bearing}");
        assert!((path.at(120.0).1 - 90.0).abs() < 0.1);
        assert!(path.at(1e9).0.distance_m(corner.moved_m(50.0, 0.0)) < 0.1);
    }
}

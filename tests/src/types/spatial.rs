//! Geometries: each type, empty and nested, with coordinates at the edges of a double, in several reference systems.

use super::{Kind, Type};

const POINTS: [&str; 9] = [
    "POINT(0 0)",
    "POINT(1 2)",
    "POINT(-1.5 2.25)",
    "POINT(0.1 0.2)",
    "POINT(1e300 -1e300)",
    "POINT(5e-324 0)",
    "POINT(-0.0 0.0)",
    "POINT(1.7976931348623157e308 -1.7976931348623157e308)",
    "POINT(179.99999999999997 89.99999999999999)",
];
const LINES: [&str; 3] = ["LINESTRING(0 0,1 1)", "LINESTRING(0 0,1 1,2 2,0.1 -0.1)", "LINESTRING(1 1,1 1)"];
const POLYGONS: [&str; 2] =
    ["POLYGON((0 0,1 0,1 1,0 0))", "POLYGON((0 0,10 0,10 10,0 10,0 0),(1 1,1 2,2 2,1 1))"];
const MULTIPOINTS: [&str; 2] = ["MULTIPOINT(1 1)", "MULTIPOINT(0 0,1 1,-1 -1)"];
const MULTILINES: [&str; 1] = ["MULTILINESTRING((0 0,1 1),(2 2,3 3,4 4))"];
const MULTIPOLYGONS: [&str; 1] = ["MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))"];
const COLLECTIONS: [&str; 4] = [
    "GEOMETRYCOLLECTION EMPTY",
    "GEOMETRYCOLLECTION(POINT(1 1))",
    "GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1),POLYGON((0 0,1 0,1 1,0 0)))",
    "GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 1)),MULTIPOINT(0 0,1 1))",
];

fn from_text(texts: &[&str], srid: u32) -> Vec<String> {
    texts.iter().map(|text| format!("ST_GeomFromText('{text}', {srid})")).collect()
}

fn geometry(definition: &'static str, texts: &[&str]) -> Type {
    Type::new("GEOMETRY and its other kinds", definition, Kind::Geometry).with(from_text(texts, 0))
}

pub(super) fn types() -> Vec<Type> {
    let all =
        [&POINTS[..], &LINES, &POLYGONS, &MULTIPOINTS, &MULTILINES, &MULTIPOLYGONS, &COLLECTIONS].concat();
    vec![
        Type::new("POINT", "POINT", Kind::Point).with(from_text(&POINTS, 0)),
        Type::new("POINT", "POINT NOT NULL", Kind::Point).with(from_text(&POINTS[..3], 0)),
        geometry("GEOMETRY", &all),
        geometry("LINESTRING", &LINES),
        geometry("POLYGON", &POLYGONS),
        geometry("MULTIPOINT", &MULTIPOINTS),
        geometry("MULTILINESTRING", &MULTILINES),
        geometry("MULTIPOLYGON", &MULTIPOLYGONS),
        geometry("GEOMETRYCOLLECTION", &COLLECTIONS),
    ]
}

/// Reference systems are in a value of any server; only MySQL knows what they mean, and binds a column to one.
pub(super) fn with_srid() -> Vec<Type> {
    let earth = ["POINT(1 2)", "POINT(-89.5 179.5)", "POINT(90 180)"];
    let flat = ["POINT(1 2)", "POINT(20037508.34 -20037508.34)"];
    let point = |definition: &'static str, values| Type::new("POINT", definition, Kind::Point).with(values);
    vec![
        point("POINT SRID 0", from_text(&POINTS[..3], 0)),
        point("POINT SRID 4326", from_text(&earth, 4326)),
        point("POINT NOT NULL SRID 3857", from_text(&flat, 3857)),
        point(
            "POINT",
            [from_text(&earth, 4326), from_text(&flat, 3857), from_text(&POINTS[..2], 0)].concat(),
        ),
        Type::new("GEOMETRY and its other kinds", "GEOMETRY", Kind::Geometry)
            .with(from_text(&LINES, 3857))
            .with(from_text(&["POLYGON((0 0,1 0,1 1,0 0))", "GEOMETRYCOLLECTION(POINT(1 1))"], 4326)),
    ]
}

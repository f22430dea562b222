//! VECTOR.

use super::{Kind, Type};

pub(super) fn types() -> Vec<Type> {
    let vector = |list: &str| format!("STRING_TO_VECTOR('[{list}]')");
    let new = |definition| Type::new("VECTOR(n)", definition, Kind::Vector);
    let long = (0..2048).map(|number| format!("{number}.25")).collect::<Vec<_>>().join(",");
    vec![
        new("VECTOR(1)")
            .with(["0", "1", "-1.5", "3.4028234e38", "-3.4028234e38", "1.1754944e-38"].map(vector)),
        // A vector may have fewer entries than its column has room for.
        new("VECTOR(3)").with(["1,2,3", "0.1,0.2,0.3", "0,0,0", "1,2", "-1"].map(vector)),
        // Bytes go in as they are: minus 0.
        new("VECTOR(3)").with(["x'000000800000803f0000803e'"]),
        new("VECTOR").with([vector(&long)]),
        new("VECTOR(16383)").with([vector("7")]),
        new("VECTOR(2) NOT NULL").with(["1,2", "-1,0.5"].map(vector)),
    ]
}

//! The DBC files that come with the crate, from opendbc; their notice is in `dbc/NOTICE`.

/// The names of the files that come with the crate, as opendbc calls them, without `.dbc`.
pub const SHIPPED: [&str; 5] = [
    "subaru_global_2017_generated",
    "subaru_global_2020_hybrid_generated",
    "toyota_adas",
    "toyota_new_mc_pt_generated",
    "toyota_nodsu_pt_generated",
];

/// Returns the text of a file that comes with the crate.
#[must_use]
pub fn shipped(name: &str) -> Option<&'static str> {
    match name {
        "subaru_global_2017_generated" => Some(include_str!("../../dbc/subaru_global_2017_generated.dbc")),
        "subaru_global_2020_hybrid_generated" => {
            Some(include_str!("../../dbc/subaru_global_2020_hybrid_generated.dbc"))
        }
        "toyota_adas" => Some(include_str!("../../dbc/toyota_adas.dbc")),
        "toyota_new_mc_pt_generated" => Some(include_str!("../../dbc/toyota_new_mc_pt_generated.dbc")),
        "toyota_nodsu_pt_generated" => Some(include_str!("../../dbc/toyota_nodsu_pt_generated.dbc")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dbc::Dbc;

    #[test]
    fn every_listed_file_is_there_and_is_read_without_a_note() {
        for name in SHIPPED {
            let dbc = Dbc::parse(shipped(name).unwrap().as_bytes()).unwrap();
            assert!(dbc.messages().len() > 30, "{name}");
            assert_eq!(dbc.notes(), [], "{name}");
        }
        assert_eq!(shipped("toyota"), None);
    }
}

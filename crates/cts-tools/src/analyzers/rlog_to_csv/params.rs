//! What a user can choose.

use cts_model::{ParamKind, ParamSpec};
use serde_json::json;

use crate::spec::{self, seconds};
use crate::{dbc_files, filter};

/// Returns the parameters.
pub(super) fn params() -> Vec<ParamSpec> {
    let mut params = vec![
        spec::choice(
            "format",
            &["csv", "parquet", "ndjson", "candump"],
            "How the rows are written; signals as csv or parquet",
        ),
        spec::choice(
            "columns",
            &["basic", "extended", "cabana"],
            "Columns of a CSV file of frames: those of the old tool, the same with time since boot, origin and format, \
             or those of Cabana",
        ),
        ParamSpec {
            examples: vec![json!(20.0)],
            ..seconds("window_start", "Where the window begins, after the first CAN event")
        },
        ParamSpec {
            examples: vec![json!(12.0)],
            minimum: Some(0.0),
            ..seconds("window_dur", "How long the window is; both ends belong to it")
        },
        ParamSpec {
            maximum: Some(1024.0),
            minimum: Some(1.0),
            examples: vec![json!("out.csv")],
            ..ParamSpec::new(
                "out",
                ParamKind::Str,
                "Name of the table; default: the name of the log with .csv, .parquet, .ndjson or .log, as the format \
                 is; with layout=messages the name of the folder",
            )
        },
    ];
    params.extend(filter::params());
    params.extend([
        ParamSpec {
            choices: vec![json!("relative"), json!("boot")],
            ..ParamSpec::new(
                "time",
                ParamKind::Str,
                "What times are counted from: the first CAN event (relative) or the boot of the device; default: \
                 relative, for candump boot",
            )
        },
        spec::switch("sendcan", "Also the frames that openpilot asked to send"),
        spec::switch("physical_buses", "Write an echo or a refused frame with the bus it was meant for: 128 as 0"),
        dbc_files::param(),
        spec::choice(
            "layout",
            &["messages", "wide"],
            "Signals: a table for each message, or one table of all with the last value of every signal in each row",
        ),
        spec::choice("values", &["numbers", "names"], "Signals: numbers, or the words that the DBC file has for them"),
        spec::join(),
        spec::strict(),
    ]);
    params.extend(spec::old_clients());
    params
}

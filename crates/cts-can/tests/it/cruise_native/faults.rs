//! The faults of the Python tool, C1 to C19, each with what is right. What only the tool can show is tested with it.

use std::fs;

use cts_can::bitwatch::Window;
use cts_can::cars::SpeedUnit;
use cts_can::cruise::native::{
    CarInUse, CruiseOptions, CruiseResult, CruiseTable, EngagedFrom, MarkFrom, TableFormat, engaged_bit,
};
use cts_can::frame::Bus;
use serde_json::Value;

use super::{analyze, candidate, car_of, identity, made_car, notes, rows, shipped, text, try_analyze, with_dbcs};
use crate::shared;
use crate::writer::{MadeEvent, log};

fn subaru_log() -> Option<Vec<u8>> {
    Some(fs::read(shared::folder()?.join("data/synth/subaru.rlog.zst")).unwrap())
}

fn windows(list: &[(f64, f64)]) -> MarkFrom {
    MarkFrom::Windows(list.iter().map(|(start, end)| Window { start: *start, end: *end }).collect())
}

fn number(row: &Value, column: &str) -> f64 {
    row[column].as_f64().unwrap_or_else(|| panic!("{column} is a number in {row}"))
}

/// A log of one address on bus 0, a frame each tenth of a second.
fn tenths(payloads: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut events = Vec::new();
    for (tenth, payload) in (0_u64..).zip(payloads) {
        events.push(MadeEvent::can(1_000_000_000_000 + tenth * 100_000_000, &[(0x10, 0, &payload)]));
    }
    log(&events)
}

fn plain(log: &[u8], options: &CruiseOptions) -> CruiseResult {
    try_analyze(&[log], options, CarInUse::default()).unwrap()
}

#[test]
fn c1_the_set_speed_is_read_in_the_byte_order_of_the_dbc() {
    let Some(log) = subaru_log() else { return };
    let result = analyze(&log, &CruiseOptions::default());
    let mph: Vec<f64> = result.set_speeds.iter().map(|set| SpeedUnit::Mph.of_mps(set.mps)).collect();
    assert!(mph.iter().all(|mph| *mph < 1e-9 || (mph - 55.0).abs() < 1e-9), "{mph:?}");
}

#[test]
fn c2_a_drive_that_reaches_the_target_speed_is_written_in_full() {
    let Some(log) = subaru_log() else { return };
    let result = analyze(&log, &CruiseOptions::default());
    assert!(!result.target.is_empty());
    for table in CruiseTable::ALL {
        assert!(text(&result, table, TableFormat::Csv).lines().count() > 1, "{}", table.name());
    }
    let timeline = text(&result, CruiseTable::Timeline, TableFormat::Csv);
    assert!(timeline.contains("target_speed_start") && timeline.contains("target_speed_end"));
}

#[test]
fn c3_each_format_is_written_without_the_other() {
    let result = plain(&tenths([vec![0], vec![1], vec![0]]), &CruiseOptions::default());
    for table in CruiseTable::ALL {
        let csv = text(&result, table, TableFormat::Csv);
        assert_eq!(csv.lines().next().unwrap().split(',').collect::<Vec<_>>(), table.columns(), "{}", table.name());
        assert_eq!(csv.lines().count(), rows(&result, table).len() + 1, "{}", table.name());
        assert!(!csv.contains('#'), "no comments that a reader of CSV would stumble over");
    }
}

#[test]
fn c4_events_beyond_the_hundred_thousandth_are_read() {
    let mut events: Vec<MadeEvent> = Vec::new();
    for number in 0..100_100_u64 {
        let level = u8::from((100_010..100_050).contains(&number));
        events.push(MadeEvent::can(number * 10_000_000, &[(0x10, 0, &[level])]));
    }
    let options = CruiseOptions { marks: windows(&[(1000.05, 1000.6)]), ..CruiseOptions::default() };
    let result = plain(&log(&events), &options);
    assert_eq!(result.streams[0].frames, 100_100);
    let found = candidate(&result, 0x10, 0, 0).unwrap();
    assert_eq!((found.rises, found.falls, found.window_toggles), (1, 1, 2));
}

#[test]
fn c5_the_filter_filters_and_the_intervals_are_counted() {
    let Some(log) = subaru_log() else { return };
    let annotated = analyze(&log, &CruiseOptions::default());
    let filtered = analyze(&log, &CruiseOptions { filters_engaged: true, ..CruiseOptions::default() });
    assert_eq!(annotated.engaged.as_ref().unwrap().runs.len(), 1);
    for table in [CruiseTable::Edges, CruiseTable::Timeline] {
        let (all, kept) = (rows(&annotated, table), rows(&filtered, table));
        let inside: Vec<Value> = all.iter().filter(|row| row["engaged"] == true).cloned().collect();
        assert_eq!(kept, inside, "{}", table.name());
        assert!(!kept.is_empty() && kept.len() < all.len(), "{}", table.name());
        assert_eq!(text(&filtered, table, TableFormat::Csv).lines().count(), kept.len() + 1);
    }
    let kept = rows(&filtered, CruiseTable::Runs);
    assert!(kept.len() < rows(&annotated, CruiseTable::Runs).len());
    let [interval] = &rows(&annotated, CruiseTable::EngagedIntervals)[..] else { panic!("there is one") };
    assert!((number(interval, "duration_s") - number(interval, "engaged_s") - 1.0).abs() < 1e-6, "half a second each");
    assert!(kept.iter().all(|row| {
        number(row, "end_rel") >= number(interval, "start_rel")
            && number(row, "start_rel") <= number(interval, "end_rel")
    }));
}

#[test]
fn c6_the_engaged_bit_may_lie_at_any_address_and_on_a_bus() {
    let Some(log) = subaru_log() else { return };
    let engaged = |text: &str, bus: Option<u8>| {
        let engaged = EngagedFrom::Bit(engaged_bit(text).unwrap());
        analyze(&log, &CruiseOptions { engaged, engaged_bus: bus.map(Bus), ..CruiseOptions::default() })
    };
    for text in ["0x241:55", "0x241@0:B6b0", "0x241:b55", "0x241:MSB B8", "0x241:MSB B6b0", "0x027:B5b1"] {
        let result = engaged(text, None);
        let seconds = result.engaged.as_ref().map(|engaged| engaged.seconds).unwrap_or_default();
        assert!((seconds - 25.8).abs() < 0.1, "{text}: {seconds}");
    }
    let placed = engaged("0x321:B5b1", Some(2)).engaged.unwrap();
    assert_eq!(placed.place.unwrap().bus, Bus(2), "the bus chooses the frames");
    let doubtful = engaged("0x321:B5b1", None);
    assert!(notes(&doubtful).contains("is on the buses"), "{}", notes(&doubtful));
    let elsewhere = engaged("0x241:55", Some(1));
    assert!(elsewhere.engaged.is_none() && notes(&elsewhere).contains("is not on bus 1, but on 0"));
    let nowhere = engaged("0x7F0:0", None);
    assert!(notes(&nowhere).contains("no frame has the engaged bit 0x7F0:B0b7"), "{}", notes(&nowhere));
    for text in ["", "0x241", "0x241:b64x", "0x241:MSB B64", "0x241:MSB", "0xZZ:1", "0x241:b512"] {
        assert!(engaged_bit(text).is_err(), "{text}");
    }
}

#[test]
fn c7_times_count_from_the_log_and_from_boot() {
    let options = CruiseOptions {
        marks: windows(&[(0.15, 0.35)]),
        engaged: EngagedFrom::Bit(engaged_bit("0x10:0").unwrap()),
        ..CruiseOptions::default()
    };
    let result = plain(&tenths([vec![0], vec![0], vec![1], vec![1], vec![0]]), &options);
    assert_eq!(result.time.zero_ns, Some(1_000_000_000_000));
    let edges = rows(&result, CruiseTable::Edges);
    let told: Vec<_> = edges.iter().map(|row| (number(row, "ts_abs"), number(row, "ts_rel"), &row["window"])).collect();
    assert_eq!(told, [(1000.2, 0.2, &Value::from(1)), (1000.4, 0.4, &Value::Null)]);
    let runs = rows(&result, CruiseTable::Runs);
    assert_eq!(
        (number(&runs[0], "start_abs"), number(&runs[0], "end_rel")),
        (1000.15, 0.35),
        "a window is where it is"
    );
}

#[test]
fn c8_buses_are_told_apart() {
    let Some(log) = subaru_log() else { return };
    let result = analyze(&log, &CruiseOptions::default());
    let buses: Vec<(u8, u64)> =
        result.streams.iter().filter(|of| of.address.0 == 0x122).map(|of| (of.bus.0, of.frames)).collect();
    assert!(buses.len() >= 3, "{buses:?}");
    let counts = rows(&result, CruiseTable::CountsBySegment);
    let told = counts.iter().filter(|row| row["address_hex"] == "0x122" && row["window"] == 1).count();
    assert_eq!(told, buses.len());
}

#[test]
fn c9_counts_before_in_and_after_each_window_are_real() {
    let payloads = (0..100_u8).map(|tenth| vec![if (30..40).contains(&tenth) { tenth } else { tenth % 2 }]);
    let options = CruiseOptions { marks: windows(&[(3.0, 3.95), (6.0, 7.0)]), ..CruiseOptions::default() };
    let result = plain(&tenths(payloads), &options);
    let counts = rows(&result, CruiseTable::CountsBySegment);
    let told: Vec<_> = counts
        .iter()
        .map(|row| {
            let of = |column: &str| number(row, column);
            (
                of("window"),
                [of("pre_count"), of("window_count"), of("post_count")],
                [of("uniq_pre"), of("uniq_window"), of("uniq_post")],
            )
        })
        .collect();
    let expected = [(1.0, [30.0, 10.0, 20.0], [2.0, 10.0, 2.0]), (2.0, [20.0, 11.0, 29.0], [2.0, 2.0, 2.0])];
    assert_eq!(told, expected);
    assert_eq!(
        (number(&counts[0], "pre_s"), number(&counts[0], "window_s"), number(&counts[0], "post_s")),
        (3.0, 0.95, 2.05)
    );
    assert_eq!(number(&counts[0], "pre_per_s"), 10.0);
    assert_eq!(number(&counts[0], "delta"), 0.526, "a rate less the higher of two rates");
}

#[test]
fn c10_rises_and_falls_are_counted_and_counters_do_not_lead() {
    // A counter in the low half, a bit that falls twice and rises once, and one that rises in the window.
    let payloads = (0..200_u32).map(|tenth| {
        let falls = u8::from(tenth < 50 || (120..150).contains(&tenth)) << 5;
        let marked = u8::from((60..80).contains(&tenth)) << 6;
        vec![u8::try_from(tenth % 16).unwrap() | falls | marked]
    });
    let options = CruiseOptions { marks: windows(&[(5.5, 8.5)]), ..CruiseOptions::default() };
    let result = plain(&tenths(payloads), &options);
    let found = candidate(&result, 0x10, 0, 5).unwrap();
    assert_eq!((found.rises, found.falls), (1, 2));
    let best = &result.candidates[0];
    assert_eq!((best.bit, best.rises, best.falls, best.window_toggles), (6, 1, 1, 2));
    assert!(best.score > 95.0, "{best:?}");
    assert!(result.candidates.iter().all(|of| of.bit > 3), "the counter is left out");
    assert_eq!((result.bits_in_fields, result.bits_scored), (4, 2));
}

#[test]
fn c11_runs_and_moments_carry_what_they_are_of() {
    let Some(log) = subaru_log() else { return };
    let result = analyze(&log, &CruiseOptions::default());
    let runs = rows(&result, CruiseTable::Runs);
    let window = runs.iter().find(|row| row["name"] == "window 1").unwrap();
    assert_eq!((&window["address_hex"], &window["bit_global"]), (&Value::Null, &Value::Null));
    let engaged = runs.iter().find(|row| row["name"] == "cruise engaged").unwrap();
    assert_eq!(
        (&engaged["address_hex"], &engaged["label_msb"], &engaged["bus"]),
        (&"0x241".into(), &"MSB B6b0".into(), &0.into())
    );
    let timeline = rows(&result, CruiseTable::Timeline);
    assert!(runs.iter().chain(&timeline).all(|row| row["address_hex"] != "0x027"), "no placeholder");
    let press = timeline.iter().find(|row| row["event"] == "press" && row["name"] == "button set").unwrap();
    assert_eq!((&press["address_hex"], &press["bit_global"]), (&"0x146".into(), &43.into()));
}

#[test]
fn c12_edges_know_both_directions_and_the_nearest_speed() {
    let Some(log) = subaru_log() else { return };
    let result = analyze(&log, &CruiseOptions::default());
    let edges = rows(&result, CruiseTable::Edges);
    let set: Vec<&Value> = edges.iter().filter(|row| row["name"] == "button set").collect();
    let kinds: Vec<&str> = set.iter().map(|row| row["edge_type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["rise", "fall"].repeat(3));
    let speeds: Vec<f64> = set.iter().step_by(2).map(|row| number(row, "speed_mph")).collect();
    for (found, nearest) in speeds.iter().zip([55.2, 55.6, 55.9]) {
        assert!((found - nearest).abs() < 0.06, "{speeds:?}");
    }
    assert!(edges.iter().any(|row| row["name"] == "brake"), "more bits than the one of the set button");
}

#[test]
fn c13_an_analysis_has_one_name_and_its_sources_are_read() {
    let Some(log) = subaru_log() else { return };
    let result = analyze(&log, &CruiseOptions::default());
    let again = analyze(&log, &CruiseOptions::default());
    assert_eq!(result.analysis_id, again.analysis_id, "the same log and options");
    assert_eq!(result.analysis_id.len(), 32);
    let other = analyze(&log, &CruiseOptions { speed_max: 57.0, ..CruiseOptions::default() });
    assert_ne!(result.analysis_id, other.analysis_id);
    for table in CruiseTable::ALL {
        for format in [TableFormat::Csv, TableFormat::Json] {
            assert_eq!(text(&result, table, format), text(&again, table, format), "{}", table.name());
        }
    }
    assert!(result.sources.iter().all(|of| of.source.is_some() == (of.samples > 0)), "{:?}", result.sources);
}

#[test]
fn c16_the_target_range_counts_everywhere() {
    let Some(log) = subaru_log() else { return };
    let inside = |options: &CruiseOptions| {
        let result = analyze(&log, options);
        (result.presses.iter().filter(|press| press.is_in_target && press.button == "set").count(), result.target.len())
    };
    assert_eq!(inside(&CruiseOptions::default()), (3, 2));
    let narrow = CruiseOptions { speed_min: 55.5, speed_max: 55.7, ..CruiseOptions::default() };
    assert_eq!(inside(&narrow).0, 1);
    let metric = CruiseOptions {
        speed_min: 88.51392,
        speed_max: 90.123264,
        speed_unit: SpeedUnit::Kph,
        ..CruiseOptions::default()
    };
    assert_eq!(inside(&metric), (3, 2));
    let never = CruiseOptions { speed_min: 90.0, speed_max: 95.0, ..CruiseOptions::default() };
    let result = analyze(&log, &never);
    assert!(result.target.is_empty());
    assert!(
        notes(&result).contains("the speed is never from 90 to 95 mph: it is from 48.4 to 60.0"),
        "{}",
        notes(&result)
    );
}

#[test]
fn c17_every_compression_is_read_by_content() {
    let Some(shared) = shared::folder() else { return };
    let results: Vec<String> = ["subaru.rlog", "subaru.rlog.bz2", "subaru.rlog.zst"]
        .iter()
        .map(|name| {
            let log = fs::read(shared.join("data/synth").join(name)).unwrap();
            analyze(&log, &CruiseOptions::default()).analysis_id
        })
        .collect();
    assert!(results.iter().all(|id| *id == results[0]), "{results:?}");
}

const WHEELS: &str = "BO_ 16 W: 8 X\n SG_ A : 0|16@1+ (0.1,0) [0|0] \"\" X\n SG_ B : 16|16@1+ (0.1,0) [0|0] \"\" X\n";

#[test]
fn c18_a_wheel_that_is_too_fast_is_skipped_and_counted() {
    let profile = "[speed]\nsignals = [\"W.A\", \"W.B\"]\nunit = \"kph\"\n";
    let wheels = |a: u16, b: u16| [a.to_le_bytes(), b.to_le_bytes()].concat();
    let log = tenths([wheels(360, 360), wheels(4001, 720), wheels(5000, 5000), wheels(360, 1080)]);
    let result = try_analyze(&[&log], &CruiseOptions::default(), made_car(profile, WHEELS)).unwrap();
    let kph: Vec<f64> = result.speed.points.iter().map(|point| (f64::from(point.mps) * 36.0).round() / 10.0).collect();
    assert_eq!(kph, [36.0, 72.0, 72.0]);
    assert_eq!(result.speed.impossible, 3);
    assert!(notes(&result).contains("3 speeds of single wheels are above 400 km/h"));
}

#[test]
fn c19_a_profile_of_another_car_is_not_used() {
    let log = shared::example("toyota-5s.rlog.zst");
    let car = with_dbcs(
        CarInUse::choose(&shipped(), cts_can::cars::identify(log.as_slice()).unwrap(), Some("subaru")).unwrap(),
    );
    let result = try_analyze(&[&log], &CruiseOptions::default(), car).unwrap();
    assert_eq!(result.car.profile, None);
    assert!(notes(&result).contains("the profile subaru is not for the car of the log, toyota"), "{}", notes(&result));
    let speed = result.sources.iter().find(|of| of.role.word() == "speed").unwrap();
    assert_eq!(speed.source.as_deref(), Some("carState.vEgo"), "what openpilot says is used");
    assert!(result.streams.iter().all(|of| of.message.is_none()), "and no message has a name of another car");
    let unknown = CarInUse::choose(&shipped(), identity("lada", "NIVA"), None).unwrap();
    let result = try_analyze(&[&log], &CruiseOptions::default(), unknown).unwrap();
    assert!(notes(&result).contains("no profile is for the car of the log, lada NIVA"), "{}", notes(&result));
    assert!(notes(&result).contains("the logs are of several cars") || result.car.identity.is_some());
    let named = car_of(&log, Some("toyota"));
    assert_eq!(named.dbcs_needed().len(), 2);
}

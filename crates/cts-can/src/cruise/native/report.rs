//! The report of an analysis: what was found in sentences, then what that rests on.
//!
//! It says nothing that the tables do not say; it puts the verdict first, and what is missing right after it. How long its
//! lists are has a limit, whatever the log, and what is left out is counted.

mod figures;
mod lists;
mod verdict;

use super::{
    BitPlace, Candidate, CandidateKind, CruiseOptions, CruiseResult, EngagedFrom, FollowedKind, MarkFrom, Role, Stretch,
};
use crate::cars::SpeedUnit;
use crate::report::html::{Block, Card, FileLink, Page, Prose, Section};
use crate::report::plots::{count_of, grouped};

/// What the report tells besides the result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportAbout {
    /// The name and version of the tool.
    pub tool: String,
    /// The names of the inputs, in the order of [`CruiseResult::inputs`].
    pub inputs: Vec<String>,
    /// Files in the directory of the report: their names, and what is in them.
    pub files: Vec<(String, String)>,
}

impl CruiseResult {
    /// Returns the report as a page.
    #[must_use]
    pub fn report(&self, about: &ReportAbout) -> Page {
        let mut sections = Vec::new();
        let warnings = verdict::warnings(self, about);
        if !warnings.is_empty() {
            sections.push(Section::new("Warnings", vec![Block::Notes(warnings)]));
        }
        sections.push(Section::new("Drive", self.drive()));
        sections.push(Section::new("Marker windows", lists::windows(self)));
        sections.push(Section::new("Candidates", lists::candidates(self)));
        if let Some(raster) = figures::raster(self) {
            sections.push(Section::new("Around the marks", vec![Block::Figure(raster)]));
        }
        sections.push(Section::new("Bits", self.bits()));
        sections.push(Section::new("Messages", lists::messages(self)));
        sections.push(Section::new("Sources", lists::sources(self, about)));
        sections.push(Section::new("Parameters", vec![Block::Definitions(parameters(&self.options))]));
        if !about.files.is_empty() {
            let files =
                about.files.iter().map(|(name, text)| FileLink { name: name.clone(), about: text.as_str().into() });
            sections.push(Section::new("Files", vec![Block::Files(files.collect())]));
        }
        Page {
            tool: about.tool.clone(),
            title: "Cruise control report".to_owned(),
            facts: self.facts(about),
            verdict: verdict::verdict(self),
            cards: self.cards(),
            sections,
            footer: Prose::new()
                .text("Analysis ")
                .code(&self.analysis_id)
                .text(". The same logs and parameters give the same report. Times are seconds since the first CAN event of the first log."),
        }
    }

    fn facts(&self, about: &ReportAbout) -> Vec<(String, Prose)> {
        const NAMES_MAX: usize = 4;
        let mut names = Prose::new();
        for (index, name) in about.inputs.iter().take(NAMES_MAX).enumerate() {
            names = if index > 0 { names.text(", ").name(name) } else { names.name(name) };
        }
        if about.inputs.len() > NAMES_MAX {
            names = names.text(&format!(" and {} more", about.inputs.len() - NAMES_MAX));
        }
        let car = match &self.car.identity {
            Some(car) if car.fingerprint.is_empty() => Prose::new().name(&car.brand),
            Some(car) => Prose::new().name(&car.fingerprint),
            None => "the log does not say".into(),
        };
        let profile = match &self.car.profile {
            Some(profile) => Prose::new().name(profile),
            None => "none".into(),
        };
        let mut dbcs = Prose::new();
        for (index, (name, bus)) in self.car.dbcs.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            dbcs = dbcs.text(comma).name(name).text(&format!(" (bus {bus})"));
        }
        let mut facts = vec![
            (if about.inputs.len() > 1 { "logs" } else { "log" }.to_owned(), names),
            ("car".to_owned(), car),
            ("profile".to_owned(), profile),
        ];
        if !self.car.dbcs.is_empty() {
            facts.push(("DBC".to_owned(), dbcs));
        }
        facts
    }

    fn cards(&self) -> Vec<Card> {
        let frames: u64 = self.streams.iter().map(|stream| stream.frames).sum();
        let unit = self.options.speed_unit;
        let card = |label: &str, value: String, unit: &str, hint: String| Card {
            label: label.to_owned(),
            value,
            unit: unit.to_owned(),
            hint,
        };
        let length = (self.time.last - self.time.first).max(0.0);
        let mut cards = vec![
            card("Log", format!("{length:.1}"), "s", format!("{} frames", grouped(frames))),
            card("Messages", grouped(self.streams.len() as u64), "", "bus and address".to_owned()),
            card("Marker windows", grouped(self.windows.len() as u64), "", self.unfinished_windows()),
        ];
        let presses = self.presses.iter().filter(|press| press.button == self.options.button).count();
        let others = self.presses.len() - presses;
        cards.push(card(
            &format!("Presses of {}", self.options.button),
            grouped(presses as u64),
            "",
            if others > 0 { format!("{} of other buttons", grouped(others as u64)) } else { String::new() },
        ));
        match &self.engaged {
            Some(engaged) => {
                let times = count_of(engaged.runs.len(), "time");
                cards.push(card("Engaged", format!("{:.1}", engaged.seconds), "s", times));
            }
            None => cards.push(card("Engaged", "\u{2013}".to_owned(), "", "nothing tells it".to_owned())),
        }
        match self.speed.range {
            Some([low, mean, high]) => {
                let [low, mean, high] = [low, mean, high].map(|mps| unit.of_mps(mps));
                let value = format!("{low:.0}\u{2013}{high:.0}");
                cards.push(card("Speed", value, unit_name(unit), format!("{mean:.1} in the mean")));
            }
            None => cards.push(card("Speed", "\u{2013}".to_owned(), "", "nothing tells it".to_owned())),
        }
        let hint = format!("{} left out as counters and checksums", grouped(self.bits_in_fields as u64));
        cards.push(card("Bits scored", grouped(self.bits_scored as u64), "", hint));
        if let Some((best, _)) = verdict::best(self) {
            cards.push(card("Best score", format!("{:.1}", best.score), "/ 100", bit_name(best)));
        }
        cards
    }

    fn unfinished_windows(&self) -> String {
        match self.windows.iter().filter(|window| window.ended.is_none()).count() {
            0 => String::new(),
            count => format!("{} not complete", grouped(count as u64)),
        }
    }

    fn drive(&self) -> Vec<Block> {
        let mut blocks = vec![Block::Figure(figures::timeline(self))];
        blocks.extend(lists::engaged(self));
        blocks.extend(lists::presses(self));
        blocks.extend(lists::target(self));
        blocks
    }

    fn bits(&self) -> Vec<Block> {
        let mut blocks = vec![Block::Figure(figures::heat_map(self))];
        blocks.extend(lists::fields(self));
        blocks
    }
}

/// Returns whether a bit is what tells the presses, the marks or engaged, so that it goes with them by itself.
fn tells(result: &CruiseResult, candidate: &Candidate, kind: CandidateKind) -> bool {
    let is_there = |place: Option<BitPlace>| {
        let own = BitPlace { address: candidate.address, bus: candidate.bus, bit: Some(candidate.bit) };
        place == Some(own)
    };
    let is_told_by = |role: Role, name: Option<String>| {
        let of_role = result.followed.iter().filter(|of| of.kind == FollowedKind::Role(role));
        of_role.filter(|of| name.as_ref().is_none_or(|name| of.name == *name)).any(|of| is_there(of.place))
    };
    let button = |name: &str| is_told_by(Role::Buttons, Some(format!("button {name}")));
    match kind {
        CandidateKind::Engaged => is_there(result.engaged.as_ref().and_then(|engaged| engaged.place)),
        CandidateKind::Presses => button(&result.options.button),
        CandidateKind::Windows => match &result.options.marks {
            MarkFrom::Blinkers => is_told_by(Role::Blinkers, None),
            MarkFrom::Button(name) => button(name),
            MarkFrom::Nothing | MarkFrom::Bookmarks | MarkFrom::Windows(_) => false,
        },
    }
}

/// Returns the unit as it is written beside figures.
fn unit_name(unit: SpeedUnit) -> &'static str {
    match unit {
        SpeedUnit::Kph => "km/h",
        SpeedUnit::Mph => "mph",
        SpeedUnit::Mps => "m/s",
    }
}

/// Returns a bit as it is told in sentences, by its address, bus and most significant bit first.
fn bit_name(candidate: &Candidate) -> String {
    let Candidate { address, bus, bit, .. } = candidate;
    format!("{address} {} on bus {bus}", msb_label(*bit))
}

/// Returns a bit as `B5b4`: byte 5, and bit 4 from the most significant one, which is 0.
fn msb_label(bit: u16) -> String {
    format!("B{}b{}", bit / 8, 7 - bit % 8)
}

/// Returns a stretch as its first and last moment.
fn stretch_text(stretch: Stretch) -> String {
    format!("{:.2}\u{2013}{:.2}", stretch.start, stretch.end)
}

/// Returns where something lies in the frames.
fn place_text(place: BitPlace) -> String {
    let bit = place.bit.map_or_else(String::new, |bit| format!(" {} (bit {bit})", msb_label(bit)));
    format!("{} on bus {}{bit}", place.address, place.bus)
}

/// Returns everything that was asked for.
fn parameters(options: &CruiseOptions) -> Vec<(String, Prose)> {
    let unit = unit_name(options.speed_unit);
    let marks = match &options.marks {
        MarkFrom::Nothing => "nothing".into(),
        MarkFrom::Blinkers => "the blinkers, left and then right".into(),
        MarkFrom::Button(button) => Prose::new().text("presses of the button ").name(button),
        MarkFrom::Bookmarks => "bookmarks of openpilot".into(),
        MarkFrom::Windows(windows) => format!("{} that were given", count_of(windows.len(), "window")).into(),
    };
    let engaged = match &options.engaged {
        EngagedFrom::Auto => "the first source that the log has".into(),
        EngagedFrom::Cruise => "the cruise control of the car".into(),
        EngagedFrom::Selfdrive => "openpilot".into(),
        EngagedFrom::Bit(bit) => Prose::new().text("the bit ").code(&bit.to_string()),
        EngagedFrom::Nothing => "nothing".into(),
    };
    let mut watch = Prose::new();
    for (index, bit) in options.watch.iter().enumerate() {
        watch = watch.text(if index > 0 { ", " } else { "" }).code(&bit.to_string());
    }
    let rule = &options.rule;
    let mut parameters: Vec<(String, Prose)> = vec![
        ("target speed".to_owned(), format!("{} to {} {unit}", options.speed_min, options.speed_max).into()),
        ("windows are marked by".to_owned(), marks),
        ("before a mark".to_owned(), format!("{} s", rule.pre).into()),
        ("after a mark".to_owned(), format!("{} s", rule.post).into()),
        ("longest mark".to_owned(), format!("{} s", rule.timeout).into()),
        ("button".to_owned(), Prose::new().name(&options.button)),
        ("engaged is told by".to_owned(), engaged),
    ];
    if let Some(bus) = options.engaged_bus {
        parameters.push(("bus of the engaged bit".to_owned(), bus.to_string().into()));
    }
    parameters.push(("margin around engaged".to_owned(), format!("{} s", options.engaged_margin).into()));
    let only = if options.filters_engaged { "only while engaged" } else { "in the whole log" };
    parameters.push(("edges and runs are told".to_owned(), only.into()));
    if !options.watch.is_empty() {
        parameters.push(("followed bits".to_owned(), watch));
    }
    parameters.push(("candidates in the tables".to_owned(), format!("at most {}", options.candidates_max).into()));
    let damage = if options.strict { "ends the analysis" } else { "is skipped and told" };
    parameters.push(("damage".to_owned(), damage.into()));
    parameters
}

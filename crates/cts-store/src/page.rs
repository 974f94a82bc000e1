//! Lists of runs: filters, and pages that begin behind the last id of the page before.
//!
//! A page never skips or repeats a run that was there all the time, whatever is added meanwhile. Every question is put
//! so that an index gives the ids in their order: one branch for each tool and state, merged. Only `q` has to look at
//! the texts of the runs one after another.

use std::fmt::Write as _;

use cts_model::{Run, RunId, RunState, Timestamp, ToolId};

use crate::db::Db;
use crate::error::StoreError;
use crate::runs::row::{self, run_columns};
use crate::sql::{Arg, Statement, comparable, sql_built};

/// Which runs a list holds. What is empty is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// In one of these states.
    pub states: Vec<RunState>,
    /// Of one of these tools.
    pub tool_ids: Vec<ToolId>,
    /// With all of these labels.
    pub labels: Vec<(String, String)>,
    /// Of exactly this name.
    pub name: Option<String>,
    /// Acknowledged at this moment or later.
    pub since: Option<Timestamp>,
    /// Acknowledged at this moment or earlier.
    pub until: Option<Timestamp>,
    /// With this text in their id, tool, name, labels or inputs, in upper or lower case.
    pub q: Option<String>,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunSort {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<Run>,
    /// The cursor of the next page; none on the last one.
    pub next: Option<String>,
    /// How many runs the whole list has, where that is cheap to know.
    pub total: Option<u64>,
}

/// Most runs of one page.
const PAGE_RUNS_MAX: u32 = 1000;
/// A list with more runs than this is not counted to its end.
const COUNTED_RUNS_MAX: u32 = 10_000;
/// With more branches than this the list is read in the order of ids and filtered.
const BRANCHES_MAX: usize = 40;
/// An id is made this shortly before its run is acknowledged, or after.
const ID_AGE_MAX: std::time::Duration = std::time::Duration::from_mins(10);

impl Db {
    /// Returns a page of the list, beginning behind `cursor`, with at most `limit` runs (1 to 1000).
    ///
    /// # Errors
    /// [`StoreError::BadCursor`], or when the database fails.
    pub async fn runs(
        &self,
        filter: &RunFilter,
        sort: RunSort,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<RunPage, StoreError> {
        let limit = limit.clamp(1, PAGE_RUNS_MAX);
        let after = cursor.map(|cursor| read_cursor(cursor, sort)).transpose()?;
        let question = Question::new(filter, sort);
        let rows = self.all(question.page(after, limit + 1)).await?;
        let mut runs = rows.iter().map(row::run).collect::<Result<Vec<_>, _>>()?;
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = runs.len() > size;
        runs.truncate(size);
        let next = runs.last().filter(|_| more).map(|last| write_cursor(last.id, sort));
        let total = match question.count() {
            None => None,
            Some(_) if after.is_none() && !more => u64::try_from(runs.len()).ok(),
            Some(count) => u64::try_from(self.number(count).await?).ok(),
        };
        Ok(RunPage { runs, next, total: total.filter(|&total| total <= u64::from(COUNTED_RUNS_MAX)) })
    }
}

fn write_cursor(id: RunId, sort: RunSort) -> String {
    let order = if sort == RunSort::Newest { 'n' } else { 'o' };
    format!("{order}{}", id.to_string().replace('-', ""))
}

fn read_cursor(cursor: &str, sort: RunSort) -> Result<RunId, StoreError> {
    let order = if sort == RunSort::Newest { 'n' } else { 'o' };
    let digits = cursor.strip_prefix(order).filter(|digits| digits.len() == 32 && digits.is_ascii());
    let digits = digits.ok_or(StoreError::BadCursor)?;
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-").parse().map_err(|_| StoreError::BadCursor)
}

/// The least id that can be made at this moment.
fn first_id(at: Timestamp) -> String {
    let ms = at.as_ms();
    format!("{:08x}-{:04x}-0000-0000-000000000000", ms >> 16, ms & 0xffff)
}

/// A filter, put so that an index can answer it.
struct Question<'f> {
    filter: &'f RunFilter,
    sort: RunSort,
    states: Vec<RunState>,
    from: From,
}

/// Where the ids come from, in their order.
#[derive(PartialEq)]
enum From {
    /// The first label's index.
    Label,
    /// The index of names.
    Name,
    /// The index of tools and states, or that of states: one branch each.
    Branches(Vec<(Option<ToolId>, RunState)>),
    /// The index of ids: every run.
    All,
}

/// SQL text under construction with its values.
#[derive(Default)]
pub(crate) struct Text {
    text: String,
    args: Vec<Arg>,
}

impl Text {
    pub(crate) fn push(&mut self, words: &str) {
        self.text.push_str(words);
    }

    /// Adds the place of a value.
    pub(crate) fn value(&mut self, arg: impl Into<Arg>) {
        self.args.push(arg.into());
        write!(self.text, "${}", self.args.len()).expect("a String takes every text");
    }

    pub(crate) fn done(self) -> Statement {
        self.args.into_iter().fold(sql_built(self.text), Statement::bind)
    }
}

impl<'f> Question<'f> {
    fn new(filter: &'f RunFilter, sort: RunSort) -> Self {
        let mut states = filter.states.clone();
        states.sort_unstable();
        states.dedup();
        if states.len() == RunState::ALL.len() {
            states.clear();
        }
        let mut tools = filter.tool_ids.clone();
        tools.sort_unstable();
        tools.dedup();
        let every: &[RunState] = if states.is_empty() { &RunState::ALL } else { &states };
        let from = if !filter.labels.is_empty() {
            From::Label
        } else if filter.name.is_some() {
            From::Name
        } else if tools.is_empty() && states.is_empty() || tools.len() * every.len() > BRANCHES_MAX {
            From::All
        } else if tools.is_empty() {
            From::Branches(states.iter().map(|&state| (None, state)).collect())
        } else {
            let branch = |tool: &ToolId| every.iter().map(|&state| (Some(tool.clone()), state)).collect::<Vec<_>>();
            From::Branches(tools.iter().flat_map(branch).collect())
        };
        Self { filter, sort, states, from }
    }

    /// Returns the column of the index that gives the ids in their order.
    fn id(&self) -> &'static str {
        if self.from == From::Label { "l.run_id" } else { "r.id" }
    }

    fn page(&self, after: Option<RunId>, limit: u32) -> Statement {
        let descending = if self.sort == RunSort::Newest { " DESC" } else { "" };
        let id = self.id();
        let mut text = Text::default();
        text.push(concat!("SELECT ", run_columns!(), " FROM runs WHERE id IN (SELECT id FROM ("));
        self.branches(&mut text, |text, branch| {
            text.push(&format!("SELECT * FROM (SELECT {id} AS id"));
            self.conditions(text, branch, after);
            text.push(&format!(" ORDER BY {id}{descending} LIMIT "));
            text.value(limit);
            text.push(") AS branch");
        });
        text.push(&format!(") AS ids ORDER BY id{descending} LIMIT "));
        text.value(limit);
        text.push(&format!(") ORDER BY id{descending}"));
        text.done()
    }

    /// Returns the count, where an index alone gives it: at most one more than is counted to.
    fn count(&self) -> Option<Statement> {
        let filter = self.filter;
        let by_index = filter.q.is_none() && filter.since.is_none() && filter.until.is_none();
        let by_index = by_index && matches!(self.from, From::Branches(_) | From::All);
        let residual = self.from == From::All && (!self.states.is_empty() || !filter.tool_ids.is_empty());
        if !by_index || residual {
            return None;
        }
        let mut text = Text::default();
        text.push("SELECT count(*) AS number FROM (SELECT id FROM (");
        self.branches(&mut text, |text, branch| {
            text.push("SELECT * FROM (SELECT r.id AS id");
            self.conditions(text, branch, None);
            text.push(" LIMIT ");
            text.value(COUNTED_RUNS_MAX + 1);
            text.push(") AS branch");
        });
        text.push(") AS ids LIMIT ");
        text.value(COUNTED_RUNS_MAX + 1);
        text.push(") AS counted");
        Some(text.done())
    }

    fn branches(&self, text: &mut Text, mut each: impl FnMut(&mut Text, Option<&(Option<ToolId>, RunState)>)) {
        let From::Branches(branches) = &self.from else { return each(text, None) };
        for (number, branch) in branches.iter().enumerate() {
            if number > 0 {
                text.push(" UNION ALL ");
            }
            each(text, Some(branch));
        }
    }

    fn conditions(&self, text: &mut Text, branch: Option<&(Option<ToolId>, RunState)>, after: Option<RunId>) {
        let filter = self.filter;
        let mut labels = filter.labels.as_slice();
        if let [(label, value), rest @ ..] = labels {
            labels = rest;
            // CROSS JOIN keeps SQLite from beginning with the runs.
            text.push(" FROM run_labels l CROSS JOIN runs r WHERE l.run_id = r.id AND l.label = ");
            text.value(comparable(label));
            text.push(" AND l.value = ");
            text.value(comparable(value));
            self.bounds(text, after);
        } else {
            text.push(" FROM runs r WHERE 1 = 1");
            self.bounds(text, after);
        }
        for (label, value) in labels {
            text.push(" AND EXISTS (SELECT 1 FROM run_labels m WHERE m.run_id = r.id AND m.label = ");
            text.value(comparable(label));
            text.push(" AND m.value = ");
            text.value(comparable(value));
            text.push(")");
        }
        if let Some(name) = &filter.name {
            text.push(" AND r.name = ");
            text.value(comparable(name));
        }
        if let Some((tool, state)) = branch {
            text.push(" AND r.status = ");
            text.value(state.as_str());
            if let Some(tool) = tool {
                text.push(" AND r.tool_id = ");
                text.value(tool.as_str());
            }
        } else {
            // Not the bare columns: their indexes do not have the order of ids.
            one_of(text, "r.status || ''", self.states.iter().map(|state| state.as_str()));
            one_of(text, "r.tool_id || ''", filter.tool_ids.iter().map(ToolId::as_str));
        }
        if let Some(since) = filter.since {
            text.push(" AND r.created_at_ms >= ");
            text.value(since);
        }
        if let Some(until) = filter.until {
            text.push(" AND r.created_at_ms <= ");
            text.value(until);
        }
        if let Some(q) = &filter.q {
            text.push(" AND r.search_text LIKE ");
            text.value(like(q));
            text.push(" ESCAPE '\\'");
        }
    }

    /// Bounds the ids by the cursor and, since ids begin with their time, by the times asked for.
    fn bounds(&self, text: &mut Text, after: Option<RunId>) {
        let column = self.id();
        let mut lower = self.filter.since.map(|since| first_id(since.minus(ID_AGE_MAX)));
        let mut upper = self.filter.until.map(|until| first_id(until.plus(ID_AGE_MAX)));
        let after = after.map(|after| after.to_string());
        match self.sort {
            RunSort::Newest => upper = [upper, after].into_iter().flatten().min(),
            RunSort::Oldest => lower = lower.max(after),
        }
        if let Some(lower) = lower {
            text.push(&format!(" AND {column} > "));
            text.value(lower);
        }
        if let Some(upper) = upper {
            text.push(&format!(" AND {column} < "));
            text.value(upper);
        }
    }
}

fn one_of<'w>(text: &mut Text, column: &str, words: impl ExactSizeIterator<Item = &'w str>) {
    if words.len() == 0 {
        return;
    }
    text.push(&format!(" AND {column} IN ("));
    for (number, word) in words.enumerate() {
        if number > 0 {
            text.push(", ");
        }
        text.value(word);
    }
    text.push(")");
}

/// Returns the pattern that finds a text anywhere.
fn like(q: &str) -> String {
    let mut pattern = "%".to_owned();
    for c in comparable(&q.to_lowercase()).chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests;

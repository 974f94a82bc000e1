//! Labels whose number is bounded by what they are.

use std::collections::HashMap;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError, RwLock};

use super::Member;

/// What names beyond a limit are called.
pub const OTHER: &str = "other";

/// A label that is one of a few words.
pub trait Label: Copy + Debug + 'static {
    /// Every value, in the order of [`Label::index`].
    const ALL: &'static [Self];

    /// Returns its word.
    fn word(self) -> &'static str;

    /// Returns its place in [`Label::ALL`].
    fn index(self) -> usize;
}

/// Metrics of one name, with labels that the caller bounds: a member is asked for once, and kept.
#[derive(Clone)]
pub struct Family<M: Member> {
    vector: M::Vector,
}

impl<M: Member> Debug for Family<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Family").finish_non_exhaustive()
    }
}

impl<M: Member> Family<M> {
    pub(super) fn new(vector: M::Vector) -> Self {
        Self { vector }
    }

    /// Returns the member with these values, in the order of the labels.
    ///
    /// # Panics
    /// When there are more or fewer values than labels.
    #[must_use]
    pub fn with(&self, values: &[&str]) -> M {
        M::of(&self.vector, values)
    }

    /// Returns one member for each word of a single label.
    #[must_use]
    pub fn by<L: Label>(&self) -> Labeled<L, M> {
        let members = L::ALL.iter().map(|label| self.with(&[label.word()])).collect();
        Labeled { members, label: PhantomData }
    }

    /// Returns members for names that are not known before: at most `most` of them, and one for all others.
    #[must_use]
    pub fn capped(&self, most: usize) -> Capped<M> {
        let shared = CappedShared { family: self.clone(), most, known: RwLock::default() };
        Capped { shared: Arc::new(shared) }
    }
}

/// One metric for each word of a label.
#[derive(Debug, Clone)]
pub struct Labeled<L, M> {
    members: Arc<[M]>,
    label: PhantomData<L>,
}

impl<L: Label, M> Labeled<L, M> {
    /// Returns the one of this word.
    #[must_use]
    pub fn get(&self, label: L) -> &M {
        &self.members[label.index()]
    }
}

/// One metric for each of a bounded number of names.
#[derive(Debug, Clone)]
pub struct Capped<M: Member> {
    shared: Arc<CappedShared<M>>,
}

#[derive(Debug)]
struct CappedShared<M: Member> {
    family: Family<M>,
    most: usize,
    known: RwLock<HashMap<String, M>>,
}

impl<M: Member + Debug> Capped<M> {
    /// Returns whether a name has one of its own, also when it gets it by this question.
    #[must_use]
    pub fn is_known(&self, name: &str) -> bool {
        let _ = self.get(name);
        self.shared.known.read().unwrap_or_else(PoisonError::into_inner).contains_key(name)
    }

    /// Returns the one of this name, or that of all names beyond the limit.
    #[must_use]
    pub fn get(&self, name: &str) -> M {
        let CappedShared { family, most, known } = &*self.shared;
        if let Some(member) = known.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return member.clone();
        }
        let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= *most && !known.contains_key(name) {
            return family.with(&[OTHER]);
        }
        known.entry(name.to_owned()).or_insert_with(|| family.with(&[name])).clone()
    }
}

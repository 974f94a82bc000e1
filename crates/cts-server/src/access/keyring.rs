//! The tokens, in memory: who a text belongs to is found out without the database.
//!
//! An entry is there from its first use, or since the last look at all rows, which the service takes every second; so
//! what another process writes beside this one holds at once where it is new, and within that second where it is taken
//! back. What this process takes back is gone before it is answered. Texts are compared by their hash, in constant time.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use cts_model::token::key::{self, BadKey};
use cts_model::{Sha256, Standing, Timestamp, Token, TokenId};
use cts_store::{Db, StoreError, TokenRow};
use sha2::Digest;

/// Addresses from which a token was right that are remembered.
const FAMILIAR_MAX: usize = 4;
/// Stands for a token that was never used.
const NEVER: i64 = -1;

/// A token or session, with what happens to it while it is used.
#[derive(Debug)]
pub(crate) struct Entry {
    /// What is known about it.
    pub(crate) token: Token,
    sha256: Sha256,
    used_ms: AtomicI64,
    /// What of that is written down.
    written_ms: AtomicI64,
    /// Fingerprints of addresses; 0 for none.
    familiar: [AtomicU64; FAMILIAR_MAX],
    familiar_next: AtomicUsize,
}

/// Why a text proves nothing.
#[derive(Debug)]
pub(crate) enum Denied {
    /// It is no token, or none that is known here, or its secret part is wrong.
    Wrong(Option<BadKey>),
    /// It is the right text of a token whose time is over.
    Expired(Arc<Entry>),
    /// It is the right text of a token that was taken back.
    Revoked(Arc<Entry>),
    /// The database does not tell.
    Store(StoreError),
}

impl Entry {
    fn new(row: TokenRow) -> Self {
        let used = row.token.last_used_at.map_or(NEVER, Timestamp::as_ms);
        Self {
            token: row.token,
            sha256: row.sha256,
            used_ms: AtomicI64::new(used),
            written_ms: AtomicI64::new(used),
            familiar: Default::default(),
            familiar_next: AtomicUsize::new(0),
        }
    }

    /// Returns whether a row tells something else than is known here; when it was used last is better known here.
    fn differs(&self, row: &TokenRow) -> bool {
        self.sha256 != row.sha256 || self.token != Token { last_used_at: self.token.last_used_at, ..row.token.clone() }
    }

    /// Notes a use.
    pub(crate) fn touch(&self, now: Timestamp) {
        self.used_ms.fetch_max(now.as_ms(), Ordering::Relaxed);
    }

    /// Returns what is known about the token, with its last use.
    pub(crate) fn told(&self) -> Token {
        let used = self.used_ms.load(Ordering::Relaxed);
        Token { last_used_at: (used != NEVER).then(|| Timestamp::from_ms(used)), ..self.token.clone() }
    }

    /// Returns whether a text is the token's own.
    fn is_text(&self, text: &str) -> bool {
        is_same(&hash(text).0, &self.sha256.0)
    }
}

/// The hash of a token's text. It has 256 bits of randomness, so that no slow hash is needed: there is nothing to guess.
pub(crate) fn hash(text: &str) -> Sha256 {
    Sha256(sha2::Sha256::digest(text.as_bytes()).into())
}

/// Compares in a time that does not depend on where the two differ.
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differing =
        one.iter().zip(other).fold(0, |differing, (one, other)| differing | std::hint::black_box(one ^ other));
    one.len() == other.len() && differing == 0
}

/// The tokens in memory.
#[derive(Debug)]
pub(crate) struct Keyring {
    db: Db,
    entries: RwLock<HashMap<TokenId, Arc<Entry>>>,
    /// Grows with each change by this process: what was read before a change is not kept.
    changes: AtomicU64,
    fingerprints: RandomState,
}

impl Keyring {
    pub(crate) fn new(db: Db) -> Self {
        Self { db, entries: RwLock::default(), changes: AtomicU64::new(0), fingerprints: RandomState::new() }
    }

    /// Returns the database of the tokens.
    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// Returns whom a text belongs to, when it is good at `now`. `Err` for what proves nothing.
    pub(crate) async fn find(&self, text: &str, now: Timestamp) -> Result<Arc<Entry>, Denied> {
        let id = key::id_of(text).map_err(|bad| Denied::Wrong(Some(bad)))?;
        let entry = self.entry(id).await.map_err(Denied::Store)?.ok_or(Denied::Wrong(None))?;
        if !entry.is_text(text) {
            return Err(Denied::Wrong(None));
        }
        // A session is as good as its token.
        let token = match entry.token.session_of {
            Some(token) => Some(self.entry(token).await.map_err(Denied::Store)?.ok_or(Denied::Wrong(None))?),
            None => None,
        };
        for entry in [Some(&entry), token.as_ref()].into_iter().flatten() {
            match entry.token.standing(now) {
                Standing::Active => {}
                Standing::Expired => return Err(Denied::Expired(Arc::clone(entry))),
                Standing::Revoked => return Err(Denied::Revoked(Arc::clone(entry))),
            }
        }
        entry.touch(now);
        if let Some(token) = token {
            token.touch(now);
        }
        Ok(entry)
    }

    /// Returns how many tokens were used since a moment; a session counts as its token.
    pub(crate) fn users_since(&self, since: Timestamp) -> usize {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let is_user = |entry: &&Arc<Entry>| {
            entry.token.session_of.is_none() && entry.used_ms.load(Ordering::Relaxed) >= since.as_ms()
        };
        entries.values().filter(is_user).count()
    }

    /// Returns whether a token or session is still good, as far as that is known in memory.
    pub(crate) fn is_good(&self, id: TokenId, now: Timestamp) -> bool {
        let Some(entry) = self.known(id) else { return false };
        let parent = entry.token.session_of.map(|token| self.known(token));
        let is_active = |entry: &Entry| entry.token.standing(now) == Standing::Active;
        is_active(&entry) && parent.is_none_or(|parent| parent.is_some_and(|parent| is_active(&parent)))
    }

    /// Returns an entry that is in memory.
    fn known(&self, id: TokenId) -> Option<Arc<Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Returns an entry from memory, else from its row.
    async fn entry(&self, id: TokenId) -> Result<Option<Arc<Entry>>, StoreError> {
        if let Some(entry) = self.known(id) {
            return Ok(Some(entry));
        }
        let before = self.changes.load(Ordering::Acquire);
        let Some(row) = self.db.token(id).await? else { return Ok(None) };
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(&id) {
            return Ok(Some(Arc::clone(entry)));
        }
        let entry = Arc::new(Entry::new(row));
        if self.changes.load(Ordering::Acquire) == before {
            entries.insert(id, Arc::clone(&entry));
        }
        Ok(Some(entry))
    }

    /// Takes a row into memory that this process has just written, and forgets others that went with it.
    pub(crate) fn changed(&self, row: Option<TokenRow>, gone: impl Fn(&Token) -> bool) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::AcqRel);
        entries.retain(|_, entry| !gone(&entry.token));
        if let Some(row) = row {
            let id = row.token.id;
            let fresh = Entry::new(row);
            if let Some(known) = entries.get(&id) {
                fresh.used_ms.fetch_max(known.used_ms.load(Ordering::Relaxed), Ordering::Relaxed);
            }
            entries.insert(id, Arc::new(fresh));
        }
    }

    /// Looks at every row, so that what other processes wrote holds here as well.
    pub(crate) async fn refresh(&self) -> Result<(), StoreError> {
        let before = self.changes.load(Ordering::Acquire);
        let rows = self.db.tokens().await?;
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        // What was read while this process changed something may be older than the change: the next look is a second away.
        if self.changes.load(Ordering::Acquire) != before {
            return Ok(());
        }
        let mut fresh = HashMap::with_capacity(rows.len());
        for row in rows {
            let id = row.token.id;
            let entry = match entries.get(&id) {
                Some(known) if !known.differs(&row) => Arc::clone(known),
                _ => Arc::new(Entry::new(row)),
            };
            fresh.insert(id, entry);
        }
        *entries = fresh;
        Ok(())
    }

    /// Writes down when tokens were used last, for those that were used since the last time: one write for all.
    pub(crate) async fn write_uses(&self) -> Result<(), StoreError> {
        let used: Vec<(Arc<Entry>, i64)> = {
            let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
            let used = entries.values().map(|entry| (Arc::clone(entry), entry.used_ms.load(Ordering::Relaxed)));
            used.filter(|(entry, used)| *used > entry.written_ms.load(Ordering::Relaxed)).collect()
        };
        if used.is_empty() {
            return Ok(());
        }
        let rows: Vec<(TokenId, Timestamp)> =
            used.iter().map(|(entry, used)| (entry.token.id, Timestamp::from_ms(*used))).collect();
        let write = self.db.write(move |tx| {
            Box::pin(async move {
                for (id, at) in rows {
                    tx.set_token_used(id, at).await?;
                }
                Ok(())
            })
        });
        write.await?;
        for (entry, used) in used {
            entry.written_ms.fetch_max(used, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Returns a token with its last use as it is known here, which may be newer than its row.
    pub(crate) fn told(&self, token: Token) -> Token {
        match self.known(token.id) {
            Some(entry) => Token { last_used_at: entry.told().last_used_at.max(token.last_used_at), ..token },
            None => token,
        }
    }

    fn fingerprint(&self, address: IpAddr) -> u64 {
        self.fingerprints.hash_one(address).max(1)
    }

    /// Remembers that a token was right from an address.
    pub(crate) fn note_familiar(&self, entry: &Entry, address: IpAddr) {
        let fingerprint = self.fingerprint(address);
        if !entry.familiar.iter().any(|known| known.load(Ordering::Relaxed) == fingerprint) {
            let next = entry.familiar_next.fetch_add(1, Ordering::Relaxed) % FAMILIAR_MAX;
            entry.familiar[next].store(fingerprint, Ordering::Relaxed);
        }
    }

    /// Returns whether the token that a text names was right from this address before. It is not after a text of that
    /// name was wrong from there.
    pub(crate) fn is_familiar(&self, text: &str, address: IpAddr) -> bool {
        let Some(entry) = key::id_of(text).ok().and_then(|id| self.known(id)) else { return false };
        let fingerprint = self.fingerprint(address);
        let Some(place) = entry.familiar.iter().find(|known| known.load(Ordering::Relaxed) == fingerprint) else {
            return false;
        };
        if entry.is_text(text) {
            return true;
        }
        place.store(0, Ordering::Relaxed);
        false
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cts_model::{Clock as _, Ids, ManualClock, Role, Secret};

    use super::*;

    struct Bench {
        keyring: Keyring,
        clock: Arc<ManualClock>,
        ids: Ids,
    }

    async fn bench() -> Bench {
        let clock = ManualClock::new(Timestamp::from_ms(1_764_063_000_000));
        let ids = Ids::new(Arc::clone(&clock) as Arc<dyn cts_model::Clock>);
        Bench { keyring: Keyring::new(Db::open_memory().await.unwrap()), clock, ids }
    }

    impl Bench {
        /// Writes a token as another process does.
        async fn token(&self, session_of: Option<TokenId>, expires_at: Option<Timestamp>) -> (Token, Secret) {
            let id = TokenId::new(&self.ids);
            let mut next = 0_u8;
            let text = key::new(id, || {
                next = next.wrapping_add(7);
                next
            });
            let token = Token {
                id,
                session_of,
                name: "ci".parse().unwrap(),
                role: Role::Viewer,
                created_by: "local".to_owned(),
                created_at: self.clock.now(),
                expires_at,
                last_used_at: None,
                revoked_at: None,
            };
            let row = TokenRow { token: token.clone(), sha256: hash(text.reveal()) };
            self.keyring.db.write(move |tx| Box::pin(async move { tx.insert_token(&row).await })).await.unwrap();
            (token, text)
        }

        async fn find(&self, text: &Secret) -> Result<TokenId, Denied> {
            self.keyring.find(text.reveal(), self.clock.now()).await.map(|entry| entry.token.id)
        }
    }

    #[tokio::test]
    async fn a_text_belongs_to_its_token_and_no_other_text_does() {
        let bench = bench().await;
        let (token, text) = bench.token(None, None).await;
        assert_eq!(bench.find(&text).await.unwrap(), token.id, "one that another process wrote is good at once");
        assert!(matches!(bench.find(&key::new(token.id, || 1)).await, Err(Denied::Wrong(None))));
        let unknown = key::new(TokenId::new(&bench.ids), || 1);
        assert!(matches!(bench.find(&unknown).await, Err(Denied::Wrong(None))));
        assert!(matches!(bench.find(&Secret::new("x".to_owned())).await, Err(Denied::Wrong(Some(BadKey::Form)))));
    }

    #[tokio::test]
    async fn a_token_ends_with_its_time_and_its_sessions_with_it() {
        let bench = bench().await;
        let end = bench.clock.now().plus(Duration::from_secs(10));
        let (token, text) = bench.token(None, Some(end)).await;
        let (session, cookie) = bench.token(Some(token.id), None).await;
        assert_eq!(bench.find(&cookie).await.unwrap(), session.id);
        assert!(bench.keyring.is_good(session.id, bench.clock.now()));
        bench.clock.advance(Duration::from_secs(10));
        assert!(matches!(bench.find(&text).await, Err(Denied::Expired(_))));
        assert!(matches!(bench.find(&cookie).await, Err(Denied::Expired(entry)) if entry.token.id == token.id));
        assert!(!bench.keyring.is_good(session.id, bench.clock.now()));
    }

    #[tokio::test]
    async fn what_another_process_takes_back_ends_with_the_next_look() {
        let bench = bench().await;
        let (token, text) = bench.token(None, None).await;
        let (_, cookie) = bench.token(Some(token.id), None).await;
        bench.find(&text).await.unwrap();
        bench.find(&cookie).await.unwrap();
        let now = bench.clock.now();
        bench.keyring.db.write(move |tx| Box::pin(tx.revoke_token(token.id, now))).await.unwrap();
        bench.keyring.refresh().await.unwrap();
        assert!(matches!(bench.find(&text).await, Err(Denied::Revoked(_))));
        assert!(matches!(bench.find(&cookie).await, Err(Denied::Wrong(None))), "its row is gone");
    }

    #[tokio::test]
    async fn a_look_that_began_before_a_change_does_not_undo_it() {
        let bench = bench().await;
        let (token, text) = bench.token(None, None).await;
        bench.find(&text).await.unwrap();
        // The row still says that it is good; the change is newer than what any look has read so far.
        let revoked = Token { revoked_at: Some(bench.clock.now()), ..token };
        let before = bench.keyring.changes.load(Ordering::Acquire);
        bench.keyring.changed(Some(TokenRow { token: revoked, sha256: hash(text.reveal()) }), |_| false);
        assert_ne!(bench.keyring.changes.load(Ordering::Acquire), before);
        assert!(matches!(bench.find(&text).await, Err(Denied::Revoked(_))));
    }

    #[tokio::test]
    async fn uses_are_told_at_once_and_written_down_in_one_go() {
        let bench = bench().await;
        let (token, text) = bench.token(None, None).await;
        for _ in 0..3 {
            bench.clock.advance(Duration::from_secs(1));
            bench.find(&text).await.unwrap();
        }
        let used = Some(bench.clock.now());
        assert_eq!(bench.keyring.told(token.clone()).last_used_at, used);
        assert_eq!(bench.keyring.db.token(token.id).await.unwrap().unwrap().token.last_used_at, None);
        bench.keyring.write_uses().await.unwrap();
        assert_eq!(bench.keyring.db.token(token.id).await.unwrap().unwrap().token.last_used_at, used);
        bench.keyring.refresh().await.unwrap();
        assert_eq!(bench.keyring.told(token).last_used_at, used);
    }

    #[tokio::test]
    async fn an_address_is_familiar_until_a_wrong_text_comes_from_there() {
        let bench = bench().await;
        let (token, text) = bench.token(None, None).await;
        let [home, away]: [IpAddr; 2] = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse().unwrap());
        let entry = bench.keyring.find(text.reveal(), bench.clock.now()).await.unwrap();
        assert!(!bench.keyring.is_familiar(text.reveal(), home));
        bench.keyring.note_familiar(&entry, home);
        assert!(bench.keyring.is_familiar(text.reveal(), home));
        assert!(!bench.keyring.is_familiar(text.reveal(), away));
        assert!(!bench.keyring.is_familiar(key::new(token.id, || 1).reveal(), home));
        assert!(!bench.keyring.is_familiar(text.reveal(), home));
    }

    #[test]
    fn only_equal_bytes_are_the_same() {
        assert!(is_same(b"abc", b"abc") && is_same(b"", b""));
        for (one, other) in [("abc", "abd"), ("abc", "ab"), ("", "a"), ("abc", "bbc")] {
            assert!(!is_same(one.as_bytes(), other.as_bytes()), "{one} {other}");
        }
    }
}

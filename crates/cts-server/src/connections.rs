//! The open connections: a bounded number of places. Where all are taken, somebody new gets the place of the one that
//! has been idle longest, so that who only sits there, or never ends the head of a request, locks nobody out.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// All places.
#[derive(Debug)]
pub(crate) struct Connections {
    places: Arc<Semaphore>,
    most: u32,
    idle: Arc<Idle>,
}

/// Who is idle, those who have been so longest first.
#[derive(Debug, Default)]
struct Idle {
    seats: Mutex<Seats>,
    /// Told when a connection becomes idle.
    more: Notify,
}

#[derive(Debug, Default)]
struct Seats {
    by_turn: BTreeMap<u64, Arc<Notify>>,
    next_turn: u64,
}

/// The place of one connection, which is free again when it goes out of scope.
#[derive(Debug)]
pub(crate) struct Connection {
    seat: Arc<Seat>,
    _place: OwnedSemaphorePermit,
}

/// What a connection's requests share.
#[derive(Debug)]
pub(crate) struct Seat {
    idle: Arc<Idle>,
    leave: Arc<Notify>,
    state: Mutex<SeatState>,
}

#[derive(Debug)]
struct SeatState {
    requests: usize,
    turn: u64,
}

/// A request that is being answered, up to the end of its body.
#[derive(Debug)]
struct Busy(Arc<Seat>);

/// The body of an answer, during which its connection is not idle.
struct BusyBody {
    body: Body,
    _busy: Busy,
}

impl Connections {
    pub(crate) fn new(most: usize) -> Self {
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        Self { places: Arc::new(Semaphore::new(most as usize)), most, idle: Arc::default() }
    }

    /// Returns a place, if need be that of the connection that has been idle longest. Where none is idle it waits.
    pub(crate) async fn place(&self) -> Connection {
        let place = loop {
            if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
                break place;
            }
            let more = self.idle.more.notified();
            self.idle.tell_longest_to_leave();
            tokio::select! {
                place = Arc::clone(&self.places).acquire_owned() => break place.expect("places are never closed"),
                () = more => {}
            }
        };
        let leave = Arc::new(Notify::new());
        let turn = self.idle.add(&leave);
        let seat = Seat { idle: Arc::clone(&self.idle), leave, state: Mutex::new(SeatState { requests: 0, turn }) };
        Connection { seat: Arc::new(seat), _place: place }
    }

    /// Waits until all connections have ended.
    pub(crate) async fn all_ended(&self) {
        let _ = self.places.acquire_many(self.most).await;
    }
}

impl Idle {
    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, leave: &Arc<Notify>) -> u64 {
        let mut seats = self.lock();
        let turn = seats.next_turn;
        seats.next_turn += 1;
        seats.by_turn.insert(turn, Arc::clone(leave));
        drop(seats);
        self.more.notify_waiters();
        turn
    }

    fn remove(&self, turn: u64) {
        self.lock().by_turn.remove(&turn);
    }

    fn tell_longest_to_leave(&self) {
        if let Some((_, leave)) = self.lock().by_turn.pop_first() {
            leave.notify_one();
        }
    }
}

impl Connection {
    pub(crate) fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }

    /// Waits until somebody else needs the place and this connection is idle.
    pub(crate) async fn must_leave(&self) {
        loop {
            self.seat.leave.notified().await;
            // A request may have begun just then: who answers it sits on, and is idle again afterwards.
            if self.is_idle() {
                return;
            }
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.seat.lock().requests == 0
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let turn = self.seat.lock().turn;
        self.seat.idle.remove(turn);
    }
}

impl Seat {
    fn lock(&self) -> MutexGuard<'_, SeatState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request; until its body has ended the connection is not idle.
    pub(crate) async fn answer(self: Arc<Self>, answer: impl Future<Output = Response<Body>>) -> Response<Body> {
        let busy = Busy::begin(self);
        answer.await.map(|body| Body::new(BusyBody { body, _busy: busy }))
    }
}

impl Busy {
    fn begin(seat: Arc<Seat>) -> Self {
        let mut state = seat.lock();
        state.requests += 1;
        if state.requests == 1 {
            seat.idle.remove(state.turn);
        }
        drop(state);
        Self(seat)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.requests -= 1;
        if state.requests == 0 {
            state.turn = self.0.idle.add(&self.0.leave);
        }
    }
}

impl HttpBody for BusyBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn somebody_new_gets_the_place_of_the_longest_idle_one() {
        let connections = Connections::new(2);
        let (first, second) = (connections.place().await, connections.place().await);
        // The first one was busy after the second one came, so that one has been idle longer.
        drop(Arc::clone(first.seat()).answer(async { Response::new(Body::empty()) }).await);
        let mut third = Box::pin(connections.place());
        assert!(poll!(third.as_mut()).is_pending());
        second.must_leave().await;
        assert!(poll!(Box::pin(first.must_leave())).is_pending());
        drop(second);
        third.await;
    }

    #[tokio::test]
    async fn who_answers_keeps_the_place_until_the_body_has_ended() {
        let connections = Connections::new(1);
        let only = connections.place().await;
        let answer = Arc::clone(only.seat()).answer(async { Response::new(Body::from("text")) }).await;
        let mut next = Box::pin(connections.place());
        assert!(poll!(next.as_mut()).is_pending());
        assert!(poll!(Box::pin(only.must_leave())).is_pending());
        drop(answer);
        assert!(poll!(next.as_mut()).is_pending(), "it tells the one that is idle now");
        only.must_leave().await;
        drop(only);
        let got = next.await;
        assert!(matches!(poll!(Box::pin(connections.all_ended())), Poll::Pending));
        drop(got);
        connections.all_ended().await;
    }
}

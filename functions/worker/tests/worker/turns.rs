//! Two who call the table in turns that a schedule gives them: so that one is stopped between any two of its calls, and the other goes on.

use futures_util::future::LocalBoxFuture;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// Somebody is about to call, and goes on once he is told to.
type Waiting = (usize, oneshot::Sender<()>);

/// One of the two.
#[derive(Clone)]
pub struct Turn {
    who: usize,
    waiting: UnboundedSender<Waiting>,
}

impl Turn {
    /// Until it is his turn.
    pub async fn wait(&self) {
        let (go, told) = oneshot::channel();
        self.waiting.send((self.who, go)).unwrap();
        told.await.unwrap();
    }
}

/// Gives turns.
pub struct Turns {
    waiting: UnboundedReceiver<Waiting>,
}

/// A turn that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    pub to: usize,
    /// Whether the other one waited as well.
    pub by_choice: bool,
}

impl Turns {
    /// For two.
    pub fn of_two() -> (Self, [Turn; 2]) {
        let (sender, waiting) = unbounded_channel();
        let turn = |who| Turn {
            who,
            waiting: sender.clone(),
        };
        (Self { waiting }, [turn(0), turn(1)])
    }

    /// Has both go on in turn until both have ended. Where both wait, the schedule says whose turn it is, and the first's where it says
    /// nothing any more. Nothing happens but what the one whose turn it is does.
    pub async fn give(
        &mut self,
        schedule: &[usize],
        mut both: [LocalBoxFuture<'_, ()>; 2],
    ) -> Vec<Given> {
        let mut waiting: [Option<oneshot::Sender<()>>; 2] = [None, None];
        let mut ended = [false; 2];
        let mut given = Vec::new();
        loop {
            while (0..2).any(|who| !ended[who] && waiting[who].is_none()) {
                let [one, other] = &mut both;
                tokio::select! {
                    Some((who, go)) = self.waiting.recv() => waiting[who] = Some(go),
                    () = one, if !ended[0] => ended[0] = true,
                    () = other, if !ended[1] => ended[1] = true,
                }
            }
            let by_choice = waiting.iter().all(Option::is_some);
            let Some(only) = waiting.iter().position(Option::is_some) else {
                return given;
            };
            let chosen = schedule.get(given.len()).copied().filter(|_| by_choice);
            let to = chosen.unwrap_or(only);
            given.push(Given { to, by_choice });
            waiting[to].take().unwrap().send(()).unwrap();
        }
    }
}

/// Every schedule that begins like one that was run, and gives the turn to the other one at a place where it could.
pub fn others(schedule: &[usize], given: &[Given]) -> Vec<Vec<usize>> {
    let places = schedule.len()..given.len();
    let places = places.filter(|place| given[*place].by_choice);
    let other = |place: usize| {
        let begun = given[..place].iter().map(|it| it.to);
        begun.chain([1 - given[place].to]).collect()
    };
    places.map(other).collect()
}

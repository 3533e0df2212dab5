use std::future::poll_fn;
use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;
use std::thread::ThreadId;
use std::time::Duration;

use tokio::runtime::Builder;
use wechat_proto::error::Chain;

use super::*;
use crate::tests::sessions;

/// A store that waits for permission, and then reports its operation.
struct Slow {
    permission: mpsc::Receiver<()>,
    report: mpsc::Sender<(&'static str, ThreadId)>,
}

impl Slow {
    fn work(&self, operation: &'static str) -> Result<(), Error> {
        self.permission.recv_timeout(Duration::from_secs(60)).expect("permission in time");
        self.report.send((operation, thread::current().id())).unwrap();
        Ok(())
    }
}

impl SessionStore for Slow {
    fn load(&mut self) -> Result<Option<Session>, Error> {
        self.work("load").map(|()| None)
    }

    fn save(&mut self, _: &Session) -> Result<(), Error> {
        self.work("save")
    }

    fn remove(&mut self) -> Result<(), Error> {
        panic!("on purpose")
    }
}

fn slow() -> (Blocking<Slow>, mpsc::Sender<()>, mpsc::Receiver<(&'static str, ThreadId)>) {
    let ((allow, permission), (report, done)) = (mpsc::channel(), mpsc::channel());
    (Blocking::new(Slow { permission, report }), allow, done)
}

/// Polls a future once.
async fn once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[test]
fn blocking_store_does_not_block_the_runtime() {
    let (mut store, allow, done) = slow();
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let [session, _] = sessions();
        let saving = store.save(&session);
        // A task on the same thread gives the permission, so a store that blocks the thread would
        // wait forever.
        let task = tokio::spawn(async move { allow.send(()).unwrap() });
        saving.await.unwrap();
        task.await.unwrap();
        let (operation, thread) = done.try_recv().unwrap();
        assert_eq!(operation, "save");
        assert_ne!(thread, thread::current().id());
    });
}

/// The operation of a dropped future completes before later ones.
#[test]
fn started_operation_completes_first() {
    let (mut store, allow, done) = slow();
    Builder::new_current_thread().build().unwrap().block_on(async {
        let [session, _] = sessions();
        assert!(once(store.save(&session)).await.is_none());
        assert!(once(store.load()).await.is_none());
        assert!(once(store.save(&session)).await.is_none());
        assert!(done.try_recv().is_err());
        for _ in 0..2 {
            allow.send(()).unwrap();
        }
        store.load().await.unwrap();
        let operations: Vec<_> = done.try_iter().map(|(operation, _)| operation).collect();
        // Two futures that waited for the first were dropped before their operations started.
        assert_eq!(operations, ["save", "load"]);
    });
}

#[test]
fn store_fails_after_a_panic() {
    let (mut store, _allow, _done) = slow();
    Builder::new_current_thread().build().unwrap().block_on(async {
        for _ in 0..3 {
            assert_eq!(
                Chain(&store.remove().await.unwrap_err()).to_string(),
                "the stored session could not be reached: \
                 the store panicked, or its runtime was shut down"
            );
        }
        assert!(matches!(store.load().await, Err(Error::Storage(_))));
    });
}

/// Uses the store with a runtime and without one.
#[test]
fn file_store_saves_loads_and_removes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.session");
    let story = async || {
        let mut store = AsyncFileStore::open(&path).await.unwrap();
        assert!(store.path().is_absolute() && store.path().ends_with("bot.session"));
        assert!(store.load().await.unwrap().is_none());
        assert!(matches!(AsyncFileStore::open(&path).await, Err(Error::InUse)));
        for session in sessions() {
            store.save(&session).await.unwrap();
            let read = Session::from_json(&session.to_json()).unwrap();
            assert_eq!(store.load().await.unwrap().unwrap().to_json(), read.to_json());
        }
        store.remove().await.unwrap();
        assert!(store.load().await.unwrap().is_none());
        assert!(!format!("{store:?}").contains("crypt"));
        let refused =
            AsyncFileStore::open(folder.path().join("none/bot.session")).await.unwrap_err();
        assert!(refused.to_string().contains("none/bot.session"), "{refused}");
    };
    Builder::new_multi_thread().build().unwrap().block_on(story());
    // Without a runtime, the test polls the future itself.
    let mut story = pin!(story());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    while story.as_mut().poll(&mut context).is_pending() {
        thread::sleep(Duration::from_millis(1));
    }
}

use super::*;

/// Does nothing at all.
struct Idle;

impl Transport for Idle {
    fn run(&self, _: &mut Probe) -> Result<(), Error> {
        Ok(())
    }
}

/// Panics.
struct Wild;

impl Transport for Wild {
    fn run(&self, _: &mut Probe) -> Result<(), Error> {
        panic!("a bug")
    }
}

#[test]
fn names_are_one_of_a_kind() {
    let mut names: Vec<_> = Kit::new(|_| Ok(Idle)).names().collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn who_does_nothing_keeps_no_promise() {
    let report = check(|_| Ok(Idle));
    for check in &report.checks {
        match &check.outcome {
            Outcome::Broken(seen) => assert!(
                seen.contains("without an output")
                    || seen.contains("came to Ok")
                    || seen.contains("came out as Ok"),
                "{seen}"
            ),
            Outcome::Skipped(_) => {}
            Outcome::Kept => panic!("{} was kept", check.name),
        }
    }
    assert!(!report.is_kept());
    let text = report.to_string();
    assert!(text.contains("BROKEN   no_redirect_is_followed"), "{text}");
    assert!(text.contains("it follows no redirect: the driver came back"), "{text}");
    assert!(text.contains("skipped  a_stream_cut_short"), "{text}");
    assert!(report.skipped().all(|(name, _)| !report.broken().any(|check| check.name == name)));
}

#[test]
fn a_panic_and_a_refusal_to_be_made_are_told() {
    let seen = |report: Report| match &report.checks[..] {
        [Checked { outcome: Outcome::Broken(seen), .. }] => seen.clone(),
        checks => panic!("{checks:?}"),
    };
    let name = "a_pause_is_kept";
    assert_eq!(seen(Kit::new(|_| Ok(Wild)).only(&[name]).run()), "it panicked: a bug");
    let unmade = |_: &Options| Err::<Idle, _>(Error::Stopped);
    assert_eq!(
        seen(Kit::new(unmade).only(&[name]).run()),
        "it cannot be made: the client was stopped"
    );
}

#[test]
#[should_panic(expected = "no check flies")]
fn a_check_that_is_none_is_not_run() {
    let _ = Kit::new(|_| Ok(Idle)).only(&["flies"]);
}

use super::*;

/// A transport that does nothing.
struct Idle;

impl Transport for Idle {
    fn run(&self, _: &mut Probe) -> Result<(), Error> {
        Ok(())
    }
}

/// A transport that panics.
struct Wild;

impl Transport for Wild {
    fn run(&self, _: &mut Probe) -> Result<(), Error> {
        panic!("a bug")
    }
}

#[test]
fn check_names_are_unique() {
    let mut names: Vec<_> = Kit::new(|_| Ok(Idle)).names().collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn idle_transport_breaks_every_check() {
    let report = check(|_| Ok(Idle));
    for check in &report.checks {
        match &check.outcome {
            Outcome::Broken(seen) => assert!(
                seen.contains("without an output")
                    || seen.contains("the second run returned Ok")
                    || seen.contains("the run returned Ok"),
                "{seen}"
            ),
            Outcome::Skipped(_) => {}
            Outcome::Kept => panic!("{} was kept", check.name),
        }
    }
    assert!(!report.is_kept());
    let text = report.to_string();
    assert!(text.contains("BROKEN   no_redirect_is_followed"), "{text}");
    assert!(text.contains("it follows no redirect: the driver returned"), "{text}");
    assert!(text.contains("skipped  a_stream_cut_short"), "{text}");
    assert!(report.skipped().all(|(name, _)| !report.broken().any(|check| check.name == name)));
}

#[test]
fn panic_and_construction_error_are_reported() {
    let seen = |report: Report| match &report.checks[..] {
        [Checked { outcome: Outcome::Broken(seen), .. }] => seen.clone(),
        checks => panic!("{checks:?}"),
    };
    let name = "sleep_takes_its_duration";
    assert_eq!(seen(Kit::new(|_| Ok(Wild)).only(&[name]).run()), "it panicked: a bug");
    let unmade = |_: &Options| Err::<Idle, _>(Error::Stopped);
    assert_eq!(
        seen(Kit::new(unmade).only(&[name]).run()),
        "the transport cannot be created: the client was stopped"
    );
}

#[test]
#[should_panic(expected = "no check flies")]
fn unknown_check_name_panics() {
    let _ = Kit::new(|_| Ok(Idle)).only(&["flies"]);
}

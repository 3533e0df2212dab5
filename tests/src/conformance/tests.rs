use super::*;

/// A transport that does nothing and claims these features.
struct Idle(&'static [Feature]);

impl Transport for Idle {
    fn run(&self, _: &mut Probe) -> Result<(), Error> {
        Ok(())
    }

    fn offers(&self) -> &'static [Feature] {
        self.0
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
    let mut names: Vec<_> = Kit::new(|_| Ok(Idle(Feature::ALL))).names().collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn idle_transport_fails_every_check() {
    let report = check(|_| Ok(Idle(Feature::ALL)));
    for check in &report.checks {
        let Outcome::Failed(Deviation { found, .. }) = &check.outcome else { panic!("{check:?}") };
        let idle = ["without an output", "it returned Ok", "a transport"];
        assert!(idle.iter().any(|idle| found.contains(idle)), "{}: {found}", check.name);
    }
    assert!(!report.is_conforming());
    let text = report.to_string();
    for line in [
        "FAILED      must    no_redirect_is_followed ",
        "deviates    should  no_header_is_added ",
        "    expected: a run to the output of the flow\n    found:    the driver returned without an output\n",
        "    must:     the target of a redirect may be a foreign host",
        "    should:   the service ignores other headers",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn panic_and_construction_error_are_reported() {
    let found = |report: Report| match &report.checks[..] {
        [Checked { outcome: Outcome::Failed(Deviation { found, .. }), .. }] => found.clone(),
        checks => panic!("{checks:?}"),
    };
    let name = "sleep_takes_its_duration";
    assert_eq!(found(Kit::new(|_| Ok(Wild)).only(&[name]).run()), "it panicked: a bug");
    let unmade = |_: &Options| Err::<Idle, _>(Error::Stopped);
    assert_eq!(
        found(Kit::new(unmade).only(&[name]).run()),
        "it cannot be created: the client was stopped"
    );
}

/// Runs one *should* check with declared deviations.
fn declaring(names: Option<&[&str]>, check: &str) -> Report {
    let kit = Kit::new(|_| Ok(Idle(&[]))).only(&[check]);
    match names {
        Some(names) => kit.deviations(names).run(),
        None => kit.run(),
    }
}

#[test]
fn deviations_are_errors_unless_declared_exactly() {
    let label = |report: Report| {
        let text = report.to_string();
        let label = text.split(' ').next().unwrap().to_owned();
        (label, report.is_conforming(), report.failed(Grade::Should).count())
    };
    let (fails, skipped) = ("no_header_is_added", "truncated_stream_has_its_kind");
    for (case, report, expected) in [
        ("not declared", declaring(None, fails), ("deviates", true, 1)),
        ("declared", declaring(Some(&[fails]), fails), ("deviates", true, 1)),
        ("missing in the list", declaring(Some(&[]), fails), ("UNDECLARED", false, 1)),
        ("no longer occurs", declaring(Some(&[skipped]), skipped), ("OUTDATED", false, 0)),
        (
            "for a check that was not selected",
            declaring(Some(&[fails]), skipped),
            ("skipped", true, 0),
        ),
    ] {
        let (label, conforming, count) = label(report);
        assert_eq!((&*label, conforming, count), expected, "{case}");
    }
}

#[test]
#[should_panic(expected = "no check flies")]
fn unknown_check_name_panics() {
    let _ = Kit::new(|_| Ok(Idle(&[]))).only(&["flies"]);
}

#[test]
#[should_panic(expected = "no_redirect_is_followed is a must")]
fn declared_must_check_panics() {
    let _ = Kit::new(|_| Ok(Idle(&[]))).deviations(&["no_redirect_is_followed"]);
}

//! Tests that `docs/endpoints.md` lists every endpoint with its limits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use wechat_fuzz::{Make, NOW, Row, Visitor, account, endpoints};
use wechat_proto::endpoint::Repeat;
use wechat_proto::flow::Want;
use wechat_proto::{Account, Endpoint};

/// The rows of the page, one for each type.
struct Page(Vec<String>);

impl Visitor for Page {
    fn visit<E>(&mut self, row: Row, make: Make<E>)
    where
        E: Endpoint + 'static,
        E::Output: std::fmt::Debug,
        Account: AsMut<E::State>,
    {
        for section in row.source.split(", ") {
            let number = section.strip_prefix('§').unwrap();
            let dot = if number.contains('.') { "" } else { "." };
            let heading = format!("# {number}{dot} ");
            assert!(include_str!("../../docs/protocol.md").contains(&heading), "{row:?}");
        }
        let mut account = account();
        let request = make.value(&mut account).request(account.as_mut(), NOW);
        let path = match request.uri().path() {
            path if path.starts_with("/qrcode/") => "/qrcode/{uuid}",
            path => path,
        };
        assert_eq!(path.trim_end_matches("/{uuid}").rsplit('/').next(), Some(row.name));
        // `wechat_proto::login::uuid::GetUuid` is public as `login::GetUuid`.
        let parts: Vec<_> = std::any::type_name::<E>().split("::").collect();
        let [_, module, .., name] = parts[..] else { panic!("{parts:?}") };
        assert_eq!(name, row.type_name());
        let seconds = E::DEADLINE.as_secs();
        let (length, deadline) = match E::WANT {
            Want::Whole { limit } if limit >= 1 << 20 => {
                (format!("{} MB", limit >> 20), format!("{seconds} s"))
            }
            Want::Whole { limit } => (format!("{} KB", limit >> 10), format!("{seconds} s")),
            Want::Head { idle } => {
                ("streamed".into(), format!("{seconds} s, {} s idle", idle.as_secs()))
            }
        };
        let repeat = if E::REPEAT == Repeat::Once { "once" } else { "safe" };
        let row = format!(
            "| `{} {path}` | [`{name}`](crate::{module}::{name}) | {length} | {deadline} | {repeat} | {} |",
            request.method(),
            row.source,
        );
        if !self.0.contains(&row) {
            self.0.push(row);
        }
    }
}

/// Returns the names of the endpoints in the source of a folder.
fn in_source(folder: &Path) -> BTreeSet<String> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let names = |path: PathBuf| match path.is_dir() {
        true => in_source(&path),
        false if path.to_string_lossy().ends_with("_tests.rs") => BTreeSet::new(),
        false => {
            let text = fs::read_to_string(path).unwrap();
            let name = |rest: &str| rest.split([' ', '<']).next().map(str::to_owned);
            let names = text.split("\nimpl Endpoint for ").skip(1).filter_map(name);
            names.filter(|name| text.contains(&format!("\npub struct {name}"))).collect()
        }
    };
    files.flat_map(names).collect()
}

#[test]
fn table_has_every_endpoint_of_the_source() {
    let mut rows = Page(Vec::new());
    endpoints(&mut rows);
    let source = in_source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(source.len() > 30, "{source:?}");
    for name in source {
        assert!(rows.0.iter().any(|row| row.contains(&format!("[`{name}`]"))), "{name}");
    }
}

/// The table of the page is that of all endpoints. `UPDATE_ENDPOINTS=1` writes it.
///
/// Threats B2 and B4: it has the longest reply and the deadline of each endpoint.
#[test]
fn page_has_every_endpoint() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/endpoints.md");
    let page = fs::read_to_string(&path).unwrap();
    let (text, table) = page.split_once("\n|---|---|---|---|---|---|\n").unwrap();
    let mut rows = Page(Vec::new());
    endpoints(&mut rows);
    let rows = rows.0.join("\n") + "\n";
    if env::var_os("UPDATE_ENDPOINTS").is_some() {
        fs::write(path, format!("{text}\n|---|---|---|---|---|---|\n{rows}")).unwrap();
    } else {
        assert_eq!(table, rows, "run with UPDATE_ENDPOINTS=1 to write the table");
    }
}

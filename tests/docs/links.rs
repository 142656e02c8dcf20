//! Every link leads somewhere: between files as they are written, and between pages as they are served.

use crate::page::{self, Page};
use crate::support::Server;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[test]
fn every_link_of_a_page_leads_to_a_file() {
    let mut findings = Vec::new();
    for Page { path, links, .. } in page::all() {
        let folder = Path::new(&path).parent().expect("a page lies in a folder");
        for link in links.iter().filter(|link| !is_elsewhere(link)) {
            let file = link.split('#').next().unwrap_or_default();
            let target = page::top().join(folder).join(file);
            if !file.is_empty() && !target.exists() {
                findings.push(format!("{path}: {link} leads to nothing"));
            }
            // Only these pages come with the program.
            if path.starts_with("docs/")
                && !file.is_empty()
                && (file.contains('/') || file.strip_suffix(".md").is_none())
            {
                findings.push(format!("{path}: {link} leads out of the guide"));
            }
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn every_page_that_is_named_in_a_sentence_is_there() {
    let mut findings = Vec::new();
    for Page { path, spans, .. } in page::all() {
        for named in spans.iter().filter(|span| span.starts_with("docs/")) {
            if !page::top().join(named).exists() {
                findings.push(format!("{path}: {named} is not there"));
            }
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn every_link_of_the_guide_is_answered_and_every_page_is_reached() {
    let server = Server::start();
    let mut pages: BTreeMap<String, String> = BTreeMap::new();
    let mut links: BTreeSet<(String, String)> = BTreeSet::new();
    let mut ahead = vec!["/guide".to_owned()];
    while let Some(address) = ahead.pop() {
        let reply = server.get(&address, &[]);
        assert_eq!(reply.status, 200, "{address}");
        for link in attributes(&reply.body, "href") {
            let file = link.split('#').next().unwrap_or_default();
            let target = if file.is_empty() { &address } else { file };
            if target.starts_with("/guide") && !pages.contains_key(target) && !ahead.iter().any(|known| known == target)
            {
                ahead.push(target.to_owned());
            }
            links.insert((address.clone(), link));
        }
        pages.insert(address, reply.body);
    }
    for (from, link) in links.iter().filter(|(_, link)| !is_elsewhere(link)) {
        let (file, anchor) = link.split_once('#').map_or((link.as_str(), None), |(file, anchor)| (file, Some(anchor)));
        let target = if file.is_empty() { from } else { file };
        assert!(target.starts_with('/'), "{from}: {link} is no address of this service");
        match (pages.get(target), anchor) {
            (Some(body), Some(anchor)) => {
                assert!(attributes(body, "id").any(|id| id == anchor), "{from}: nothing is called {link}");
            }
            (Some(_), None) => {}
            (None, _) => assert_eq!(server.get(target, &[]).status, 200, "{from}: {link}"),
        }
    }
    for page in page::guide() {
        let name = page.path.trim_start_matches("docs/").trim_end_matches(".md").to_owned();
        assert!(pages.contains_key(&format!("/guide/{name}")), "no link leads to {name}");
    }
}

#[test]
fn the_guide_is_read_on_a_phone_and_asks_for_nothing_else() {
    let server = Server::start();
    for page in page::guide() {
        let address = page.path.replace("docs/", "/guide/").replace(".md", "");
        let html = server.get(&address, &[]).body;
        assert!(html.contains("name=\"viewport\" content=\"width=device-width"), "{address}");
        assert_eq!(
            html.matches("<table>").count(),
            html.matches("<div class=\"scroll\"").count(),
            "{address}: tables scroll"
        );
        assert_eq!(html.matches("<h1 ").count(), 1, "{address}");
        for fetched in ["<script", "<link", "<img", "<iframe", "@import", "url("] {
            assert!(!html.contains(fetched), "{address}: {fetched}");
        }
    }
}

fn is_elsewhere(link: &str) -> bool {
    link.starts_with("https://") || link.starts_with("http://")
}

fn attributes<'a>(html: &'a str, name: &str) -> impl Iterator<Item = String> + use<'a> {
    let mark = format!(" {name}=\"");
    let parts: Vec<&str> = html.split(mark.as_str()).skip(1).collect();
    parts.into_iter().filter_map(|part| Some(part.split_once('"')?.0.replace("&amp;", "&")))
}

//! The guide: the Markdown pages of `docs/`, which come with the program, as they are read under `/guide`.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use rust_embed::RustEmbed;
use std::collections::HashMap;

/// Where the list of pages is read; each page lies below.
pub const ADDRESS: &str = "/guide";

/// Part of the binary; a debug build reads the folder, so that a changed page needs no new build.
#[derive(RustEmbed)]
#[folder = "docs/"]
struct Files;

/// The pages in the order to read them, by what brings people here. One that is not named here stands in the last part.
const PARTS: [(&str, &[&str]); 4] = [
    (
        "Use it",
        &["getting-started", "api", "authentication", "errors", "limits", "clients", "feedback", "method", "ai"],
    ),
    (
        "Run it",
        &[
            "deployment",
            "nodes",
            "configuration",
            "listening",
            "admin",
            "monitoring",
            "backup",
            "maintenance",
            "postgresql",
            "copy",
            "upgrade",
            "operations",
            "load",
            "scaling",
        ],
    ),
    ("When something is wrong", &["runbooks"]),
    ("Trust it", &["security", "privacy", "audit", "checklist"]),
];
const LAST_PART: &str = "More";

/// A page as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// `backup` for `docs/backup.md`.
    pub name: String,
    pub markdown: String,
}

impl Page {
    /// What stands behind the first `#`.
    pub fn title(&self) -> &str {
        self.markdown.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(&self.name)
    }

    fn address(&self) -> String {
        format!("{ADDRESS}/{}", self.name)
    }

    /// The first sentence of its first paragraph.
    fn summary(&self) -> String {
        let mut within = false;
        let mut text = String::new();
        for event in Parser::new_ext(&self.markdown, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Paragraph) => within = true,
                Event::End(TagEnd::Paragraph) => break,
                Event::Text(part) | Event::Code(part) if within => text.push_str(&part),
                Event::SoftBreak if within => text.push(' '),
                _ => {}
            }
        }
        let end = text.find(". ").map_or(text.len(), |at| at + 1);
        text.truncate(end);
        text
    }
}

/// All pages by part, in the order to read them.
pub fn parts() -> Vec<(&'static str, Vec<Page>)> {
    let mut left: Vec<String> = Files::iter().filter_map(|file| file.strip_suffix(".md").map(str::to_owned)).collect();
    left.sort();
    let mut parts = Vec::new();
    for (part, names) in PARTS {
        let held: Vec<Page> = names.iter().filter_map(|name| page(name)).collect();
        left.retain(|name| !names.contains(&name.as_str()));
        parts.push((part, held));
    }
    parts.push((LAST_PART, left.iter().filter_map(|name| page(name)).collect()));
    parts.retain(|(_, pages)| !pages.is_empty());
    parts
}

/// The page called `name`, if there is one.
pub fn page(name: &str) -> Option<Page> {
    let file = Files::get(&format!("{name}.md"))?;
    Some(Page { name: name.to_owned(), markdown: String::from_utf8(file.data.into_owned()).ok()? })
}

/// Every address of the guide with its page as HTML.
pub fn rendered() -> Vec<(String, String)> {
    let parts = parts();
    let pages: Vec<&Page> = parts.iter().flat_map(|(_, pages)| pages).collect();
    let mut all = vec![(ADDRESS.to_owned(), framed("Guide", list(&parts)))];
    for (n, page) in pages.iter().enumerate() {
        let before = n.checked_sub(1).and_then(|n| pages.get(n)).copied();
        let after = pages.get(n + 1).copied();
        all.push((page.address(), framed(page.title(), article(page, before, after))));
    }
    all
}

fn framed(title: &str, body: Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " - TreeBeard" }
                style { (PreEscaped(include_str!("../../assets/guide.css"))) }
            }
            body {
                header { a href="/" { "TreeBeard" } a href=(ADDRESS) { "Guide" } a href="/docs" { "API" } }
                (body)
            }
        }
    }
    .into_string()
}

fn list(parts: &[(&str, Vec<Page>)]) -> Markup {
    html! {
        main {
            h1 { "Guide" }
            @for (part, pages) in parts {
                h2 { (part) }
                ul.chapter {
                    @for page in pages {
                        li { a href=(page.address()) { (page.title()) } span { (page.summary()) } }
                    }
                }
            }
        }
    }
}

fn article(page: &Page, before: Option<&Page>, after: Option<&Page>) -> Markup {
    let Article { head, body, headings } = Article::of(&page.markdown);
    html! {
        main {
            (PreEscaped(head))
            @if headings.len() > 2 {
                nav.contents aria-label="Contents" {
                    ul {
                        @for Heading { id, text, is_sub } in &headings {
                            li.sub[*is_sub] { a href={ "#" (id) } { (text) } }
                        }
                    }
                }
            }
            (PreEscaped(body))
        }
        footer {
            @if let Some(page) = before { a href=(page.address()) rel="prev" { "\u{2190} " (page.title()) } }
            @if let Some(page) = after { a href=(page.address()) rel="next" { (page.title()) " \u{2192}" } }
        }
    }
}

/// A page as HTML: its title, and what follows.
struct Article {
    head: String,
    body: String,
    headings: Vec<Heading>,
}

/// A heading below the title.
struct Heading {
    id: String,
    text: String,
    is_sub: bool,
}

impl Article {
    fn of(markdown: &str) -> Self {
        let mut events: Vec<Event> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
        let headings = anchored(&mut events);
        let title_ends = events.iter().position(|event| matches!(event, Event::End(TagEnd::Heading(HeadingLevel::H1))));
        let following = events.split_off(title_ends.map_or(0, |end| end + 1));
        Article { head: written(events), body: written(following), headings }
    }
}

fn written(events: Vec<Event>) -> String {
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, events.into_iter().flat_map(adapted));
    // What is wider than a phone scrolls by itself, with the keyboard, too.
    html.replace("<pre>", "<pre class=\"scroll\" tabindex=\"0\">")
}

/// Gives every heading an id made of its words, and tells those below the title.
fn anchored(events: &mut [Event]) -> Vec<Heading> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut headings = Vec::new();
    for start in 0..events.len() {
        let (before, following) = events.split_at_mut(start + 1);
        let Some(Event::Start(Tag::Heading { level, id: place, .. })) = before.last_mut() else { continue };
        let words = following.iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
        let text: String = words
            .filter_map(|event| match event {
                Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                _ => None,
            })
            .collect();
        let mut id = slug(&text);
        let count = seen.entry(id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            id = format!("{id}-{}", *count - 1);
        }
        *place = Some(id.clone().into());
        if matches!(level, HeadingLevel::H2 | HeadingLevel::H3) {
            headings.push(Heading { id, text, is_sub: *level == HeadingLevel::H3 });
        }
    }
    headings
}

/// `a-second-disk` for "A second disk", as the sites that show Markdown do it.
fn slug(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase()
}

/// Links between pages lead to where the pages are served, tables scroll, and a block of commands says what it needs.
fn adapted(event: Event) -> Vec<Event> {
    match event {
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let dest_url = served(&dest_url).into();
            vec![Event::Start(Tag::Link { link_type, dest_url, title, id })]
        }
        Event::Start(Tag::Table(columns)) => {
            let frame = "<div class=\"scroll\" tabindex=\"0\">";
            vec![Event::Html(frame.into()), Event::Start(Tag::Table(columns))]
        }
        Event::End(TagEnd::Table) => vec![event, Event::Html("</div>".into())],
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(ref info))) => {
            let note = needed(info).map(|note| Event::Html(format!("<p class=\"needs\">{note}</p>\n").into()));
            note.into_iter().chain([event]).collect()
        }
        // Pages are written in Markdown alone: what looks like markup is text.
        Event::Html(text) | Event::InlineHtml(text) => vec![Event::Text(text)],
        _ => vec![event],
    }
}

/// `/guide/backup#restoring` for `backup.md#restoring`.
fn served(target: &str) -> String {
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    match file.strip_suffix(".md").filter(|name| !name.contains('/')) {
        Some(name) => format!("{ADDRESS}/{name}{}", anchor.map_or(String::new(), |anchor| format!("#{anchor}"))),
        None => target.to_owned(),
    }
}

/// What the words behind a block's language say of its commands: `sh serves`, `sh stopped`, `sh needs a cluster`.
fn needed(info: &str) -> Option<String> {
    let (_, words) = info.split_once(' ')?;
    let (first, rest) = words.split_once(' ').unwrap_or((words, ""));
    let note = match first {
        "serves" => "It keeps running: go on in another terminal.".to_owned(),
        "stopped" => "With the service stopped:".to_owned(),
        "needs" => format!("Needs {rest}:"),
        _ => return None,
    };
    Some(html! { (note) }.into_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(markdown: &str) -> String {
        Article::of(markdown).body
    }

    #[test]
    fn headings_are_listed_and_can_be_linked_to() {
        let page = Article::of("# Title\n\n## A `b` & c\n\n### Sub\n\n## A `b` & c\n");
        let listed: Vec<_> = page.headings.iter().map(|one| (one.id.as_str(), one.text.as_str(), one.is_sub)).collect();
        assert_eq!(listed, [("a-b--c", "A b & c", false), ("sub", "Sub", true), ("a-b--c-1", "A b & c", false)]);
        assert_eq!(page.head, "<h1 id=\"title\">Title</h1>\n");
        assert!(page.body.contains("<h2 id=\"a-b--c-1\">"), "{}", page.body);
    }

    #[test]
    fn links_between_pages_lead_below_guide_and_others_stay() {
        for (target, expected) in [
            ("backup.md", "/guide/backup"),
            ("backup.md#by-hand", "/guide/backup#by-hand"),
            ("#by-hand", "#by-hand"),
            ("https://example.org/a.md", "https://example.org/a.md"),
        ] {
            assert_eq!(served(target), expected);
        }
    }

    #[test]
    fn a_block_says_what_its_commands_need() {
        assert!(
            body("```sh needs <root>\nls\n```\n")
                .starts_with("<p class=\"needs\">Needs &lt;root&gt;:</p>\n<pre class=\"scroll\" tabindex")
        );
        assert!(body("```sh serves\nls\n```\n").contains("It keeps running"));
        assert!(
            body("```sh\nls\n```\n")
                .starts_with("<pre class=\"scroll\" tabindex=\"0\"><code class=\"language-sh\">ls\n")
        );
    }

    #[test]
    fn markup_in_a_page_is_text() {
        assert_eq!(body("a <b onclick=x>c</b>\n"), "<p>a &lt;b onclick=x&gt;c&lt;/b&gt;</p>\n");
        assert!(!body("<script>\nx()\n</script>\n").contains("<script"));
    }

    #[test]
    fn every_page_of_the_folder_has_a_title_a_first_sentence_and_a_place() {
        let names: Vec<String> = parts().into_iter().flat_map(|(_, pages)| pages).map(|page| page.name).collect();
        assert_eq!(names.len(), Files::iter().filter(|file| file.ends_with(".md")).count());
        for page in names.iter().filter_map(|name| page(name)) {
            assert!(page.markdown.starts_with("# "), "{}: begins with its title", page.name);
            assert!(page.summary().len() > 10, "{}: begins with a paragraph", page.name);
        }
    }
}

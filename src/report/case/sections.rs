//! The parts of a case file's page that are read without its script: everything in words and in tables.
//!
//! Tables of accounts, identifiers and transfers stop at [`ROWS_MAX`] rows and say so. A place that points outside its
//! list is shown as `?`: what is shown may come from a file that was not checked.

use super::file::{CaseAccount, CaseAmount, CaseFile, CaseTransfer};
use super::markup::{amount, bits, escape, fill, grouped, moment, name, short_name, table, text, visible};
use super::words::Words;
use serde_json::Value;

/// Rows of accounts, identifiers and transfers that are readable without the script.
pub(super) const ROWS_MAX: usize = 300;
/// Names listed in one cell.
const NAMES_MAX: usize = 8;

/// A case file and its words.
pub(super) struct Sections<'a> {
    pub(super) case: &'a CaseFile,
    pub(super) words: &'a Words,
}

impl Sections<'_> {
    fn word(&self, key: &str) -> String {
        escape(self.words.get(key))
    }

    fn filled(&self, key: &str, values: &[&str]) -> String {
        escape(&fill(self.words.get(key), values))
    }

    fn counted(&self, count: usize, one: &str, many: &str) -> String {
        if count == 1 { self.word(one) } else { self.filled(many, &[&grouped(&count.to_string())]) }
    }

    /// A section with a heading, for the contents as well.
    fn section(&self, id: &str, class: &str, content: &str) -> String {
        format!(
            "<section id=\"{id}\" class=\"{class}\" aria-labelledby=\"{id}-h\"><h2 id=\"{id}-h\">{}</h2>\n{content}</section>\n",
            self.word(id)
        )
    }

    /// Title, subject and the figures that come first.
    pub(super) fn header(&self) -> String {
        let (case, subject) = (self.case, &self.case.subject);
        let kind = match subject.kind.as_str() {
            "ring" => self.word("case_ring"),
            "trace" => self.word("case_trace"),
            other => escape(&visible(other)),
        };
        let span = match (&subject.first, &subject.last) {
            (Some(first), Some(last)) => format!("{} – {} UTC", moment(first), moment(last)),
            (Some(one), None) | (None, Some(one)) => format!("{} UTC", moment(one)),
            (None, None) => self.word("none"),
        };
        let members = case.accounts.iter().filter(|account| account.member).count();
        let evidence = case.transfers.iter().filter(|transfer| transfer.evidence).count();
        let mut figures = vec![
            ("members", grouped(&members.to_string())),
            ("outside_accounts", grouped(&(case.accounts.len() - members).to_string())),
            ("transfers", grouped(&case.transfers.len().to_string())),
            ("evidence", grouped(&evidence.to_string())),
            ("identifiers", grouped(&case.identifiers.len().to_string())),
        ];
        if let Some(score) = case.score_millibits {
            figures.insert(0, ("score", format!("{} {}", bits(score), self.word("bits"))));
        }
        let figures: String = figures
            .iter()
            .map(|(key, value)| format!("<div><dt>{}</dt><dd>{value}</dd></div>", self.word(key)))
            .collect();
        format!(
            "<header><p class=\"kind\">{kind}</p><h1>{}</h1>\n<p class=\"subject\">{} · {}: <span class=\"nowrap\">{span}</span></p>\n<dl class=\"figures\">{figures}</dl>\n</header>\n",
            text(&subject.title),
            name(&subject.id, self.words.get("characters")),
            self.word("period")
        )
    }

    /// Says that a part is shown, where that is so.
    pub(super) fn summarised(&self) -> String {
        let Some(part) = &self.case.summarised else { return String::new() };
        let numbers = [grouped(&part.num_accounts.to_string()), grouped(&part.num_transfers.to_string())];
        format!(
            "<p class=\"warning\" id=\"summarised\" role=\"note\"><strong>{}</strong> {} {}</p>\n",
            self.word("summarised"),
            self.filled("summarised_of", &[&numbers[0], &numbers[1]]),
            text(&part.text)
        )
    }

    pub(super) fn summary(&self) -> String {
        let points = self.case.summary.iter().map(|point| {
            let question = visible(&point.question);
            format!(
                "<div><dt>{}</dt><dd>{}</dd></div>\n",
                escape(self.words.get(&question)),
                text(&point.text)
            )
        });
        self.section("summary", "", &format!("<dl class=\"points\">{}</dl>\n", points.collect::<String>()))
    }

    /// The claims, and the parts of the score with their sum.
    pub(super) fn reasons(&self) -> String {
        let case = self.case;
        let mut out = String::from("<ol class=\"claims\">\n");
        for (at, claim) in case.claims.iter().enumerate() {
            let shown = [
                (claim.transfers.len(), "one_transfer", "num_transfers"),
                (claim.identifiers.len(), "one_identifier", "num_identifiers"),
            ];
            let shown: Vec<String> = (shown.into_iter().filter(|(count, ..)| *count > 0))
                .map(|(count, one, many)| self.counted(count, one, many))
                .collect();
            let rests = if shown.is_empty() {
                String::new()
            } else {
                format!(" · {}", fill(&self.word("rests_on"), &[&shown.join(", ")]))
            };
            let kind = short_name(self.words.named("kind", &claim.kind));
            out += &format!(
                "<li data-claim=\"{at}\"><p>{}</p><p class=\"small\"><span class=\"chip\">{}</span> {} · {}{rests}</p></li>\n",
                text(&claim.text),
                kind,
                short_name(&claim.id),
                self.filled("adds", &[&bits(claim.millibits)])
            );
        }
        out += "</ol>\n";
        if let (true, None) = (case.score_parts.is_empty(), case.score_millibits) {
            return self.section("reasons", "", &out);
        }
        let sum: i128 = case.score_parts.iter().map(|part| i128::from(part.millibits)).sum();
        let largest = case.score_parts.iter().map(|part| part.millibits.unsigned_abs()).max().unwrap_or(0);
        let mut rows: Vec<Vec<String>> = case
            .score_parts
            .iter()
            .map(|part| vec![text(&part.label), bar(part.millibits, largest), bits(part.millibits)])
            .collect();
        let total = case.score_millibits.unwrap_or_else(|| i64::try_from(sum).unwrap_or(i64::MAX));
        rows.push(vec![
            format!("<strong>{}</strong>", self.word("total")),
            String::new(),
            format!("<strong>{} {}</strong>", bits(total), self.word("bits")),
        ]);
        let headings = [self.words.get("part"), "", self.words.get("bits")];
        out += &table(self.words.get("score_parts"), &headings, &[2], &rows);
        if sum != i128::from(total) {
            out += &format!("<p class=\"warning\" role=\"note\">{}</p>\n", self.word("sum_wrong"));
        }
        self.section("reasons", "", &out)
    }

    pub(super) fn counterfactual(&self) -> String {
        let Some(change) = &self.case.counterfactual else { return String::new() };
        let proof = self.word(if change.smallest { "smallest_yes" } else { "smallest_no" });
        let mut content = format!("<p>{}</p><p class=\"small\">{proof}</p>\n<ul>\n", text(&change.text));
        let ids = |places: &[u32], names: &[&str]| -> String {
            let item = |place: &u32| {
                format!("<li>{}</li>\n", short_name(names.get(*place as usize).unwrap_or(&"?")))
            };
            places.iter().take(ROWS_MAX).map(item).collect()
        };
        let transfers: Vec<&str> = self.case.transfers.iter().map(|transfer| transfer.id.as_str()).collect();
        let identifiers: Vec<&str> = self.case.identifiers.iter().map(|one| one.id.as_str()).collect();
        content += &ids(&change.transfers, &transfers);
        content += &ids(&change.identifiers, &identifiers);
        content += "</ul>\n";
        self.section("counterfactual", "", &content)
    }

    pub(super) fn money(&self) -> String {
        let cell = |one: &CaseAmount| {
            format!("<span class=\"amount\">{}</span>", escape(&visible(&grouped(&one.amount))))
        };
        let rows: Vec<Vec<String>> = self
            .case
            .money
            .iter()
            .map(|line| {
                let traced = line.traced.as_ref().map_or("–".to_string(), cell);
                let mut row = vec![escape(&visible(&line.currency))];
                row.extend([&line.received, &line.paid, &line.kept, &line.inside].map(cell));
                row.push(traced);
                row
            })
            .collect();
        let headings = ["currency", "received_outside", "paid_outside", "kept", "inside", "traced"]
            .map(|key| self.words.get(key));
        self.section("money", "", &table(self.words.get("money"), &headings, &[1, 2, 3, 4, 5], &rows))
    }

    /// A place that the script fills.
    pub(super) fn drawn(&self, id: &str) -> String {
        self.section(id, "drawn", &format!("<div id=\"{id}-view\"></div>\n"))
    }

    pub(super) fn accounts(&self) -> String {
        let shown = self.case.accounts.iter().take(ROWS_MAX);
        let rows: Vec<Vec<String>> = shown.map(|account| self.account(account)).collect();
        let headings = ["account", "part_of_ring", "roles", "received", "paid", "attributes"];
        self.listed("accounts", &headings, &[3, 4], &rows, self.case.accounts.len())
    }

    fn account(&self, account: &CaseAccount) -> Vec<String> {
        let roles: Vec<String> =
            account.roles.iter().map(|role| short_name(self.words.named("role", role))).collect();
        let amounts = |list: &[CaseAmount]| list.iter().map(amount).collect::<Vec<_>>().join("<br>");
        let attributes: Vec<String> = account
            .attributes
            .iter()
            .map(|(key, value)| format!("{}: {}", text(key), short_name(&plain(value))))
            .collect();
        vec![
            name(&account.id, self.words.get("characters")),
            self.word(if account.member { "member" } else { "outside" }),
            roles.join(", "),
            amounts(&account.received),
            amounts(&account.paid),
            attributes.join("<br>"),
        ]
    }

    pub(super) fn identifiers(&self) -> String {
        let case = self.case;
        if case.identifiers.is_empty() {
            return String::new();
        }
        let mut users: Vec<Vec<u32>> = vec![Vec::new(); case.identifiers.len()];
        for one in &case.uses {
            if let Some(list) = users.get_mut(one.identifier as usize) {
                list.push(one.account);
            }
        }
        let rows: Vec<Vec<String>> = (case.identifiers.iter().zip(&users).take(ROWS_MAX))
            .map(|(identifier, users)| {
                let mut names: Vec<String> =
                    users.iter().take(NAMES_MAX).map(|place| self.account_name(*place)).collect();
                if users.len() > NAMES_MAX {
                    names.push(self.filled("and_more", &[&(users.len() - NAMES_MAX).to_string()]));
                }
                vec![
                    text(&identifier.kind),
                    name(&identifier.id, self.words.get("characters")),
                    names.join(", "),
                ]
            })
            .collect();
        self.listed("identifiers", &["kind", "identifier", "used_by"], &[], &rows, case.identifiers.len())
    }

    /// Transfers that reasons rest on; where none does, all.
    pub(super) fn transfers(&self) -> String {
        let case = self.case;
        let mut reasons: Vec<Vec<usize>> = vec![Vec::new(); case.transfers.len()];
        for (at, claim) in case.claims.iter().enumerate() {
            for &place in &claim.transfers {
                if let Some(list) = reasons.get_mut(place as usize) {
                    list.push(at + 1);
                }
            }
        }
        let rests = |at: usize| case.transfers[at].evidence || !reasons[at].is_empty();
        let evidence: Vec<usize> = (0..case.transfers.len()).filter(|at| rests(*at)).collect();
        let places = if evidence.is_empty() { (0..case.transfers.len()).collect() } else { evidence };
        let rows: Vec<Vec<String>> = (places.iter().take(ROWS_MAX))
            .map(|&at| self.transfer(&case.transfers[at], &reasons[at]))
            .collect();
        let headings = ["transfer", "time_utc", "from", "to", "paid", "received", "traced", "shows_reasons"];
        let id = if places.len() < case.transfers.len() { "evidence" } else { "transfers" };
        self.listed(id, &headings, &[4, 5, 6], &rows, places.len())
    }

    fn transfer(&self, transfer: &CaseTransfer, reasons: &[usize]) -> Vec<String> {
        let reasons: Vec<String> = reasons.iter().map(usize::to_string).collect();
        let optional = |one: &Option<CaseAmount>| one.as_ref().map_or(String::new(), amount);
        vec![
            name(&transfer.id, self.words.get("characters")),
            format!("<span class=\"nowrap\">{}</span>", moment(&transfer.time)),
            self.account_name(transfer.source),
            self.account_name(transfer.target),
            amount(&transfer.paid),
            optional(&transfer.received),
            optional(&transfer.traced),
            reasons.join(", "),
        ]
    }

    fn account_name(&self, place: u32) -> String {
        short_name(self.case.accounts.get(place as usize).map_or("?", |account| &account.id))
    }

    /// A table of which the script makes a better one.
    fn listed(
        &self,
        id: &str,
        headings: &[&str],
        numbers: &[usize],
        rows: &[Vec<String>],
        all: usize,
    ) -> String {
        let headings: Vec<&str> = headings.iter().map(|key| self.words.get(key)).collect();
        let mut content = table(self.words.get(id), &headings, numbers, rows);
        if rows.len() < all {
            let numbers = [rows.len(), all].map(|count| grouped(&count.to_string()));
            content += &format!(
                "<p class=\"small rows-left\">{}</p>\n",
                self.filled("first_rows", &[&numbers[0], &numbers[1]])
            );
        }
        self.section(id, "plain", &content)
    }

    pub(super) fn withheld(&self) -> String {
        let content = if self.case.withheld.is_empty() {
            format!("<p>{}</p>\n", self.word("withheld_none"))
        } else {
            let items = self.case.withheld.iter().map(|what| format!("<li>{}</li>\n", text(what)));
            format!("<ul>\n{}</ul>\n", items.collect::<String>())
        };
        self.section("withheld", "", &content)
    }

    /// Versions, options and digests, a line each.
    pub(super) fn provenance(&self) -> String {
        let mut lines = vec![("format".to_string(), self.case.format.clone())];
        flatten("", &self.case.provenance, &mut lines);
        let rows: Vec<Vec<String>> = lines
            .iter()
            .map(|(key, value)| {
                vec![name(key, self.words.get("characters")), name(value, self.words.get("characters"))]
            })
            .collect();
        self.section("provenance", "", &table(self.words.get("provenance"), &["", ""], &[], &rows))
    }
}

/// The size of a part beside the largest; drawn with attributes only, which need no style.
fn bar(millibits: i64, largest: u64) -> String {
    let width = u128::from(millibits.unsigned_abs()) * 1000 / u128::from(largest.max(1));
    let class = if millibits < 0 { "less" } else { "more" };
    format!(
        "<svg class=\"bar {class}\" width=\"160\" height=\"10\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect width=\"{width}\" height=\"10\"></rect></svg>"
    )
}

/// A value as a reader writes it: a text without quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_string(),
        other => other.to_string(),
    }
}

/// The leaves of `value` with the way to each, in the order in which they stand.
fn flatten(way: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    let below = |key: &str| if way.is_empty() { key.to_string() } else { format!("{way}.{key}") };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().for_each(|(key, value)| flatten(&below(key), value, lines));
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            items.iter().enumerate().for_each(|(at, item)| flatten(&below(&at.to_string()), item, lines));
        }
        Value::Array(items) => {
            lines.push((way.to_string(), items.iter().map(plain).collect::<Vec<_>>().join(", ")));
        }
        Value::Null if way.is_empty() => {}
        other => lines.push((way.to_string(), plain(other))),
    }
}

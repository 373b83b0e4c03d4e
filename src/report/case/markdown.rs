//! A case file as Markdown (CommonMark with the tables of GitHub), for tickets, wikis and mail.
//!
//! # Choices
//! Texts of the data stand in the document as text: every character that could begin a link, an image, HTML, emphasis, code, a
//! heading, a list or a cell is written with a backslash or as an entity, and characters that act are made visible. Addresses are
//! broken by an entity at their colon or first dot, and at their @ by code, since GitHub makes links of bare ones. Amounts are the case
//! file's own decimals. The provenance is JSON in a fence longer than any run of backticks in it.

use super::file::{
    CaseAccount, CaseAmount, CaseFile, CaseTransfer, Claim, Counterfactual, Language, MoneyLine,
};
use super::picture::{Words, words};
use super::visible::visible;
use std::fmt::Write;

/// Longest text that a cell of a table shows.
const CELL_MAX: usize = 200;
/// Most transfers in the table; the JSON form has all of them.
const TRANSFERS_MAX: usize = 500;

/// Headings and words of one language.
struct Text {
    summary: &'static str,
    claims: &'static str,
    score: &'static str,
    part: &'static str,
    bits: &'static str,
    total: &'static str,
    money: &'static str,
    money_columns: [&'static str; 6],
    accounts: &'static str,
    account_columns: [&'static str; 6],
    identifiers: &'static str,
    identifier_columns: [&'static str; 3],
    evidence: &'static str,
    transfers: &'static str,
    transfer_columns: [&'static str; 6],
    traced: &'static str,
    counterfactual: &'static str,
    smallest: [&'static str; 2],
    shown: &'static str,
    withheld: &'static str,
    provenance: &'static str,
    yes: [&'static str; 2],
    rests_on: &'static str,
    none: &'static str,
    questions: [&'static str; 6],
    received_as: &'static str,
    colon: &'static str,
    list: &'static str,
}

const EN: Text = Text {
    summary: "Summary",
    claims: "Reasons",
    score: "Score",
    part: "Part",
    bits: "Bits",
    total: "Total",
    money: "Money",
    money_columns: ["Currency", "Received from outside", "Paid to outside", "Kept", "Moved inside", "Traced"],
    accounts: "Accounts",
    account_columns: ["Account", "Member", "Roles", "Received", "Paid", "Attributes"],
    identifiers: "Shared identifiers",
    identifier_columns: ["Identifier", "Kind", "Used by"],
    evidence: "Evidence",
    transfers: "Other transfers",
    transfer_columns: ["Transfer", "Time (UTC)", "From", "To", "Paid", "Claims"],
    traced: "Traced",
    counterfactual: "What would change the finding",
    smallest: [
        "Something smaller may do it as well: that was not ruled out.",
        "It is proved that nothing smaller does it.",
    ],
    shown: "What is shown",
    withheld: "What was withheld",
    provenance: "Provenance",
    yes: ["no", "yes"],
    rests_on: "rests on",
    none: "None.",
    questions: ["Who", "What", "When", "Where", "Why", "How"],
    received_as: "received as",
    colon: ": ",
    list: ", ",
};

const ZH: Text = Text {
    summary: "摘要",
    claims: "理由",
    score: "评分",
    part: "组成部分",
    bits: "比特",
    total: "合计",
    money: "资金",
    money_columns: ["币种", "从外部收到", "付给外部", "留存", "内部流转", "已追踪"],
    accounts: "账户",
    account_columns: ["账户", "成员", "角色", "收到", "付出", "属性"],
    identifiers: "标识",
    identifier_columns: ["标识", "类型", "使用者"],
    evidence: "证据",
    transfers: "其他转账",
    transfer_columns: ["转账", "时间（UTC）", "付款方", "收款方", "金额", "理由"],
    traced: "已追踪",
    counterfactual: "什么会改变结论",
    smallest: ["未排除更小的集合也能做到。", "已证明没有更小的集合能做到。"],
    shown: "展示范围",
    withheld: "未披露内容",
    provenance: "来源与版本",
    yes: ["否", "是"],
    rests_on: "依据",
    none: "无。",
    questions: ["何人", "何事", "何时", "何地", "何故", "如何"],
    received_as: "到账",
    colon: "：",
    list: "、",
};

/// `case` as a Markdown document, in the language of its texts; the same bytes for the same case file.
///
/// At most 500 transfers are listed, those that claims rest on first; a line says how many are not.
pub fn markdown(case: &CaseFile) -> String {
    let text = match case.language {
        Language::En => &EN,
        Language::Zh => &ZH,
    };
    let mut page = Page { out: String::new(), case, text, words: words(case) };
    page.line(format_args!("# {}", Inline(&case.subject.title)));
    page.about();
    page.summary();
    page.claims();
    page.score();
    page.money();
    page.accounts();
    page.identifiers();
    page.transfers();
    if let Some(counterfactual) = &case.counterfactual {
        page.counterfactual(counterfactual);
    }
    if let Some(summarised) = &case.summarised {
        page.heading(text.shown);
        page.line(format_args!("{}", Inline(&summarised.text)));
    }
    if !case.withheld.is_empty() {
        page.heading(text.withheld);
        for withheld in &case.withheld {
            page.item(format_args!("{}", Inline(withheld)));
        }
    }
    page.provenance();
    page.out
}

/// Shows a text inside of a line of Markdown, as itself.
struct Inline<'a>(&'a str);

impl std::fmt::Display for Inline<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = visible(self.0);
        for (at, c) in shown.char_indices() {
            match c {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                // An entity ends no cell and begins no link, whatever reads it.
                '|' => f.write_str("&#124;")?,
                // As code, because GitHub makes a link of an address even where an entity stands in it.
                '@' => f.write_str("`@`")?,
                // Where something could be linked by itself: `http:`, `www.`, `a.example`.
                ':' if shown[at + 1..].starts_with('/') => f.write_str("&#58;")?,
                '.' if shown[..at].to_ascii_lowercase().ends_with("www") => f.write_str("&#46;")?,
                '\\' | '`' | '*' | '[' | ']' | '~' | '$' => write!(f, "\\{c}")?,
                // Inside of a word an underscore emphasises nothing.
                '_' if !within_word(&shown, at) => f.write_str("\\_")?,
                '-' | '+' | '=' | '#' if at == 0 => write!(f, "\\{c}")?,
                // `1.` at the start of an item would begin a list.
                '.' | ')' if begins_list(&shown, at) => write!(f, "\\{c}")?,
                // Spaces at the start would make code of it, and two at the end a break.
                ' ' if shown[..at].trim().is_empty() || shown[at..].trim().is_empty() => {
                    f.write_str("&#32;")?
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Whether letters or digits stand on both sides of `at`.
fn within_word(text: &str, at: usize) -> bool {
    let sides = [text[..at].chars().next_back(), text[at + 1..].chars().next()];
    sides.iter().all(|c| c.is_some_and(|c| c.is_ascii_alphanumeric()))
}

/// Whether `text` up to `at` is digits, and a space or nothing follows.
fn begins_list(text: &str, at: usize) -> bool {
    let number = !text[..at].is_empty() && text[..at].bytes().all(|byte| byte.is_ascii_digit());
    number && text[at + 1..].chars().next().is_none_or(|c| c == ' ')
}

/// A text for a cell: cut where it is long.
fn cell(text: &str) -> String {
    let cut = super::visible::cut(text, CELL_MAX);
    Inline(&cut).to_string()
}

fn amount(amount: &CaseAmount) -> String {
    format!("{} {}", cell(&amount.amount), cell(&amount.currency))
}

/// Thousandths as a decimal.
fn thousandths(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", value.unsigned_abs() / 1_000, value.unsigned_abs() % 1_000)
}

struct Page<'a> {
    out: String,
    case: &'a CaseFile,
    text: &'static Text,
    words: &'static Words,
}

impl Page<'_> {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.out, "{line}\n"); // a String takes everything
    }

    fn item(&mut self, item: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.out, "* {item}");
    }

    fn heading(&mut self, heading: &str) {
        if !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
        self.line(format_args!("## {heading}"));
    }

    /// A table; columns in `right` are numbers. `rows` are cells that are escaped already.
    fn table(&mut self, columns: &[&str], right: &[usize], rows: impl IntoIterator<Item = Vec<String>>) {
        let _ = writeln!(self.out, "| {} |", columns.join(" | "));
        let rule = |at: usize| if right.contains(&at) { "---:" } else { "---" };
        let rules: Vec<&str> = (0..columns.len()).map(rule).collect();
        let _ = writeln!(self.out, "| {} |", rules.join(" | "));
        for row in rows {
            let _ = writeln!(self.out, "| {} |", row.join(" | "));
        }
        self.out.push('\n');
    }

    fn about(&mut self) {
        let subject = &self.case.subject;
        let mut about = format!("{} {}", Inline(&subject.kind), Inline(&subject.id));
        if let (Some(first), Some(last)) = (&subject.first, &subject.last) {
            let _ = write!(about, "{}{} – {}", self.text.list, Inline(first), Inline(last));
        }
        self.line(format_args!("{about}"));
    }

    fn summary(&mut self) {
        if self.case.summary.is_empty() {
            return;
        }
        self.heading(self.text.summary);
        for point in &self.case.summary {
            const QUESTIONS: [&str; 6] = ["who", "what", "when", "where", "why", "how"];
            let place = QUESTIONS.iter().position(|question| *question == point.question);
            let question =
                place.map_or_else(|| cell(&point.question), |place| self.text.questions[place].into());
            self.item(format_args!("**{question}**{}{}", self.text.colon, Inline(&point.text)));
        }
    }

    fn claims(&mut self) {
        self.heading(self.text.claims);
        if self.case.claims.is_empty() {
            self.line(format_args!("{}", self.text.none));
        }
        for (number, claim) in self.case.claims.iter().enumerate() {
            let _ = writeln!(self.out, "{}. {}", number + 1, self.claim(claim));
        }
    }

    /// What a claim says, what it adds, and what it rests on.
    fn claim(&self, claim: &Claim) -> String {
        let mut line = Inline(&claim.text).to_string();
        let _ = write!(line, " ({} {}", cell(&claim.kind), cell(&claim.id));
        let _ = write!(
            line,
            "{}{} {}",
            self.text.list,
            thousandths(claim.millibits),
            self.text.bits.to_lowercase()
        );
        let identifiers = self.identifiers_at(&claim.identifiers);
        let mut rests = Vec::new();
        if !claim.transfers.is_empty() {
            rests.push(self.words.transfers(claim.transfers.len() as u64));
        }
        rests.extend(identifiers);
        if !rests.is_empty() {
            let _ = write!(line, "; {} {}", self.text.rests_on, rests.join(self.text.list));
        }
        line + ")"
    }

    fn identifiers_at(&self, places: &[u32]) -> Vec<String> {
        let known = places.iter().filter_map(|&place| self.case.identifiers.get(place as usize));
        known.map(|identifier| format!("{} {}", cell(&identifier.kind), cell(&identifier.id))).collect()
    }

    fn score(&mut self) {
        let Some(score) = self.case.score_millibits else { return };
        self.heading(self.text.score);
        let parts =
            self.case.score_parts.iter().map(|part| vec![cell(&part.label), thousandths(part.millibits)]);
        let total = vec![format!("**{}**", self.text.total), format!("**{}**", thousandths(score))];
        self.table(&[self.text.part, self.text.bits], &[1], parts.chain([total]));
    }

    fn money(&mut self) {
        if self.case.money.is_empty() {
            return;
        }
        self.heading(self.text.money);
        let row = |money: &MoneyLine| {
            let traced = money.traced.as_ref().map_or("–".into(), |traced| cell(&traced.amount));
            let known =
                [&money.received, &money.paid, &money.kept, &money.inside].map(|sum| cell(&sum.amount));
            [cell(&money.currency)].into_iter().chain(known).chain([traced]).collect()
        };
        self.table(&self.text.money_columns, &[1, 2, 3, 4, 5], self.case.money.iter().map(row));
    }

    fn accounts(&mut self) {
        self.heading(self.text.accounts);
        let (text, words) = (self.text, self.words);
        let sums = |amounts: &[CaseAmount]| amounts.iter().map(amount).collect::<Vec<_>>().join("; ");
        let row = |account: &CaseAccount| {
            let roles: Vec<String> = account.roles.iter().map(|role| cell(words.role(role))).collect();
            let value = |value: &serde_json::Value| match value {
                serde_json::Value::String(value) => cell(value),
                value => cell(&value.to_string()),
            };
            let attributes: Vec<String> =
                account.attributes.iter().map(|(name, v)| format!("{}: {}", cell(name), value(v))).collect();
            vec![
                cell(&account.id),
                text.yes[usize::from(account.member)].into(),
                roles.join(text.list),
                sums(&account.received),
                sums(&account.paid),
                attributes.join("; "),
            ]
        };
        // The last column is for attributes, where there are some.
        let columns =
            if self.case.accounts.iter().all(|account| account.attributes.is_empty()) { 5 } else { 6 };
        let rows = self.case.accounts.iter().map(|account| row(account).into_iter().take(columns).collect());
        self.table(&text.account_columns[..columns], &[3, 4], rows);
    }

    fn identifiers(&mut self) {
        if self.case.identifiers.is_empty() {
            return;
        }
        self.heading(self.text.identifiers);
        let mut users: Vec<Vec<String>> = vec![Vec::new(); self.case.identifiers.len()];
        for link in &self.case.uses {
            let account = self.case.accounts.get(link.account as usize);
            if let (Some(users), Some(account)) = (users.get_mut(link.identifier as usize), account) {
                users.push(format!("{} ×{}", cell(&account.id), link.count));
            }
        }
        let rows = self.case.identifiers.iter().zip(users).map(|(identifier, users)| {
            vec![cell(&identifier.id), cell(&identifier.kind), users.join(self.text.list)]
        });
        self.table(&self.text.identifier_columns, &[], rows);
    }

    fn transfers(&mut self) {
        // Which claims, by number, rest on a transfer.
        let mut claims: Vec<Vec<String>> = vec![Vec::new(); self.case.transfers.len()];
        for (number, claim) in self.case.claims.iter().enumerate() {
            for &transfer in &claim.transfers {
                if let Some(claims) = claims.get_mut(transfer as usize) {
                    claims.push((number + 1).to_string());
                }
            }
        }
        let mut room = TRANSFERS_MAX;
        for (evidence, heading) in [(true, self.text.evidence), (false, self.text.transfers)] {
            let chosen: Vec<usize> = (0..self.case.transfers.len())
                .filter(|&at| self.case.transfers[at].evidence == evidence)
                .collect();
            if chosen.is_empty() && !evidence {
                continue;
            }
            self.heading(heading);
            if chosen.is_empty() {
                self.line(format_args!("{}", self.text.none));
                continue;
            }
            let shown = &chosen[..chosen.len().min(room)];
            room -= shown.len();
            let rows = shown.iter().map(|&at| self.transfer(&self.case.transfers[at], &claims[at]));
            let columns = if evidence { 6 } else { 5 };
            let rows: Vec<Vec<String>> = rows.map(|row| row.into_iter().take(columns).collect()).collect();
            if !rows.is_empty() {
                self.table(&self.text.transfer_columns[..columns], &[4], rows);
            }
            let left_out = chosen.len() - shown.len();
            if left_out > 0 {
                self.line(format_args!("… +{}", self.words.transfers(left_out as u64)));
            }
        }
    }

    fn transfer(&self, transfer: &CaseTransfer, claims: &[String]) -> Vec<String> {
        let name = |place: u32| {
            self.case.accounts.get(place as usize).map_or("?".into(), |account| cell(&account.id))
        };
        let mut paid = amount(&transfer.paid);
        if let Some(received) = &transfer.received {
            let _ = write!(paid, "{}{} {}", self.text.list, self.text.received_as, amount(received));
        }
        if let Some(traced) = &transfer.traced {
            let _ = write!(paid, "{}{} {}", self.text.list, self.text.traced.to_lowercase(), amount(traced));
        }
        vec![
            cell(&transfer.id),
            cell(&transfer.time),
            name(transfer.source),
            name(transfer.target),
            paid,
            claims.join(self.text.list),
        ]
    }

    fn counterfactual(&mut self, counterfactual: &Counterfactual) {
        self.heading(self.text.counterfactual);
        let smallest = self.text.smallest[usize::from(counterfactual.smallest)];
        self.line(format_args!("{} {smallest}", Inline(&counterfactual.text)));
        for &place in &counterfactual.transfers {
            if let Some(transfer) = self.case.transfers.get(place as usize) {
                let row = self.transfer(transfer, &[]);
                self.item(format_args!(
                    "{}{}{} → {}{}{}",
                    row[0], self.text.colon, row[2], row[3], self.text.list, row[4]
                ));
            }
        }
        for identifier in self.identifiers_at(&counterfactual.identifiers) {
            self.item(format_args!("{identifier}"));
        }
    }

    fn provenance(&mut self) {
        self.heading(self.text.provenance);
        let json = serde_json::to_string_pretty(&self.case.provenance).unwrap_or_default();
        // In JSON `<` stands in texts only, where it can be written otherwise.
        let json: Vec<String> = json.lines().map(|line| visible(line).replace('<', "\\u003c")).collect();
        let longest = json.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        let _ = write!(self.out, "{fence}json\n{}\n{fence}\n", json.join("\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_a_text() {
        let shown = |text: &str| Inline(text).to_string();
        assert_eq!(shown("a|b\nc"), "a&#124;b\\\\nc");
        assert_eq!(shown("[x](http://e)"), "\\[x\\](http&#58;//e)");
        assert_eq!(shown("a@e.example"), "a`@`e.example");
        assert_eq!(shown("a_b _c_ 1_000"), "a_b \\_c\\_ 1_000");
        assert_eq!(shown("1) x 2) y"), "1\\) x 2) y");
        assert_eq!(shown("www.e.example"), "www&#46;e.example");
        assert_eq!(shown("<b>&amp;"), "&lt;b&gt;&amp;amp;");
        assert_eq!(shown("1. x"), "1\\. x");
        assert_eq!(shown("- x"), "\\- x");
        assert_eq!(shown("    code  "), "&#32;&#32;&#32;&#32;code&#32;&#32;");
        assert_eq!(shown("12.50 at 10:30"), "12.50 at 10:30");
    }

    #[test]
    fn thousandths_are_exact() {
        assert_eq!(
            [0, -5, 12_345, i64::MIN].map(thousandths),
            ["0.000", "-0.005", "12.345", "-9223372036854775.808"]
        );
    }
}

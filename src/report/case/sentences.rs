//! The sentences of case files, in the languages of their readers.

use super::file::{CaseAmount, Language};
use crate::patterns::Typology;
use crate::rings::{ClaimKind, RingRole};

/// Sentences of one language.
#[derive(Clone, Copy)]
pub(super) struct Words(pub Language);

impl Words {
    /// The English or the Chinese of two.
    pub(super) fn of<'t>(self, en: &'t str, zh: &'t str) -> &'t str {
        match self.0 {
            Language::En => en,
            Language::Zh => zh,
        }
    }

    /// A number of things: `1 account`, `2 accounts`, `2 个账户`.
    pub(super) fn count(self, count: usize, one: &str, many: &str, zh: &str) -> String {
        match self.0 {
            Language::En if count == 1 => format!("1 {one}"),
            Language::En => format!("{count} {many}"),
            Language::Zh => format!("{count} {zh}"),
        }
    }

    /// A list: `a, b and c`.
    pub(super) fn list(self, all: &[String]) -> String {
        match (self.0, all) {
            (_, []) => String::new(),
            (_, [one]) => one.clone(),
            (Language::En, [most @ .., last]) => format!("{} and {last}", most.join(", ")),
            (Language::Zh, [most @ .., last]) => format!("{}和{last}", most.join("、")),
        }
    }

    /// `12.30 EUR`.
    pub(super) fn amount(self, amount: &CaseAmount) -> String {
        format!("{} {}", amount.amount, amount.currency)
    }

    /// What a kind of claim is called.
    pub(super) fn claim(self, kind: ClaimKind) -> &'static str {
        super::words::Words::of(self.0).named("kind", kind.name())
    }

    /// What a typology is, in words.
    pub(super) fn typology(self, typology: Typology) -> &'static str {
        let (en, zh) = match typology {
            Typology::FanIn => ("many accounts pay one", "多个账户向同一账户付款"),
            Typology::FanOut => ("one account pays many", "一个账户向多个账户付款"),
            Typology::GatherScatter => (
                "one account receives from many and then pays many",
                "一个账户先从多个账户收款,再向多个账户付款",
            ),
            Typology::ScatterGather => {
                ("one account pays many, who then pay one", "一个账户先付给多个账户,后者再付给同一账户")
            }
            Typology::Cycle => (
                "money comes back to where it left, each payment after the one before",
                "资金按时间先后逐笔流转,最后回到起点",
            ),
            Typology::Random => (
                "each account pays on what it received, more or less",
                "每个账户把收到的款项大致转付给下一个账户",
            ),
            Typology::Bipartite => {
                ("some accounts each pay most of some others", "一组账户各自向另一组中的大多数账户付款")
            }
            Typology::Stack => {
                ("a bipartite layer whose payees pay a third layer", "两层多对多之后,收款方再向第三层付款")
            }
            Typology::PassThrough => (
                "an account pays on nearly all it receives within a day",
                "账户在一天内把收到的款项几乎全部转出",
            ),
            Typology::Layering => {
                ("a chain of accounts that each keep a small part", "一连串账户逐级转付,每级留下一小部分")
            }
            Typology::RoundTrip => (
                "a cycle that brings most of the money back, less a loss at each step",
                "资金绕行后大部分回到起点,每一步略有损耗",
            ),
            Typology::Structuring => (
                "several payments to one account just below a threshold",
                "向同一账户多次付款,每笔略低于限额",
            ),
            Typology::Smurfing => (
                "payments of many accounts to one, all just below a threshold",
                "多个账户向同一账户付款,每笔都略低于限额",
            ),
            Typology::Dormant => (
                "an account that was quiet for long and then moves money in short time",
                "账户长期不动,随后在短时间内转移资金",
            ),
            Typology::FirstPayees => {
                ("an account pays many others for the first time", "账户首次向许多收款人付款")
            }
            Typology::Funnel => (
                "an account gathers from many and pays nearly all of it to one or two",
                "账户从多处收款,几乎全部付给一两个账户",
            ),
            Typology::Mutual => ("two accounts pay each other", "两个账户互相付款"),
        };
        self.of(en, zh)
    }

    /// So many accounts with a role: `8 collector accounts`.
    pub(super) fn roles(self, count: usize, role: RingRole) -> String {
        let name = super::words::Words::of(self.0).named("role", role.name());
        match (self.0, count) {
            (Language::En, 1) => format!("1 {name} account"),
            (Language::En, _) => format!("{count} {name} accounts"),
            (Language::Zh, _) => format!("{count} 个{name}账户"),
        }
    }
}

/// A text with a capital at its beginning.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Thousandths of a bit as bits: `12.345`.
pub(super) fn bits(millibits: i64) -> String {
    crate::units::amount::format_amount(millibits.into(), 3)
}

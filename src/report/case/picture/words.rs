//! The words of the pictures, in the language of the case file.

use crate::report::case::file::{CaseFile, Language};

/// The texts of one language.
pub(in crate::report::case) struct Words {
    pub(in crate::report::case) account: &'static str,
    pub(in crate::report::case) outside: &'static str,
    pub(in crate::report::case) nearby: &'static str,
    pub(in crate::report::case) transfer: &'static str,
    pub(in crate::report::case) evidence: &'static str,
    pub(in crate::report::case) other_transfer: &'static str,
    pub(in crate::report::case) uses: &'static str,
    pub(in crate::report::case) no_accounts: &'static str,
    pub(in crate::report::case) no_flow: &'static str,
    pub(in crate::report::case) no_transfers: &'static str,
    pub(in crate::report::case) width_by_amount: &'static str,
    pub(in crate::report::case) step: &'static str,
    pub(in crate::report::case) transfers_over_time: &'static str,
    pub(in crate::report::case) others: &'static str,
    language: Language,
}

const EN: Words = Words {
    account: "account",
    outside: "outside",
    nearby: "nearby account",
    transfer: "transfer",
    evidence: "transfer that a claim rests on",
    other_transfer: "other transfer",
    uses: "uses an identifier",
    no_accounts: "No accounts to draw.",
    no_flow: "No money flow to draw.",
    no_transfers: "No transfers to draw.",
    width_by_amount: "wider: more money, compared within a currency",
    step: "step",
    transfers_over_time: "transfers",
    others: "all other accounts",
    language: Language::En,
};

const ZH: Words = Words {
    account: "账户",
    outside: "外部账户",
    nearby: "周边账户",
    transfer: "转账",
    evidence: "作为证据的转账",
    other_transfer: "其他转账",
    uses: "使用标识",
    no_accounts: "没有可绘制的账户。",
    no_flow: "没有可绘制的资金流。",
    no_transfers: "没有可绘制的转账。",
    width_by_amount: "越宽金额越大（同一币种内比较）",
    step: "第",
    transfers_over_time: "转账笔数",
    others: "其余账户",
    language: Language::Zh,
};

/// The words for `case`.
pub(in crate::report::case) const fn words(case: &CaseFile) -> &'static Words {
    match case.language {
        Language::En => &EN,
        Language::Zh => &ZH,
    }
}

impl Words {
    /// A role as people say it; a role that is not known stays as it is.
    pub(in crate::report::case) fn role<'a>(&self, role: &'a str) -> &'a str {
        crate::report::case::words::Words::of(self.language).named("role", role)
    }

    /// What a transfer that matters is: one that a claim rests on, where there are claims.
    pub(super) const fn matters(&self, case: &CaseFile) -> &'static str {
        if case.claims.is_empty() { self.transfer } else { self.evidence }
    }

    /// What accounts are that do not belong to the subject.
    pub(super) fn beside(&self, case: &CaseFile) -> &'static str {
        if case.subject.kind == "subgraph" { self.nearby } else { self.outside }
    }

    /// `count` transfers.
    pub(in crate::report::case) fn transfers(&self, count: u64) -> String {
        match self.language {
            Language::En if count == 1 => "1 transfer".into(),
            Language::En => format!("{count} transfers"),
            Language::Zh => format!("{count} 笔转账"),
        }
    }

    /// What is drawn of the network.
    pub(super) fn about_ring(&self, accounts: usize, identifiers: usize, transfers: usize) -> String {
        match self.language {
            Language::En => {
                let plural =
                    |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
                let (accounts, transfers) = (plural(accounts, "account"), plural(transfers, "transfer"));
                match identifiers {
                    0 => format!("{accounts}, {transfers}"),
                    _ => format!("{accounts}, {transfers}, {}", plural(identifiers, "shared identifier")),
                }
            }
            Language::Zh if identifiers == 0 => format!("{accounts} 个账户，{transfers} 笔转账"),
            Language::Zh => format!("{accounts} 个账户，{transfers} 笔转账，{identifiers} 个共用标识"),
        }
    }

    /// What is drawn of the money flow.
    pub(super) fn about_flow(&self, currency: &str) -> String {
        match self.language {
            Language::En => format!("Money flow in {currency}, step by step; widths are amounts"),
            Language::Zh => format!("资金流（{currency}），逐步展开；宽度表示金额"),
        }
    }

    /// What is drawn along time.
    pub(super) fn about_time(&self, first: &str, last: &str) -> String {
        match self.language {
            Language::En => format!("Transfers from {first} to {last}; times are UTC"),
            Language::Zh => format!("{first} 至 {last} 的转账；时间为 UTC"),
        }
    }

    /// The heading of a column of the flow.
    pub(super) fn step_number(&self, step: u32) -> String {
        match self.language {
            Language::En => format!("{} {step}", self.step),
            Language::Zh => format!("{} {step} 步", self.step),
        }
    }

    /// That `count` of something is not drawn.
    pub(super) fn left_out(&self, count: usize, what: LeftOut) -> String {
        match (self.language, what) {
            (Language::En, LeftOut::Labels) => format!("{count} names have no room; they are in the titles"),
            (Language::En, LeftOut::Transfers) => format!("{count} transfers are not drawn as arrows"),
            (Language::En, LeftOut::Currencies) => format!("{count} links in other currencies are not drawn"),
            (Language::En, LeftOut::Links) => format!("{count} smaller links are not drawn"),
            (Language::Zh, LeftOut::Labels) => format!("{count} 个名称因空间不足未显示，见悬停提示"),
            (Language::Zh, LeftOut::Transfers) => format!("{count} 笔转账未以箭头绘出"),
            (Language::Zh, LeftOut::Currencies) => format!("{count} 条其他币种的资金流未绘出"),
            (Language::Zh, LeftOut::Links) => format!("{count} 条较小的资金流未绘出"),
        }
    }
}

/// What a picture may leave out, and says so.
#[derive(Clone, Copy)]
pub(super) enum LeftOut {
    Labels,
    Transfers,
    Currencies,
    Links,
}

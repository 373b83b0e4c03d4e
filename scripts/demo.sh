#!/usr/bin/env bash
# The main job of Ringfence from start to end, on a ledger that it invents: who is tied to whom, and
# where a victim's money went.
#
#     scripts/demo.sh RINGFENCE OUTPUT [TRANSACTIONS]
set -euo pipefail

ringfence=$(realpath "$1")
out=$2
transactions=${3:-1000000}

rm -rf "$out"
mkdir -p "$out"
cd "$out"

step() { printf '\n== %s\n' "$1"; }
run() { printf '\n$ ringfence %s\n' "$*"; "$ringfence" "$@"; }

step "A ledger of $transactions payments with planted rings, look-alikes and victims. The truth lies beside it."
run synth ledger --transactions "$transactions" --days 120

step "Its rows become a graph: every row is accepted, or rejected with a reason; the sums must agree."
run ingest bank.graph --preset ledger --transactions ledger/transactions.csv \
    --accounts ledger/accounts.csv --links ledger/links.csv --rejects rejects.csv
run info bank.graph

step "Every byte of every file is checked against what was written, and every rule of the format."
run verify bank.graph --full

step "Who is connected with whom, by shared devices, telephones, addresses and tax numbers?"
run components bank.graph --over identifiers --size-min 2 --output components.csv

step "Rings: what shared identifiers, shapes of money and communities tie, with the evidence. Families share devices and addresses: those tie nobody here."
run rings bank.graph --kinds ssn,phone,email --hubs-where kind=merchant --hubs-where kind=employer --hubs-where kind=payment_firm --output rings

step "Compared with what was planted: a planted ring is found if a ring has half of all accounts that either has"
awk -F, 'FNR == 1 { next }
    FILENAME ~ /truth/ { kind[$1] = $2; planted[$1]++; of[$4] = of[$4] " " $1; next }
    FILENAME ~ /rings.csv/ { rank[$1] = $2; next }
    { size[$1]++; n = split(of[$2], names, " "); for (i = 1; i <= n; i++) shared[$1 "," names[i]]++ }
    END {
        for (pair in shared) {
            split(pair, both, ",")
            if (2 * shared[pair] >= size[both[1]] + planted[both[2]] - shared[pair] && rank[both[1]] <= 100) found[both[2]] = 1
        }
        for (name in planted) { benign = kind[name] == "benign"; all[benign]++; hits[benign] += name in found }
        printf "Among the first 100 rings are %d of %d that were planted, and %d of %d innocent look-alikes.\n", hits[0], all[0], hits[1], all[1]
    }
' ledger/truth_rings.csv rings/rings.csv rings/members.csv

step "Where did the victims' money go? Oldest money leaves first; every cent is accounted for."
run trace bank.graph --seeds ledger/seeds.csv --policy fifo --output trace

step "What of it rests on the rule, and what is held whatever the rule? And by which payments did it get there?"
run trace bank.graph --seeds ledger/seeds.csv --policy all --paths 3 --output compared

step "Case files of the first ring and of the trace: pages that open with no network. Names leave as pseudonyms."
run backup-key names.key
run report bank.graph --ring rings/1 --key-file names.key --case demo --output case.html
run report bank.graph --trace trace --key-file names.key --case demo --output trace.html

step "The same for Gephi, yEd or Cytoscape: the first ring with its neighbourhood, and the payments of the trace."
run export bank.graph --ring rings/1 --hops 1 --key-file names.key --case demo --output ring.graphml
run export bank.graph --trace trace --key-file names.key --case demo --output trace.gexf

step "What to look at, in $out/"
cat <<'TXT'
  case.html, trace.html                        the case files: open them in a browser
  rings/rings.csv, members.csv, claims.csv     rings, who is in them, and why
  trace/holdings.csv                           where the money is now, largest amounts first: the freeze list
  trace/flows.csv                              every payment that carried it, with the traced part
  trace/ledger.json                            the books: seeded = held + at sinks + ..., to the cent
  compared/compare.csv                         who holds what under each rule, and under all of them
  ring.graphml, trace.gexf                     pictures to be, and beside them what was withheld
  ledger/truth_rings.csv                       what was planted, to compare with
TXT

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
run synth ledger --transactions "$transactions"

step "Its rows become a graph: every row is accepted, or rejected with a reason; the sums must agree."
run ingest bank.graph --preset ledger --transactions ledger/transactions.csv \
    --accounts ledger/accounts.csv --links ledger/links.csv --rejects rejects.csv
run info bank.graph

step "Every byte of every file is checked against what was written, and every rule of the format."
run verify bank.graph --full

step "Who is connected with whom, by shared devices, telephones, addresses and tax numbers?"
run components bank.graph --over identifiers --size-min 2 --output components.csv

step "Rings of accounts tied by a shared identifier, with the evidence. Identifiers leave masked."
run rings bank.graph --by identifiers --kinds ssn,phone,email --output rings

step "Compared with what was planted"
awk -F, 'FNR == 1 { next }
    FILENAME ~ /truth/ { if ($2 == "identity_ring") { planted[$4] = 1; num_planted++ } next }
    { num_found++; if ($2 in planted) hits++ }
    END { printf "%d accounts are in rings; %d of them are planted, of %d in all. The others are tied by a device alone,\nas families are: look for them with --kinds device.\n", num_found, hits, num_planted }
' ledger/truth_rings.csv rings/members.csv

step "Where did the victims' money go? Oldest money leaves first; every cent is accounted for."
run trace bank.graph --seeds ledger/seeds.csv --policy fifo --output trace

step "What of it rests on the rule, and what is held whatever the rule? And by which payments did it get there?"
run trace bank.graph --seeds ledger/seeds.csv --policy all --paths 3 --output compared

step "The first ring with its neighbourhood, and the payments of the trace, for Gephi, yEd or Cytoscape. Names leave as pseudonyms."
run backup-key names.key
run export bank.graph --ring rings/0 --hops 1 --key-file names.key --case demo --output ring.graphml
run export bank.graph --trace trace --key-file names.key --case demo --output trace.gexf

step "What to look at, in $out/"
cat <<'TXT'
  rings/rings.csv, members.csv, evidence.csv   rings, who is in them, and why
  trace/holdings.csv                           where the money is now, largest amounts first: the freeze list
  trace/flows.csv                              every payment that carried it, with the traced part
  trace/ledger.json                            the books: seeded = held + at sinks + ..., to the cent
  compared/compare.csv                         who holds what under each rule, and under all of them
  ring.graphml, trace.gexf                     pictures to be, and beside them what was withheld
  ledger/truth_rings.csv                       what was planted, to compare with
TXT

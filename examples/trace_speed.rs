#![allow(missing_docs, clippy::unwrap_used)]
use ringfence::graph::build::{BuildOptions, Input, prepare};
use ringfence::graph::Graph;
use ringfence::ids::TxId;
use ringfence::ingest::Batch;
use ringfence::ingest::batch::{LocalKeys, key_hash};
use ringfence::store::manifest::Partition;
use ringfence::store::{Io, StoreWriter};
use ringfence::trace::*;
use ringfence::units::Currency;
use ringfence::Run;
use std::time::Instant;
fn rnd(s: &mut u64) -> u64 { *s = s.wrapping_add(0x9e37_79b9_7f4a_7c15); let z=(*s ^ (*s>>30)).wrapping_mul(0xbf58_476d_1ce4_e5b9); let z=(z^(z>>27)).wrapping_mul(0x94d0_49bb_1331_11eb); z^(z>>31) }
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let n: u64 = args[1].parse().unwrap();
    let m: u64 = args[2].parse().unwrap();
    let path = std::path::PathBuf::from(format!("/tmp/trace_speed_{n}_{m}.ring"));
    if !path.exists() {
        let s = &mut 7u64;
        let mut keys = LocalKeys::default(); keys.offsets.push(0);
        let mut place = vec![u32::MAX; n as usize];
        let mut b = Batch { currencies: vec![Currency{code:"USD".into(), exponent:2}], first_record: 1, ..Batch::default() };
        let pick = |s: &mut u64| { let u = (rnd(s) >> 11) as f64 / (1u64<<53) as f64; ((u.powf(3.0)) * n as f64) as u64 };
        for i in 0..m {
            let mut id = |x: u64| { if place[x as usize]==u32::MAX { place[x as usize]=keys.hashes.len() as u32; let k=format!("A{x}"); keys.text.extend_from_slice(k.as_bytes()); keys.offsets.push(keys.text.len() as u32); keys.hashes.push(key_hash(k.as_bytes())); } place[x as usize] };
            let a = pick(s); let c = pick(s);
            b.source.push(id(a)); b.destination.push(id((c * 2654435761) % n));
            b.time.push(i as i64 * 1_000_000);
            b.amount.push(1 + (rnd(s) % 1000 * (rnd(s) % 1000)) as i64);
        }
        b.accounts = keys;
        let run = Run::new();
        let p = prepare(Input{batches: vec![b], ..Input::default()}, &BuildOptions::default(), &run).unwrap();
        let mut w = StoreWriter::create(&path).unwrap(); w.set_durable(false);
        let partition = if args.get(3).is_some() { Partition::Month } else { Partition::None };
        p.publish(w, partition, vec![], vec![], &run).unwrap();
    }
    let g = Graph::open(&path, Io::Mmap).unwrap();
    for (_, seg) in g.segments() { let t=&seg.transactions; t.source.all().unwrap(); t.destination.all().unwrap(); t.time.all().unwrap(); t.amount.all().unwrap(); seg.outgoing.transactions.all().unwrap(); seg.outgoing.neighbors.all().unwrap(); seg.incoming.transactions.all().unwrap(); seg.incoming.neighbors.all().unwrap(); }
    let run = Run::new().threads(1).unwrap();
    for policy in Policy::ALL {
        let s = &mut 99u64;
        let single = vec![Seed { case: 0, kind: SeedKind::Transaction { transaction: TxId(m / 100), amount: None } }];
        let many: Vec<Seed> = (0..200).map(|case| Seed { case, kind: SeedKind::Transaction { transaction: TxId(rnd(s) % m), amount: None } }).collect();
        let hundred: Vec<Seed> = (0..100).map(|case| Seed { case, kind: SeedKind::Transaction { transaction: TxId(rnd(s) % m), amount: None } }).collect();
        let short: Vec<Seed> = (0..2000).map(|case| Seed { case, kind: SeedKind::Transaction { transaction: TxId(m - m/50 + rnd(s) % (m/50)), amount: None } }).collect();
        for (name, seeds, joint) in [("one", &single, true), ("100 joint", &hundred, true), ("200 alone", &many, false), ("2000 alone, late", &short, false)] {
            for opening in Opening::ALL {
                if opening == Opening::Minimal && name != "one" { continue; }
                let o = TraceOptions { policy, opening, joint, ..TraceOptions::default() };
                let mut best = f64::MAX; let mut t = Trace::default();
                for _ in 0..3 { let i = Instant::now(); t = run.install(|| downstream(&g.view(), seeds.len() as u32, seeds, &o, &run)).unwrap(); best = best.min(i.elapsed().as_secs_f64()); if best > 3.0 { break; } }
                println!("{:8} {:12} {:16} {:8.3} s  events {:10} {:6.2} M/s  flows {} holdings {}", policy.name(), opening.name(), name, best, t.events, t.events as f64/best/1e6, t.flows.len(), t.holdings.len());
            }
        }
    }
}

//! Structure of a social network as its publisher gives it.

use super::{support::shared_data, two_threads, unpacked};
use ringfence::community::{clustering, cores, strong_components, triangles};
use ringfence::graph::project::Rows;

/// soc-Slashdot0902 of SNAP: <https://snap.stanford.edu/data/soc-Slashdot0902.html>.
#[test]
fn the_structure_of_slashdot_is_the_published_one() {
    let Some(folder) = shared_data("soc-slashdot0902") else { return };
    let text = unpacked(&folder.join("soc-Slashdot0902.txt.gz"));
    let edges: Vec<(u32, u32, u64)> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once('\t').unwrap())
        .map(|(from, to)| (from.parse().unwrap(), to.trim().parse().unwrap(), 1))
        .collect();
    const NODES: usize = 82_168;
    assert_eq!(edges.len(), 948_464);
    let (out, run) = (Rows::directed(NODES, &edges), two_threads());
    let strong = strong_components(&out, &out.transposed(NODES), &run).unwrap();
    let mut sizes = vec![0; NODES];
    strong.labels.iter().for_each(|&label| sizes[label as usize] += 1);
    let largest = (0..NODES as u32).max_by_key(|&label| sizes[label as usize]).unwrap();
    let inside =
        |edge: &&(u32, u32, u64)| [edge.0, edge.1].iter().all(|&end| strong.labels[end as usize] == largest);
    // Edges from a node to itself are inside, too.
    assert_eq!((sizes[largest as usize], edges.iter().filter(inside).count()), (71_307, 912_381));
    assert_eq!(strong.num_components, 10_559); // as scipy finds
    let rows = Rows::undirected(NODES, &edges);
    assert_eq!(rows.num_entries() / 2, 504_230);
    assert_eq!(triangles(&rows, &run).unwrap().total, 602_592);
    let found = clustering(&rows, &run).unwrap();
    assert!((found.average - 0.0603).abs() < 5e-5, "{}", found.average);
    assert!((found.transitivity - 0.02411).abs() < 5e-6, "{}", found.transitivity);
    let found = cores(&rows, &run).unwrap();
    assert_eq!((found.degeneracy(), found.core(55).len()), (55, 134)); // as NetworKit finds
}

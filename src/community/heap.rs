//! A queue of nodes by key, smallest first, whose keys may change while they wait.
//!
//! # Method
//! A heap with four children per place, which knows where each node is. Ties go to the smaller node, so that the order
//! of leaving is a function of the keys alone.
//!
//! # Cost
//! O(log n) a change; 4 bytes per node and, for each waiting, 4 and the key.

/// Nodes of `0..num_nodes`, each at most once, with a key.
pub(super) struct Heap<K> {
    /// The waiting, every one behind its parent.
    waiting: Vec<(K, u32)>,
    /// For each node its place among the waiting, or [`AWAY`].
    places: Vec<u32>,
}

/// Place of a node that does not wait.
const AWAY: u32 = u32::MAX;

/// Children of a place.
const CHILDREN: usize = 4;

impl<K: Copy + Ord> Heap<K> {
    /// An empty queue for `0..num_nodes`.
    pub fn new(num_nodes: usize) -> Self {
        Heap { waiting: Vec::new(), places: vec![AWAY; num_nodes] }
    }

    /// All nodes of `0..num_nodes` for which `key` gives one.
    pub fn of(num_nodes: usize, key: impl Fn(u32) -> Option<K>) -> Self {
        let waiting: Vec<(K, u32)> =
            (0..num_nodes as u32).filter_map(|node| key(node).map(|key| (key, node))).collect();
        let mut heap = Heap { waiting, places: vec![AWAY; num_nodes] };
        for place in 0..heap.waiting.len() {
            heap.places[heap.waiting[place].1 as usize] = place as u32;
        }
        for place in (0..heap.waiting.len().div_ceil(CHILDREN)).rev() {
            heap.sink(place);
        }
        heap
    }

    /// Whether a node waits.
    #[inline]
    pub fn contains(&self, node: u32) -> bool {
        self.places[node as usize] != AWAY
    }

    /// The key of a node that waits.
    #[inline]
    pub fn key(&self, node: u32) -> Option<K> {
        self.waiting.get(self.places[node as usize] as usize).map(|waiting| waiting.0)
    }

    /// The node that leaves next, with its key.
    #[inline]
    pub fn first(&self) -> Option<(K, u32)> {
        self.waiting.first().copied()
    }

    /// Takes the node that leaves next.
    pub fn pop(&mut self) -> Option<(K, u32)> {
        let first = self.first()?;
        let last = self.waiting.pop()?;
        self.places[first.1 as usize] = AWAY;
        if !self.waiting.is_empty() {
            self.waiting[0] = last;
            self.places[last.1 as usize] = 0;
            self.sink(0);
        }
        Some(first)
    }

    /// Lets a node wait with `key`, or gives it that key if it waits.
    pub fn set(&mut self, node: u32, key: K) {
        let place = self.places[node as usize];
        if place == AWAY {
            self.places[node as usize] = self.waiting.len() as u32;
            self.waiting.push((key, node));
            self.rise(self.waiting.len() - 1);
            return;
        }
        let place = place as usize;
        let rises = key < self.waiting[place].0;
        self.waiting[place].0 = key;
        match rises {
            true => self.rise(place),
            false => self.sink(place),
        }
    }

    fn rise(&mut self, mut place: usize) {
        let own = self.waiting[place];
        while place > 0 {
            let parent = (place - 1) / CHILDREN;
            if self.waiting[parent] <= own {
                break;
            }
            self.waiting[place] = self.waiting[parent];
            self.places[self.waiting[place].1 as usize] = place as u32;
            place = parent;
        }
        self.waiting[place] = own;
        self.places[own.1 as usize] = place as u32;
    }

    fn sink(&mut self, mut place: usize) {
        let own = self.waiting[place];
        loop {
            let children = place * CHILDREN + 1..(place * CHILDREN + 1 + CHILDREN).min(self.waiting.len());
            let Some(least) = children.min_by_key(|&child| self.waiting[child]) else { break };
            if self.waiting[least] >= own {
                break;
            }
            self.waiting[place] = self.waiting[least];
            self.places[self.waiting[place].1 as usize] = place as u32;
            place = least;
        }
        self.waiting[place] = own;
        self.places[own.1 as usize] = place as u32;
    }
}

//! Links joined to tracks.

use std::collections::BTreeMap;

/// A spine: position of its session, and of the spine in it.
pub type Member = (usize, usize);

/// Sites: spines joined by links, sorted by session within and by first spine among each other. Spines without links are
/// sites of their own. `counts` are the numbers of spines per session.
///
/// Each spine has at most one link to a later and one to an earlier session, so no site has two spines of a session.
///
/// ```
/// use gemmule::track::chain;
/// // Three sessions with 2, 1 and 2 spines; the second spine of the first is seen in all.
/// let links = [((0, 1), (1, 0)), ((1, 0), (2, 0))];
/// assert_eq!(chain(&[2, 1, 2], &links), [vec![(0, 0)], vec![(0, 1), (1, 0), (2, 0)], vec![(2, 1)]]);
/// ```
pub fn chain(counts: &[usize], links: &[(Member, Member)]) -> Vec<Vec<Member>> {
    let next: BTreeMap<Member, Member> = links.iter().copied().collect();
    let has_earlier: std::collections::BTreeSet<Member> = links.iter().map(|l| l.1).collect();
    let all = counts.iter().enumerate().flat_map(|(session, &n)| (0..n).map(move |spine| (session, spine)));
    let firsts = all.filter(|member| !has_earlier.contains(member));
    firsts.map(|first| std::iter::successors(Some(first), |member| next.get(member).copied()).collect()).collect()
}

#[cfg(test)]
mod tests {
    use crate::track::chain;

    #[test]
    fn every_spine_is_on_one_site() {
        let sites = chain(&[2, 1, 2], &[((0, 1), (1, 0)), ((1, 0), (2, 0))]);
        assert_eq!(sites, [vec![(0, 0)], vec![(0, 1), (1, 0), (2, 0)], vec![(2, 1)]]);
    }
}

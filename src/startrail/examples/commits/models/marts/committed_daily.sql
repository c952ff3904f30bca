/* startrail
description: Commits by the UTC day on which they were applied.
kind: partition
partition_by: {column: committed_on, grain: month}  # seventeen years: months are plenty
grain: [committed_on, repo]
checks:
  - not_null: [committed_on, repo]
  - unique: [committed_on, repo]
  - sql: commits >= merges
*/
select
    cast(c.committed_at as date) as committed_on,
    c.repo,
    count(*) as commits,
    count(*) filter (where c.is_merge) as merges,
    cast(sum(c.insertions) as bigint) as insertions,
    cast(sum(c.deletions) as bigint) as deletions
from staging.commits as c
where c.committed_at >= $start
  and c.committed_at < $end
group by all

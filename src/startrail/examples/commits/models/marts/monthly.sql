/* startrail
description: Commits per month and repository by both dates; where they differ, work was applied later than written.
kind: table
grain: [month, repo]
checks:
  - not_null: [month, repo, committed, authored]
  - unique: [month, repo]
*/
with committed as (
    select date_trunc('month', d.committed_on) as month, d.repo, sum(d.commits) as commits
    from marts.committed_daily as d
    group by all
),

authored as (
    select date_trunc('month', d.authored_on) as month, d.repo, sum(d.commits) as commits
    from marts.authored_daily as d
    group by all
)

select
    cast(coalesce(c.month, a.month) as date) as month,
    coalesce(c.repo, a.repo) as repo,
    cast(coalesce(c.commits, 0) as bigint) as committed,
    cast(coalesce(a.commits, 0) as bigint) as authored
from committed as c
full outer join authored as a on c.month = a.month and c.repo = a.repo

/* startrail
description: Commits by the day on which their author wrote them, in the author's own calendar.
kind: table
grain: [authored_on, repo]
checks:
  - not_null: [authored_on, repo]
  - unique: [authored_on, repo]
*/
select
    c.authored_on,
    c.repo,
    count(*) as commits,
    count(*) filter (where c.is_merge) as merges,
    cast(sum(c.insertions) as bigint) as insertions,
    cast(sum(c.deletions) as bigint) as deletions
from staging.commits as c
group by all

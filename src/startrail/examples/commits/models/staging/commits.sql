/* startrail
description: Commits with both dates. authored_on is the author's own calendar day, committed_at an instant.
kind: view
*/
select
    c.repo,
    c.sha,
    c.parents >= 2 as is_merge,
    cast(substr(c.authored_at, 1, 10) as date) as authored_on,
    cast(c.authored_at as timestamp with time zone) as authored_at,
    c.committed_at,
    c.files_changed,
    c.insertions,
    c.deletions
from raw.commits as c

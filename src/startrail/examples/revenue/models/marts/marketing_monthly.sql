/* startrail
description: Marketing's months. What was ordered, by the day of the order.
kind: table
grain: [month]
checks:
  - not_null: [month, revenue]
*/
select
    cast(date_trunc('month', timezone('Europe/Madrid', o.ordered_at)) as date) as month,
    cast(sum(o.amount) as decimal(18, 2)) as revenue
from raw.orders as o
where o.status <> 'cancelled'
group by all

/* startrail
description: One row per day and shop; what the nine o'clock report shows.
owner: finance@shop.example
kind: partition
partition_by: sold_on
grain: [sold_on, store]
columns:
  orders: {description: Sales without refunds}
  units: {description: Pieces sold without those taken back}
  refunds_eur: {type: "decimal(18,2)", unit: EUR, description: Given back; below zero}
  revenue_eur: {type: "decimal(18,2)", unit: EUR, description: Net of refunds}
checks:
  - not_null: [sold_on, store, revenue_eur]
  - unique: [sold_on, store]
  - row_count: {min: 1}
  - sql: revenue_eur >= 0
    severity: warn
*/
select
    s.sold_on,
    s.channel,
    s.store,
    cast(count(*) filter (where s.kind = 'sale') as bigint) as orders,
    cast(coalesce(sum(s.quantity) filter (where s.kind = 'sale'), 0) as bigint) as units,
    cast(coalesce(sum(s.revenue_eur) filter (where s.kind = 'refund'), 0) as decimal(18, 2)) as refunds_eur,
    cast(sum(s.revenue_eur) as decimal(18, 2)) as revenue_eur
from marts.sales as s
where s.sold_on >= $start
  and s.sold_on < $end
group by s.sold_on, s.channel, s.store
